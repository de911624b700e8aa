use sinew::prelude::*;

#[model]
fn first<B>(x: Tensor<B>) -> Tensor<B> {
    second(x - 1)
}

#[model]
fn second<B>(x: Tensor<B>) -> Tensor<B> {
    third(x - 1)
}

#[model]
fn third<B>(x: Tensor<B>) -> Tensor<B> {
    first(x - 1)
}

fn main() {}
