//! Flattening is of all axes.
use sinew::prelude::*;

#[model]
fn rows<B, C, H>(x: Tensor<B, C, H>) -> Tensor<B, { C * H }> {
    x.flatten(1)
}

fn main() {}
