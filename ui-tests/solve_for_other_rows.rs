use sinew::prelude::*;
use sinew::ops::triangular_solve;

#[model]
fn f(x: Tensor<3, 3>, b: Tensor<4, 1>) -> Tensor<3, 1> {
    triangular_solve(x, b)
}

fn main() {}
