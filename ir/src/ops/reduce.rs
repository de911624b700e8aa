//! Reductions over axes, which go.

use super::entry::{AXES, AXIS, ONE};
use super::rules::{number, one_axis, without};
use crate::dtype::DType;
use crate::op::{Arity, Kind, Op, OpDef, Pullback, Reduction};
use crate::shape::{Axis, Type};

/// The sum over axes.
pub const SUM: Op = Op(&OpDef {
    name: "sum",
    doc: "The sum over `axes`, which go; 0 over nothing.",
    arity: Arity::Exactly(1),
    attributes: &[AXES],
    infer: |t, a| {
        let x = number(t, 0)?;
        Ok(Type::new(x.dtype, without(&x.shape, a.axes(0))?))
    },
    pullback: Pullback::Rule(|b, p| {
        let shape = b.type_of(p.operands[0]).shape.clone();
        let g = b.broadcast(p.cotangent, &shape, p.attributes.axes(0))?;
        Ok(vec![Some(g)])
    }),
    kind: Kind::Reduce(Reduction::Sum),
    test: ONE,
});

/// The maximum over axes.
pub const MAX: Op = Op(&OpDef {
    name: "max",
    doc: "The maximum over `axes`, which go; NaN if any is; minus infinity (or the least integer) over nothing. Ties share the gradient evenly.",
    arity: Arity::Exactly(1),
    attributes: &[AXES],
    infer: |t, a| {
        let x = number(t, 0)?;
        Ok(Type::new(x.dtype, without(&x.shape, a.axes(0))?))
    },
    pullback: Pullback::Rule(|b, p| {
        let x = p.operands[0];
        let (axes, of) = (p.attributes.axes(0), b.type_of(x).clone());
        let greatest = b.broadcast(p.result, &of.shape, axes)?;
        let hit = b.eq(x, greatest)?;
        let ones = b.cast(hit, of.dtype)?;
        let ties = b.over(SUM, ones, axes)?;
        let share = b.div(p.cotangent, ties)?;
        let share = b.broadcast(share, &of.shape, axes)?;
        // A NaN is equal to none: the product with its share, a division by 0, is NaN for the whole
        // row, as in PyTorch's `amax`.
        Ok(vec![Some(b.mul(ones, share)?)])
    }),
    kind: Kind::Reduce(Reduction::Max),
    test: ONE,
});

/// The index of the first maximum.
pub const ARGMAX: Op = Op(&OpDef {
    name: "argmax",
    doc: "The index (i32) of the first maximum along `axis`, which goes; the first NaN's if there is one; 0 over nothing.",
    arity: Arity::Exactly(1),
    attributes: &[AXIS],
    infer: |t, a| {
        let x = number(t, 0)?;
        let (axis, _) = one_axis(&x.shape, a, 0)?;
        let shape = without(&x.shape, &[Axis::At(axis)])?;
        Ok(Type::new(DType::I32, shape))
    },
    pullback: Pullback::Zero,
    kind: Kind::Reduce(Reduction::ArgMax),
    test: ONE,
});
