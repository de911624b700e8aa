//! Elementwise functions over other ops, with the derivatives that are better than those the pass
//! would find: from the result where that is what is kept, and stable where the plain formula is not.

use super::entry::{ONE, unary};
use super::rules::float;
use crate::attribute::Attributes;
use crate::builder::Builder;
use crate::function::Value;
use crate::op::{Arity, Kind, Op, OpDef, OpError, Pullback, PullbackRule, TestData};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

type Expand = fn(&mut Builder, &[Value], &Attributes) -> Result<Value, OpError>;

const fn entry(
    name: &'static str,
    doc: &'static str,
    expand: Expand,
    rule: PullbackRule,
    test: TestData,
) -> OpDef {
    OpDef {
        name,
        doc,
        arity: Arity::Exactly(1),
        attributes: &[],
        infer: |t, _| float(t, 0).cloned(),
        pullback: Pullback::Rule(rule),
        kind: Kind::Function(expand),
        test,
    }
}

/// `1 - x`
fn one_minus(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let one = b.like(1.0, x)?;
    b.sub(one, x)
}

/// `x <= 0 ? 0 : x`
pub const RELU: Op = Op(&entry(
    "relu",
    "`x <= 0 ? 0 : x`, which lets NaN pass; its derivative at 0 is 0.",
    |b, x, _| {
        let zero = b.like(0.0, x[0])?;
        let dead = b.le(x[0], zero)?;
        b.select(dead, zero, x[0])
    },
    |b, p| {
        let zero = b.like(0.0, p.result)?;
        let dead = b.le(p.result, zero)?;
        Ok(vec![Some(b.select(dead, zero, p.cotangent)?)])
    },
    unary(&[(-2.0, 2.0)], 1e-6, &[0.0]),
));

/// The logistic function.
pub const SIGMOID: Op = Op(&entry(
    "sigmoid",
    "`1 / (1 + e^-x)`, computed from `e^-|x|`, which does not overflow.",
    |b, x, _| {
        let magnitude = b.abs(x[0])?;
        let minus = b.neg(magnitude)?;
        let small = b.exp(minus)?;
        let one = b.like(1.0, small)?;
        let below = b.add(one, small)?;
        let zero = b.like(0.0, x[0])?;
        let negative = b.lt(x[0], zero)?;
        let above = b.select(negative, small, one)?;
        b.div(above, below)
    },
    |b, p| {
        // y (1 - y)
        let rest = one_minus(b, p.result)?;
        let slope = b.mul(p.result, rest)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    },
    unary(&[(-6.0, 6.0)], 1e-5, &[]),
));

/// `x * sigmoid(x)`
pub const SILU: Op = Op(&entry(
    "silu",
    "`x * sigmoid(x)`.",
    |b, x, _| {
        let s = b.sigmoid(x[0])?;
        b.mul(x[0], s)
    },
    |b, p| {
        // s + y (1 - s)
        let s = b.sigmoid(p.operands[0])?;
        let rest = one_minus(b, s)?;
        let grows = b.mul(p.result, rest)?;
        let slope = b.add(s, grows)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    },
    unary(&[(-6.0, 6.0)], 1e-5, &[]),
));

/// `(1 + erf(x / sqrt 2)) / 2`, the normal distribution's.
fn normal_cdf(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let scaled = b.scale(x, FRAC_1_SQRT_2)?;
    let erf = b.erf(scaled)?;
    let one = b.like(1.0, erf)?;
    let sum = b.add(one, erf)?;
    b.scale(sum, 0.5)
}

/// `x` times the normal distribution's share below it.
pub const GELU: Op = Op(&entry(
    "gelu",
    "`x * (1 + erf(x / sqrt 2)) / 2`.",
    |b, x, _| {
        let share = normal_cdf(b, x[0])?;
        b.mul(x[0], share)
    },
    |b, p| {
        // cdf(x) + x pdf(x)
        let x = p.operands[0];
        let share = normal_cdf(b, x)?;
        let square = b.mul(x, x)?;
        let exponent = b.scale(square, -0.5)?;
        let bell = b.exp(exponent)?;
        let density = b.scale(bell, 0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2)?;
        let grows = b.mul(x, density)?;
        let slope = b.add(share, grows)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    },
    unary(&[(-4.0, 4.0)], 1e-5, &[]),
));

/// `sqrt(2 / pi)` and the cubic's factor of the tanh form.
const TANH_SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
const TANH_CUBIC: f64 = 0.044_715;

/// `tanh(sqrt(2 / pi) (x + 0.044715 x^3))`, and `x^2`.
fn gelu_tanh_inner(b: &mut Builder, x: Value) -> Result<(Value, Value), OpError> {
    let square = b.mul(x, x)?;
    let cubic = b.scale(square, TANH_SCALE * TANH_CUBIC)?;
    let slope = b.with(super::ADD, cubic, TANH_SCALE)?;
    let inner = b.mul(x, slope)?;
    Ok((b.tanh(inner)?, square))
}

/// The tanh form of gelu.
pub const GELU_TANH: Op = Op(&entry(
    "gelu_tanh",
    "`x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2`.",
    |b, x, _| {
        let (t, _) = gelu_tanh_inner(b, x[0])?;
        let sum = b.with(super::ADD, t, 1.0)?;
        let half = b.scale(x[0], 0.5)?;
        b.mul(half, sum)
    },
    |b, p| {
        // (1 + t) / 2 + x / 2 (1 - t^2) sqrt(2 / pi) (1 + 3 * 0.044715 x^2)
        let x = p.operands[0];
        let (t, square) = gelu_tanh_inner(b, x)?;
        let sum = b.with(super::ADD, t, 1.0)?;
        let share = b.scale(sum, 0.5)?;
        let t_square = b.mul(t, t)?;
        let steep = one_minus(b, t_square)?;
        let cubic = b.scale(square, 1.5 * TANH_SCALE * TANH_CUBIC)?;
        let inner = b.with(super::ADD, cubic, 0.5 * TANH_SCALE)?;
        let grows = b.mul(steep, inner)?;
        let grows = b.mul(x, grows)?;
        let slope = b.add(share, grows)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    },
    unary(&[(-4.0, 4.0)], 1e-5, &[]),
));

/// `x * x`
pub const SQUARE: Op = Op(&entry(
    "square",
    "`x * x`.",
    |b, x, _| b.mul(x[0], x[0]),
    |b, p| {
        let twice = b.scale(p.operands[0], 2.0)?;
        Ok(vec![Some(b.mul(p.cotangent, twice)?)])
    },
    ONE,
));

/// `1 / x`
pub const RECIPROCAL: Op = Op(&entry(
    "reciprocal",
    "`1 / x`.",
    |b, x, _| {
        let one = b.like(1.0, x[0])?;
        b.div(one, x[0])
    },
    |b, p| {
        // -y^2
        let square = b.mul(p.result, p.result)?;
        let slope = b.neg(square)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    },
    unary(&[(0.5, 4.0)], 1e-5, &[]),
));
