use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, y: Tensor<i32, B>) -> Tensor<B> {
    x * y
}

fn main() {}
