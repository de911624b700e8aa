use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 64>) -> Tensor {
    x.sum(-1)
}

fn main() {}
