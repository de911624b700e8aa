use sinew::prelude::*;

#[model]
fn f<B>(h: Tensor<B, 4>, g: Tensor<B, 4>, w: Tensor<8, 2>) -> Tensor<B, 2> {
    matmul(h + g, w)
}

fn main() {}
