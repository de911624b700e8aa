use sinew::prelude::*;

#[model]
fn f<B>(y: Tensor<i32, B>) -> Tensor<i32, B> {
    y / 2
}

fn main() {}
