//! A recurrent layer over a sequence, whose last state is classified.

use super::{How, adam};
use crate::Outcome;
use crate::data::Data;
use crate::protocol::{Ask, Ready, steps_of};
use sinew::nn::LstmCell;
use sinew::prelude::*;

/// 32 to 128, 64 steps, batch 32.
#[model]
struct Reader {
    cell: LstmCell<32, 128>,
    fc: Linear<128, 10>,
}

/// Of sequences with the steps first, as the peers have them.
#[model]
fn loss<T, B>(m: &Reader, x: Tensor<T, B, 32>, y: Tensor<i32, B>) -> Tensor {
    let mapped = matmul(x, m.cell.w_ih) + m.cell.b_ih;
    let mut h = zeros([B, 128]);
    let mut c = zeros([B, 128]);
    for t in 0..T {
        (h, c) = m.cell.mapped_step(mapped[t], h, c);
    }
    cross_entropy(m.fc.forward(h), y)
}

/// `cell.w_ih` is `ih.w` there.
fn name(path: &str) -> String {
    match path
        .strip_prefix("cell.")
        .and_then(|leaf| leaf.split_once('_'))
    {
        Some((kind, part)) => format!("{part}.{kind}"),
        None => path.into(),
    }
}

/// Cross entropy of the last state's classes.
///
/// # Errors
/// A file of another workload; what the library refuses.
pub fn lstm(data: &Data, how: How) -> Outcome<Ready> {
    let model = data.model(Reader::init(0), name)?;
    let (x, y) = (data.floats(0, &[64, 32, 32])?, data.labels(1, &[32], 10)?);
    Ready::build(|| {
        let mut train = built!(loss::train(model).optimizer(adam()), how);
        Ok(steps_of!(train, &x, &y))
    })
}
