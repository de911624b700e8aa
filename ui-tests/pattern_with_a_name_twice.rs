use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, B>) -> Tensor<B> {
    x.rearrange("b b -> b")
}

fn main() {}
