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
    /// Their sum over the extent of the first axis.
    BatchMean,
    /// Their sum.
    Sum,
    /// They stay.
    None,
}

/// The mean or sum over all axes, or the losses themselves.
///
/// # Errors
/// Losses that are no floats; the mean over a batch without an axis, or with a sequence for it.
pub fn reduced(b: &mut Builder, losses: Value, reduce: Reduce) -> Result<Value, OpError> {
    let shape = shape_of(b, losses);
    let axes = shape.axes();
    match reduce {
        Reduce::Mean => b.over(ops::MEAN, losses, &axes),
        Reduce::Sum => b.sum(losses, &axes),
        Reduce::None => Ok(losses),
        Reduce::BatchMean => {
            super::axis(&shape, 0)?;
            let sum = b.sum(losses, &axes)?;
            let ty = b.type_of(sum).clone();
            let count = b.extent(shape.dims[0].clone(), ty.dtype, ty.shape)?;
            b.div(sum, count)
        }
    }
}

/// How rows of classes are labelled.
pub struct Labels {
    /// The class of each row: i32, of the shape without the classes.
    pub of_rows: Value,
    /// The axis of the classes.
    pub axis: Axis,
    /// The label of rows whose loss is 0, and which no mean counts.
    pub ignore_index: i32,
    /// How much each class counts, one number for each; all as much without.
    pub weight: Option<Value>,
    /// What becomes of the losses.
    pub reduce: Reduce,
}

impl Labels {
    /// Which rows are ignored.
    fn ignored(&self, b: &mut Builder) -> Result<Value, OpError> {
        b.with(ops::EQ, self.of_rows, f64::from(self.ignore_index))
    }

    /// The labels with the first class where a row is ignored.
    fn safe(&self, b: &mut Builder) -> Result<Value, OpError> {
        let ignored = self.ignored(b)?;
        let first = b.like(0.0, self.of_rows)?;
        b.select(ignored, first, self.of_rows)
    }

    /// How much each row counts: the weight of its class, 0 where it is ignored.
    fn weights(&self, b: &mut Builder, weight: Value) -> Result<Value, OpError> {
        let safe = self.safe(b)?;
        let picked = super::take(b, weight, safe, Axis::At(0))?;
        self.but_ignored(b, picked)
    }

    /// Numbers of rows, with 0 for those that are ignored.
    fn but_ignored(&self, b: &mut Builder, rows: Value) -> Result<Value, OpError> {
        let ignored = self.ignored(b)?;
        let zero = b.like(0.0, rows)?;
        b.select(ignored, zero, rows)
    }

    /// What becomes of losses, in which weights are already. The mean is over the weights of the rows; NaN if all
    /// rows are ignored.
    fn reduced(&self, b: &mut Builder, losses: Value) -> Result<Value, OpError> {
        if self.reduce != Reduce::Mean {
            return reduced(b, losses, self.reduce);
        }
        let counts = match self.weight {
            Some(weight) => self.weights(b, weight)?,
            None => {
                let counts = b.with(ops::NE, self.of_rows, f64::from(self.ignore_index))?;
                b.cast(counts, b.type_of(losses).dtype)?
            }
        };
        let axes = shape_of(b, losses).axes();
        let sum = b.sum(losses, &axes)?;
        let count = b.sum(counts, &axes)?;
        b.div(sum, count)
    }
}

/// PyTorch's `cross_entropy` of class indices.
///
/// # Errors
/// Labels that are not i32, or not of x's shape without the axis; a weight of another type than `[C]` of x's elements.
pub fn cross_entropy(
    b: &mut Builder,
    x: Value,
    labels: &Labels,
    label_smoothing: &Number,
) -> Result<Value, OpError> {
    let losses = match labels.weight {
        None => row_entropies(b, x, labels, label_smoothing)?,
        Some(weight) => weighted_entropies(b, x, labels, weight, label_smoothing)?,
    };
    labels.reduced(b, losses)
}

/// The cross entropy of each row, all classes counting as much.
fn row_entropies(
    b: &mut Builder,
    x: Value,
    labels: &Labels,
    label_smoothing: &Number,
) -> Result<Value, OpError> {
    let form = CrossEntropy {
        axis: labels.axis,
        ignore_index: f64::from(labels.ignore_index),
        label_smoothing,
    };
    b.op(ops::CROSS_ENTROPY, &[x, labels.of_rows], form)
}

/// With weights w, log probabilities p and smoothing s, `-(1 - s) w_y p_y - s / C sum(w p)` of a row labelled y.
fn weighted_entropies(
    b: &mut Builder,
    x: Value,
    labels: &Labels,
    weight: Value,
    label_smoothing: &Number,
) -> Result<Value, OpError> {
    let sharp = row_entropies(b, x, labels, &Number::Known(0.0))?;
    let weights = labels.weights(b, weight)?;
    let sharp = b.mul(sharp, weights)?;
    if *label_smoothing == Number::Known(0.0) {
        return Ok(sharp);
    }
    let shape = shape_of(b, x);
    let log = b.along(ops::LOG_SOFTMAX, &[x], labels.axis)?;
    let wide = b.broadcast(weight, &shape, &super::rest(&shape, &[labels.axis]))?;
    let spread = b.mul(log, wide)?;
    let spread = b.over(ops::MEAN, spread, &[labels.axis])?;
    let spread = labels.but_ignored(b, spread)?;
    let share = b.like(label_smoothing, sharp)?;
    let one = b.like(1.0, sharp)?;
    let kept = b.sub(one, share)?;
    let kept = b.mul(kept, sharp)?;
    let spread = b.mul(share, spread)?;
    b.sub(kept, spread)
}

/// PyTorch's `nll_loss`: minus the log probability at each label.
///
/// # Errors
/// As [`cross_entropy`].
pub fn nll_loss(b: &mut Builder, x: Value, labels: &Labels) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    ops::rules::float(&[b.type_of(x).clone()], 0)?;
    let Axis::At(a) = labels.axis else {
        return Err(OpError::Sequence(shape));
    };
    let rows = ops::rules::without(&shape, &[labels.axis])?;
    ops::rules::same_shape(&rows, &shape_of(b, labels.of_rows))?;
    let safe = labels.safe(b)?;
    let mut column: Shape = shape;
    column.dims[a] = Dim::constant(1);
    let index = b.reshape(safe, &column)?;
    let picked = b.along(ops::TAKE_ALONG_AXIS, &[x, index], labels.axis)?;
    let picked = b.reshape(picked, &rows)?;
    let losses = b.neg(picked)?;
    let losses = match labels.weight {
        Some(weight) => {
            let weights = labels.weights(b, weight)?;
            b.mul(losses, weights)?
        }
        None => losses,
    };
    let losses = labels.but_ignored(b, losses)?;
    labels.reduced(b, losses)
}
