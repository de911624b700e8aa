//! Reductions over axes, which go.

use super::entry::{ONE, along_each, over_some};
use super::rules::{number, one_axis, reduced, without};
use super::running;
use crate::attributes::{Along, Over};
use crate::builder::Builder;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::{Arity, Kind, OpDef, OpError, Primal, Pullback, Reduction};
use crate::shape::{Axis, Type};

/// The sum over axes.
pub(super) const SUM: OpDef = OpDef {
    name: "sum",
    doc: "The sum over `axes`, which go; 0 over nothing.",
    arity: Arity::Exactly(1),
    attributes: Over::SPECS,
    infer: reduced,
    pullback: Pullback::Rule(|b, p| {
        let shape = b.type_of(p.operands[0]).shape.clone();
        let g = b.broadcast(
            p.cotangent,
            &shape,
            Over::from_attributes(p.attributes)?.axes,
        )?;
        Ok(vec![Some(g)])
    }),
    kind: Kind::Reduce(Reduction::Sum),
    test: ONE.on(over_some),
};

/// The product over axes.
pub(super) const PROD: OpDef = OpDef {
    name: "prod",
    doc: "The product over `axes`, which go; 1 over nothing. Its derivative is that of the other factors where some are 0, too.",
    arity: Arity::Exactly(1),
    attributes: Over::SPECS,
    infer: reduced,
    pullback: Pullback::Rule(prod_pullback),
    kind: Kind::Reduce(Reduction::Prod),
    test: ONE.on(over_some),
};

/// The cotangents of factors: one axis after the other, since a product over axes is one of products.
fn prod_pullback(b: &mut Builder, p: &Primal<'_>) -> Result<Vec<Option<Value>>, OpError> {
    let mut axes = Over::from_attributes(p.attributes)?.axes.to_vec();
    // The last axis goes first, so that the others keep their numbers.
    axes.sort_unstable();
    let mut factors = vec![p.operands[0]];
    for axis in axes.iter().skip(1).rev() {
        let partial = factors[factors.len() - 1];
        factors.push(b.over(super::PROD, partial, &[*axis])?);
    }
    let mut cotangent = p.cotangent;
    for (axis, x) in axes.iter().zip(factors.into_iter().rev()) {
        let others = match axis {
            Axis::At(_) => running::product_of_others(b, x, *axis)?,
            Axis::Sequence => product_of_others(b, x, *axis)?,
        };
        let shape = b.type_of(x).shape.clone();
        let wide = b.broadcast(cotangent, &shape, &[*axis])?;
        cotangent = b.mul(wide, others)?;
    }
    Ok(vec![Some(cotangent)])
}

/// For each element the product of the others along all axes of a sequence, where nothing can run.
///
/// It is the product of the factors that are not 0, by the factor itself if it is one of them, times the
/// product of the others that are 0. That is 1 of none of them; of one, the zero itself, whose derivative
/// is 1; of more it is taken for a constant 0, which is right in derivatives of second order of the whole
/// product (only a third has a term in which two zeros are gone).
fn product_of_others(b: &mut Builder, x: Value, axis: Axis) -> Result<Value, OpError> {
    let axes = &[axis];
    let shape = b.type_of(x).shape.clone();
    let (zero, one) = (b.like(0.0, x)?, b.like(1.0, x)?);
    let is_zero = b.eq(x, zero)?;
    let factors = b.select(is_zero, one, x)?;
    let product = b.over(super::PROD, factors, axes)?;
    let ones = b.select(is_zero, one, zero)?;
    let zeros = b.sum(ones, axes)?;
    let values = b.select(is_zero, x, zero)?;
    let value = b.sum(values, axes)?;
    let [product, zeros, value] = {
        let mut wide = |v| b.broadcast(v, &shape, axes);
        [wide(product)?, wide(zeros)?, wide(value)?]
    };
    let others = b.sub(zeros, ones)?;
    let sum = b.sub(value, values)?;
    let (none, single) = (b.eq(others, zero)?, b.eq(others, one)?);
    let rest = b.select(single, sum, zero)?;
    let rest = b.select(none, one, rest)?;
    let share = b.div(product, factors)?;
    b.mul(share, rest)
}

/// The maximum over axes.
pub(super) const MAX: OpDef = OpDef {
    name: "max",
    doc: "The maximum over `axes`, which go; NaN if any is; minus infinity (or the least integer) over nothing. Ties share the gradient evenly.",
    arity: Arity::Exactly(1),
    attributes: Over::SPECS,
    infer: reduced,
    pullback: Pullback::Rule(|b, p| {
        let x = p.operands[0];
        let Over { axes } = Over::from_attributes(p.attributes)?;
        let ty = b.type_of(x).clone();
        let greatest = b.broadcast(p.result, &ty.shape, axes)?;
        let hit = b.eq(x, greatest)?;
        let ones = b.cast(hit, ty.dtype)?;
        let ties = b.over(super::SUM, ones, axes)?;
        let share = b.div(p.cotangent, ties)?;
        let share = b.broadcast(share, &ty.shape, axes)?;
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
        let Along { axis } = Along::from_attributes(a)?;
        one_axis(&x.shape, axis)?;
        let shape = without(&x.shape, &[axis])?;
        Ok(Type::new(DType::I32, shape))
    },
    pullback: Pullback::Zero,
    kind: Kind::Reduce(Reduction::ArgMax),
    test: ONE.on(along_each),
};
