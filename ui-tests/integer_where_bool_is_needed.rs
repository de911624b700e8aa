use sinew::prelude::*;

#[model]
fn f<B>(y: Tensor<i32, B>) -> Tensor<bool, B> {
    (y == 1) || y
}

fn main() {}
