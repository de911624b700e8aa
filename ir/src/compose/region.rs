//! Parts of a tensor replaced, or added to: functional updates.
//!
//! A part is, for each axis (behind a sequence), a range or one index. What is updated is chosen element by
//! element, so nothing is computed with what is replaced, and the derivative by the update is its own part
//! of the cotangent.

use super::position::clamped;
use super::{broadcast_to, shape_of};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::ops::rules::{minus, plus, times};
use crate::shape::{Axis, Shape};

/// What an update reaches of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Reach {
    /// All of it.
    Whole,
    /// The indices `start, start + step, ..` below `stop`.
    Range {
        /// The first.
        start: Dim,
        /// What they are below.
        stop: Dim,
        /// The distance.
        step: Dim,
    },
    /// One index that is known. The update has no such axis.
    Point(Dim),
    /// The index that a scalar of i32 is; one that is outside counts as the nearest. The update has no such
    /// axis.
    Index(Value),
}

/// The shape of an update of `x` that reaches this far, an axis each.
///
/// # Errors
/// Ranges that do not fit.
pub fn reached(b: &mut Builder, x: Value, reach: &[Reach]) -> Result<Shape, OpError> {
    let mut shape = shape_of(b, x);
    let mut dims = Vec::new();
    for (i, (reach, dim)) in reach.iter().zip(&shape.dims).enumerate() {
        match reach {
            Reach::Whole => dims.push(dim.clone()),
            Reach::Index(_) => {}
            Reach::Point(at) => {
                let stop = plus(at, &Dim::constant(1))?;
                sliced(b, x, i, [at, &stop, &Dim::constant(1)])?;
            }
            Reach::Range { start, stop, step } => {
                let part = sliced(b, x, i, [start, stop, step])?;
                dims.push(part);
            }
        }
    }
    shape.dims = dims;
    Ok(shape)
}

/// How long a range of an axis is, by the rule of slices.
fn sliced(b: &Builder, x: Value, axis: usize, range: [&Dim; 3]) -> Result<Dim, OpError> {
    // On a builder of its own: nothing is added for it.
    let mut apart = Builder::default();
    let ty = b.type_of(x).clone();
    let x = apart.value(ty);
    let part = apart.slice(x, Axis::At(axis), range)?;
    let dim = apart.type_of(part).shape.dims.get(axis).cloned();
    dim.ok_or(OpError::Overflow)
}

/// `x` with `update` in place of a part; the update broadcasts to the part's shape.
///
/// # Errors
/// Ranges that do not fit; an update that does not broadcast, or is of another element type.
pub fn set(b: &mut Builder, x: Value, reach: &[Reach], update: Value) -> Result<Value, OpError> {
    let spread = spread(b, x, reach, update)?;
    match inside(b, x, reach)? {
        Some(inside) => b.select(inside, spread, x),
        None => Ok(spread),
    }
}

/// `x` with `update` added to a part; the update broadcasts to the part's shape.
///
/// # Errors
/// As [`set`]; an `x` of bools.
pub fn add_to(b: &mut Builder, x: Value, reach: &[Reach], update: Value) -> Result<Value, OpError> {
    let spread = spread(b, x, reach, update)?;
    // Around ranges there are zeros already.
    let indices = reach.iter().map(|r| match r {
        Reach::Index(_) => r.clone(),
        Reach::Whole | Reach::Point(_) | Reach::Range { .. } => Reach::Whole,
    });
    let added = match inside(b, x, &indices.collect::<Vec<_>>())? {
        Some(inside) => {
            let zero = b.like(0.0, spread)?;
            b.select(inside, spread, zero)?
        }
        None => spread,
    };
    b.add(x, added)
}

/// The update in x's shape, each element where it belongs; what is elsewhere counts for nothing.
fn spread(b: &mut Builder, x: Value, reach: &[Reach], update: Value) -> Result<Value, OpError> {
    let to = shape_of(b, x);
    let part = reached(b, x, reach)?;
    ops::rules::same_dtype(b.type_of(x).dtype, b.type_of(update).dtype)?;
    let mut value = broadcast_to(b, update, &part)?;
    let bools = b.type_of(x).dtype == DType::Bool;
    let pads = |r: &Reach| matches!(r, Reach::Range { .. } | Reach::Point(_));
    let padded = reach.iter().any(pads);
    if bools && padded {
        value = b.cast(value, DType::I32)?;
    }
    let one = Dim::constant(1);
    // Axes to the left are x's already.
    for (i, reach) in reach.iter().enumerate() {
        match reach {
            Reach::Whole => {}
            Reach::Index(_) => {
                let mut wide = shape_of(b, value);
                wide.dims.insert(i, to.dims[i].clone());
                value = b.broadcast(value, &wide, &[Axis::At(i)])?;
            }
            Reach::Point(at) => {
                let mut thin = shape_of(b, value);
                thin.dims.insert(i, one.clone());
                value = b.reshape(value, &thin)?;
                let high = minus(&minus(&to.dims[i], at)?, &one)?;
                value = b.pad(value, Axis::At(i), [at, &high, &one])?;
            }
            Reach::Range { start, step, .. } => {
                // For no index `last` is below `start`, and `high` is what is left all the same.
                let n = shape_of(b, value).dims[i].clone();
                let last = plus(start, &times(&minus(&n, &one)?, step)?)?;
                let high = minus(&minus(&to.dims[i], &last)?, &one)?;
                value = b.pad(value, Axis::At(i), [start, &high, step])?;
            }
        }
    }
    match bools && padded {
        true => b.cast(value, DType::Bool),
        false => Ok(value),
    }
}

/// Where the part is; `None` where it is all.
fn inside(b: &mut Builder, x: Value, reach: &[Reach]) -> Result<Option<Value>, OpError> {
    let shape = shape_of(b, x);
    let mut all: Option<Value> = None;
    for (i, reach) in reach.iter().enumerate() {
        let here = match reach {
            Reach::Whole => continue,
            Reach::Index(index) => {
                let at = clamped(b, *index, &shape.dims[i])?;
                let at = broadcast_to(b, at, &shape)?;
                let place = b.iota(DType::I32, shape.clone(), Axis::At(i))?;
                b.eq(place, at)?
            }
            Reach::Point(at) => {
                let place = b.iota(DType::I32, shape.clone(), Axis::At(i))?;
                let at = b.extent(at.clone(), DType::I32, shape.clone())?;
                b.eq(place, at)?
            }
            Reach::Range { start, stop, step } => {
                let place = b.iota(DType::I32, shape.clone(), Axis::At(i))?;
                let mut extent = |d: &Dim| b.extent(d.clone(), DType::I32, shape.clone());
                let (first, end, apart) = (extent(start)?, extent(stop)?, extent(step)?);
                let behind = b.le(first, place)?;
                let before = b.lt(place, end)?;
                let mut within = b.op(ops::AND, &[behind, before], Vec::new())?;
                if *step != Dim::constant(1) {
                    let distance = b.sub(place, first)?;
                    let rest = b.op(ops::REM, &[distance, apart], Vec::new())?;
                    let hit = b.with(ops::EQ, rest, 0.0)?;
                    within = b.op(ops::AND, &[within, hit], Vec::new())?;
                }
                within
            }
        };
        all = Some(match all {
            Some(all) => b.op(ops::AND, &[all, here], Vec::new())?,
            None => here,
        });
    }
    Ok(all)
}

/// `x` with each slice of `update` in place of the slice at its index along an axis; of equal indices the last
/// counts. The update broadcasts to the shape of what [`super::take`] gives.
///
/// # Errors
/// As [`super::take`]; an update that does not broadcast; bools.
pub fn set_at(
    b: &mut Builder,
    x: Value,
    axis: Axis,
    indices: Value,
    update: Value,
) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    let (at, extent) = ops::rules::one_axis(&shape, axis)?;
    let indices = clamped(b, indices, &extent)?;
    let counts = shape_of(b, indices);
    if counts.sequence.is_some() {
        return Err(OpError::Sequence(counts));
    }
    let n = ops::rules::product(&counts.dims)?;
    let update = taken_shape(b, x, axis, indices, update)?;
    // Slices in a row, of equal indices those before the last without effect.
    let row = b.reshape(indices, &Shape::new(vec![n.clone()]))?;
    let last = last_of_equals(b, row, &n)?;
    let mut wide = shape.clone();
    wide.dims[at] = n;
    let others = ops::rules::others(&wide, &[axis]);
    let update = b.reshape(update, &wide)?;
    let last = b.broadcast(last, &wide, &others)?;
    let zero = b.like(0.0, update)?;
    let update = b.select(last, update, zero)?;
    // Where there is an update, x counts for nothing.
    let ones = Shape::new(vec![extent]);
    let none = b.constant(0.0, DType::I32, ones)?;
    let one = b.like(1.0, row)?;
    let hits = b.along(ops::INDEX_ADD, &[none, row, one], Axis::At(0))?;
    let hit = b.with(ops::NE, hits, 0.0)?;
    let hit = b.broadcast(hit, &shape, &ops::rules::others(&shape, &[axis]))?;
    let zero = b.like(0.0, x)?;
    let rest = b.select(hit, zero, x)?;
    b.along(ops::INDEX_ADD, &[rest, row, update], axis)
}

/// `x` with each slice of `update` added to the slice at its index along an axis. The update broadcasts to the
/// shape of what [`super::take`] gives.
///
/// # Errors
/// As [`super::take`]; an update that does not broadcast; bools.
pub fn add_at(
    b: &mut Builder,
    x: Value,
    axis: Axis,
    indices: Value,
    update: Value,
) -> Result<Value, OpError> {
    let update = taken_shape(b, x, axis, indices, update)?;
    b.along(ops::INDEX_ADD, &[x, indices, update], axis)
}

/// The update in the shape of x's slices at indices.
fn taken_shape(
    b: &mut Builder,
    x: Value,
    axis: Axis,
    indices: Value,
    update: Value,
) -> Result<Value, OpError> {
    let mut apart = Builder::default();
    let (tx, ti) = (b.type_of(x).clone(), b.type_of(indices).clone());
    let (tx, ti) = (apart.value(tx), apart.value(ti));
    let taken = super::take(&mut apart, tx, ti, axis)?;
    let to = shape_of(&apart, taken);
    ops::rules::same_dtype(b.type_of(x).dtype, b.type_of(update).dtype)?;
    broadcast_to(b, update, &to)
}

/// Which of `n` indices have no equal behind them.
fn last_of_equals(b: &mut Builder, row: Value, n: &Dim) -> Result<Value, OpError> {
    let square = Shape::new(vec![n.clone(), n.clone()]);
    let mine = b.broadcast(row, &square, &[Axis::At(1)])?;
    let other = b.broadcast(row, &square, &[Axis::At(0)])?;
    let equal = b.eq(mine, other)?;
    let own = b.iota(DType::I32, square.clone(), Axis::At(0))?;
    let behind = b.iota(DType::I32, square, Axis::At(1))?;
    let behind = b.lt(own, behind)?;
    let later = b.op(ops::AND, &[equal, behind], Vec::new())?;
    let later = b.cast(later, DType::I32)?;
    let later = b.over(ops::SUM, later, &[Axis::At(1)])?;
    b.with(ops::EQ, later, 0.0)
}
