//! The workloads: the same networks, batches and optimizer as the peers'.

use ndarray::{Array1, Array2};
use sinew::prelude::*;

/// 64-64-32-10, batch 32.
#[model]
pub struct MlpTiny {
    l0: Linear<64, 64>,
    l1: Linear<64, 32>,
    l2: Linear<32, 10>,
}

/// Cross entropy of the tiny network.
#[model]
pub fn mlp_tiny<B>(m: &MlpTiny, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    let h = m.l0.forward(x).relu();
    let h = m.l1.forward(h).relu();
    cross_entropy(m.l2.forward(h), y)
}

/// 784-512-512-10, batch 128.
#[model]
pub struct MlpMnist {
    l0: Linear<784, 512>,
    l1: Linear<512, 512>,
    l2: Linear<512, 10>,
}

/// Cross entropy of the network of the MNIST workload.
#[model]
pub fn mlp_mnist<B>(m: &MlpMnist, x: Tensor<B, 784>, y: Tensor<i32, B>) -> Tensor {
    let h = m.l0.forward(x).relu();
    let h = m.l1.forward(h).relu();
    cross_entropy(m.l2.forward(h), y)
}

/// One batch: inputs and labels.
pub struct Batch {
    /// Inputs, rows by features.
    pub x: Array2<f32>,
    /// Labels, one a row.
    pub y: Array1<i32>,
}
