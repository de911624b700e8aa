use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, N>) -> Tensor<B> {
    x.sum(-1)
}

fn main() {}
