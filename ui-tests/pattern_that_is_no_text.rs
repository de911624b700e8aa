use sinew::ops::rearrange;
use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 6> {
    rearrange(x, B)
}

fn main() {}
