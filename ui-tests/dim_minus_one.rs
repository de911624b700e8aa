use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, -1>) -> Tensor<B> {
    x.sum(-1)
}

fn main() {}
