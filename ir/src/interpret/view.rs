//! The elements of an operand through another index map.

use super::axes::{over, position, positions};
use crate::array::{Array, count, offsets, strides};
use crate::attribute::Attributes;
use crate::attributes::{Along, Broadcast, Pad, Permute, Shear, Slice};
use crate::dim::Dim;
use crate::op::View;

pub(super) fn view_of(view: View, a: &Attributes, x: &Array, shape: &[usize]) -> Option<Vec<f64>> {
    let from = strides(&x.shape);
    let pick = |offsets: Vec<usize>| offsets.into_iter().map(|o| x.data[o]).collect();
    Some(match view {
        View::Broadcast => {
            let new = positions(Broadcast::from_attributes(a).ok()?.new);
            let mut own = from.iter();
            let stride = |(i, n): (usize, &usize)| match new.contains(&i) {
                true => (*n, 0),
                false => (*n, own.next().copied().unwrap_or(0)),
            };
            pick(offsets(shape.iter().enumerate().map(stride)))
        }
        View::Reshape => x.data.clone(),
        View::Permute => pick(over(x, &positions(Permute::from_attributes(a).ok()?.axes))),
        View::Slice => {
            let Slice { axis, range } = Slice::from_attributes(a).ok()?;
            let (axis, start, step) = (position(axis)?, place(range.start)?, place(range.step)?);
            let stride = |(i, n): (usize, &usize)| match i == axis {
                true => (*n, from[i] * step),
                false => (*n, from[i]),
            };
            let first = if count(shape) == 0 {
                0
            } else {
                start * from[axis]
            };
            let offsets = offsets(shape.iter().enumerate().map(stride));
            offsets.into_iter().map(|o| x.data[first + o]).collect()
        }
        View::Pad => {
            let Pad { axis, widths } = Pad::from_attributes(a).ok()?;
            let (axis, low, step) = (position(axis)?, place(widths.low)?, place(widths.step)?);
            let to = strides(shape);
            let stride = |(i, n): (usize, &usize)| match i == axis {
                true => (*n, to[i] * step),
                false => (*n, to[i]),
            };
            let mut out = vec![0.0; count(shape)];
            let places = offsets(x.shape.iter().enumerate().map(stride));
            for (value, place) in x.data.iter().zip(places) {
                out[low * to[axis] + place] = *value;
            }
            out
        }
        View::Flip => {
            let axis = position(Along::from_attributes(a).ok()?.axis)?;
            let moved = |_: usize, i: i64| shape[axis] as i64 - 1 - i;
            moved_along(x, axis, shape[axis], &moved)
        }
        View::Shear => {
            let map = Shear::from_attributes(a).ok()?;
            let (axis, by) = (position(map.axis)?, position(map.by)?);
            let (offset, slope) = (map.offset.as_constant()?, map.slope.as_constant()?);
            let step = strides(shape)[by];
            let row = |place: usize| (place / step % shape[by]) as i64;
            let moved = |place: usize, i: i64| offset + i + slope * row(place);
            moved_along(x, axis, shape[axis], &moved)
        }
    })
}

/// The elements of `x` with another extent along an axis: the one with the row-major number and the
/// index along the axis that `moved` is given is x's at the index it gives; 0 outside of `x`.
fn moved_along(
    x: &Array,
    axis: usize,
    extent: usize,
    moved: &dyn Fn(usize, i64) -> i64,
) -> Vec<f64> {
    let inner: usize = x.shape[axis + 1..].iter().product();
    let outer: usize = x.shape[..axis].iter().product();
    let own = x.shape[axis];
    (0..outer * extent * inner)
        .map(|place| {
            let i = place / inner % extent;
            match usize::try_from(moved(place, i as i64)) {
                Ok(from) if from < own => {
                    x.data[(place / inner / extent * own + from) * inner + place % inner]
                }
                Ok(_) | Err(_) => 0.0,
            }
        })
        .collect()
}

/// A place along an axis; one that is negative, around nothing, counts as 0.
fn place(dim: &Dim) -> Option<usize> {
    Some(usize::try_from(dim.as_constant()?).unwrap_or(0))
}
