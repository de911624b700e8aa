//! Rules for views: chains become one view, and views of constants are constants.

use super::contract::Dot;
use super::rewriter::Rewriter;
use crate::attribute::Attributes;
use crate::attributes::{Along, Broadcast, Pad, Permute, Range, Reshape, Shear, Slice, Widths};
use crate::dim::Dim;
use crate::function::Value;
use crate::op::View;
use crate::ops;
use crate::shape::{Axis, Shape, Type};

pub(super) fn simplify(
    r: &mut Rewriter,
    view: View,
    operands: &[Value],
    attributes: &Attributes,
    ty: &Type,
) -> Option<Value> {
    let &[x] = operands else { return None };
    match view {
        View::Broadcast => broadcast(r, x, Broadcast::from_attributes(attributes).ok()?.new, ty),
        View::Reshape => reshape(r, x, ty),
        View::Permute => permute(r, x, Permute::from_attributes(attributes).ok()?.axes, ty),
        View::Slice => slice(r, x, &Slice::from_attributes(attributes).ok()?, ty),
        View::Pad => pad(r, x, &Pad::from_attributes(attributes).ok()?, ty),
        View::Flip => flip(r, x, Along::from_attributes(attributes).ok()?.axis, ty),
        View::Shear => super::shear::simplify(r, x, &Shear::from_attributes(attributes).ok()?, ty),
    }
}

fn broadcast(r: &mut Rewriter, x: Value, new: &[Axis], ty: &Type) -> Option<Value> {
    if new.is_empty() {
        return Some(x);
    }
    if let Some(number) = r.constant_of(x) {
        return r.constant(number, ty);
    }
    // The axes of the result that are x's, in order.
    let kept: Vec<Axis> = ty.shape.axes();
    let kept: Vec<Axis> = kept.into_iter().filter(|a| !new.contains(a)).collect();
    if let Some((y, Broadcast { new: inner_new, .. })) = r.seen(x) {
        let axes = r.shape_of(x).axes();
        let from_inner = kept
            .iter()
            .zip(&axes)
            .filter(|(_, a)| inner_new.contains(a))
            .map(|(outer, _)| *outer);
        let merged: Vec<Axis> = new.iter().copied().chain(from_inner).collect();
        return r.broadcast(y, ty.shape.clone(), merged);
    }
    if let Some((y, Reshape { .. })) = r.seen(x) {
        let units = units_inserted(r.shape_of(y), r.shape_of(x))?;
        let axes = r.shape_of(x).axes();
        let from_inner = kept
            .iter()
            .zip(&axes)
            .filter(|(_, a)| units.contains(a))
            .map(|(outer, _)| *outer);
        let merged: Vec<Axis> = new.iter().copied().chain(from_inner).collect();
        return r.broadcast(y, ty.shape.clone(), merged);
    }
    None
}

/// The axes of `to` that are of extent 1 and not in `from`, if nothing else differs.
fn units_inserted(from: &Shape, to: &Shape) -> Option<Vec<Axis>> {
    if from.sequence != to.sequence {
        return None;
    }
    let one = Dim::constant(1);
    let mut rest = from.dims.iter().peekable();
    let mut units = Vec::new();
    for (i, d) in to.dims.iter().enumerate() {
        match rest.peek() {
            Some(f) if *f == d => {
                rest.next();
            }
            _ if *d == one => units.push(Axis::At(i)),
            _ => return None,
        }
    }
    rest.next().is_none().then_some(units)
}

fn reshape(r: &mut Rewriter, x: Value, ty: &Type) -> Option<Value> {
    if r.shape_of(x) == &ty.shape {
        return Some(x);
    }
    if let Some(number) = r.constant_of(x) {
        return r.constant(number, ty);
    }
    if let Some((y, Reshape { .. })) = r.seen(x) {
        return r.reshape(y, ty.shape.clone());
    }
    let (y, Broadcast { new, .. }) = r.seen(x)?;
    let new = new.to_vec();
    reshape_broadcast(r, x, y, &new, ty)
}

/// A reshape of a broadcast, where no group of axes that the reshape joins or splits mixes new axes
/// with old ones: the old ones are reshaped, the new ones are new in the result.
fn reshape_broadcast(
    r: &mut Rewriter,
    x: Value,
    y: Value,
    new: &[Axis],
    ty: &Type,
) -> Option<Value> {
    let from = r.shape_of(x).clone();
    if from.sequence != ty.shape.sequence {
        return None;
    }
    let mut added: Vec<Axis> = Vec::new();
    let mut inner = Shape::scalar();
    if from.sequence.is_some() {
        match new.contains(&Axis::Sequence) {
            true => added.push(Axis::Sequence),
            false => inner.sequence.clone_from(&from.sequence),
        }
    }
    for (old, to) in groups(&from.dims, &ty.shape.dims)? {
        let is_new = |i: &usize| new.contains(&Axis::At(*i));
        let one = Dim::constant(1);
        // An axis of extent 1 is as good as new.
        if old.clone().all(|i| is_new(&i) || from.dims[i] == one) {
            added.extend(to.map(Axis::At));
        } else if !old.clone().any(|i| is_new(&i)) {
            inner.dims.extend(ty.shape.dims[to].iter().cloned());
        } else {
            return None;
        }
    }
    if inner.sequence != r.shape_of(y).sequence {
        return None;
    }
    let y = r.reshape(y, inner)?;
    r.broadcast(y, ty.shape.clone(), added)
}

/// A run of each of two lists of dims, of equal products.
type Group = (std::ops::Range<usize>, std::ops::Range<usize>);

/// Cuts two lists of dims into the shortest such runs.
fn groups(from: &[Dim], to: &[Dim]) -> Option<Vec<Group>> {
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        let (start_i, start_j) = (i, j);
        let mut left = Dim::constant(1);
        let mut right = Dim::constant(1);
        // Zero extents have no such cut.
        loop {
            if left == right && (i > start_i || j > start_j) {
                break;
            }
            // Whichever side the other is a multiple of goes on.
            if i < from.len() && (j == to.len() || right.exact_div(&left).is_some()) {
                left = left.checked_mul(&from[i])?;
                i += 1;
            } else if j < to.len() {
                right = right.checked_mul(&to[j])?;
                j += 1;
            } else {
                return None;
            }
        }
        out.push((start_i..i, start_j..j));
    }
    Some(out)
}

/// The permutation that undoes `axes`, which lead to `shape`.
pub(super) fn inverse(axes: &[Axis], shape: &Shape) -> Option<Vec<Axis>> {
    let mut pairs: Vec<(Axis, Axis)> = axes.iter().copied().zip(shape.axes()).collect();
    pairs.sort_unstable();
    (pairs.len() == axes.len()).then(|| pairs.into_iter().map(|(_, to)| to).collect())
}

/// Of axes that a permutation leads to, those in front of it.
pub(super) fn through(permutation: &[Axis], shape: &Shape, axes: &[Axis]) -> Option<Vec<Axis>> {
    let all = shape.axes();
    axes.iter()
        .map(|a| {
            let at = all.iter().position(|b| a == b)?;
            permutation.get(at).copied()
        })
        .collect()
}

fn permute(r: &mut Rewriter, x: Value, axes: &[Axis], ty: &Type) -> Option<Value> {
    if axes.is_sorted() {
        return Some(x);
    }
    if let Some(number) = r.constant_of(x) {
        return r.constant(number, ty);
    }
    if let Some((y, Permute { axes: inner })) = r.seen(x) {
        let composed = through(inner, r.shape_of(x), axes)?;
        return r.permute(y, composed);
    }
    if let Some((y, Broadcast { new, .. })) = r.seen(x) {
        let new = new.to_vec();
        return permute_broadcast(r, x, y, new, axes, ty);
    }
    super::contract::permuted(r, x, axes)
}

fn permute_broadcast(
    r: &mut Rewriter,
    x: Value,
    y: Value,
    new: Vec<Axis>,
    axes: &[Axis],
    ty: &Type,
) -> Option<Value> {
    let mut added = Vec::new();
    let mut order = Vec::new();
    let old: Vec<Axis> = r.shape_of(x).axes();
    let old: Vec<Axis> = old.into_iter().filter(|a| !new.contains(a)).collect();
    let inner_axes = r.shape_of(y).axes();
    for (to, from) in ty.shape.axes().into_iter().zip(axes) {
        match old.iter().position(|a| a == from) {
            Some(i) => order.push(*inner_axes.get(i)?),
            None => added.push(to),
        }
    }
    let y = r.permute(y, order)?;
    r.broadcast(y, ty.shape.clone(), added)
}

fn slice(r: &mut Rewriter, x: Value, slice: &Slice<'_>, ty: &Type) -> Option<Value> {
    let Slice { axis, range } = slice;
    let one = Dim::constant(1);
    let from = r.shape_of(x);
    if from == &ty.shape && *range.start == Dim::default() && *range.step == one {
        return Some(x);
    }
    if let Some(number) = r.constant_of(x) {
        return r.constant(number, ty);
    }
    let parts = [range.start, range.stop, range.step].map(Dim::clone);
    if let Some((mut y, Broadcast { new, .. })) = r.seen(x) {
        let new = new.to_vec();
        if !new.contains(axis) {
            y = narrowed(r, y, before(*axis, &new)?, &parts)?;
        }
        return r.broadcast(y, ty.shape.clone(), new);
    }
    if let Axis::At(d) = *axis
        && let Some(v) = slice_of_product(r, x, d, parts)
    {
        return Some(v);
    }
    let (y, inner): (_, Slice<'_>) = r.seen(x)?;
    // Behind a step, the last index of the composed range may lie beyond the axis.
    if inner.axis != *axis || *inner.range.step != one {
        return None;
    }
    let start = inner.range.start.checked_add(range.start)?;
    let stop = inner.range.start.checked_add(range.stop)?;
    let range = Range {
        start: &start,
        stop: &stop,
        step: range.step,
    };
    let axis = *axis;
    r.make(ops::SLICE, vec![y], Slice { axis, range })
}

fn pad(r: &mut Rewriter, x: Value, pad: &Pad<'_>, ty: &Type) -> Option<Value> {
    let Widths { low, high, step } = pad.widths;
    let (zero, one) = (Dim::default(), Dim::constant(1));
    if *low == zero && *high == zero && *step == one {
        return Some(x);
    }
    if let Some(number) = r.constant_of(x)
        && number.to_bits() == 0
    {
        return r.constant(number, ty);
    }
    if let Some((y, inner)) = r.seen::<Pad<'_>>(x)
        && inner.axis == pad.axis
        && *step == one
    {
        let low = low.checked_add(inner.widths.low)?;
        let high = high.checked_add(inner.widths.high)?;
        let widths = [low, high, inner.widths.step.clone()];
        return padded(r, y, pad.axis, &widths);
    }
    let widths = [low, high, step].map(Dim::clone);
    if let Some((y, Broadcast { new, .. })) = r.seen(x)
        && !new.contains(&pad.axis)
    {
        let new = new.to_vec();
        let y = padded(r, y, before(pad.axis, &new)?, &widths)?;
        return r.broadcast(y, ty.shape.clone(), new);
    }
    super::shear::around(r, x, pad.axis, &widths)
}

/// A range of a shear or of a contraction that nobody else reads, their axes in another order or not.
fn slice_of_product(r: &mut Rewriter, x: Value, axis: usize, range: [Dim; 3]) -> Option<Value> {
    if let Some((y, Permute { axes })) = r.seen(x) {
        let permutation = axes.to_vec();
        let is_product = r.seen::<Shear<'_>>(y).is_some() || Dot::from_value(r, y).is_some();
        let inner = *permutation.get(axis)?;
        if !r.single(x) || !r.single(y) || !is_product || r.shape_of(y).sequence.is_some() {
            return None;
        }
        let y = narrowed(r, y, inner, &range)?;
        return r.permute(y, permutation);
    }
    super::shear::sliced(r, x, Axis::At(axis), &range)
        .or_else(|| super::contract::sliced(r, x, axis, range))
}

/// The range `start, stop, step` of an axis.
pub(super) fn narrowed(
    r: &mut Rewriter,
    x: Value,
    axis: Axis,
    [start, stop, step]: &[Dim; 3],
) -> Option<Value> {
    let range = Range { start, stop, step };
    r.make(ops::SLICE, vec![x], Slice { axis, range })
}

/// Zeros along an axis: `low`, `high`, `step`.
pub(super) fn padded(
    r: &mut Rewriter,
    x: Value,
    axis: Axis,
    [low, high, step]: &[Dim; 3],
) -> Option<Value> {
    let widths = Widths { low, high, step };
    r.make(ops::PAD, vec![x], Pad { axis, widths })
}

/// An axis as it is counted without the new ones in front of it.
fn before(axis: Axis, new: &[Axis]) -> Option<Axis> {
    let Axis::At(axis) = axis else { return None };
    let own = (0..axis).filter(|d| !new.contains(&Axis::At(*d)));
    Some(Axis::At(own.count()))
}

fn flip(r: &mut Rewriter, x: Value, axis: Axis, ty: &Type) -> Option<Value> {
    if let Some(number) = r.constant_of(x) {
        return r.constant(number, ty);
    }
    let inner = r.definition(x)?;
    let again = inner.op.kind.view() == Some(View::Flip)
        && Along::from_attributes(&inner.attributes).ok()?.axis == axis;
    again.then(|| inner.operands.first().copied()).flatten()
}
