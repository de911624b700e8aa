//! The gradient is a value, not a function of what it is taken by.
use sinew::prelude::*;

#[model]
fn slope<N>(x: Tensor<N>) -> Tensor<N> {
    grad(|v| v.square().sum())(x)
}

fn main() {}
