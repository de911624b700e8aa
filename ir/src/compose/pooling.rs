//! Pools over windows of the last axes, and more elements in place of each.

use super::padding::pad_edge;
use super::sliding::{Slide, axis_of, places, sliding};
use super::{binary, reduce, shape_of};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::ops::rules::{float, plus, times};
use crate::shape::{Axis, Shape};

/// The greatest element of each window along the last axes; what is put around these is never it.
///
/// # Errors
/// An `x` that is no float; what [`sliding`] refuses.
pub fn max_pool(b: &mut Builder, x: Value, slides: &[Slide]) -> Result<Value, OpError> {
    float(&[b.type_of(x).clone()], 0)?;
    let windows = sliding(b, x, slides, &f64::NEG_INFINITY.into())?;
    let places = places(b, windows, slides.len());
    reduce(b, ops::MAX, windows, &places, false)
}

/// The mean of each window along the last axes, of which the zeros around these are a part unless
/// `count_padding` is false.
///
/// # Errors
/// As [`max_pool`].
pub fn avg_pool(
    b: &mut Builder,
    x: Value,
    slides: &[Slide],
    count_padding: bool,
) -> Result<Value, OpError> {
    float(&[b.type_of(x).clone()], 0)?;
    let zero = Dim::constant(0);
    let padded = slides.iter().any(|s| s.low != zero || s.high != zero);
    let windows = sliding(b, x, slides, &0.0.into())?;
    let inner = places(b, windows, slides.len());
    if count_padding || !padded {
        return reduce(b, ops::MEAN, windows, &inner, false);
    }
    let sum = reduce(b, ops::SUM, windows, &inner, false)?;
    // How many of x's own elements are in each window: the same for all that is in front.
    let ty = b.type_of(x).clone();
    let first = axis_of(b, x, 0, slides.len())?;
    let own = Shape::new(ty.shape.dims[first..].to_vec());
    let ones = b.constant(1.0, ty.dtype, own)?;
    let windows = sliding(b, ones, slides, &0.0.into())?;
    let inner = places(b, windows, slides.len());
    let count = reduce(b, ops::SUM, windows, &inner, false)?;
    binary(b, ops::DIV, sum, count)
}

/// The mean over all of the last `count` axes, which stay as ones (PyTorch's adaptive average to 1).
///
/// # Errors
/// An `x` that is no float; fewer axes.
pub fn global_avg_pool(b: &mut Builder, x: Value, count: usize) -> Result<Value, OpError> {
    let axes = (0..count).map(|i| axis_of(b, x, i, count).map(Axis::At));
    let axes = axes.collect::<Result<Vec<Axis>, OpError>>()?;
    reduce(b, ops::MEAN, x, &axes, true)
}

/// Each element `factor` times, along each of the last axes.
///
/// # Errors
/// Fewer axes than factors; dims that are too large.
pub fn upsample_nearest(b: &mut Builder, x: Value, factors: &[Dim]) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    let first = axis_of(b, x, 0, factors.len())?;
    let (mut repeated, mut to) = (shape.clone(), shape);
    let mut new = Vec::with_capacity(factors.len());
    for (i, factor) in factors.iter().enumerate().rev() {
        let axis = first + i;
        repeated.dims.insert(axis + 1, factor.clone());
        // Those in front have a new axis behind each too.
        new.push(Axis::At(axis + 1 + i));
        to.dims[axis] = times(&to.dims[axis], factor)?;
    }
    new.reverse();
    let blocks = b.broadcast(x, &repeated, &new)?;
    b.reshape(blocks, &to)
}

/// Between neighbours by their distances, along each of the last axes: `factor` elements in place of each, whose
/// places are those of PyTorch's `align_corners = False`. At the ends it is the last element.
///
/// # Errors
/// As [`upsample_nearest`]; an `x` that is no float.
pub fn upsample_linear(b: &mut Builder, x: Value, factors: &[Dim]) -> Result<Value, OpError> {
    float(&[b.type_of(x).clone()], 0)?;
    let mut x = x;
    for (i, factor) in factors.iter().enumerate() {
        let axis = axis_of(b, x, i, factors.len())?;
        x = linear_along(b, x, axis, factor)?;
    }
    Ok(x)
}

/// Element `q * factor + r` is at `q + t` of the old ones, with `t = (r + 1/2) / factor - 1/2`: of the element q,
/// and of the one in front by `-t` if that is above 0, of the one behind by t.
fn linear_along(b: &mut Builder, x: Value, axis: usize, factor: &Dim) -> Result<Value, OpError> {
    let ty = b.type_of(x).clone();
    let (at, one) = (Axis::At(axis), Dim::constant(1));
    let extent = ty.shape.dims[axis].clone();
    let padded = pad_edge(b, x, &[(at, one.clone(), one.clone())])?;
    let mut shape = ty.shape.clone();
    shape.dims.insert(axis + 1, factor.clone());
    let r = b.iota(ty.dtype, shape.clone(), Axis::At(axis + 1))?;
    let middle = b.with(ops::ADD, r, 0.5)?;
    let steps = b.extent(factor.clone(), ty.dtype, shape.clone())?;
    let place = b.div(middle, steps)?;
    let t = b.with(ops::SUB, place, 0.5)?;
    let behind = b.op(ops::RELU, &[t], Vec::new())?;
    let minus_t = b.neg(t)?;
    let in_front = b.op(ops::RELU, &[minus_t], Vec::new())?;
    let far = b.add(behind, in_front)?;
    let all = b.like(1.0, t)?;
    let own = b.sub(all, far)?;
    let mut sum = None;
    for (offset, weight) in [in_front, own, behind].into_iter().enumerate() {
        let start = Dim::constant(i64::try_from(offset).unwrap_or(0));
        let stop = plus(&start, &extent)?;
        let neighbour = b.slice(padded, at, [&start, &stop, &one])?;
        let neighbour = b.broadcast(neighbour, &shape, &[Axis::At(axis + 1)])?;
        let part = b.mul(neighbour, weight)?;
        sum = Some(match sum {
            Some(sum) => b.add(sum, part)?,
            None => part,
        });
    }
    let mut to = ty.shape;
    to.dims[axis] = times(&extent, factor)?;
    match sum {
        Some(sum) => b.reshape(sum, &to),
        None => Ok(x),
    }
}
