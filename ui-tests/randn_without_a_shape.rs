use sinew::ops::randn;
use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x + randn(B)
}

fn main() {}
