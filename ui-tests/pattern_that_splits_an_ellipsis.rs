use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 6> {
    x.rearrange("(b ...) d -> b ... d")
}

fn main() {}
