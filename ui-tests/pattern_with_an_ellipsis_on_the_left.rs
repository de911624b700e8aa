use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<6> {
    x.rearrange("... d -> d")
}

fn main() {}
