use sinew::nn::{BatchNorm2d, Lstm};
use sinew::prelude::*;

#[model]
struct Net {
    lstm: Lstm<3, 16, 1>,
    norm: BatchNorm2d<3>,
}

#[model]
fn steps<T>(m: &Net, x: Tensor<T, 3>) -> Tensor<T, 16> {
    m.lstm.forward(x).0
}

#[model]
fn normalised<B>(m: &Net, x: Tensor<B, 3>) -> Tensor<B, 3> {
    m.norm.forward(x)
}

fn main() {}
