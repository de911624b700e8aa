use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    if B { x } else { -x }
}

#[model]
fn g<B>(x: Tensor<B>) -> Tensor<B> {
    if 1 + 1 { x } else { -x }
}

fn main() {}
