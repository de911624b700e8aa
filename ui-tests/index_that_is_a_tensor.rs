use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<6, 4>, i: Tensor<i32, B>) -> Tensor<B, 4> {
    x[i]
}

fn main() {}
