use sinew::prelude::*;

#[model]
fn f(x: Vec<f32>) -> Tensor {
    x.sum()
}

#[model]
fn g(x: &[f32]) -> Tensor {
    x.sum()
}

fn main() {}
