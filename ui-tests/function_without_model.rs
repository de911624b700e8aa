use sinew::prelude::*;

#[model]
struct Net {
    inner: Linear<4, 8>,
}

fn hidden<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 8> {
    relu(m.inner.forward(x))
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    hidden(m, x).mean()
}

fn main() {}
