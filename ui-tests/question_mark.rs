use sinew::prelude::*;

#[model]
fn g<B>(x: Tensor<B>) -> Tensor<B> {
    x
}

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    g(x)?
}

fn main() {}
