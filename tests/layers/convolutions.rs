//! Convolutions and pools as layers: what the operations give on the same parameters.

use super::{agree, array, scattered};
use ndarray::{Array3, Array4};
use sinew::nn::{Conv1d, Conv2d, ConvTranspose2d, MaxPool2d};
use sinew::ops::{conv_transpose2d, conv1d, conv2d, max_pool2d};
use sinew::prelude::*;

#[model]
struct Net {
    row: Conv1d<3, 4, 3, 2, 1>,
    image: Conv2d<3, 4, 3, 2, 1>,
    pool: MaxPool2d<3, 2>,
    up: ConvTranspose2d<4, 2, 3, 2, 1>,
}

#[model]
fn by_layers<B, L, H, W>(m: &Net, r: Tensor<B, 3, L>, x: Tensor<B, 3, H, W>) -> (Tensor, Tensor) {
    let rows = m.row.forward(r).tanh();
    let small = m.image.forward(x).tanh();
    let large = m.up.forward(small).sin();
    (
        rows.square().mean() + large.square().mean(),
        m.pool.forward(large).sum(),
    )
}

#[model]
fn by_operations<B, L, H, W>(
    m: &Net,
    r: Tensor<B, 3, L>,
    x: Tensor<B, 3, H, W>,
) -> (Tensor, Tensor) {
    let rows = conv1d(r, m.row.w, m.row.b, stride = 2, padding = 1).tanh();
    let small = conv2d(x, m.image.w, m.image.b, stride = 2, padding = 1).tanh();
    let large = conv_transpose2d(small, m.up.w, m.up.b, stride = 2, padding = 1).sin();
    let pooled = max_pool2d(large, 3, stride = 2);
    (rows.square().mean() + large.square().mean(), pooled.sum())
}

#[test]
fn layers_are_the_operations_on_their_parameters() -> sinew::Result<()> {
    let model = scattered(Net::init(0));
    let r: Array3<f64> = array(1, [2, 3, 9]);
    let x: Array4<f64> = array(2, [2, 3, 7, 5]);
    assert_eq!(by_layers(&model, &r, &x)?, by_operations(&model, &r, &x)?);
    Ok(())
}

#[test]
fn gradients_are_those_of_differences() -> sinew::Result<()> {
    let r: Array3<f64> = array(1, [2, 3, 9]);
    let x: Array4<f64> = array(2, [2, 3, 7, 5]);
    agree!(by_layers, Net::init(0), &r, &x)
}

/// As PyTorch's: uniform on ±1 / sqrt(inputs of an output).
#[test]
fn parameters_start_within_their_bound() {
    let net = Net::init(42);
    let within = |p: &Param, inputs: f64| {
        let greatest = p.values_f64().iter().fold(0.0, |a: f64, v| a.max(v.abs()));
        let bound = 1.0 / inputs.sqrt();
        assert!(
            greatest <= bound && greatest > 0.3 * bound,
            "{greatest} for {bound}"
        );
    };
    within(&net.row.w, 9.0);
    within(&net.row.b, 9.0);
    within(&net.image.w, 27.0);
    within(&net.image.b, 27.0);
    within(&net.up.w, 18.0);
}
