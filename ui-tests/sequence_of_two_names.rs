use sinew::prelude::*;

#[model]
fn f<S, T>(x: Tensor<[(S, T)], 3>) -> Tensor {
    x.sum()
}

fn main() {}
