use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, { 2 - 3 }>) -> Tensor<B> {
    x.sum(-1)
}

fn main() {}
