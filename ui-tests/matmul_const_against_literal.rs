use sinew::prelude::*;

const HIDDEN: usize = 128;

#[model]
fn f<B>(h: Tensor<B, HIDDEN>, w: Tensor<64, 10>) -> Tensor<B, 10> {
    matmul(h, w)
}

fn main() {}
