//! Networks of a few layers, their training and an inference.

use super::{How, adam, as_here};
use crate::Outcome;
use crate::data::Data;
use crate::protocol::{Ask, Ready, runs_of, steps_of};
use sinew::prelude::*;

/// 64-64-32-10, batch 32.
#[model]
struct Tiny {
    l0: Linear<64, 64>,
    l1: Linear<64, 32>,
    l2: Linear<32, 10>,
}

#[model]
fn tiny_scores<B>(m: &Tiny, x: Tensor<B, 64>) -> Tensor<B, 10> {
    let h = m.l0.forward(x).relu();
    let h = m.l1.forward(h).relu();
    m.l2.forward(h)
}

#[model]
fn tiny_loss<B>(m: &Tiny, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(tiny_scores(m, x), y)
}

/// 784-512-512-10, batch 128.
#[model]
struct Mnist {
    l0: Linear<784, 512>,
    l1: Linear<512, 512>,
    l2: Linear<512, 10>,
}

#[model]
fn mnist_loss<B>(m: &Mnist, x: Tensor<B, 784>, y: Tensor<i32, B>) -> Tensor {
    let h = m.l0.forward(x).relu();
    let h = m.l1.forward(h).relu();
    cross_entropy(m.l2.forward(h), y)
}

/// 1024-4096-4096-1024, batch 256.
#[model]
struct Wide {
    l0: Linear<1024, 4096>,
    l1: Linear<4096, 4096>,
    l2: Linear<4096, 1024>,
}

#[model]
fn wide_loss<B>(m: &Wide, x: Tensor<B, 1024>, y: Tensor<B, 1024>) -> Tensor {
    let h = m.l0.forward(x).gelu(approximate = "tanh");
    let h = m.l1.forward(h).gelu(approximate = "tanh");
    mse(m.l2.forward(h), y)
}

/// Cross entropy of the tiny network.
///
/// # Errors
/// A file of another workload; what the library refuses.
pub fn tiny(data: &Data, how: How) -> Outcome<Ready> {
    let model = data.model(Tiny::init(0), as_here)?;
    let (x, y) = (data.floats(0, &[32, 64])?, data.labels(1, &[32], 10)?);
    Ready::build(|| {
        let mut train = built!(tiny_loss::train(model).optimizer(adam()), how);
        Ok(steps_of!(train, &x, &y))
    })
}

/// The same, a hundred steps in one call.
///
/// # Errors
/// As [`tiny`].
pub fn tiny_loop(data: &Data, how: How) -> Outcome<Ready> {
    let model = data.model(Tiny::init(0), as_here)?;
    let (x, y) = (data.floats(0, &[32, 64])?, data.labels(1, &[32], 10)?);
    Ready::build(|| {
        let mut train = built!(tiny_loss::train(model).optimizer(adam()), how);
        Ok(Box::new(move |ask| {
            match ask {
                Ask::Call(losses) => losses.extend(train.repeat(100, &x, &y)?.losses),
                Ask::Profile(steps, profile) => *profile = Some(train.profile(steps, &x, &y)?),
            }
            Ok(())
        }))
    })
}

/// Cross entropy of the network for pictures.
///
/// # Errors
/// As [`tiny`].
pub fn mnist(data: &Data, how: How) -> Outcome<Ready> {
    let model = data.model(Mnist::init(0), as_here)?;
    let (x, y) = (data.floats(0, &[128, 784])?, data.labels(1, &[128], 10)?);
    Ready::build(|| {
        let mut train = built!(mnist_loss::train(model).optimizer(adam()), how);
        Ok(steps_of!(train, &x, &y))
    })
}

/// The squared error of the wide network.
///
/// # Errors
/// As [`tiny`].
pub fn wide(data: &Data, how: How) -> Outcome<Ready> {
    let model = data.model(Wide::init(0), as_here)?;
    let (x, y) = (data.floats(0, &[256, 1024])?, data.floats(1, &[256, 1024])?);
    Ready::build(|| {
        let mut train = built!(wide_loss::train(model).optimizer(adam()), how);
        Ok(steps_of!(train, &x, &y))
    })
}

/// The scores of one row by the tiny network; as its loss, their sum.
///
/// # Errors
/// As [`tiny`].
pub fn tiny_infer(data: &Data, how: How) -> Outcome<Ready> {
    let model = data.model(Tiny::init(0), as_here)?;
    let x = data.floats(0, &[1, 64])?;
    Ready::build(|| {
        let run = built!(tiny_scores::compile(model), how);
        Ok(runs_of!(run, out => out.iter().copied().map(f64::from).sum(), &x))
    })
}
