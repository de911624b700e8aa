use sinew::prelude::*;

#[model]
fn f16<B>(x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
