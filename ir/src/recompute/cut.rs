//! A loop as two, of the first iterations and of the others: where no number of equal parts is all of it.
//!
//! Iterations, and what they hand on, are as they were, in the same order. What the loop takes slices of, each of
//! the two takes slices of a range of; what it stacks is the two stacks in one, but where another loop that is cut
//! alike is the only one to read it.

use super::copy::{Copier, fresh, rename};
use crate::attributes::{AlongResult, Range, Slice};
use crate::block::{Inst, Loop, OpInst, Order, Sliced};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::Value;
use crate::ops;
use crate::shape::{Axis, Shape, Type};
use std::collections::HashMap;

/// Of each stack that stays in two: that of the first iterations and that of the others.
pub(super) type Halves = HashMap<Value, [Value; 2]>;

/// What stands for a loop that is cut.
pub(super) struct Cut {
    /// Slices, the two loops, stacks in one.
    pub insts: Vec<Inst>,
    /// Where in these the loop of the first iterations is, and that of the others.
    pub loops: [usize; 2],
}

/// The first `at` iterations of a loop and the others. Stacks that `halves` has are read there; of its own, those
/// of `apart` are told there rather than put together.
pub(super) fn cut(
    types: &mut Vec<Type>,
    l: &Loop,
    at: i64,
    apart: &dyn Fn(Value) -> bool,
    halves: &mut Halves,
) -> Option<Cut> {
    let trip = l.trip.as_constant()?;
    let ranges = [[0, at], [at, trip]];
    let mut low = l.clone();
    let mut copier = Copier::new(types);
    let Inst::Loop(mut high) = copier.copy(&Inst::Loop(l.clone())) else {
        return None;
    };
    shift(types, &mut high, at)?;
    let mut front = Vec::new();
    for (piece, range) in [&mut low, &mut high].into_iter().zip(ranges) {
        piece.trip = Dim::constant(range[1] - range[0]);
        for (s, whole) in piece.sliced.iter_mut().zip(&l.sliced) {
            s.value = match halves.get(&whole.value) {
                Some(of) => of[usize::from(range[0] > 0)],
                None => slice(types, &mut front, *whole, range)?,
            };
        }
    }
    let carried = l.carried.len();
    let mut behind = Vec::new();
    for (i, (_, axis, stack)) in l.stacks().enumerate() {
        let of_piece = |types: &mut Vec<Type>, piece: &mut Loop| {
            let value = *piece.body.results.get(carried + i)?;
            let ty = types[value.index()].stack(axis, piece.trip.clone())?;
            let result = fresh(types, ty);
            piece.results[carried + i] = result;
            Some(result)
        };
        let parts = [of_piece(types, &mut low)?, of_piece(types, &mut high)?];
        match apart(stack) {
            true => _ = halves.insert(stack, parts),
            false => behind.push(Inst::Op(OpInst {
                op: ops::CONCAT,
                operands: parts.to_vec(),
                attributes: AlongResult {
                    axis: Axis::At(axis),
                }
                .into(),
                result: stack,
                location: l.location,
            })),
        }
    }
    let (first, second) = match l.order {
        Order::Forward => (&mut low, &mut high),
        Order::Backward => (&mut high, &mut low),
    };
    second.results[..carried].copy_from_slice(&l.results[..carried]);
    second.carried.clear();
    for (i, result) in l.results.iter().take(carried).enumerate() {
        let handed = fresh(types, types[result.index()].clone());
        first.results[i] = handed;
        second.carried.push(handed);
    }
    first.carried.clone_from(&l.carried);
    let start = front.len();
    let loops = match l.order {
        Order::Forward => [start, start + 1],
        Order::Backward => [start + 1, start],
    };
    let pieces = match l.order {
        Order::Forward => [low, high],
        Order::Backward => [high, low],
    };
    let insts = front.into_iter().chain(pieces.map(Inst::Loop));
    Some(Cut {
        insts: insts.chain(behind).collect(),
        loops,
    })
}

/// Lets the iterations of a loop have indices from `at`.
fn shift(types: &mut Vec<Type>, l: &mut Loop, at: i64) -> Option<()> {
    let index = l.index()?;
    let mut used = false;
    l.body.each_use(&mut |v| used |= v == index);
    if !used {
        return Some(());
    }
    let mut b = Builder {
        values: std::mem::take(types),
        insts: Vec::new(),
        location: l.location,
    };
    let first = b.constant(at as f64, DType::I32, Shape::scalar());
    let shifted = first.and_then(|first| b.op(ops::ADD, &[index, first], Vec::new()));
    *types = b.values;
    let renamed = HashMap::from([(index, shifted.ok()?)]);
    l.body
        .insts
        .iter_mut()
        .for_each(|inst| rename(inst, &renamed));
    for v in &mut l.body.results {
        *v = renamed.get(v).copied().unwrap_or(*v);
    }
    l.body.insts.splice(..0, b.insts);
    Some(())
}

/// The slices of a range of iterations.
fn slice(
    types: &mut Vec<Type>,
    front: &mut Vec<Inst>,
    whole: Sliced,
    [start, stop]: [i64; 2],
) -> Option<Value> {
    let axis = whole.axis;
    let ty = types[whole.value.index()].slice(axis)?;
    let result = fresh(types, ty.stack(axis, Dim::constant(stop - start))?);
    let [start, stop, step] = [start, stop, 1].map(Dim::constant);
    let range = Range {
        start: &start,
        stop: &stop,
        step: &step,
    };
    front.push(Inst::Op(OpInst {
        op: ops::SLICE,
        operands: vec![whole.value],
        attributes: Slice {
            axis: Axis::At(axis),
            range,
        }
        .into(),
        result,
        location: None,
    }));
    Some(result)
}
