use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<f16, B>) -> Tensor<B> {
    x
}

fn main() {}
