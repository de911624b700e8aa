use sinew::ops::{bce_with_logits, binary_cross_entropy};
use sinew::prelude::*;

const CLASSES: usize = 5;

#[model]
fn f<B>(x: Tensor<B, CLASSES>, y: Tensor<i32, B>, w: Tensor<B>) -> Tensor {
    cross_entropy(x, y, weight = w) + nll_loss(x, y, weight = 2.0)
}

#[model]
fn g(x: Tensor<2, 3>, w: Tensor<2>, p: Tensor<4, 2, 3>) -> Tensor {
    binary_cross_entropy(x, x, weight = w) + bce_with_logits(x, x, weight = p)
}

#[model]
fn h<B>(x: Tensor<B, 3>, y: Tensor<i32, B>, w: Tensor<CLASSES>) -> Tensor {
    cross_entropy(x, y, weight = w)
}

fn main() {}
