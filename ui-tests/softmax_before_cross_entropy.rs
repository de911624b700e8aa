#![deny(warnings)]

use sinew::prelude::*;

#[model]
fn loss<B>(x: Tensor<B, 4>, y: Tensor<i32, B>) -> Tensor {
    let p = x.softmax();
    cross_entropy(p, y)
}

fn main() {}
