use sinew::prelude::*;
use sinew::ops::conv_transpose1d;

#[model]
fn f<B>(x: Tensor<B, 3, 8>, w: Tensor<3, 4, 3>) -> Tensor<B, 4, 19> {
    conv_transpose1d(x, w, stride = 2, output_padding = 2)
}

fn main() {}
