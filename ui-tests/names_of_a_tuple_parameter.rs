use sinew::prelude::*;

#[model]
fn f<B>((h, c, x): (Tensor<B>, Tensor<B>)) -> Tensor<B> {
    h + c + x
}

#[model]
fn g<B>((h, c): [Tensor<B>; 2]) -> Tensor<B> {
    h + c
}

fn main() {}
