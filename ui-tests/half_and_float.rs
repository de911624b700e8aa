use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<f16, B>, y: Tensor<B>) -> Tensor<B> {
    x + y
}

fn main() {}
