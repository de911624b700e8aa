use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<float, B>) -> Tensor<B> {
    x
}

fn main() {}
