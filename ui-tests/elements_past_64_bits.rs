use sinew::prelude::*;

#[model]
fn f(x: Tensor<4000000000, 4000000000>) -> Tensor {
    x.flatten().sum()
}

fn main() {}
