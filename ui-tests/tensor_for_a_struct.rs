use sinew::prelude::*;

#[model]
fn g<B>(m: &Linear<64, 10>, x: Tensor<B, 64>) -> Tensor<B, 10> {
    m.forward(x)
}

#[model]
fn f<B>(x: Tensor<B, 64>) -> Tensor<B, 10> {
    g(x, x)
}

fn main() {}
