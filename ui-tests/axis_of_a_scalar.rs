use sinew::prelude::*;

#[model]
fn f(x: Tensor) -> Tensor {
    x.sum(0)
}

fn main() {}
