use sinew::prelude::*;
use sinew::ops::conv2d;

#[model]
fn f<B>(x: Tensor<B, 3, 8, 8>, w: Tensor<16, 1, 3, 3>) -> Tensor<B, 16, 6, 6> {
    conv2d(x, w)
}

fn main() {}
