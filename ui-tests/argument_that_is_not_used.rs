#![deny(warnings)]

use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 4>, mask: Tensor<B>) -> Tensor<B, 4> {
    x.relu()
}

fn main() {}
