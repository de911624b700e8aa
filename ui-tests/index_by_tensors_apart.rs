use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3, 4>, i: Tensor<i32, 2>) -> Tensor<2, 3> {
    x[(i, .., i)]
}

fn main() {}
