use sinew::prelude::*;

const N: usize = 3;

#[model]
fn f<B>(xs: [Tensor<B>; N]) -> Tensor<B> {
    xs[0]
}

#[model]
fn g<B>(xs: [Tensor<B>; 65]) -> Tensor<B> {
    xs[0]
}

fn main() {}
