use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<u32, B>, y: Tensor<i32, B>) -> Tensor<u32, B> {
    x << y
}

fn main() {}
