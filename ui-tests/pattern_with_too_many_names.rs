use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<6, B> {
    x.rearrange("b t d -> t b d")
}

fn main() {}
