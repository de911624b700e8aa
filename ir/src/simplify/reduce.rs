//! Rules for reductions.

use super::rewriter::Rewriter;
use super::view::through;
use crate::attribute::Attributes;
use crate::attributes::{Broadcast, Over, Permute};
use crate::dim::Dim;
use crate::function::Value;
use crate::op::{Op, Reduction};
use crate::ops;
use crate::scalar::Scalar;
use crate::shape::{Axis, Shape, Type};

pub(super) fn simplify(
    r: &mut Rewriter,
    reduction: Reduction,
    op: Op,
    operands: &[Value],
    attributes: &Attributes,
    ty: &Type,
) -> Option<Value> {
    let &[x] = operands else { return None };
    let Over { axes } = Over::from_attributes(attributes).ok()?;
    // What is no element follows none of the rules.
    reduction.combine()?;
    if axes.is_empty() {
        return Some(x);
    }
    // A sum of halves is made in f32 and rounded once: the rules are of the sum in f32.
    if ty.dtype.is_half() {
        return None;
    }
    let axes = axes.to_vec();
    let found = units(r, op, x, &axes, ty)
        .or_else(|| merged(r, reduction, op, x, &axes))
        .or_else(|| permuted(r, op, x, &axes));
    if found.is_some() || reduction != Reduction::Sum {
        return found;
    }
    constant_sum(r, x, &axes, ty)
        .or_else(|| sum_of_broadcast(r, x, &axes, ty))
        .or_else(|| sum_of_neg(r, x, &axes))
        .or_else(|| super::contract::summed(r, x, &axes))
        .or_else(|| super::shear::apart(r, x, &axes))
        .or_else(|| super::shear::summed(r, x, &axes))
}

/// The number of elements along `axes`, if it is known.
fn count(shape: &Shape, axes: &[Axis]) -> Option<i64> {
    let mut out = 1i64;
    for a in axes {
        match a {
            Axis::Sequence => return None,
            Axis::At(i) => out = out.checked_mul(shape.dims.get(*i)?.as_constant()?)?,
        }
    }
    Some(out)
}

fn constant_sum(r: &mut Rewriter, x: Value, axes: &[Axis], ty: &Type) -> Option<Value> {
    let number = r.constant_of(x)?;
    // Integers wrap; only floats sum to the product.
    if !ty.dtype.is_float() {
        return None;
    }
    match count(r.shape_of(x), axes)? {
        0 => r.constant(0.0, ty),
        n => {
            let sum = ty.dtype.nearest(number) * n as f64;
            r.constant(ty.dtype.nearest(sum), ty)
        }
    }
}

/// Axes of extent 1 are dropped by a reshape.
fn units(r: &mut Rewriter, op: Op, x: Value, axes: &[Axis], ty: &Type) -> Option<Value> {
    let shape = r.shape_of(x);
    let one = Dim::constant(1);
    let is_unit = |a: &Axis| match a {
        Axis::Sequence => false,
        Axis::At(i) => shape.dims.get(*i) == Some(&one),
    };
    let (unit, rest): (Vec<Axis>, Vec<Axis>) = axes.iter().copied().partition(is_unit);
    if unit.is_empty() {
        return None;
    }
    let reduced = match rest.is_empty() {
        true => x,
        false => r.make(op, vec![x], Over { axes: &rest })?,
    };
    r.reshape(reduced, ty.shape.clone())
}

/// A reduction of the same reduction is one over both's axes.
fn merged(
    r: &mut Rewriter,
    reduction: Reduction,
    op: Op,
    x: Value,
    axes: &[Axis],
) -> Option<Value> {
    let d = r.definition(x)?;
    if d.op.kind.reduction() != Some(reduction) || !r.single(x) {
        return None;
    }
    let y = *d.operands.first()?;
    let inner = Over::from_attributes(&d.attributes).ok()?.axes.to_vec();
    let all = r.shape_of(y).axes();
    let left: Vec<Axis> = all.into_iter().filter(|a| !inner.contains(a)).collect();
    let mut both = through(&left, r.shape_of(x), axes)?;
    both.extend(inner);
    both.sort_unstable();
    r.make(op, vec![y], Over { axes: &both })
}

fn permuted(r: &mut Rewriter, op: Op, x: Value, axes: &[Axis]) -> Option<Value> {
    let (y, Permute { axes: permutation }) = r.seen(x)?;
    let permutation = permutation.to_vec();
    let mut inner = through(&permutation, r.shape_of(x), axes)?;
    let rest: Vec<Axis> = permutation
        .into_iter()
        .filter(|a| !inner.contains(a))
        .collect();
    inner.sort_unstable();
    let reduced = r.make(op, vec![y], Over { axes: &inner })?;
    // What is left, counted on the reduced shape.
    let mut sorted = rest.clone();
    sorted.sort_unstable();
    let counted = r.shape_of(reduced).axes();
    let order: Option<Vec<Axis>> = rest
        .iter()
        .map(|a| counted.get(sorted.iter().position(|b| a == b)?).copied())
        .collect();
    r.permute(reduced, order?)
}

/// The sum of `n` copies is `n` times the element; nothing, of none.
fn sum_of_broadcast(r: &mut Rewriter, x: Value, axes: &[Axis], ty: &Type) -> Option<Value> {
    let (y, Broadcast { new, .. }) = r.seen(x)?;
    let new = new.to_vec();
    let repeated: Vec<Axis> = axes.iter().copied().filter(|a| new.contains(a)).collect();
    if repeated.is_empty() || !ty.dtype.is_float() {
        return None;
    }
    let n = count(r.shape_of(x), &repeated)?;
    if n == 0 {
        return r.constant(0.0, ty);
    }
    // Sum what is left over y's own axes, multiply, then broadcast along the new axes that stay.
    let old: Vec<Axis> = r.shape_of(x).axes();
    let old: Vec<Axis> = old.into_iter().filter(|a| !new.contains(a)).collect();
    let y_axes = r.shape_of(y).axes();
    let own: Vec<Axis> = old
        .iter()
        .zip(&y_axes)
        .filter(|(a, _)| axes.contains(a))
        .map(|(_, b)| *b)
        .collect();
    let kept: Vec<Axis> = r.shape_of(x).axes();
    let kept: Vec<Axis> = kept.into_iter().filter(|a| !axes.contains(a)).collect();
    let stay: Vec<Axis> = kept
        .iter()
        .zip(ty.shape.axes())
        .filter(|(a, _)| new.contains(a))
        .map(|(_, b)| b)
        .collect();
    let sum = r.make(ops::SUM, vec![y], Over { axes: &own })?;
    let times = r.constant_like(n as f64, sum)?;
    let product = r.make(ops::MUL, vec![sum, times], Attributes::none())?;
    r.broadcast(product, ty.shape.clone(), stay)
}

fn sum_of_neg(r: &mut Rewriter, x: Value, axes: &[Axis]) -> Option<Value> {
    let d = r.definition(x)?;
    if d.op.kind.scalar() != Some(Scalar::NEG) {
        return None;
    }
    let y = *d.operands.first()?;
    let sum = r.make(ops::SUM, vec![y], Over { axes })?;
    r.make(ops::NEG, vec![sum], Attributes::none())
}
