use sinew::prelude::*;
use sinew::ops::lerp;

#[model]
fn f(x: Tensor<3>, y: Tensor<4>) -> Tensor<3> {
    lerp(x, y, 0.5)
}

fn main() {}
