use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<i32, B>, y: Tensor<B>) -> Tensor<i32, B> {
    x.set(.., y)
}

fn main() {}
