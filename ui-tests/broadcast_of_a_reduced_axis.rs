//! What was reduced has an axis less.
use sinew::prelude::*;

#[model]
fn rows<B, D>(x: Tensor<B, D>) -> Tensor<B, D> {
    let mean = x.mean(-1);
    x - mean
}

#[model]
fn middle<B, T, D>(x: Tensor<B, T, D>) -> Tensor<B, T, D> {
    x.mean(1) * x
}

fn main() {}
