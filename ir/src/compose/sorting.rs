//! Elements in order, and the greatest of them: taken at the indices that sort.

use crate::attributes::Sorted;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::shape::Axis;

/// The indices of the elements along an axis from the least to the greatest, or the other way round.
///
/// # Errors
/// An axis that `x` does not have; bools.
pub fn argsort(b: &mut Builder, x: Value, axis: Axis, descending: bool) -> Result<Value, OpError> {
    b.op(ops::ARGSORT, &[x], Sorted { axis, descending })
}

/// The elements along an axis in order, and their indices.
///
/// # Errors
/// As [`argsort`].
pub fn sort(
    b: &mut Builder,
    x: Value,
    axis: Axis,
    descending: bool,
) -> Result<[Value; 2], OpError> {
    let indices = argsort(b, x, axis, descending)?;
    let values = b.along(ops::TAKE_ALONG_AXIS, &[x, indices], axis)?;
    Ok([values, indices])
}

/// The `k` greatest elements along an axis, the greatest first, and their indices.
///
/// # Errors
/// As [`argsort`]; more elements than the axis has.
pub fn topk(b: &mut Builder, x: Value, k: &Dim, axis: Axis) -> Result<[Value; 2], OpError> {
    let order = argsort(b, x, axis, true)?;
    let range = [&Dim::constant(0), k, &Dim::constant(1)];
    let indices = match b.slice(order, axis, range) {
        Err(OpError::Range { stop, extent, .. }) => {
            return Err(OpError::Count {
                count: stop,
                extent,
            });
        }
        other => other?,
    };
    let values = b.along(ops::TAKE_ALONG_AXIS, &[x, indices], axis)?;
    Ok([values, indices])
}
