//! A name goes with its block.
use sinew::prelude::*;

#[model]
fn last<T, D>(x: Tensor<T, D>) -> Tensor<D> {
    for t in 0..T {
        let y = x[t] * 2.0;
    }
    y
}

fn main() {}
