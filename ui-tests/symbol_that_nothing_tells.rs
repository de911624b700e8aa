use sinew::prelude::*;

#[model]
fn ones_of<N>(x: Tensor) -> Tensor<N> {
    x * ones([N])
}

#[model]
fn f(x: Tensor) -> Tensor {
    ones_of(x).sum()
}

fn main() {}
