use sinew::prelude::*;

#[model]
fn f<B: Copy>(x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
