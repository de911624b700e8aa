use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 1> {
    x.sum(-1, keepdims = 1)
}

fn main() {}
