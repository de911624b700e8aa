use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, steps: i32) -> Tensor<B> {
    x * steps
}

fn main() {}
