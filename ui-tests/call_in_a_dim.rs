use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, { B.pow(2) }>) -> Tensor<B> {
    x.sum(-1)
}

fn main() {}
