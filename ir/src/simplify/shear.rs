//! Rules for shears, which windows and their transposes are made of.
//!
//! The transpose of reading windows is a sum, over the window's axis, of a shear. Where a contraction
//! is summed so, an axis of one operand is moved by an axis of the other: that operand is repeated
//! along the axis and sheared itself, and the sum is one more contracted pair. So a convolution's
//! derivative by its input is a contraction again, and the tensor of all windows is never there:
//!
//! `sum_r shear(dot(g, w))[i, r] = sum_r,o g[i - r, o] w[r, o]`
//!
//! Where windows do not overlap, no element of such a sum has two terms: it is the elements in another order.

use super::contract::Dot;
use super::rewriter::Rewriter;
use super::view::{narrowed, padded, through};
use crate::attributes::{Broadcast, Over, Pad, Permute, Shear};
use crate::dim::Dim;
use crate::function::Value;
use crate::ops;
use crate::scalar::Scalar;
use crate::shape::{Axis, Type};

/// A shear's attributes, apart from the instruction that has them.
#[derive(Clone)]
struct Map {
    axis: Axis,
    by: Axis,
    offset: Dim,
    slope: Dim,
    extent: Dim,
}

impl Map {
    fn from_shear(shear: &Shear<'_>) -> Map {
        Map {
            axis: shear.axis,
            by: shear.by,
            offset: shear.offset.clone(),
            slope: shear.slope.clone(),
            extent: shear.extent.clone(),
        }
    }

    /// What is sheared so to give `v`, if it is a shear.
    fn seen(r: &Rewriter, v: Value) -> Option<(Value, Map)> {
        let (x, shear) = r.seen::<Shear<'_>>(v)?;
        Some((x, Map::from_shear(&shear)))
    }

    fn make(&self, r: &mut Rewriter, x: Value) -> Option<Value> {
        let shear = Shear {
            axis: self.axis,
            by: self.by,
            offset: &self.offset,
            slope: &self.slope,
            extent: &self.extent,
        };
        r.make(ops::SHEAR, vec![x], shear)
    }
}

pub(super) fn simplify(r: &mut Rewriter, x: Value, shear: &Shear<'_>, ty: &Type) -> Option<Value> {
    let map = Map::from_shear(shear);
    let zero = Dim::default();
    if map.slope == zero && map.offset == zero && r.shape_of(x) == &ty.shape {
        return Some(x);
    }
    if let Some(number) = r.constant_of(x)
        && number.to_bits() == 0
    {
        return r.constant(number, ty);
    }
    if let Some((y, Permute { axes })) = r.seen(x) {
        let permutation = axes.to_vec();
        let moved = through(&permutation, r.shape_of(x), &[map.axis, map.by])?;
        let &[axis, by] = &moved[..] else {
            return None;
        };
        let moved = Map { axis, by, ..map }.make(r, y)?;
        return r.permute(moved, permutation);
    }
    of_copies(r, x, map)
}

/// A shear of copies that leaves their ends: what they are copies of is padded, once for all.
fn of_copies(r: &mut Rewriter, x: Value, map: Map) -> Option<Value> {
    let (y, Broadcast { new, .. }) = r.seen(x)?;
    let new = new.to_vec();
    let mut shape = r.shape_of(x).clone();
    if shape.sequence.is_some() || new.contains(&map.axis) || !new.contains(&map.by) {
        return None;
    }
    let (axis, by) = (position(map.axis)?, position(map.by)?);
    let extent = |d: usize| shape.dims.get(d)?.as_constant();
    let (n, copies) = (extent(axis)?, extent(by)?);
    let (offset, slope) = (map.offset.as_constant()?, map.slope.as_constant()?);
    let last = map.extent.as_constant()?.checked_sub(1)?;
    let reach = slope.checked_mul(copies.checked_sub(1)?)?;
    let least = offset.checked_add(reach.min(0))?;
    let greatest = offset.checked_add(last)?.checked_add(reach.max(0))?;
    let low = least.checked_neg()?.max(0);
    let high = greatest.checked_sub(n - 1)?.max(0);
    if n < 1 || copies < 1 || last < 0 || (low, high) == (0, 0) {
        return None;
    }
    let own = (0..axis).filter(|d| !new.contains(&Axis::At(*d))).count();
    let widths = [low, high, 1].map(Dim::constant);
    let y = padded(r, y, Axis::At(own), &widths)?;
    let padded_extent = n.checked_add(low)?.checked_add(high)?;
    *shape.dims.get_mut(axis)? = Dim::constant(padded_extent);
    let copies = r.broadcast(y, shape, new)?;
    let offset = Dim::constant(offset.checked_add(low)?);
    Map { offset, ..map }.make(r, copies)
}

/// A range of a shear, along the axis that is moved or along one that is not.
pub(super) fn sliced(r: &mut Rewriter, x: Value, axis: Axis, range: &[Dim; 3]) -> Option<Value> {
    let (y, map) = Map::seen(r, x)?;
    let [start, stop, step] = range;
    if axis == map.axis && *step == Dim::constant(1) {
        let part = Map {
            offset: map.offset.checked_add(start)?,
            extent: stop.checked_sub(start)?,
            ..map
        };
        return part.make(r, y);
    }
    if axis == map.axis || axis == map.by {
        return None;
    }
    let y = narrowed(r, y, axis, range)?;
    map.make(r, y)
}

/// Zeros around a shear, along an axis that is not moved.
pub(super) fn around(r: &mut Rewriter, x: Value, axis: Axis, widths: &[Dim; 3]) -> Option<Value> {
    let (y, map) = Map::seen(r, x)?;
    if axis == map.axis || axis == map.by {
        return None;
    }
    let y = padded(r, y, axis, widths)?;
    map.make(r, y)
}

/// The sum, over the axis that says how far, of a shear of elements that lie further apart than any is
/// moved: those of windows that do not overlap. Element `o` of row `r` is the one at
/// `low + step o - slope r`, and nothing is added to it; so the rows go behind the elements, and both
/// are one axis, with zeros where there are gaps.
pub(super) fn apart(r: &mut Rewriter, x: Value, axes: &[Axis]) -> Option<Value> {
    let (y, map) = Map::seen(r, x)?;
    let (elements, pad) = r.seen::<Pad<'_>>(y)?;
    let shape = r.shape_of(elements).clone();
    if !axes.contains(&map.by) || pad.axis != map.axis || shape.sequence.is_some() {
        return None;
    }
    let (axis, by) = (position(map.axis)?, position(map.by)?);
    let extent = |d: usize| shape.dims.get(d)?.as_constant();
    let (count, rows) = (extent(axis)?, extent(by)?);
    let (low, step) = (
        pad.widths.low.as_constant()?,
        pad.widths.step.as_constant()?,
    );
    let between = map.slope.as_constant()?.checked_neg()?;
    let reach = between.checked_mul(rows.checked_sub(1)?)?.checked_add(1)?;
    if between < 1 || rows < 1 || count < 1 || reach > step {
        return None;
    }
    let front = low.checked_sub(map.offset.as_constant()?)?;
    let taken = count.checked_mul(step)?;
    let behind = map.extent.as_constant()?.checked_sub(front)?;
    let behind = behind.checked_sub(taken)?;

    let spread = [0, step - reach, between].map(Dim::constant);
    let spread = padded(r, elements, map.by, &spread)?;
    // The rows directly behind the elements.
    let mut order = r.shape_of(spread).axes();
    order.retain(|a| *a != map.by);
    let at = order.iter().position(|a| *a == map.axis)?;
    order.insert(at + 1, map.by);
    let side_by_side = r.permute(spread, order)?;
    let mut merged = shape;
    *merged.dims.get_mut(axis)? = Dim::constant(taken);
    merged.dims.remove(by);
    let mut out = r.reshape(side_by_side, merged)?;
    let here = Axis::At(at);
    // What would be in front of the first element, or behind the last, is left out.
    let [start, stop] = [(-front).max(0), taken + behind.min(0)];
    if start >= stop {
        return None;
    }
    if (start, stop) != (0, taken) {
        out = narrowed(r, out, here, &[start, stop, 1].map(Dim::constant))?;
    }
    if front > 0 || behind > 0 {
        let widths = [front.max(0), behind.max(0), 1].map(Dim::constant);
        out = padded(r, out, here, &widths)?;
    }
    over_the_rest(r, out, axes, map.by)
}

/// A sum over those of `axes` that are left when the one of `by` is gone.
fn over_the_rest(r: &mut Rewriter, x: Value, axes: &[Axis], by: Axis) -> Option<Value> {
    let gone = position(by)?;
    let shift = |a: &Axis| match a {
        Axis::At(d) if *d > gone => Axis::At(d - 1),
        Axis::At(_) | Axis::Sequence => *a,
    };
    let rest: Vec<Axis> = axes.iter().filter(|a| **a != by).map(shift).collect();
    match rest.is_empty() {
        true => Some(x),
        false => r.make(ops::SUM, vec![x], Over { axes: &rest }),
    }
}

/// The sum of a sheared contraction over the axis that says how far, among `axes`; what is sheared may
/// have zeros between and around, its axes in another order, and other terms beside it.
pub(super) fn summed(r: &mut Rewriter, x: Value, axes: &[Axis]) -> Option<Value> {
    let (mut y, map) = Map::seen(r, x)?;
    if !axes.contains(&map.by) || !r.single(x) {
        return None;
    }
    let mut widths = None;
    if let Some((inner, pad)) = r.seen::<Pad<'_>>(y)
        && pad.axis == map.axis
        && r.single(y)
    {
        let all = [pad.widths.low, pad.widths.high, pad.widths.step];
        widths = Some(all.map(Dim::clone));
        y = inner;
    }
    // The axis of the contraction's result that each axis of what is sheared is.
    let mut order: Vec<Axis> = r.shape_of(y).axes();
    if let Some((inner, Permute { axes })) = r.seen(y)
        && r.single(y)
    {
        order = axes.to_vec();
        y = inner;
    }
    if let Some(terms) = terms(r, y) {
        let mut fold = |v: Value| {
            let mut v = r.permute(v, order.clone())?;
            if let Some(widths) = &widths {
                v = padded(r, v, map.axis, widths)?;
            }
            let v = map.make(r, v)?;
            r.make(ops::SUM, vec![v], Over { axes })
        };
        let terms: Option<Vec<Value>> = terms.into_iter().map(&mut fold).collect();
        return r.make(ops::ADD, terms?, Vec::new());
    }
    let result = contracted(r, Dot::from_value(r, y)?, y, &order, widths, &map)?;
    over_the_rest(r, result, axes, map.by)
}

/// The sum, over the axis that says how far, of `v`, a contraction, with its axes in `order`, zeros
/// around it and sheared: with one more contracted pair.
fn contracted(
    r: &mut Rewriter,
    mut dot: Dot,
    v: Value,
    order: &[Axis],
    widths: Option<[Dim; 3]>,
    map: &Map,
) -> Option<Value> {
    let plain = |v: Value| r.shape_of(v).sequence.is_none();
    if !r.single(v) || !plain(v) || !plain(dot.x) || !plain(dot.y) {
        return None;
    }
    let at = |a: Axis| order.get(position(a)?).copied();
    let (axis, by) = (at(map.axis)?, at(map.by)?);
    let (free_x, free_y) = (dot.free_x(r), dot.free_y(r));
    let batch = dot.axes.batch_x.len();
    let of_x = |a: Axis| free_x.get(position(a)?.checked_sub(batch)?).copied();
    let of_y = |a: Axis| {
        let at = position(a)?.checked_sub(batch + free_x.len())?;
        free_y.get(at).copied()
    };
    let pairs = (of_x(axis).zip(of_y(by)), of_y(axis).zip(of_x(by)));
    let pair = match pairs {
        (Some((axis, pair)), _) => {
            dot.x = copies(r, dot.x, axis, (dot.y, pair), widths, map)?;
            [last(r, dot.x), pair]
        }
        (None, Some((axis, pair))) => {
            dot.y = copies(r, dot.y, axis, (dot.x, pair), widths, map)?;
            [pair, last(r, dot.y)]
        }
        (None, None) => return None,
    };
    dot.axes.contract_x.push(pair[0]);
    dot.axes.contract_y.push(pair[1]);
    let result = dot.make(r)?;
    // The axes as they were sheared, without the summed one.
    let gone = position(by)?;
    let shift = |a: &Axis| match a {
        Axis::At(d) if *d > gone => Axis::At(d - 1),
        Axis::At(_) | Axis::Sequence => *a,
    };
    let order = order.iter().filter(|a| **a != by).map(shift).collect();
    r.permute(result, order)
}

/// The terms of a sum that nobody else reads, one of them a contraction.
fn terms(r: &Rewriter, v: Value) -> Option<[Value; 2]> {
    let d = r.definition(v)?;
    let &[a, b] = &d.operands[..] else {
        return None;
    };
    let is_product = |v: Value| {
        let v = r.seen::<Permute<'_>>(v).map_or(v, |(inner, _)| inner);
        Dot::from_value(r, v).is_some() || terms(r, v).is_some()
    };
    let sum = d.op.kind.scalar() == Some(Scalar::ADD) && r.single(v);
    (sum && (is_product(a) || is_product(b))).then_some([a, b])
}

/// `x` repeated as often as the axis of another operand is long, along a new last axis, and sheared by
/// that along one of its own; zeros around it and between its elements go on first.
fn copies(
    r: &mut Rewriter,
    x: Value,
    axis: Axis,
    (other, pair): (Value, Axis),
    widths: Option<[Dim; 3]>,
    map: &Map,
) -> Option<Value> {
    let x = match &widths {
        Some(widths) => padded(r, x, axis, widths)?,
        None => x,
    };
    let mut shape = r.shape_of(x).clone();
    let by = Axis::At(shape.dims.len());
    let count = r.shape_of(other).dims.get(position(pair)?)?.clone();
    shape.dims.push(count);
    let copies = r.broadcast(x, shape, vec![by])?;
    let map = Map {
        axis,
        by,
        ..map.clone()
    };
    map.make(r, copies)
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
