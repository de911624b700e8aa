//! Other dims, other orders, parts and wholes.

use super::{axes, axis, broadcast_to, shape_of};
use crate::attributes::{AlongResult, Permute, Windows};
use crate::builder::Builder;
use crate::dim::{Dim, Symbol};
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::ops::rules::{plus, product};
use crate::shape::{Axis, Shape};

/// The elements as other dims; one of them may be left out (`None`, NumPy's `-1`). A sequence stays.
///
/// # Errors
/// Another number of elements; a dim left out that no exact division gives, or two of them.
pub fn reshape(b: &mut Builder, x: Value, dims: &[Option<Dim>]) -> Result<Value, OpError> {
    let from = shape_of(b, x);
    let known = product(dims.iter().flatten())?;
    let all = product(&from.dims)?;
    let refuse = |dims: Vec<Dim>| OpError::Elements {
        from: from.clone(),
        to: Shape {
            sequence: from.sequence.clone(),
            dims,
        },
    };
    let mut out = Vec::with_capacity(dims.len());
    let mut left_out = 0;
    for d in dims {
        out.push(match d {
            Some(d) => d.clone(),
            None => {
                left_out += 1;
                let rest = all.exact_div(&known);
                rest.ok_or_else(|| refuse(dims.iter().flatten().cloned().collect()))?
            }
        });
    }
    if left_out > 1 {
        return Err(refuse(out));
    }
    let to = Shape {
        sequence: from.sequence.clone(),
        dims: out,
    };
    b.reshape(x, &to)
}

/// NumPy's `transpose`: axes in another order; behind a sequence, which stays, they are negative.
///
/// # Errors
/// Axes that are not all of x's, each once.
pub fn permute(b: &mut Builder, x: Value, order: &[i64]) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    let mut to: Vec<Axis> = shape.sequence.iter().map(|_| Axis::Sequence).collect();
    to.extend(axes(&shape, order)?);
    b.op(ops::PERMUTE, &[x], Permute { axes: &to })
}

/// Two axes in each other's place.
///
/// # Errors
/// An axis that x does not have.
pub fn swapaxes(b: &mut Builder, x: Value, i: i64, j: i64) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    let (i, j) = (axis(&shape, i)?, axis(&shape, j)?);
    let swapped: Vec<Axis> = shape
        .axes()
        .into_iter()
        .map(|a| match a {
            a if a == i => j,
            a if a == j => i,
            a => a,
        })
        .collect();
    b.permute(x, &swapped)
}

/// `x` broadcast to a shape, of which `None` keeps x's dim (PyTorch's `-1`), behind `sequence`; without
/// one x's own stays.
///
/// # Errors
/// A shape that `x` does not broadcast to.
pub fn expand(
    b: &mut Builder,
    x: Value,
    sequence: Option<&Symbol>,
    dims: &[Option<Dim>],
) -> Result<Value, OpError> {
    let from = shape_of(b, x);
    let mut to = Shape {
        sequence: sequence.or(from.sequence.as_ref()).cloned(),
        dims: Vec::new(),
    };
    for (i, d) in dims.iter().enumerate() {
        let own = (i + from.len()).checked_sub(dims.len());
        to.dims.push(match (d, own.and_then(|i| from.dims.get(i))) {
            (Some(d), _) => d.clone(),
            (None, Some(own)) => own.clone(),
            (None, None) => {
                return Err(OpError::NoAxis {
                    index: i64::try_from(i).unwrap_or(i64::MAX),
                    shape: from,
                });
            }
        });
    }
    broadcast_to(b, x, &to)
}

/// A new axis of one, in front of axis `at` of x; `-1` puts it last.
///
/// # Errors
/// A place that x does not have.
pub fn unsqueeze(b: &mut Builder, x: Value, at: i64) -> Result<Value, OpError> {
    let mut to = shape_of(b, x);
    // Counted on the result.
    let mut counted = to.clone();
    counted.dims.push(Dim::constant(1));
    match axis(&counted, at)? {
        Axis::At(i) => to.dims.insert(i, Dim::constant(1)),
        Axis::Sequence => return Err(OpError::Sequence(to)),
    }
    b.reshape(x, &to)
}

/// Without the given axes, which are ones.
///
/// # Errors
/// An axis that x does not have, or that is not the literal 1.
pub fn squeeze(b: &mut Builder, x: Value, gone: &[Axis]) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    for axis in gone {
        // Among no elements a reshape would drop any axis.
        if let Some(dim) = ops::rules::dim_at(&shape, *axis).filter(|d| !super::is_one(d)) {
            return Err(OpError::NotOne {
                dim: dim.clone(),
                shape,
            });
        }
    }
    let to = shape.select(&super::rest(&shape, gone));
    b.reshape(x, &to.ok_or(OpError::Sequence(shape))?)
}

/// The indices `start, start + step, ..` below `stop` of an axis.
///
/// # Errors
/// A range that does not fit the axis.
pub fn slice(
    b: &mut Builder,
    x: Value,
    axis: Axis,
    start: Dim,
    stop: Dim,
    step: Dim,
) -> Result<Value, OpError> {
    b.slice(x, axis, [&start, &stop, &step])
}

/// `length` indices of an axis from `start` on.
///
/// # Errors
/// A range that does not fit the axis.
pub fn narrow(
    b: &mut Builder,
    x: Value,
    axis: Axis,
    start: Dim,
    length: &Dim,
) -> Result<Value, OpError> {
    let stop = plus(&start, length)?;
    slice(b, x, axis, start, stop, Dim::constant(1))
}

/// The operands one after the other along an axis.
///
/// # Errors
/// Dims that differ elsewhere; no operands.
pub fn concat(b: &mut Builder, operands: &[Value], axis: Axis) -> Result<Value, OpError> {
    b.op(ops::CONCAT, operands, AlongResult { axis })
}

/// The operands along a new axis.
///
/// # Errors
/// Shapes that differ; no operands; a place that the result does not have.
pub fn stack(b: &mut Builder, operands: &[Value], at: i64) -> Result<Value, OpError> {
    let mut parts = Vec::with_capacity(operands.len());
    for x in operands {
        parts.push(unsqueeze(b, *x, at)?);
    }
    let first = parts.first().ok_or(OpError::Arity {
        expected: 1,
        found: 0,
    })?;
    let along = axis(&shape_of(b, *first), at)?;
    concat(b, &parts, along)
}

/// Parts of the given sizes along an axis.
///
/// # Errors
/// Sizes whose sum is not the axis's extent.
pub fn split(b: &mut Builder, x: Value, sizes: &[Dim], axis: Axis) -> Result<Vec<Value>, OpError> {
    let shape = shape_of(b, x);
    let mut start = Dim::constant(0);
    let mut out = Vec::with_capacity(sizes.len());
    for n in sizes {
        out.push(narrow(b, x, axis, start.clone(), n)?);
        start = plus(&start, n)?;
    }
    let extent = extent_of(&shape, axis)?;
    match start == extent {
        true => Ok(out),
        false => Err(OpError::Range {
            start: "0".into(),
            stop: start.to_string(),
            step: "1".into(),
            extent: extent.to_string(),
        }),
    }
}

/// Rows of coordinates as a grid (NumPy's `meshgrid`): each along its own axis, repeated along those of the
/// others. With `xy` the first two axes are in each other's place.
///
/// # Errors
/// Operands that are no rows.
pub fn meshgrid(b: &mut Builder, rows: &[Value], xy: bool) -> Result<Vec<Value>, OpError> {
    let mut dims = Vec::with_capacity(rows.len());
    for x in rows {
        let shape = shape_of(b, *x);
        match (shape.dims.as_slice(), &shape.sequence) {
            ([dim], None) => dims.push(dim.clone()),
            _ => return Err(OpError::Sequence(shape)),
        }
    }
    let place = |i: usize| match (xy && rows.len() > 1, i) {
        (true, 0) => 1,
        (true, 1) => 0,
        _ => i,
    };
    let mut grid = Shape::new(dims.clone());
    for (i, dim) in dims.into_iter().enumerate() {
        grid.dims[place(i)] = dim;
    }
    let mut out = Vec::with_capacity(rows.len());
    for (i, x) in rows.iter().enumerate() {
        let others = super::rest(&grid, &[Axis::At(place(i))]);
        out.push(b.broadcast(*x, &grid, &others)?);
    }
    Ok(out)
}

/// The elements moved by `shift` along an axis, those that leave coming in at the other end.
///
/// # Errors
/// An axis that x does not have, or whose extent is a symbol.
pub fn roll(b: &mut Builder, x: Value, shift: i64, axis: Axis) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    let extent = extent_of(&shape, axis)?;
    let n = extent.as_constant().ok_or(OpError::Axis { axis, shape })?;
    if n == 0 || shift.rem_euclid(n) == 0 {
        return Ok(x);
    }
    let cut = Dim::constant(n - shift.rem_euclid(n));
    let tail = slice(b, x, axis, cut.clone(), extent, Dim::constant(1))?;
    let head = slice(b, x, axis, Dim::constant(0), cut, Dim::constant(1))?;
    concat(b, &[tail, head], axis)
}

/// The extent of an axis, which is none of the sequence's.
pub(super) fn extent_of(shape: &Shape, axis: Axis) -> Result<Dim, OpError> {
    let dim = ops::rules::dim_at(shape, axis);
    dim.cloned().ok_or_else(|| OpError::Axis {
        axis,
        shape: shape.clone(),
    })
}

/// The elements of an axis in the opposite order.
///
/// # Errors
/// An axis that x does not have.
pub fn flip(b: &mut Builder, x: Value, axis: Axis) -> Result<Value, OpError> {
    b.flip(x, axis)
}

/// Windows of `size` elements along an axis, `step` apart, their elements `dilation` apart: the axis
/// becomes the windows, and one behind it the places in a window.
///
/// # Errors
/// An axis that x does not have; a window that is longer than the axis; numbers of windows that are no
/// polynomial in the dims.
pub fn windows(
    b: &mut Builder,
    x: Value,
    axis: Axis,
    size: Dim,
    step: Dim,
    dilation: Dim,
) -> Result<Value, OpError> {
    let windows = Windows {
        axis,
        size: &size,
        step: &step,
        dilation: &dilation,
    };
    b.windows(x, windows)
}

/// Each element along an axis minus the one before it.
///
/// # Errors
/// An axis that x does not have, or of no elements; bools.
pub fn diff(b: &mut Builder, x: Value, axis: Axis) -> Result<Value, OpError> {
    let extent = extent_of(&shape_of(b, x), axis)?;
    let one = Dim::constant(1);
    let last = crate::ops::rules::minus(&extent, &one)?;
    let behind = b.slice(x, axis, [&one, &extent, &one])?;
    let before = b.slice(x, axis, [&Dim::constant(0), &last, &one])?;
    b.sub(behind, before)
}
