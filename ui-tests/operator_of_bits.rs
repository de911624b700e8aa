use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    x & y
}

fn main() {}
