//! Sums that run along an axis.
//!
//! They are no kernel class of their own: a block of elements is summed by a comparison of indices, and
//! the sums of whole blocks run in the same way before they are added to what follows. So a row of n
//! elements takes about `BLOCK` additions an element in as many parallel sums, and partial sums are short,
//! where one running sum would be serial and round n times.

use super::entry::{ONE, applied, floats};
use super::rules::{number, one_axis};
use crate::attribute::Attributes;
use crate::attributes::Running;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::{Arity, Kind, OpDef, OpError, Pullback};
use crate::shape::{Axis, Shape};

/// Elements that are summed by comparing each with each.
const BLOCK: i64 = 32;

/// The sum of an element and all before it.
pub(super) const CUMSUM: OpDef = OpDef {
    name: "cumsum",
    doc: "The sum of each element and those before it along `axis`; with `reverse` 1, of those behind it.",
    arity: Arity::Exactly(1),
    attributes: Running::SPECS,
    infer: |t, a| {
        let x = number(t, 0)?;
        one_axis(&x.shape, Running::from_attributes(a)?.axis)?;
        Ok(x.clone())
    },
    pullback: Pullback::Rule(|b, p| {
        let Running { axis, reverse } = Running::from_attributes(p.attributes)?;
        let back = Running {
            axis,
            reverse: !reverse,
        };
        Ok(vec![Some(b.op(super::CUMSUM, &[p.cotangent], back)?)])
    }),
    kind: Kind::Function(cumsum),
    test: ONE.on(|_| {
        let instance = |x: &[usize], axis, reverse| {
            let axis = Axis::At(axis);
            applied(&[floats(x)], Running { axis, reverse })
        };
        vec![
            instance(&[0], 0, false),
            instance(&[1], 0, true),
            instance(&[3, 5], 1, false),
            instance(&[3, 5], 0, true),
            instance(&[2, 33, 2], 1, false),
            instance(&[71], 0, false),
            instance(&[71], 0, true),
        ]
    }),
};

fn cumsum(b: &mut Builder, operands: &[Value], a: &Attributes) -> Result<Value, OpError> {
    let Running { axis, reverse } = Running::from_attributes(a)?;
    let x = operands[0];
    let shape = b.type_of(x).shape.clone();
    let (at, n) = one_axis(&shape, axis)?;
    match n.as_constant() {
        Some(n) if n > BLOCK => by_blocks(b, x, at, n, reverse),
        Some(_) | None => compared(b, x, &shape, at, reverse),
    }
}

/// Each element of `axis` as the sum of those that its index lets in.
fn compared(
    b: &mut Builder,
    x: Value,
    shape: &Shape,
    axis: usize,
    reverse: bool,
) -> Result<Value, OpError> {
    let mut square = shape.clone();
    square.dims.insert(axis, shape.dims[axis].clone());
    let (to, from) = (Axis::At(axis), Axis::At(axis + 1));
    let wide = b.broadcast(x, &square, &[to])?;
    let to = b.iota(DType::I32, square.clone(), to)?;
    let from_index = b.iota(DType::I32, square, from)?;
    let counts = match reverse {
        false => b.le(from_index, to)?,
        true => b.le(to, from_index)?,
    };
    let zero = b.like(0.0, wide)?;
    let terms = b.select(counts, wide, zero)?;
    b.sum(terms, &[from])
}

fn by_blocks(
    b: &mut Builder,
    x: Value,
    axis: usize,
    n: i64,
    reverse: bool,
) -> Result<Value, OpError> {
    let (along, one) = (Axis::At(axis), Dim::constant(1));
    let blocks = (n + BLOCK - 1) / BLOCK;
    let nothing = Dim::constant(0);
    // Zeros on the side where the sums end fill the last block.
    let filled = Dim::constant(blocks * BLOCK - n);
    let widths = match reverse {
        false => [&nothing, &filled, &one],
        true => [&filled, &nothing, &one],
    };
    let padded = b.pad(x, along, widths)?;
    let whole = b.type_of(padded).shape.clone();
    let mut cut = whole.clone();
    cut.dims[axis] = Dim::constant(blocks);
    cut.dims.insert(axis + 1, Dim::constant(BLOCK));
    let cut_x = b.reshape(padded, &cut)?;
    let within = compared(b, cut_x, &cut, axis + 1, reverse)?;
    // What stands in front of each block: the running sum of the blocks, one place on.
    let totals = b.sum(cut_x, &[Axis::At(axis + 1)])?;
    let form = Running {
        axis: along,
        reverse,
    };
    let running = b.op(super::CUMSUM, &[totals], form)?;
    let count = Dim::constant(blocks);
    let last = Dim::constant(blocks + 1);
    let (widths, range) = match reverse {
        false => ([&one, &nothing, &one], [&nothing, &count, &one]),
        true => ([&nothing, &one, &one], [&one, &last, &one]),
    };
    let moved = b.pad(running, along, widths)?;
    let before = b.slice(moved, along, range)?;
    let before = b.broadcast(before, &cut, &[Axis::At(axis + 1)])?;
    let sums = b.add(within, before)?;
    let sums = b.reshape(sums, &whole)?;
    let end = Dim::constant(blocks * BLOCK);
    let length = Dim::constant(n);
    let range = match reverse {
        false => [&nothing, &length, &one],
        true => [&filled, &end, &one],
    };
    b.slice(sums, along, range)
}
