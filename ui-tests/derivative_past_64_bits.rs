use sinew::prelude::*;

#[model]
fn f(x: Tensor<4000000000, 4000000000>) -> Tensor {
    x.mean()
}

fn main() {}
