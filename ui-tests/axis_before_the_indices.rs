use sinew::prelude::*;

#[model]
fn f(x: Tensor<2, 3>, i: Tensor<i32, 1>, y: Tensor<1, 3>) -> Tensor<2, 3> {
    x.index_add(0, i, y)
}

#[model]
fn g(x: Tensor<2, 3>, i: Tensor<i32, 1, 3>) -> Tensor<1, 3> {
    x.take(0, i)
}

fn main() {}
