use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<64, 10>,
}

#[model]
fn f<B>(m: &Net, x: Tensor<B, 64>) -> Tensor<B, 10> {
    Linear::<32, 10>::forward(m.out, x)
}

fn main() {}
