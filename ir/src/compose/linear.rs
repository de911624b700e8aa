//! What linear algebra of matrices in the last two axes begins with.

use super::{axis, binary, broadcast_shapes, broadcast_to, flip, shape_of};
use crate::builder::Builder;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::shape::{Axis, Shape};

/// Which elements of matrices of the shape of `x` are on diagonals.
fn diagonals(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    let Some(first) = shape.len().checked_sub(2) else {
        return Err(OpError::NoAxis { index: -2, shape });
    };
    let matrix = Shape::new(shape.dims[first..].to_vec());
    let rows = b.iota(DType::I32, matrix.clone(), Axis::At(0))?;
    let columns = b.iota(DType::I32, matrix, Axis::At(1))?;
    let same = binary(b, ops::EQ, rows, columns)?;
    broadcast_to(b, same, &shape)
}

/// Ones on the diagonals of matrices of the shape of `x`, zeros elsewhere.
///
/// # Errors
/// Fewer than two axes.
pub fn eye_like(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let same = diagonals(b, x)?;
    b.cast(same, b.type_of(x).dtype)
}

/// Matrices with ones on their diagonals.
///
/// # Errors
/// Fewer than two axes.
pub fn with_unit_diagonals(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let same = diagonals(b, x)?;
    let ones = b.like(1.0, x)?;
    b.select(same, ones, x)
}

/// Two stacks of matrices with what is in front of their last two axes broadcast.
///
/// # Errors
/// Fewer than two axes; others that do not broadcast.
pub fn with_equal_batches(b: &mut Builder, x: Value, y: Value) -> Result<(Value, Value), OpError> {
    let batch = |b: &Builder, v: Value| {
        let mut shape = shape_of(b, v);
        match shape.len().checked_sub(2) {
            Some(first) => Ok((shape.dims.split_off(first), shape)),
            None => Err(OpError::NoAxis { index: -2, shape }),
        }
    };
    let ((of_x, batch_x), (of_y, batch_y)) = (batch(b, x)?, batch(b, y)?);
    let all = broadcast_shapes(&batch_x, &batch_y)?;
    let mut with = |v: Value, matrix: Vec<crate::dim::Dim>| {
        let mut shape = all.clone();
        shape.dims.extend(matrix);
        broadcast_to(b, v, &shape)
    };
    Ok((with(x, of_x)?, with(y, of_y)?))
}

/// The elements of some axes in the opposite order.
///
/// # Errors
/// Axes that `x` does not have.
pub fn turned(b: &mut Builder, x: Value, axes: &[i64]) -> Result<Value, OpError> {
    let mut x = x;
    for i in axes {
        let axis = axis(&shape_of(b, x), *i)?;
        x = flip(b, x, axis)?;
    }
    Ok(x)
}

/// `n` numbers from `start` to `stop`, as far from each other as from the next; `start` alone if it is one.
///
/// # Errors
/// Ends of other types than one float, or that do not broadcast with a row.
pub fn linspace(
    b: &mut Builder,
    start: Value,
    stop: Value,
    n: &crate::dim::Dim,
) -> Result<Value, OpError> {
    let dtype = ops::rules::float(&[b.type_of(start).clone()], 0)?.dtype;
    let row = Shape::new(vec![n.clone()]);
    let index = b.iota(dtype, row.clone(), Axis::At(0))?;
    let count = b.extent(n.clone(), dtype, row)?;
    let last = b.with(ops::SUB, count, 1.0)?;
    let steps = b.with(ops::MAXIMUM, last, 1.0)?;
    let t = b.div(index, steps)?;
    // From the nearer end, so that both are exact.
    let first_half = b.with(ops::LT, t, 0.5)?;
    let way = binary(b, ops::SUB, stop, start)?;
    let from_start = binary(b, ops::MUL, way, t)?;
    let low = binary(b, ops::ADD, start, from_start)?;
    let one = b.like(1.0, t)?;
    let left = b.sub(one, t)?;
    let to_stop = binary(b, ops::MUL, way, left)?;
    let high = binary(b, ops::SUB, stop, to_stop)?;
    super::select(b, first_half, low, high)
}
