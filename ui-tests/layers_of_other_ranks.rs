use sinew::nn::{BatchNorm1d, Conv1d, Conv2d, ConvTranspose2d, InstanceNorm, MaxPool2d, rotary, sinusoidal};
use sinew::prelude::*;

#[model]
fn images(a: &Conv1d<2, 2, 3, 1, 0>, b: &Conv2d<2, 2, 3, 1, 0>, c: &ConvTranspose2d<2, 2, 3, 1, 0>, d: &MaxPool2d<2, 2>, x: Tensor<2>) -> Tensor {
    let windows = (a.forward(x), b.forward(x), c.forward(x), d.forward(x));
    x.sum()
}

#[model]
fn others(a: &BatchNorm1d<2>, b: &InstanceNorm, x: Tensor<2>) -> Tensor {
    let normed = (a.forward(x), b.forward(x));
    let placed = (rotary(x), sinusoidal(x));
    x.sum()
}

fn main() {}
