//! Losses that are more than a mean of an elementwise formula.

use super::entry::{TWO, applied, floats, indices, tested};
use super::rows::{count, exp_and_sum, shifted};
use super::rules::{float, index, minus, one_axis, same, same_shape, without};
use crate::attribute::Attributes;
use crate::attributes;
use crate::builder::Builder;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::{Arity, Instance, Kind, OpDef, OpError, Primal, Pullback};
use crate::shape::{Axis, Shape, Type};
use crate::symbol::Number;

/// The mean squared difference.
pub(super) const MSE: OpDef = OpDef {
    name: "mse",
    doc: "The mean of `(x - y)^2` over all elements, a scalar.",
    arity: Arity::Exactly(2),
    attributes: &[],
    infer: |t, _| {
        let (x, y) = (float(t, 0)?, float(t, 1)?);
        same(x, y)?;
        Ok(Type::new(x.dtype, Shape::scalar()))
    },
    pullback: Pullback::Derived,
    kind: Kind::Function(|b, x, _| {
        let difference = b.sub(x[0], x[1])?;
        let square = b.square(difference)?;
        let axes = b.type_of(square).shape.axes();
        b.over(super::MEAN, square, &axes)
    }),
    test: TWO,
};

/// What is made of floats and their targets, element by element.
fn of_pair(types: &[Type]) -> Result<Type, OpError> {
    let (x, target) = (float(types, 0)?, float(types, 1)?);
    same(x, target)?;
    Ok(x.clone())
}

/// The binary cross entropy of probabilities.
pub(super) const BINARY_CROSS_ENTROPY: OpDef = OpDef {
    name: "binary_cross_entropy",
    doc: "`-t log(x) - (1 - t) log(1 - x)` of a probability x and a target t, element by element, with PyTorch's bounds: no logarithm is below -100, and the slope by x is `(x - t) / max(x (1 - x), 1e-12)`.",
    arity: Arity::Exactly(2),
    attributes: &[],
    infer: |t, _| of_pair(t),
    pullback: Pullback::Rule(|b, p| {
        let (x, target) = (p.operands[0], p.operands[1]);
        let dx = p.wants(0, || {
            let one = b.like(1.0, x)?;
            let rest = b.sub(one, x)?;
            let spread = b.mul(x, rest)?;
            // PyTorch's constant is an f32 for all types.
            let spread = b.with(super::MAXIMUM, spread, f64::from(1e-12f32))?;
            let miss = b.sub(x, target)?;
            let slope = b.div(miss, spread)?;
            b.mul(p.cotangent, slope)
        })?;
        let dt = p.wants(1, || {
            let (hit, miss) = bounded_logs(b, x)?;
            let slope = b.sub(miss, hit)?;
            b.mul(p.cotangent, slope)
        })?;
        Ok(vec![dx, dt])
    }),
    kind: Kind::Function(|b, operands, _| {
        let (x, target) = (operands[0], operands[1]);
        let (hit, miss) = bounded_logs(b, x)?;
        let one = b.like(1.0, target)?;
        let rest = b.sub(target, one)?;
        let miss = b.mul(rest, miss)?;
        let hit = b.mul(target, hit)?;
        b.sub(miss, hit)
    }),
    test: tested(&[(0.05, 0.95), (0.0, 1.0)], &[]),
};

/// `log(x)` and `log(1 - x)`, not below -100.
fn bounded_logs(b: &mut Builder, x: Value) -> Result<(Value, Value), OpError> {
    let hit = b.log(x)?;
    let hit = b.with(super::MAXIMUM, hit, -100.0)?;
    let minus = b.neg(x)?;
    let miss = b.op(super::LOG1P, &[minus], Vec::new())?;
    let miss = b.with(super::MAXIMUM, miss, -100.0)?;
    Ok((hit, miss))
}

/// The binary cross entropy of logits.
pub(super) const BINARY_CROSS_ENTROPY_WITH_LOGITS: OpDef = OpDef {
    name: "binary_cross_entropy_with_logits",
    doc: "`-t log sigmoid(x) - (1 - t) log(1 - sigmoid(x))` of a logit x and a target t, element by element, computed as `(1 - t) x - min(x, 0) + log1p(e^-|x|)`, which does not overflow.",
    arity: Arity::Exactly(2),
    attributes: &[],
    infer: |t, _| of_pair(t),
    pullback: Pullback::Rule(|b, p| {
        // sigmoid(x) - t, and -x
        let (x, target) = (p.operands[0], p.operands[1]);
        let dx = p.wants(0, || {
            let share = b.sigmoid(x)?;
            let rest = b.sub(share, target)?;
            b.mul(p.cotangent, rest)
        })?;
        let dt = p.wants(1, || {
            let pulled = b.mul(p.cotangent, x)?;
            b.neg(pulled)
        })?;
        Ok(vec![dx, dt])
    }),
    kind: Kind::Function(|b, operands, _| {
        let (x, target) = (operands[0], operands[1]);
        // Where the target is met, what stands before the logarithm is 0, and does not swallow it.
        let one = b.like(1.0, x)?;
        let miss = b.sub(one, target)?;
        let line = b.mul(miss, x)?;
        let zero = b.like(0.0, x)?;
        let low = b.minimum(x, zero)?;
        let missed = b.sub(line, low)?;
        let magnitude = b.abs(x)?;
        let minus = b.neg(magnitude)?;
        let small = b.exp(minus)?;
        let rest = b.op(super::LOG1P, &[small], Vec::new())?;
        b.add(missed, rest)
    }),
    test: tested(&[(-6.0, 6.0), (0.0, 1.0)], &[]),
};

/// The cross entropy of each row.
pub(super) const CROSS_ENTROPY: OpDef = OpDef {
    name: "cross_entropy",
    doc: "`-log softmax(x)` along `axis` at each label (i32, x's shape without the axis); 0 where the label is `ignore_index`. With `label_smoothing` s the target is `1 - s` at the label and `s / classes` everywhere.",
    arity: Arity::Exactly(2),
    attributes: attributes::CrossEntropy::SPECS,
    infer: |t, a| {
        let (x, labels) = (float(t, 0)?, index(t, 1)?);
        let attributes::CrossEntropy { axis, .. } = attributes::CrossEntropy::from_attributes(a)?;
        one_axis(&x.shape, axis)?;
        let rows = without(&x.shape, &[axis])?;
        same_shape(&rows, &labels.shape)?;
        Ok(Type::new(x.dtype, rows))
    },
    pullback: Pullback::Rule(cross_entropy_pullback),
    kind: Kind::Function(cross_entropy),
    test: tested(&[(-8.0, 8.0)], &[]).on(instances),
};

fn instances(_: &OpDef) -> Vec<Instance> {
    let instance = |x: &[usize], labels: &[usize], axis, ignore_index, label_smoothing| {
        let form = attributes::CrossEntropy {
            axis: Axis::At(axis),
            ignore_index,
            label_smoothing: &Number::Known(label_smoothing),
        };
        applied(&[floats(x), indices(labels)], form)
    };
    vec![
        instance(&[6, 5], &[6], 1, -100.0, 0.0),
        instance(&[6, 5], &[6], 1, 2.0, 0.1),
        instance(&[2, 5, 3], &[2, 3], 1, -100.0, 0.1),
        instance(&[5], &[], 0, -100.0, 0.0),
        instance(&[0, 5], &[0], 1, -100.0, 0.0),
    ]
}

const NONE: Number = Number::Known(0.0);

/// `1 - share` in the type of a value.
fn rest(b: &mut Builder, share: &Number, like: Value) -> Result<Value, OpError> {
    match share.known() {
        Some(share) => b.like(1.0 - share, like),
        None => {
            let (one, share) = (b.like(1.0, like)?, b.like(share, like)?);
            b.sub(one, share)
        }
    }
}

fn cross_entropy(b: &mut Builder, operands: &[Value], a: &Attributes) -> Result<Value, OpError> {
    let (x, labels) = (operands[0], operands[1]);
    let a = attributes::CrossEntropy::from_attributes(a)?;
    let (ignore, smoothing) = (a.ignore_index, a.label_smoothing);
    let axes = &[a.axis];
    let shape = b.type_of(x).shape.clone();
    let (axis, _) = one_axis(&shape, a.axis)?;
    let ignored = b.with(super::EQ, labels, ignore)?;
    let first = b.like(0.0, labels)?;
    let safe = b.select(ignored, first, labels)?;
    // The label's element comes out of x itself, so that nothing of x's size is stored for it.
    let mut column = shape.clone();
    column.dims[axis] = 1usize.into();
    let index = b.reshape(safe, &column)?;
    let picked = b.along(super::TAKE_ALONG_AXIS, &[x, index], a.axis)?;
    let picked = b.reshape(picked, &b.type_of(labels).shape.clone())?;
    let greatest = b.over(super::MAX, x, axes)?;
    let picked = b.sub(picked, greatest)?;
    let low = shifted(b, x, axes)?;
    let (_, sum) = exp_and_sum(b, low, axes)?;
    let log = b.log(sum)?;
    let target = if *smoothing == NONE {
        picked
    } else {
        let mean = b.over(super::MEAN, low, axes)?;
        let spread = b.scale(mean, smoothing)?;
        let rest = rest(b, smoothing, picked)?;
        let kept = b.mul(picked, rest)?;
        b.add(kept, spread)?
    };
    let loss = b.sub(log, target)?;
    let zero = b.like(0.0, loss)?;
    b.select(ignored, zero, loss)
}

/// `g (softmax(x) - target)`: elementwise where the derived one would scatter.
fn cross_entropy_pullback(b: &mut Builder, p: &Primal<'_>) -> Result<Vec<Option<Value>>, OpError> {
    let (x, labels) = (p.operands[0], p.operands[1]);
    let a = attributes::CrossEntropy::from_attributes(p.attributes)?;
    let (ignore, smoothing) = (a.ignore_index, a.label_smoothing);
    let axes = &[a.axis];
    let shape = b.type_of(x).shape.clone();
    let ignored = b.with(super::EQ, labels, ignore)?;
    let zero = b.like(0.0, p.cotangent)?;
    let g = b.select(ignored, zero, p.cotangent)?;
    let g = b.broadcast(g, &shape, axes)?;
    let low = shifted(b, x, axes)?;
    let (e, sum) = exp_and_sum(b, low, axes)?;
    let sum = b.broadcast(sum, &shape, axes)?;
    let share = b.div(e, sum)?;
    // Clamped, as the forward pass clamps what it takes elements at.
    let (_, extent) = one_axis(&shape, a.axis)?;
    let last = minus(&extent, &1usize.into())?;
    let last = b.extent(last, DType::I32, b.type_of(labels).shape.clone())?;
    let labels = b.minimum(labels, last)?;
    let labels = b.with(super::MAXIMUM, labels, 0.0)?;
    let classes = b.iota(DType::I32, shape.clone(), a.axis)?;
    let wide = b.broadcast(labels, &shape, axes)?;
    let hit = b.eq(classes, wide)?;
    let at_label = rest(b, smoothing, x)?;
    let elsewhere = b.like(0.0, x)?;
    let mut target = b.select(hit, at_label, elsewhere)?;
    if *smoothing != NONE {
        let all = b.like(smoothing, p.cotangent)?;
        let classes = count(b, x, axes, all)?;
        let spread = b.div(all, classes)?;
        let spread = b.broadcast(spread, &shape, axes)?;
        target = b.add(target, spread)?;
    }
    let rest = b.sub(share, target)?;
    Ok(vec![Some(b.mul(g, rest)?), None])
}
