//! Rules for contractions: they take transposes and slices in.
//!
//! A contraction's result has the batch axes, then the free axes of `x`, then those of `y`.

use super::rewriter::Rewriter;
use super::view::{narrowed, through};
use crate::attribute::{Attribute, Attributes};
use crate::dim::Dim;
use crate::function::Value;
use crate::op::View;
use crate::ops;
use crate::scalar::Scalar;
use crate::shape::{Axis, Shape};

/// The parts of a contraction.
#[derive(Clone)]
pub(super) struct Dot {
    pub x: Value,
    pub y: Value,
    pub batch_x: Vec<Axis>,
    pub batch_y: Vec<Axis>,
    pub contract_x: Vec<Axis>,
    pub contract_y: Vec<Axis>,
}

impl Dot {
    fn new(operands: &[Value], attributes: &Attributes) -> Option<Dot> {
        let &[x, y] = operands else { return None };
        Some(Dot {
            x,
            y,
            batch_x: attributes.axes(0).to_vec(),
            batch_y: attributes.axes(1).to_vec(),
            contract_x: attributes.axes(2).to_vec(),
            contract_y: attributes.axes(3).to_vec(),
        })
    }

    pub fn of(r: &Rewriter, v: Value) -> Option<Dot> {
        let d = r.definition(v)?;
        match d.op.kind.is_contraction() {
            true => Dot::new(&d.operands, &d.attributes),
            false => None,
        }
    }

    pub fn make(self, r: &mut Rewriter) -> Option<Value> {
        let attributes = vec![
            Attribute::Axes(self.batch_x),
            Attribute::Axes(self.batch_y),
            Attribute::Axes(self.contract_x),
            Attribute::Axes(self.contract_y),
        ];
        r.make(ops::DOT, vec![self.x, self.y], attributes)
    }

    pub fn free_x(&self, r: &Rewriter) -> Vec<Axis> {
        free(r.shape_of(self.x), &self.batch_x, &self.contract_x)
    }

    pub fn free_y(&self, r: &Rewriter) -> Vec<Axis> {
        free(r.shape_of(self.y), &self.batch_y, &self.contract_y)
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
    if let Some((inner, attributes)) = r.view_of(dot.x, View::Permute) {
        let permutation = attributes.axes(0);
        let shape = r.shape_of(dot.x);
        let free = through(permutation, shape, &dot.free_x(r))?;
        if free.is_sorted() {
            let mut folded = dot.clone();
            folded.x = inner;
            folded.batch_x = through(permutation, shape, &dot.batch_x)?;
            folded.contract_x = through(permutation, shape, &dot.contract_x)?;
            return folded.make(r);
        }
    }
    let (inner, attributes) = r.view_of(dot.y, View::Permute)?;
    let permutation = attributes.axes(0);
    let shape = r.shape_of(dot.y);
    let free = through(permutation, shape, &dot.free_y(r))?;
    if !free.is_sorted() {
        return None;
    }
    let mut folded = dot.clone();
    folded.y = inner;
    folded.batch_y = through(permutation, shape, &dot.batch_y)?;
    folded.contract_y = through(permutation, shape, &dot.contract_y)?;
    folded.make(r)
}

/// A permutation of a contraction: another order of its batch axes, or its operands exchanged.
pub(super) fn permuted(r: &mut Rewriter, v: Value, axes: &[Axis]) -> Option<Value> {
    let dot = Dot::of(r, v)?;
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
    let batch = dot.batch_x.len();
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
    let batch_x: Vec<Axis> = front.iter().map(|i| dot.batch_x[*i]).collect();
    let batch_y: Vec<Axis> = front.iter().map(|i| dot.batch_y[*i]).collect();
    let dot = match exchange {
        false => Dot {
            batch_x,
            batch_y,
            ..dot
        },
        true => Dot {
            x: dot.y,
            y: dot.x,
            batch_x: batch_y,
            batch_y: batch_x,
            contract_x: dot.contract_y,
            contract_y: dot.contract_x,
        },
    };
    dot.make(r)
}

/// The sum of a contraction over batch axes contracts them too.
pub(super) fn summed(r: &mut Rewriter, v: Value, axes: &[Axis]) -> Option<Value> {
    let mut dot = Dot::of(r, v)?;
    if !r.single(v) {
        return None;
    }
    let all = r.shape_of(v).axes();
    for a in axes {
        let i = all.iter().position(|b| a == b)?;
        let (x, y) = (*dot.batch_x.get(i)?, *dot.batch_y.get(i)?);
        dot.contract_x.push(x);
        dot.contract_y.push(y);
    }
    dot.batch_x.retain(|a| !dot.contract_x.contains(a));
    dot.batch_y.retain(|a| !dot.contract_y.contains(a));
    dot.make(r)
}

/// A range of a contraction along an axis that is not contracted: of the operands that have it.
pub(super) fn sliced(r: &mut Rewriter, v: Value, axis: usize, range: [Dim; 3]) -> Option<Value> {
    let mut dot = Dot::of(r, v)?;
    let plain = |x: Value| r.shape_of(x).sequence.is_none();
    if !r.single(v) || !plain(dot.x) || !plain(dot.y) {
        return None;
    }
    let (free_x, free_y) = (dot.free_x(r), dot.free_y(r));
    let of_x = [&dot.batch_x[..], &free_x].concat();
    let nothing = free_x.iter().map(|_| None);
    let batch_y = dot.batch_y.iter().copied().map(Some);
    let of_y: Vec<Option<Axis>> = batch_y
        .chain(nothing)
        .chain(free_y.into_iter().map(Some))
        .collect();
    if let Some(Axis::At(d)) = of_x.get(axis) {
        dot.x = narrowed(r, dot.x, *d, range.clone())?;
    }
    if let Some(Some(Axis::At(d))) = of_y.get(axis) {
        dot.y = narrowed(r, dot.y, *d, range)?;
    }
    dot.make(r)
}
