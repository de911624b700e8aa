//! Rules for shears, which windows and their transposes are made of.
//!
//! The transpose of reading windows is a sum, over the window's axis, of a shear. Where a contraction
//! is summed so, an axis of one operand is moved by an axis of the other: that operand is repeated
//! along the axis and sheared itself, and the sum is one more contracted pair. So a convolution's
//! derivative by its input is a contraction again, and the tensor of all windows is never there:
//!
//! `sum_r shear(dot(g, w))[i, r] = sum_r,o g[i - r, o] w[r, o]`

use super::contract::Dot;
use super::rewriter::Rewriter;
use super::view::{narrowed, padded, through};
use crate::attribute::{Attribute, Attributes};
use crate::dim::Dim;
use crate::function::Value;
use crate::op::View;
use crate::ops;
use crate::ops::Sheared;
use crate::scalar::Scalar;
use crate::shape::{Axis, Type};

pub(super) fn simplify(
    r: &mut Rewriter,
    x: Value,
    attributes: &Attributes,
    of: &Type,
) -> Option<Value> {
    let map = Sheared::of(attributes)?;
    let zero = Dim::default();
    if map.slope == zero && map.offset == zero && r.shape_of(x) == &of.shape {
        return Some(x);
    }
    if let Some(number) = r.constant_of(x)
        && number.to_bits() == 0
    {
        return r.constant(number, of);
    }
    if let Some((y, inner)) = r.view_of(x, View::Permute) {
        let permutation = inner.axes(0).to_vec();
        let axes = [Axis::At(map.axis), Axis::At(map.by)];
        let axes = through(&permutation, r.shape_of(x), &axes)?;
        let &[Axis::At(axis), Axis::At(by)] = &axes[..] else {
            return None;
        };
        let moved = r.make(
            ops::SHEAR,
            vec![y],
            Sheared { axis, by, ..map }.attributes(),
        )?;
        return r.permute(moved, permutation);
    }
    of_copies(r, x, map)
}

/// A shear of copies that leaves their ends: what they are copies of is padded, once for all.
fn of_copies(r: &mut Rewriter, x: Value, map: Sheared) -> Option<Value> {
    let (y, inner) = r.view_of(x, View::Broadcast)?;
    let new = inner.axes(1).to_vec();
    let shape = r.shape_of(x).clone();
    if shape.sequence.is_some()
        || new.contains(&Axis::At(map.axis))
        || !new.contains(&Axis::At(map.by))
    {
        return None;
    }
    let extent = |d: usize| shape.dims.get(d)?.as_constant();
    let (n, copies) = (extent(map.axis)?, extent(map.by)?);
    let (offset, slope) = (map.offset.as_constant()?, map.slope.as_constant()?);
    let last = map.extent.as_constant()?.checked_sub(1)?;
    let reach = slope.checked_mul(copies.checked_sub(1)?)?;
    let least = offset.checked_add(reach.min(0))?;
    let greatest = offset.checked_add(last)?.checked_add(reach.max(0))?;
    let (low, high) = ((-least).max(0), greatest.checked_sub(n - 1)?.max(0));
    if n < 1 || copies < 1 || last < 0 || (low, high) == (0, 0) {
        return None;
    }
    let own = (0..map.axis)
        .filter(|d| !new.contains(&Axis::At(*d)))
        .count();
    let [low, high] = [low, high].map(Dim::constant);
    let y = padded(r, y, own, [low.clone(), high.clone(), Dim::constant(1)])?;
    let mut shape = shape;
    *shape.dims.get_mut(map.axis)? = shape
        .dims
        .get(map.axis)?
        .checked_add(&low)?
        .checked_add(&high)?;
    let copies = r.broadcast(y, shape, new)?;
    let offset = map.offset.checked_add(&low)?;
    r.make(
        ops::SHEAR,
        vec![copies],
        Sheared { offset, ..map }.attributes(),
    )
}

/// A range of a shear, along the axis that is moved or along one that is not.
pub(super) fn sliced(r: &mut Rewriter, x: Value, axis: usize, range: [Dim; 3]) -> Option<Value> {
    let (y, attributes) = r.view_of(x, View::Shear)?;
    let map = Sheared::of(attributes)?;
    let [start, stop, step] = range;
    if axis == map.axis && step == Dim::constant(1) {
        let part = Sheared {
            offset: map.offset.checked_add(&start)?,
            extent: stop.checked_sub(&start)?,
            ..map
        };
        return r.make(ops::SHEAR, vec![y], part.attributes());
    }
    if axis == map.axis || axis == map.by {
        return None;
    }
    let y = narrowed(r, y, axis, [start, stop, step])?;
    r.make(ops::SHEAR, vec![y], map.attributes())
}

/// Zeros around a shear, along an axis that is not moved.
pub(super) fn around(r: &mut Rewriter, x: Value, axis: usize, widths: [Dim; 3]) -> Option<Value> {
    let (y, attributes) = r.view_of(x, View::Shear)?;
    let map = Sheared::of(attributes)?;
    if axis == map.axis || axis == map.by {
        return None;
    }
    let y = padded(r, y, axis, widths)?;
    r.make(ops::SHEAR, vec![y], map.attributes())
}

/// The sum of a sheared contraction over the axis that says how far, among `axes`; what is sheared may
/// have zeros between and around, and its axes in another order.
pub(super) fn summed(r: &mut Rewriter, x: Value, axes: &[Axis]) -> Option<Value> {
    let (mut y, attributes) = r.view_of(x, View::Shear)?;
    let map = Sheared::of(attributes)?;
    if !axes.contains(&Axis::At(map.by)) || !r.single(x) {
        return None;
    }
    let mut widths = None;
    if let Some((inner, attributes)) = r.view_of(y, View::Pad)
        && attributes.axes(0) == [Axis::At(map.axis)]
        && r.single(y)
        && let [low, high, step] = attributes.dims(1)
    {
        widths = Some([low.clone(), high.clone(), step.clone()]);
        y = inner;
    }
    // The axis of the contraction's result that each axis of what is sheared is.
    let mut order: Vec<Axis> = r.shape_of(y).axes();
    if let Some((inner, attributes)) = r.view_of(y, View::Permute)
        && r.single(y)
    {
        order = attributes.axes(0).to_vec();
        y = inner;
    }
    if let Some([a, b]) = terms(r, y) {
        let fold = |r: &mut Rewriter, v: Value| {
            let v = r.permute(v, order.clone())?;
            let v = match widths.clone() {
                Some(widths) => padded(r, v, map.axis, widths)?,
                None => v,
            };
            let v = r.make(ops::SHEAR, vec![v], map.clone().attributes())?;
            r.make(ops::SUM, vec![v], vec![Attribute::Axes(axes.to_vec())])
        };
        let terms = vec![fold(r, a)?, fold(r, b)?];
        return r.make(ops::ADD, terms, Vec::new());
    }
    let dot = Dot::of(r, y)?;
    let plain = |v: Value| r.shape_of(v).sequence.is_none();
    if !r.single(y) || !plain(y) || !plain(dot.x) || !plain(dot.y) {
        return None;
    }
    let (own, axis, by) = (map.by, *order.get(map.axis)?, *order.get(map.by)?);
    let (free_x, free_y) = (dot.free_x(r), dot.free_y(r));
    let batch = dot.batch_x.len();
    let of_x = |a: Axis| free_x.get(position(a)?.checked_sub(batch)?).copied();
    let of_y = |a: Axis| {
        free_y
            .get(position(a)?.checked_sub(batch + free_x.len())?)
            .copied()
    };
    let moved = match (of_x(axis), of_y(by), of_y(axis), of_x(by)) {
        (Some(at), Some(pair), ..) => {
            let x = copies(r, dot.x, at, (dot.y, pair), widths, map)?;
            let contract_x = [&dot.contract_x[..], &[last(r, x)]].concat();
            let contract_y = [&dot.contract_y[..], &[pair]].concat();
            Dot {
                x,
                contract_x,
                contract_y,
                ..dot
            }
        }
        (_, _, Some(at), Some(pair)) => {
            let y = copies(r, dot.y, at, (dot.x, pair), widths, map)?;
            let contract_y = [&dot.contract_y[..], &[last(r, y)]].concat();
            let contract_x = [&dot.contract_x[..], &[pair]].concat();
            Dot {
                y,
                contract_x,
                contract_y,
                ..dot
            }
        }
        _ => return None,
    };
    let result = moved.make(r)?;
    // The axes as they were sheared, without the summed one.
    let shift = |a: &Axis| match a {
        Axis::At(d) if *a > by => Axis::At(d - 1),
        Axis::At(_) | Axis::Sequence => *a,
    };
    let order: Vec<Axis> = order.iter().filter(|a| **a != by).map(shift).collect();
    let result = r.permute(result, order)?;
    let rest: Vec<Axis> = axes
        .iter()
        .filter(|a| **a != Axis::At(own))
        .map(|a| match a {
            Axis::At(d) if *d > own => Axis::At(d - 1),
            Axis::At(_) | Axis::Sequence => *a,
        })
        .collect();
    match rest.is_empty() {
        true => Some(result),
        false => r.make(ops::SUM, vec![result], vec![Attribute::Axes(rest)]),
    }
}

/// The terms of a sum that nobody else reads, one of them a contraction.
fn terms(r: &Rewriter, v: Value) -> Option<[Value; 2]> {
    let d = r.definition(v)?;
    let &[a, b] = &d.operands[..] else {
        return None;
    };
    let is_product = |v: Value| {
        let v = r.view_of(v, View::Permute).map_or(v, |(inner, _)| inner);
        Dot::of(r, v).is_some() || terms(r, v).is_some()
    };
    let products = d.op.kind.scalar() == Some(Scalar::ADD) && r.single(v);
    (products && (is_product(a) || is_product(b))).then_some([a, b])
}

/// `x` repeated as often as the axis of another operand is long, along a new last axis, and sheared by
/// that along one of its own; zeros around it and between its elements go on first.
fn copies(
    r: &mut Rewriter,
    x: Value,
    axis: Axis,
    (other, pair): (Value, Axis),
    widths: Option<[Dim; 3]>,
    map: Sheared,
) -> Option<Value> {
    let axis = position(axis)?;
    let x = match widths {
        Some(widths) => padded(r, x, axis, widths)?,
        None => x,
    };
    let mut shape = r.shape_of(x).clone();
    let by = shape.dims.len();
    let count = r.shape_of(other).dims.get(position(pair)?)?.clone();
    shape.dims.push(count);
    let copies = r.broadcast(x, shape, vec![Axis::At(by)])?;
    r.make(
        ops::SHEAR,
        vec![copies],
        Sheared { axis, by, ..map }.attributes(),
    )
}

/// The last axis of a value.
fn last(r: &Rewriter, x: Value) -> Axis {
    Axis::At(r.shape_of(x).dims.len().saturating_sub(1))
}

fn position(axis: Axis) -> Option<usize> {
    match axis {
        Axis::At(d) => Some(d),
        Axis::Sequence => None,
    }
}
