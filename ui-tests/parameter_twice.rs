use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
