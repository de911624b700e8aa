use sinew::prelude::*;
use sinew::ops::conv2d;

const SIZE: usize = 4;

#[model]
fn f<B>(x: Tensor<B, 3, SIZE, 9>, w: Tensor<8, 3, 7, 7>) -> Tensor {
    conv2d(x, w).sum()
}

fn main() {}
