use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, _>) -> Tensor<B> {
    x.sum(-1)
}

fn main() {}
