use sinew::prelude::*;

#[model]
fn f(x: Tensor<6>) -> Tensor {
    x[-7]
}

fn main() {}
