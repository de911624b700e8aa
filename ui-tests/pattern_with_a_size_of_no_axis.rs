use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<6, B> {
    x.rearrange("b d -> d b", heads = 2)
}

fn main() {}
