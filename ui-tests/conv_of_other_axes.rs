use sinew::prelude::*;
use sinew::ops::conv2d;

#[model]
fn f<B>(x: Tensor<B, 28, 28>, w: Tensor<8, 1, 3, 3>) -> Tensor<B, 8, 26, 26> {
    conv2d(x.flatten(), w)
}

fn main() {}
