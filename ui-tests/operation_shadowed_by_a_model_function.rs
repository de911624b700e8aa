use sinew::prelude::*;

#[model]
fn relu<B>(x: Tensor<B>) -> Tensor<B> {
    x
}

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    relu(x)
}

fn main() {}
