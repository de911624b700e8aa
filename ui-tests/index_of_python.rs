use sinew::prelude::*;

#[model]
fn last<B, T>(x: Tensor<B, T>) -> Tensor<B> {
    x[.., -1]
}

#[model]
fn first<B, T>(x: Tensor<B, T>) -> Tensor<B> {
    x[:, 0]
}

fn main() {}
