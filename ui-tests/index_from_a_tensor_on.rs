use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, i: Tensor<i32>) -> Tensor<2> {
    x[i..i + 2]
}

fn main() {}
