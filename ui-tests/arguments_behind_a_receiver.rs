use sinew::prelude::*;

#[model]
fn f<B, T, D>(x: Tensor<B, T, D>) -> Tensor<B, D, T> {
    x.transpose(1, 2)
}

#[model]
fn g<B>(x: Tensor<B, 28, 28>) -> Tensor<B, 784> {
    x.reshape(B, 784)
}

fn main() {}
