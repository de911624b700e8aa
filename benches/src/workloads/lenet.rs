//! A small convolutional network.

use super::{How, adam};
use crate::Outcome;
use crate::data::Data;
use crate::protocol::{Ask, Ready, steps_of};
use sinew::nn::{Conv2d, MaxPool2d};
use sinew::prelude::*;

/// Two convolutions of 5x5 with pools, and two layers; batch 64.
#[model]
struct LeNet {
    c1: Conv2d<1, 16, 5, 1, 0>,
    c2: Conv2d<16, 32, 5, 1, 0>,
    pool: MaxPool2d<2, 2>,
    f1: Linear<512, 128>,
    f2: Linear<128, 10>,
}

#[model]
fn loss<B>(m: &LeNet, x: Tensor<B, 1, 28, 28>, y: Tensor<i32, B>) -> Tensor {
    let x = m.pool.forward(m.c1.forward(x).relu());
    let x = m.pool.forward(m.c2.forward(x).relu());
    let x = m.f1.forward(x.reshape([B, 512])).relu();
    cross_entropy(m.f2.forward(x), y)
}

/// The peers call the weights of convolutions kernels.
fn name(path: &str) -> String {
    match path {
        "c1.w" => "c1.k".into(),
        "c2.w" => "c2.k".into(),
        _ => path.into(),
    }
}

/// Cross entropy of the network.
///
/// # Errors
/// A file of another workload; what the library refuses.
pub fn lenet(data: &Data, how: How) -> Outcome<Ready> {
    let model = data.model(LeNet::init(0), name)?;
    let (x, y) = (
        data.floats(0, &[64, 1, 28, 28])?,
        data.labels(1, &[64], 10)?,
    );
    Ready::build(|| {
        let mut train = built!(loss::train(model).optimizer(adam()), how);
        Ok(steps_of!(train, &x, &y))
    })
}
