use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>, w: Tensor<3, 2>) -> Tensor<B, 2> {
    matmull(x, w)
}

fn main() {}
