use sinew::prelude::*;

#[model]
fn f<B>(mut x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
