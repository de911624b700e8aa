use sinew::prelude::*;

#[model]
fn total<B>(xs: [Tensor<B>; 3]) -> Tensor<B> {
    xs[0] + xs[1] + xs[2]
}

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    total([x, x])
}

#[model]
fn g<B>(x: Tensor<B>) -> Tensor<B> {
    total(x)
}

fn main() {}
