use sinew::prelude::*;

#[model]
fn f<B, C, L>(x: Tensor<B, C, L>) -> Tensor<B, C, { 2 * L }> {
    x.upsample(2, mode = "bilinear")
}

fn main() {}
