#![deny(warnings)]

use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    let shares = x.softmax();
    let x = x.relu();
    x
}

fn main() {}
