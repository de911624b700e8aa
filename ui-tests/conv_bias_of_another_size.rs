use sinew::prelude::*;
use sinew::ops::conv2d;

#[model]
fn f<B>(x: Tensor<B, 3, 8, 8>, w: Tensor<4, 3, 3, 3>, b: Tensor<3>) -> Tensor<B, 4, 6, 6> {
    conv2d(x, w, b)
}

fn main() {}
