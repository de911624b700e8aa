use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, n: usize) -> Tensor<B> {
    x * n
}

#[model]
fn g<B>(x: Tensor<B>, n: i64) -> Tensor<B> {
    x * n
}

fn main() {}
