use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, mask: Option<Tensor<bool, B>>) -> Tensor<B> {
    x
}

#[model]
fn g<B>(x: Tensor<B>) -> Result<Tensor<B>> {
    x
}

#[model]
fn h<B>(x: Vec<Tensor<B>>, m: Box<Linear<2, 3>>) -> Tensor<B> {
    x
}

fn main() {}
