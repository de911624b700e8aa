#![deny(warnings)]

use sinew::prelude::*;

#[model]
fn f<B, T>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    x.relu()
}

fn main() {}
