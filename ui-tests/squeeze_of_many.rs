use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<B> {
    x.squeeze(1)
}

fn main() {}
