use sinew::prelude::*;

const SIZE: usize = 5;

#[model]
fn f(x: Tensor<6>) -> Tensor {
    x.windows(SIZE, dilation = 2).sum()
}

fn main() {}
