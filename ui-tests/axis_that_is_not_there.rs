use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<B> {
    x.sum(2)
}

fn main() {}
