//! Losses over rows, and what becomes of the rows.

use super::shape_of;
use crate::attributes::CrossEntropy;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::shape::{Axis, Shape};
use crate::symbol::Number;

/// What becomes of the losses of rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reduce {
    /// Their mean; of those that are not ignored.
    Mean,
    /// Their sum.
    Sum,
    /// They stay.
    None,
}

/// The mean or sum over all axes, or the losses themselves.
///
/// # Errors
/// Losses that are no floats.
pub fn reduced(b: &mut Builder, losses: Value, reduce: Reduce) -> Result<Value, OpError> {
    let axes = shape_of(b, losses).axes();
    match reduce {
        Reduce::Mean => b.over(ops::MEAN, losses, &axes),
        Reduce::Sum => b.sum(losses, &axes),
        Reduce::None => Ok(losses),
    }
}

/// The mean of the losses of labels that are not `ignore`; NaN if all are.
fn reduced_labels(
    b: &mut Builder,
    losses: Value,
    labels: Value,
    ignore: i32,
    reduce: Reduce,
) -> Result<Value, OpError> {
    match reduce {
        Reduce::Sum | Reduce::None => reduced(b, losses, reduce),
        Reduce::Mean => {
            let ty = b.type_of(losses).clone();
            let counts = b.with(ops::NE, labels, f64::from(ignore))?;
            let counts = b.cast(counts, ty.dtype)?;
            let axes = ty.shape.axes();
            let sum = b.sum(losses, &axes)?;
            let count = b.sum(counts, &axes)?;
            b.div(sum, count)
        }
    }
}

/// PyTorch's `cross_entropy` of class indices, with the classes along `axis` of `x`.
///
/// # Errors
/// Labels that are not i32, or not of x's shape without the axis.
pub fn cross_entropy(
    b: &mut Builder,
    x: Value,
    labels: Value,
    axis: Axis,
    ignore_index: i32,
    label_smoothing: &Number,
    reduce: Reduce,
) -> Result<Value, OpError> {
    let form = CrossEntropy {
        axis,
        ignore_index: f64::from(ignore_index),
        label_smoothing,
    };
    let losses = b.op(ops::CROSS_ENTROPY, &[x, labels], form)?;
    reduced_labels(b, losses, labels, ignore_index, reduce)
}

/// PyTorch's `nll_loss`: minus the log probability at each label, the classes along `axis` of `x`.
///
/// # Errors
/// As [`cross_entropy`].
pub fn nll_loss(
    b: &mut Builder,
    x: Value,
    labels: Value,
    axis: Axis,
    ignore_index: i32,
    reduce: Reduce,
) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    ops::rules::float(&[b.type_of(x).clone()], 0)?;
    let Axis::At(a) = axis else {
        return Err(OpError::Sequence(shape));
    };
    let rows = ops::rules::without(&shape, &[axis])?;
    ops::rules::same_shape(&rows, &shape_of(b, labels))?;
    let ignored = b.with(ops::EQ, labels, f64::from(ignore_index))?;
    let first = b.like(0.0, labels)?;
    let safe = b.select(ignored, first, labels)?;
    let mut column: Shape = shape;
    column.dims[a] = Dim::constant(1);
    let index = b.reshape(safe, &column)?;
    let picked = b.along(ops::TAKE_ALONG_AXIS, &[x, index], axis)?;
    let picked = b.reshape(picked, &rows)?;
    let losses = b.neg(picked)?;
    let zero = b.like(0.0, losses)?;
    let losses = b.select(ignored, zero, losses)?;
    reduced_labels(b, losses, labels, ignore_index, reduce)
}
