#![deny(warnings)]

use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    x.softmax(-1).log()
}

fn main() {}
