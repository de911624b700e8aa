//! Axes of an array, and the offsets of its elements along them.

use crate::array::{Array, offsets, strides};
use crate::shape::Axis;

/// An axis of a shape without a sequence.
pub(super) fn position(axis: Axis) -> Option<usize> {
    match axis {
        Axis::At(a) => Some(a),
        Axis::Sequence => None,
    }
}

/// Axes of a shape without a sequence.
pub(super) fn positions(axes: &[Axis]) -> Vec<usize> {
    axes.iter().filter_map(|a| position(*a)).collect()
}

/// The axes of a shape that are not in `axes`.
pub(super) fn free(rank: usize, axes: &[usize]) -> Vec<usize> {
    (0..rank).filter(|a| !axes.contains(a)).collect()
}

/// Offsets in an array over some of its axes, in their order.
pub(super) fn over(x: &Array, axes: &[usize]) -> Vec<usize> {
    let strides = strides(&x.shape);
    offsets(axes.iter().map(|a| (x.shape[*a], strides[*a])))
}
