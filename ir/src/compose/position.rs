//! Positions: arguments of extremes, elements at indices, masks made of indices.

use super::{broadcast_to, shape_of};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::ops::rules::product;
use crate::shape::{Axis, Shape};

/// The index of the first maximum along an axis; of the elements in row-major order without one.
///
/// # Errors
/// An axis that `x` does not have; no axis, where there is a sequence.
pub fn argmax(
    b: &mut Builder,
    x: Value,
    axis: Option<Axis>,
    keepdims: bool,
) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    let Some(axis) = axis else {
        let flat = Shape {
            sequence: shape.sequence.clone(),
            dims: vec![product(&shape.dims)?],
        };
        if flat.sequence.is_some() {
            return Err(OpError::Sequence(shape));
        }
        let line = b.reshape(x, &flat)?;
        let index = b.over(ops::ARGMAX, line, &[Axis::At(0)])?;
        if !keepdims {
            return Ok(index);
        }
        return b.reshape(index, &Shape::new(vec![Dim::constant(1); shape.len()]));
    };
    super::reduce(b, ops::ARGMAX, x, &[axis], keepdims)
}

/// The index of the first minimum, see [`argmax`].
///
/// # Errors
/// As [`argmax`].
pub fn argmin(
    b: &mut Builder,
    x: Value,
    axis: Option<Axis>,
    keepdims: bool,
) -> Result<Value, OpError> {
    let turned = ops::turned(b, x)?;
    argmax(b, turned, axis, keepdims)
}

/// NumPy's `take_along_axis`: `indices` has x's rank, and its other dims broadcast against x's.
///
/// # Errors
/// Other ranks; dims that do not broadcast; indices that are not i32.
pub fn take_along_axis(
    b: &mut Builder,
    x: Value,
    indices: Value,
    axis: Axis,
) -> Result<Value, OpError> {
    let (sx, si) = (shape_of(b, x), shape_of(b, indices));
    let Axis::At(a) = axis else {
        return Err(OpError::Sequence(sx));
    };
    if sx.len() != si.len() || a >= sx.len() {
        return Err(OpError::ShapesDiffer {
            left: sx,
            right: si,
        });
    }
    let line_up = |s: &Shape| {
        let mut s = s.clone();
        s.dims[a] = Dim::constant(1);
        s
    };
    let rest = super::broadcast_shapes(&line_up(&sx), &line_up(&si))?;
    let with = |d: &Dim| {
        let mut s = rest.clone();
        s.dims[a] = d.clone();
        s
    };
    let x = broadcast_to(b, x, &with(&sx.dims[a]))?;
    let indices = broadcast_to(b, indices, &with(&si.dims[a]))?;
    b.along(ops::TAKE_ALONG_AXIS, &[x, indices], axis)
}

/// NumPy's `take`: x's slices at `indices` along an axis, whose place the dims of `indices` take.
///
/// # Errors
/// As [`ops::TAKE`].
pub fn take(b: &mut Builder, x: Value, indices: Value, axis: Axis) -> Result<Value, OpError> {
    b.along(ops::TAKE, &[x, indices], axis)
}

/// 1 at each index along a new last axis of `classes`, 0 elsewhere.
///
/// # Errors
/// Indices that are no integers.
pub fn one_hot(
    b: &mut Builder,
    indices: Value,
    classes: Dim,
    dtype: DType,
) -> Result<Value, OpError> {
    let ty = b.type_of(indices).clone();
    ops::rules::integer(std::slice::from_ref(&ty), 0)?;
    let mut shape = ty.shape.clone();
    shape.dims.push(classes);
    let last = Axis::At(shape.len() - 1);
    let class = b.iota(ty.dtype, shape.clone(), last)?;
    let wide = b.broadcast(indices, &shape, &[last])?;
    let hit = b.eq(class, wide)?;
    b.cast(hit, dtype)
}

/// The elements on and below the `k`th diagonal of the last two axes, zeros elsewhere.
///
/// # Errors
/// Fewer than two axes.
pub fn tril(b: &mut Builder, x: Value, k: i32) -> Result<Value, OpError> {
    let (row, column) = row_and_column(b, x, k)?;
    let kept = b.le(column, row)?;
    let zero = b.like(0.0, x)?;
    b.select(kept, x, zero)
}

/// The elements on and above the `k`th diagonal of the last two axes, zeros elsewhere.
///
/// # Errors
/// Fewer than two axes.
pub fn triu(b: &mut Builder, x: Value, k: i32) -> Result<Value, OpError> {
    let (row, column) = row_and_column(b, x, k)?;
    let kept = b.le(row, column)?;
    let zero = b.like(0.0, x)?;
    b.select(kept, x, zero)
}

/// The column where each row's `k`th diagonal is, and the column.
fn row_and_column(b: &mut Builder, x: Value, k: i32) -> Result<(Value, Value), OpError> {
    let shape = shape_of(b, x);
    let n = shape.len();
    if n < 2 {
        return Err(OpError::NoAxis { index: -2, shape });
    }
    let row = b.iota(DType::I32, shape.clone(), Axis::At(n - 2))?;
    let column = b.iota(DType::I32, shape, Axis::At(n - 1))?;
    Ok((b.with(ops::ADD, row, f64::from(k))?, column))
}

/// x's slices at index tuples of adjacent axes from `first` on: an index for each, which broadcast (NumPy's
/// `x[i, j]`). An index outside of its axis counts as the nearest.
///
/// # Errors
/// As [`take`]; indices that do not broadcast.
pub fn take_points(
    b: &mut Builder,
    x: Value,
    first: usize,
    indices: &[Value],
) -> Result<Value, OpError> {
    let [one] = indices else {
        let mut place: Option<Value> = None;
        let mut merged = x;
        for (i, index) in indices.iter().enumerate() {
            let (_, extent) = ops::rules::one_axis(&shape_of(b, x), Axis::At(first + i))?;
            ops::rules::index(std::slice::from_ref(b.type_of(*index)), 0)?;
            let index = clamped(b, *index, &extent)?;
            place = Some(match place {
                None => index,
                Some(before) => {
                    merged = super::merge(b, merged, first)?;
                    let shape = shape_of(b, before);
                    let width = b.extent(extent, DType::I32, shape)?;
                    let rows = b.mul(before, width)?;
                    super::binary(b, ops::ADD, rows, index)?
                }
            });
        }
        let place = place.ok_or(OpError::Arity {
            expected: 1,
            found: 0,
        })?;
        return take(b, merged, place, Axis::At(first));
    };
    take(b, x, *one, Axis::At(first))
}

/// Indices within an axis of `extent`: those outside count as the nearest.
pub(super) fn clamped(b: &mut Builder, indices: Value, extent: &Dim) -> Result<Value, OpError> {
    let shape = shape_of(b, indices);
    let last = ops::rules::minus(extent, &Dim::constant(1))?;
    let last = b.extent(last, DType::I32, shape)?;
    let zero = b.like(0.0, indices)?;
    b.op(ops::CLAMP, &[indices, zero, last], Vec::new())
}
