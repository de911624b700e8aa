use sinew::prelude::*;

#[model]
fn g<B>(x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    x + y
}

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    g(x, y = x)
}

fn main() {}
