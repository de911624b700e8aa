use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, i32>) -> Tensor<i32, B> {
    x
}

fn main() {}
