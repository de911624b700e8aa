use sinew::prelude::*;

#[model]
fn mean_of<B, D>(x: Tensor<B, D>) -> Tensor<B> {
    x.mean(-1)
}

#[model]
fn f<B, T>(x: Tensor<B, T, 8>) -> Tensor<B> {
    mean_of(x)
}

fn main() {}
