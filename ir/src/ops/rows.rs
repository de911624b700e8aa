//! Functions of whole rows: softmax and its kin, means, minima.

use super::entry::{ONE, along_each, over_some, tested};
use super::rules::{check_axes, float, one_axis, product, reduced};
use crate::attribute::Attributes;
use crate::attributes::{Along, Over};
use crate::builder::Builder;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::{Arity, Kind, OpDef, OpError, Pullback};
use crate::shape::{Axis, Shape, Type};

fn same_as_row(t: &[Type], a: &Attributes) -> Result<Type, OpError> {
    let x = float(t, 0)?;
    one_axis(&x.shape, Along::from_attributes(a)?.axis)?;
    Ok(x.clone())
}

/// `x - max(x)` over axes.
pub(super) fn shifted(b: &mut Builder, x: Value, axes: &[Axis]) -> Result<Value, OpError> {
    let shape = b.type_of(x).shape.clone();
    let greatest = b.over(super::MAX, x, axes)?;
    let greatest = b.broadcast(greatest, &shape, axes)?;
    b.sub(x, greatest)
}

/// `e^x` and its sum over axes.
pub(super) fn exp_and_sum(
    b: &mut Builder,
    x: Value,
    axes: &[Axis],
) -> Result<(Value, Value), OpError> {
    let e = b.exp(x)?;
    Ok((e, b.sum(e, axes)?))
}

/// The share of each element's exponential.
pub(super) const SOFTMAX: OpDef = OpDef {
    name: "softmax",
    doc: "`e^x / sum(e^x)` along `axis`, shifted by the maximum.",
    arity: Arity::Exactly(1),
    attributes: Along::SPECS,
    infer: same_as_row,
    pullback: Pullback::Rule(|b, p| {
        // y (g - sum(g y))
        let axes = &[Along::from_attributes(p.attributes)?.axis];
        let shape = b.type_of(p.result).shape.clone();
        let weighted = b.mul(p.cotangent, p.result)?;
        let sum = b.sum(weighted, axes)?;
        let sum = b.broadcast(sum, &shape, axes)?;
        let rest = b.sub(p.cotangent, sum)?;
        Ok(vec![Some(b.mul(p.result, rest)?)])
    }),
    kind: Kind::Function(|b, x, a| {
        let axes = &[Along::from_attributes(a)?.axis];
        let shape = b.type_of(x[0]).shape.clone();
        let low = shifted(b, x[0], axes)?;
        let (e, sum) = exp_and_sum(b, low, axes)?;
        let sum = b.broadcast(sum, &shape, axes)?;
        b.div(e, sum)
    }),
    test: ONE.on(along_each),
};

/// Its logarithm.
pub(super) const LOG_SOFTMAX: OpDef = OpDef {
    name: "log_softmax",
    doc: "`x - log(sum(e^x))` along `axis`, shifted by the maximum.",
    arity: Arity::Exactly(1),
    attributes: Along::SPECS,
    infer: same_as_row,
    pullback: Pullback::Rule(|b, p| {
        // g - e^y sum(g)
        let axes = &[Along::from_attributes(p.attributes)?.axis];
        let shape = b.type_of(p.result).shape.clone();
        let sum = b.sum(p.cotangent, axes)?;
        let sum = b.broadcast(sum, &shape, axes)?;
        let share = b.exp(p.result)?;
        let pulled = b.mul(share, sum)?;
        Ok(vec![Some(b.sub(p.cotangent, pulled)?)])
    }),
    kind: Kind::Function(|b, x, a| {
        let axes = &[Along::from_attributes(a)?.axis];
        let shape = b.type_of(x[0]).shape.clone();
        let low = shifted(b, x[0], axes)?;
        let (_, sum) = exp_and_sum(b, low, axes)?;
        let log = b.log(sum)?;
        let log = b.broadcast(log, &shape, axes)?;
        b.sub(low, log)
    }),
    test: ONE.on(along_each),
};

/// 0 where `x` is infinite, `x` elsewhere: a shift that leaves infinities alone.
fn finite_shift(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let magnitude = b.abs(x)?;
    let infinity = b.like(f64::INFINITY, x)?;
    let infinite = b.eq(magnitude, infinity)?;
    let zero = b.like(0.0, x)?;
    b.select(infinite, zero, x)
}

fn reduced_float(t: &[Type], a: &Attributes) -> Result<Type, OpError> {
    float(t, 0)?;
    reduced(t, a)
}

/// The logarithm of the sum of exponentials.
pub(super) const LOGSUMEXP: OpDef = OpDef {
    name: "logsumexp",
    doc: "`log(sum(e^x))` over `axes`, which go, shifted by the maximum; minus infinity over nothing.",
    arity: Arity::Exactly(1),
    attributes: Over::SPECS,
    infer: reduced_float,
    pullback: Pullback::Rule(|b, p| {
        // e^(x - y) g
        let Over { axes } = Over::from_attributes(p.attributes)?;
        let shape = b.type_of(p.operands[0]).shape.clone();
        let shift = finite_shift(b, p.result)?;
        let shift = b.broadcast(shift, &shape, axes)?;
        let low = b.sub(p.operands[0], shift)?;
        let share = b.exp(low)?;
        let g = b.broadcast(p.cotangent, &shape, axes)?;
        Ok(vec![Some(b.mul(g, share)?)])
    }),
    kind: Kind::Function(|b, x, a| {
        let Over { axes } = Over::from_attributes(a)?;
        let shape = b.type_of(x[0]).shape.clone();
        let greatest = b.over(super::MAX, x[0], axes)?;
        let shift = finite_shift(b, greatest)?;
        let wide = b.broadcast(shift, &shape, axes)?;
        let low = b.sub(x[0], wide)?;
        let (_, sum) = exp_and_sum(b, low, axes)?;
        let log = b.log(sum)?;
        b.add(log, shift)
    }),
    test: tested(&[(-20.0, 20.0)], &[]).on(over_some),
};

/// How many elements a reduction of `x` over `axes` takes in, of the type of `like`.
pub(super) fn count(
    b: &mut Builder,
    x: Value,
    axes: &[Axis],
    like: Value,
) -> Result<Value, OpError> {
    let (from, to) = (b.type_of(x).clone(), b.type_of(like).clone());
    check_axes(&from.shape, axes)?;
    if axes.contains(&Axis::Sequence) {
        // No dim says how many elements a sequence has: ones are counted (and folded once it is bound).
        let ones = b.constant(1.0, from.dtype, from.shape)?;
        return b.sum(ones, axes);
    }
    let gone = from.shape.select(axes).unwrap_or_default();
    let n = product(&gone.dims)?;
    b.extent(n, to.dtype, to.shape)
}

/// The mean over axes.
pub(super) const MEAN: OpDef = OpDef {
    name: "mean",
    doc: "The mean over `axes`, which go; NaN over nothing.",
    arity: Arity::Exactly(1),
    attributes: Over::SPECS,
    infer: reduced_float,
    pullback: Pullback::Rule(|b, p| {
        let Over { axes } = Over::from_attributes(p.attributes)?;
        let shape: Shape = b.type_of(p.operands[0]).shape.clone();
        let n = count(b, p.operands[0], axes, p.cotangent)?;
        let share = b.div(p.cotangent, n)?;
        Ok(vec![Some(b.broadcast(share, &shape, axes)?)])
    }),
    kind: Kind::Function(|b, x, a| {
        let Over { axes } = Over::from_attributes(a)?;
        let sum = b.over(super::SUM, x[0], axes)?;
        let n = count(b, x[0], axes, sum)?;
        b.div(sum, n)
    }),
    test: ONE.on(over_some),
};

/// The minimum over axes.
pub(super) const MIN: OpDef = OpDef {
    name: "min",
    doc: "The minimum over `axes`, which go; NaN if any is; infinity (or the greatest integer) over nothing. Ties share the gradient evenly.",
    arity: Arity::Exactly(1),
    attributes: Over::SPECS,
    infer: reduced,
    pullback: Pullback::Derived,
    kind: Kind::Function(|b, x, a| {
        let turned = turned(b, x[0])?;
        let greatest = b.over(super::MAX, turned, Over::from_attributes(a)?.axes)?;
        self::turned(b, greatest)
    }),
    test: ONE.on(over_some),
};

/// The number that stands where `x` does in the opposite order: `-x`; for integers the bits inverted,
/// so that nothing overflows.
pub(crate) fn turned(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let all_bits = match b.type_of(x).dtype {
        DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => return b.neg(x),
        DType::U32 => f64::from(u32::MAX),
        DType::I32 | DType::Bool => -1.0,
    };
    let all_bits = b.like(all_bits, x)?;
    b.sub(all_bits, x)
}
