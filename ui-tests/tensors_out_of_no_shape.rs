use sinew::ops::{bernoulli, linspace};
use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<N>) -> Tensor<N> {
    let filled = (ones(3), full(3, 1.0), iota([3], 1), zeros_like(), ones_like(x, 2));
    let counted = (linspace(0.0), one_hot(x, 3), bernoulli(3, 0.5));
    let told = (training(1), x.stop_gradient(1), x.to(x), patch("there"));
    x
}

fn main() {}
