//! Functions of angles, of ratios back to angles, and their hyperbolic kin, over sine, cosine, arc
//! tangent and exponential: accurate near 0 and at the ends.

use super::entry::{ONE, tested};
use super::functions::{entry, one_minus};
use crate::attribute::Attributes;
use crate::builder::Builder;
use crate::function::Value;
use crate::op::{OpDef, OpError};
use std::f64::consts::PI;

/// The tangent.
pub(super) const TAN: OpDef = entry(
    "tan",
    "The tangent of an angle in radians.",
    |b, x, _| {
        let sine = b.op(super::SIN, x, Attributes::none())?;
        let cosine = b.op(super::COS, x, Attributes::none())?;
        b.div(sine, cosine)
    },
    |b, p| {
        // 1 + y^2
        let square = b.mul(p.result, p.result)?;
        let slope = b.with(super::ADD, square, 1.0)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    },
    tested(&[(-1.2, 1.2)], &[]),
);

/// `sqrt((1 - x)(1 + x))`, exact where x is near 1.
fn other_leg(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let less = one_minus(b, x)?;
    let more = b.with(super::ADD, x, 1.0)?;
    let square = b.mul(less, more)?;
    b.sqrt(square)
}

/// The arc sine.
pub(super) const ASIN: OpDef = entry(
    "asin",
    "The arc sine, from -pi / 2 to pi / 2, computed as `2 atan(x / (1 + sqrt(1 - x^2)))`; NaN beyond 1.",
    |b, x, _| {
        let leg = other_leg(b, x[0])?;
        let below = b.with(super::ADD, leg, 1.0)?;
        let ratio = b.div(x[0], below)?;
        let half = b.op(super::ATAN, &[ratio], Attributes::none())?;
        b.add(half, half)
    },
    |b, p| {
        let leg = other_leg(b, p.operands[0])?;
        Ok(vec![Some(b.div(p.cotangent, leg)?)])
    },
    tested(&[(-0.9, 0.9)], &[]),
);

/// The arc cosine.
pub(super) const ACOS: OpDef = entry(
    "acos",
    "The arc cosine, from 0 to pi, computed as `2 atan(sqrt((1 - |x|) / (1 + |x|)))`, or pi less that; NaN beyond 1.",
    |b, x, _| {
        let magnitude = b.abs(x[0])?;
        let less = one_minus(b, magnitude)?;
        let more = b.with(super::ADD, magnitude, 1.0)?;
        let ratio = b.div(less, more)?;
        let root = b.sqrt(ratio)?;
        let half = b.op(super::ATAN, &[root], Attributes::none())?;
        let angle = b.add(half, half)?;
        let pi = b.like(PI, angle)?;
        let rest = b.sub(pi, angle)?;
        let zero = b.like(0.0, x[0])?;
        let negative = b.lt(x[0], zero)?;
        b.select(negative, rest, angle)
    },
    |b, p| {
        let leg = other_leg(b, p.operands[0])?;
        let slope = b.div(p.cotangent, leg)?;
        Ok(vec![Some(b.neg(slope)?)])
    },
    tested(&[(-0.9, 0.9)], &[]),
);

/// Half of `e^|x|` and half of `e^-|x|`: from `e^(|x| / 2)`, which overflows where their sum does.
fn halves(b: &mut Builder, x: Value) -> Result<(Value, Value), OpError> {
    let magnitude = b.abs(x)?;
    let half = b.scale(magnitude, 0.5)?;
    let root = b.exp(half)?;
    let shrunk = b.scale(root, 0.5)?;
    let above = b.mul(shrunk, root)?;
    let half = b.like(0.5, x)?;
    let below = b.div(half, root)?;
    Ok((above, b.div(below, root)?))
}

/// The hyperbolic sine.
pub(super) const SINH: OpDef = entry(
    "sinh",
    "`(e^x - e^-x) / 2`, accurate near 0 (`2t / (1 - t^2)` with `t = tanh(x / 2)` there).",
    |b, x, _| {
        let magnitude = b.abs(x[0])?;
        let one = b.like(1.0, x[0])?;
        let near = b.lt(magnitude, one)?;
        let half = b.scale(x[0], 0.5)?;
        let t = b.tanh(half)?;
        let twice = b.add(t, t)?;
        let square = b.mul(t, t)?;
        let rest = b.sub(one, square)?;
        let close = b.div(twice, rest)?;
        let (above, below) = halves(b, x[0])?;
        let far = b.sub(above, below)?;
        let zero = b.like(0.0, x[0])?;
        let negative = b.lt(x[0], zero)?;
        let minus = b.neg(far)?;
        let far = b.select(negative, minus, far)?;
        b.select(near, close, far)
    },
    |b, p| {
        let slope = b.op(super::COSH, p.operands, Attributes::none())?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    },
    ONE,
);

/// The hyperbolic cosine.
pub(super) const COSH: OpDef = entry(
    "cosh",
    "`(e^x + e^-x) / 2`.",
    |b, x, _| {
        let (above, below) = halves(b, x[0])?;
        b.add(above, below)
    },
    |b, p| {
        let slope = b.op(super::SINH, p.operands, Attributes::none())?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    },
    ONE,
);
