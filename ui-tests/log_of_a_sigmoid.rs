#![deny(warnings)]

use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    x.sigmoid().reshape([B, 2, 2]).log().reshape([B, 4])
}

fn main() {}
