//! Tensors side by side along their first axis (behind a sequence): what a loop collects.

use super::{axis, shape_of};
use crate::attributes::Permute;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::shape::{Axis, Shape};

/// [`super::stack`] of the slices of x along its first axis.
///
/// # Errors
/// A place that the result does not have.
pub fn stack_slices(b: &mut Builder, x: Value, at: i64) -> Result<Value, OpError> {
    match axis(&shape_of(b, x), at)? {
        Axis::At(to) => move_first(b, x, to),
        Axis::Sequence => Err(OpError::Sequence(shape_of(b, x))),
    }
}

/// [`super::concat`] of the slices of x along its first axis.
///
/// # Errors
/// An axis that a slice does not have.
pub fn concat_slices(b: &mut Builder, x: Value, along: i64) -> Result<Value, OpError> {
    let mut slice = shape_of(b, x);
    slice.dims.drain(..1);
    match axis(&slice, along)? {
        Axis::At(to) => {
            let moved = move_first(b, x, to)?;
            merge(b, moved, to)
        }
        Axis::Sequence => Err(OpError::Sequence(slice)),
    }
}

/// Axes `first` and `first + 1` (behind a sequence) as one.
///
/// # Errors
/// Axes that x does not have.
pub fn merge(b: &mut Builder, x: Value, first: usize) -> Result<Value, OpError> {
    let mut to = shape_of(b, x);
    if to.dims.len() < first + 2 {
        return Err(OpError::Axis {
            axis: Axis::At(first + 1),
            shape: to,
        });
    }
    let second = to.dims.remove(first + 1);
    let merged = to.dims[first].checked_mul(&second);
    to.dims[first] = merged.ok_or(OpError::Overflow)?;
    let dims: Vec<Option<Dim>> = to.dims.into_iter().map(Some).collect();
    super::reshape(b, x, &dims)
}

/// The first axis (behind a sequence) at position `to`.
fn move_first(b: &mut Builder, x: Value, to: usize) -> Result<Value, OpError> {
    let Shape { sequence, dims } = shape_of(b, x);
    let mut order: Vec<Axis> = sequence.iter().map(|_| Axis::Sequence).collect();
    order.extend((1..dims.len()).map(Axis::At));
    order.insert(usize::from(sequence.is_some()) + to, Axis::At(0));
    b.op(ops::PERMUTE, &[x], Permute { axes: &order })
}
