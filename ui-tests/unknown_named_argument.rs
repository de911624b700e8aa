use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<B> {
    x.sum(-1, keepdim = false)
}

fn main() {}
