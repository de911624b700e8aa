use sinew::prelude::*;

#[model]
fn f<B>(xs: [Tensor<B>; 3]) -> Tensor<B> {
    xs[3]
}

#[model]
fn g<B>(xs: [Tensor<B>; 3]) -> Tensor<B> {
    xs[0..2]
}

fn main() {}
