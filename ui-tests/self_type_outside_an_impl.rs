use sinew::prelude::*;

#[model]
fn f<B>(m: &Self, x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
