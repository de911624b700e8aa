#![deny(warnings)]

use sinew::prelude::*;

#[model]
fn off<B>(p: Tensor<B, 1>, y: Tensor<B>) -> Tensor {
    let d = p - y;
    (d * d).mean()
}

fn main() {}
