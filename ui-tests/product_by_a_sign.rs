use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 4>, w: Tensor<4, 8>) -> Tensor<B, 8> {
    x @ w
}

fn main() {}
