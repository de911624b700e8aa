use sinew::prelude::*;

#[model]
struct Net {
    inner: Linear<4, 4>,
    next: Net,
}

#[model]
fn f<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 4> {
    m.inner.forward(x)
}

fn main() {}
