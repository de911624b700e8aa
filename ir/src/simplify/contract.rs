//! Rules for contractions: they take transposes and slices in.
//!
//! A contraction's result has the batch axes, then the free axes of `x`, then those of `y`.

use super::rewriter::Rewriter;
use super::view::{narrowed, through};
use crate::attribute::Attributes;
use crate::attributes::{DotAxes, Permute};
use crate::dim::Dim;
use crate::function::Value;
use crate::ops;
use crate::scalar::Scalar;
use crate::shape::{Axis, Shape};

/// The parts of a contraction.
#[derive(Clone)]
pub(super) struct Dot {
    pub x: Value,
    pub y: Value,
    pub axes: DotAxes,
}

impl Dot {
    fn new(operands: &[Value], attributes: &Attributes) -> Option<Dot> {
        let &[x, y] = operands else { return None };
        let axes = DotAxes::from_attributes(attributes).ok()?;
        Some(Dot { x, y, axes })
    }

    pub fn from_value(r: &Rewriter, v: Value) -> Option<Dot> {
        let d = r.definition(v)?;
        match d.op.kind.is_contraction() {
            true => Dot::new(&d.operands, &d.attributes),
            false => None,
        }
    }

    pub fn make(self, r: &mut Rewriter) -> Option<Value> {
        r.make(ops::DOT, vec![self.x, self.y], self.axes)
    }

    pub fn free_x(&self, r: &Rewriter) -> Vec<Axis> {
        free(
            r.shape_of(self.x),
            &self.axes.batch_x,
            &self.axes.contract_x,
        )
    }

    pub fn free_y(&self, r: &Rewriter) -> Vec<Axis> {
        free(
            r.shape_of(self.y),
            &self.axes.batch_y,
            &self.axes.contract_y,
        )
    }
}

fn free(shape: &Shape, batch: &[Axis], contract: &[Axis]) -> Vec<Axis> {
    let mut out = shape.axes();
    out.retain(|a| !batch.contains(a) && !contract.contains(a));
    out
}

pub(super) fn simplify(
    r: &mut Rewriter,
    operands: &[Value],
    attributes: &Attributes,
) -> Option<Value> {
    let dot = Dot::new(operands, attributes)?;
    if let Some(v) = of_permuted(r, &dot) {
        return Some(v);
    }
    let negated = |v: Value| {
        let d = r.definition(v)?;
        match d.op.kind.scalar() == Some(Scalar::NEG) {
            true => d.operands.first().copied(),
            false => None,
        }
    };
    match (negated(dot.x), negated(dot.y)) {
        (Some(x), Some(y)) => Dot { x, y, ..dot }.make(r),
        (Some(_), None) | (None, _) => None,
    }
}

/// An operand that is a permutation: its axes are named through it, if its free axes keep their order.
fn of_permuted(r: &mut Rewriter, dot: &Dot) -> Option<Value> {
    if let Some((inner, Permute { axes: permutation })) = r.seen(dot.x) {
        let shape = r.shape_of(dot.x);
        let free = through(permutation, shape, &dot.free_x(r))?;
        if free.is_sorted() {
            let mut folded = dot.clone();
            folded.x = inner;
            folded.axes.batch_x = through(permutation, shape, &dot.axes.batch_x)?;
            folded.axes.contract_x = through(permutation, shape, &dot.axes.contract_x)?;
            return folded.make(r);
        }
    }
    let (inner, Permute { axes: permutation }) = r.seen(dot.y)?;
    let shape = r.shape_of(dot.y);
    let free = through(permutation, shape, &dot.free_y(r))?;
    if !free.is_sorted() {
        return None;
    }
    let mut folded = dot.clone();
    folded.y = inner;
    folded.axes.batch_y = through(permutation, shape, &dot.axes.batch_y)?;
    folded.axes.contract_y = through(permutation, shape, &dot.axes.contract_y)?;
    folded.make(r)
}

/// A permutation of a contraction: another order of its batch axes, or its operands exchanged.
pub(super) fn permuted(r: &mut Rewriter, v: Value, axes: &[Axis]) -> Option<Value> {
    let dot = Dot::from_value(r, v)?;
    if !r.single(v) {
        return None; // The product would be computed twice.
    }
    let shape = r.shape_of(v);
    // An axis of the result comes from batch, x or y: its position in the three, joined.
    let all = shape.axes();
    let order: Option<Vec<usize>> = axes
        .iter()
        .map(|a| all.iter().position(|b| a == b))
        .collect();
    let order = order?;
    let batch = dot.axes.batch_x.len();
    let (free_x, free_y) = (dot.free_x(r).len(), dot.free_y(r).len());
    let (front, back) = order.split_at_checked(batch)?;
    if front.iter().any(|i| *i >= batch) {
        return None;
    }
    let straight = batch..batch + free_x + free_y;
    let exchanged = (batch + free_x..batch + free_x + free_y).chain(batch..batch + free_x);
    let exchange = if back.iter().copied().eq(straight) {
        false
    } else if back.iter().copied().eq(exchanged) {
        true
    } else {
        return None;
    };
    let batch_x: Vec<Axis> = front.iter().map(|i| dot.axes.batch_x[*i]).collect();
    let batch_y: Vec<Axis> = front.iter().map(|i| dot.axes.batch_y[*i]).collect();
    let dot = match exchange {
        false => Dot {
            axes: DotAxes {
                batch_x,
                batch_y,
                ..dot.axes
            },
            ..dot
        },
        true => Dot {
            x: dot.y,
            y: dot.x,
            axes: DotAxes {
                batch_x: batch_y,
                batch_y: batch_x,
                contract_x: dot.axes.contract_y,
                contract_y: dot.axes.contract_x,
            },
        },
    };
    dot.make(r)
}

/// The sum of a contraction over batch axes contracts them too.
pub(super) fn summed(r: &mut Rewriter, v: Value, axes: &[Axis]) -> Option<Value> {
    let mut dot = Dot::from_value(r, v)?;
    if !r.single(v) {
        return None;
    }
    let all = r.shape_of(v).axes();
    for a in axes {
        let i = all.iter().position(|b| a == b)?;
        let (x, y) = (*dot.axes.batch_x.get(i)?, *dot.axes.batch_y.get(i)?);
        dot.axes.contract_x.push(x);
        dot.axes.contract_y.push(y);
    }
    dot.axes
        .batch_x
        .retain(|a| !dot.axes.contract_x.contains(a));
    dot.axes
        .batch_y
        .retain(|a| !dot.axes.contract_y.contains(a));
    dot.make(r)
}

/// A range of a contraction along an axis that is not contracted: of the operands that have it.
pub(super) fn sliced(r: &mut Rewriter, v: Value, axis: usize, range: [Dim; 3]) -> Option<Value> {
    let mut dot = Dot::from_value(r, v)?;
    let plain = |x: Value| r.shape_of(x).sequence.is_none();
    if !r.single(v) || !plain(dot.x) || !plain(dot.y) {
        return None;
    }
    let (free_x, free_y) = (dot.free_x(r), dot.free_y(r));
    let of_x = [&dot.axes.batch_x[..], &free_x].concat();
    let nothing = free_x.iter().map(|_| None);
    let batch_y = dot.axes.batch_y.iter().copied().map(Some);
    let of_y: Vec<Option<Axis>> = batch_y
        .chain(nothing)
        .chain(free_y.into_iter().map(Some))
        .collect();
    if let Some(axis) = of_x.get(axis) {
        dot.x = narrowed(r, dot.x, *axis, &range)?;
    }
    if let Some(Some(axis)) = of_y.get(axis) {
        dot.y = narrowed(r, dot.y, *axis, &range)?;
    }
    dot.make(r)
}
