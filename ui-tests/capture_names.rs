use sinew::prelude::*;

#[model]
fn a_name_with_a_space(x: Tensor<4>) -> Tensor<4> {
    capture("hidden layer", x)
}

#[model]
fn no_name(x: Tensor<4>) -> Tensor<4> {
    let x = x.capture();
    x.patch(1)
}

fn main() {}
