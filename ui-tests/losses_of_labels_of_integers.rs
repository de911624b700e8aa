use sinew::ops::{hinge_loss, l1_loss};
use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<N>, y: Tensor<i32, N>) -> Tensor {
    hinge_loss(x, 2 * y - 1) + l1_loss(x, y)
}

fn main() {}
