use sinew::prelude::*;

const FIRST: usize = 5;

#[model]
fn f(x: Tensor<6>) -> Tensor {
    x.narrow(0, FIRST, 2).sum()
}

fn main() {}
