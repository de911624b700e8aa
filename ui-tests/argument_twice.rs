use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B> {
    x.sum(-1, axis = 1)
}

fn main() {}
