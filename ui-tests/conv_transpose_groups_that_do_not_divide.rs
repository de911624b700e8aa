use sinew::prelude::*;
use sinew::ops::conv_transpose1d;

#[model]
fn f<B>(x: Tensor<B, 5, 8>, w: Tensor<5, 2, 3>) -> Tensor<B, 4, 10> {
    conv_transpose1d(x, w, groups = 2)
}

fn main() {}
