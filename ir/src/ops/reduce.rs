//! Reductions over axes, which go.

use super::entry::{ONE, along_each, over_some};
use super::rules::{number, one_axis, without};
use crate::attributes::{Along, Over};
use crate::dtype::DType;
use crate::op::{Arity, Kind, OpDef, Pullback, Reduction};
use crate::shape::Type;

/// The sum over axes.
pub(super) const SUM: OpDef = OpDef {
    name: "sum",
    doc: "The sum over `axes`, which go; 0 over nothing.",
    arity: Arity::Exactly(1),
    attributes: Over::SPECS,
    infer: |t, a| {
        let x = number(t, 0)?;
        Ok(Type::new(x.dtype, without(&x.shape, Over::of(a)?.axes)?))
    },
    pullback: Pullback::Rule(|b, p| {
        let shape = b.type_of(p.operands[0]).shape.clone();
        let g = b.broadcast(p.cotangent, &shape, Over::of(p.attributes)?.axes)?;
        Ok(vec![Some(g)])
    }),
    kind: Kind::Reduce(Reduction::Sum),
    test: ONE.on(over_some),
};

/// The maximum over axes.
pub(super) const MAX: OpDef = OpDef {
    name: "max",
    doc: "The maximum over `axes`, which go; NaN if any is; minus infinity (or the least integer) over nothing. Ties share the gradient evenly.",
    arity: Arity::Exactly(1),
    attributes: Over::SPECS,
    infer: |t, a| {
        let x = number(t, 0)?;
        Ok(Type::new(x.dtype, without(&x.shape, Over::of(a)?.axes)?))
    },
    pullback: Pullback::Rule(|b, p| {
        let x = p.operands[0];
        let Over { axes } = Over::of(p.attributes)?;
        let of = b.type_of(x).clone();
        let greatest = b.broadcast(p.result, &of.shape, axes)?;
        let hit = b.eq(x, greatest)?;
        let ones = b.cast(hit, of.dtype)?;
        let ties = b.over(super::SUM, ones, axes)?;
        let share = b.div(p.cotangent, ties)?;
        let share = b.broadcast(share, &of.shape, axes)?;
        // A NaN is equal to none: the product with its share, a division by 0, is NaN for the whole
        // row, as in PyTorch's `amax`.
        Ok(vec![Some(b.mul(ones, share)?)])
    }),
    kind: Kind::Reduce(Reduction::Max),
    test: ONE.on(over_some),
};

/// The index of the first maximum.
pub(super) const ARGMAX: OpDef = OpDef {
    name: "argmax",
    doc: "The index (i32) of the first maximum along `axis`, which goes; the first NaN's if there is one; 0 over nothing.",
    arity: Arity::Exactly(1),
    attributes: Along::SPECS,
    infer: |t, a| {
        let x = number(t, 0)?;
        let Along { axis } = Along::of(a)?;
        one_axis(&x.shape, axis)?;
        let shape = without(&x.shape, &[axis])?;
        Ok(Type::new(DType::I32, shape))
    },
    pullback: Pullback::Zero,
    kind: Kind::Reduce(Reduction::ArgMax),
    test: ONE.on(along_each),
};
