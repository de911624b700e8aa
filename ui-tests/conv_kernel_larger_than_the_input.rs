use sinew::prelude::*;
use sinew::ops::conv2d;

#[model]
fn f<B>(x: Tensor<B, 3, 4, 4>, w: Tensor<8, 3, 7, 7>) -> Tensor<B, 8, 1, 1> {
    conv2d(x, w, padding = 1)
}

fn main() {}
