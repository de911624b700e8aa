use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor {
    x[(0, 1, 2)]
}

fn main() {}
