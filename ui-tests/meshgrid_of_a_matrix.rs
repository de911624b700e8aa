use sinew::ops::meshgrid;
use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>, y: Tensor<B>) -> Tensor<B, 3> {
    let (a, b) = meshgrid([x, y]);
    a + b
}

fn main() {}
