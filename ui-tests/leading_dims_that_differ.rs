use sinew::prelude::*;

#[model]
fn g<S>(x: Tensor<[S], 64>, y: Tensor<[S], 64>) -> Tensor<[S], 64> {
    x + y
}

#[model]
fn f<B, T>(x: Tensor<B, T, 64>, y: Tensor<B, 64>) -> Tensor<B, T, 64> {
    g(x, y)
}

fn main() {}
