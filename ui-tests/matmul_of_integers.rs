use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<i32, B, 4>, y: Tensor<i32, 4, 5>) -> Tensor<i32, B, 5> {
    matmul(x, y)
}

fn main() {}
