use sinew::prelude::*;

use sinew::ops::matmul as mm;

#[model]
fn f<B>(x: Tensor<B, 3>, w: Tensor<3, 2>) -> Tensor<B, 2> {
    mm(x, w)
}

fn main() {}
