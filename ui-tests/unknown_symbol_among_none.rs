use sinew::prelude::*;

#[model]
fn f(x: Tensor<n>) -> Tensor {
    x.sum()
}

fn main() {}
