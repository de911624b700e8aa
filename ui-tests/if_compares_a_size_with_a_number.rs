use sinew::prelude::*;

#[model]
struct Net {
    rate: f32,
}

#[model]
fn f<B>(m: &Net, x: Tensor<B>) -> Tensor<B> {
    let x = if B > m.rate { x } else { -x };
    let x = if m.rate < B { x } else { -x };
    if B < 0.5 { x } else { -x }
}

fn main() {}
