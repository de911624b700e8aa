use sinew::prelude::*;

#[model]
fn g<B>(x: Tensor<B, 64>) -> Tensor<B> {
    x.sum(-1)
}

#[model]
fn f<S>(x: Tensor<[S], 64>) -> Tensor<[S]> {
    g(x)
}

fn main() {}
