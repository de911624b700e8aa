use sinew::prelude::*;
use sinew::ops::conv2d;

const IN: usize = 3;
const OTHER: usize = 4;

#[model]
fn f<B>(x: Tensor<B, IN, 8, 8>, w: Tensor<16, OTHER, 3, 3>) -> Tensor<B, 16, 6, 6> {
    conv2d(x, w)
}

fn main() {}
