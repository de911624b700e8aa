//! Tensors do not change; variables do.
use sinew::prelude::*;

#[model]
fn doubled<T, D>(x: Tensor<T, D>) -> Tensor<T, D> {
    let mut out = zeros([T, D]);
    for t in 0..T {
        out[t] = x[t] * 2.0;
    }
    out
}

fn main() {}
