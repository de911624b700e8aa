use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B> {
    x.reduce("b d -> b", "median")
}

fn main() {}
