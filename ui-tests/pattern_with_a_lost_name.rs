use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B> {
    x.rearrange("b d -> b")
}

fn main() {}
