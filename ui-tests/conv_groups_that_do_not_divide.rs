use sinew::prelude::*;
use sinew::ops::conv2d;

#[model]
fn f<B>(x: Tensor<B, 4, 8, 8>, w: Tensor<9, 2, 3, 3>) -> Tensor<B, 9, 6, 6> {
    conv2d(x, w, groups = 2)
}

fn main() {}
