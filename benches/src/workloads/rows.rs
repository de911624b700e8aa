//! Functions of 4096 rows of 1024 elements with the gradients of all that goes in; no optimizer.

use super::{How, as_here};
use crate::Outcome;
use crate::data::Data;
use crate::protocol::{Ask, Ready, runs_of};
use sinew::prelude::*;

const ROWS: [usize; 2] = [4096, 1024];

#[model]
struct Line {
    #[init(normal(1.0))]
    a: Param<1024>,
    #[init(normal(1.0))]
    b: Param<1024>,
}

#[model]
fn chain<N>(a: Tensor<1024>, b: Tensor<1024>, x: Tensor<N, 1024>) -> Tensor {
    let y = (a * x + b).tanh() * x.sigmoid() + (-x * x).exp();
    y.gelu(approximate = "tanh").mean()
}

#[model]
fn chain_with_slopes<N>(
    m: &Line,
    x: Tensor<N, 1024>,
) -> (Tensor, Tensor<1024>, Tensor<1024>, Tensor<N, 1024>) {
    let (value, (by_a, by_b, by_x)) = value_and_grad(|a, b, x| chain(a, b, x), m.a, m.b, x);
    (value, by_a, by_b, by_x)
}

#[model]
struct Norm {
    #[init(ones)]
    g: Param<1024>,
    #[init(zeros)]
    b: Param<1024>,
    #[init(normal(1.0))]
    w: Param<1024>,
}

#[model]
fn weighed<N>(g: Tensor<1024>, b: Tensor<1024>, w: Tensor<1024>, x: Tensor<N, 1024>) -> Tensor {
    let centred = x - x.mean(-1, keepdims = true);
    let variance = centred.square().mean(-1, keepdims = true);
    let y = centred * (variance + 1e-5).rsqrt() * g + b;
    (y.softmax(-1) * w).sum(-1).mean()
}

#[model]
fn weighed_with_slopes<N>(
    m: &Norm,
    x: Tensor<N, 1024>,
) -> (
    Tensor,
    Tensor<1024>,
    Tensor<1024>,
    Tensor<1024>,
    Tensor<N, 1024>,
) {
    let (value, (by_g, by_b, by_w, by_x)) =
        value_and_grad(|g, b, w, x| weighed(g, b, w, x), m.g, m.b, m.w, x);
    (value, by_g, by_b, by_w, by_x)
}

/// The mean of a chain of four transcendental functions.
///
/// # Errors
/// A file of another workload; what the library refuses.
pub fn elementwise(data: &Data, how: How) -> Outcome<Ready> {
    let model = data.model(Line::init(0), as_here)?;
    let x = data.floats(0, &ROWS)?;
    Ready::build(|| {
        let run = built!(chain_with_slopes::compile(model), how);
        Ok(runs_of!(run, out => f64::from(out.0), &x))
    })
}

/// The mean of softmaxes of layer norms.
///
/// # Errors
/// As [`elementwise`].
pub fn softmax_ln(data: &Data, how: How) -> Outcome<Ready> {
    let model = data.model(Norm::init(0), as_here)?;
    let x = data.floats(0, &ROWS)?;
    Ready::build(|| {
        let run = built!(weighed_with_slopes::compile(model), how);
        Ok(runs_of!(run, out => f64::from(out.0), &x))
    })
}
