use sinew::prelude::*;

#[model]
struct Net {
    scale: f32,
    inner: Linear<4, 4>,
}

#[model]
fn f<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 4> {
    m.inner.forward(x) * scale
}

fn main() {}
