use sinew::ops::uniform;
use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x + uniform([B], 1.0, -1.0)
}

fn main() {}
