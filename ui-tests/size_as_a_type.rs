use sinew::prelude::*;

#[model]
struct Net<H> {
    fc: Linear<4, 8>,
    act: H,
}

#[model]
fn f<B, H>(m: &Net<H>, x: Tensor<B, 4>) -> Tensor<B, 8> {
    m.fc.forward(x)
}

fn main() {}
