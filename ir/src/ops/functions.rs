//! Elementwise functions over other ops, with the derivatives that are better than those the pass
//! would find: from the result where that is what is kept, and stable where the plain formula is not.

use super::entry::{ONE, tested};
use super::rules::{float, number, same};
use crate::attribute::Attributes;
use crate::builder::Builder;
use crate::function::Value;
use crate::op::{Arity, Kind, OpDef, OpError, Primal, Pullback, PullbackRule, TestData};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

type Decomposition = fn(&mut Builder, &[Value], &Attributes) -> Result<Value, OpError>;

pub(super) const fn entry(
    name: &'static str,
    doc: &'static str,
    decomposition: Decomposition,
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
        kind: Kind::Function(decomposition),
        test,
    }
}

/// `1 - x`
pub(super) fn one_minus(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let one = b.like(1.0, x)?;
    b.sub(one, x)
}

/// `x <= 0 ? 0 : x`
pub(super) const RELU: OpDef = entry(
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
    tested(&[(-2.0, 2.0)], &[0.0]),
);

/// The logistic function.
pub(super) const SIGMOID: OpDef = entry(
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
    tested(&[(-6.0, 6.0)], &[]),
);

/// `x * sigmoid(x)`
pub(super) const SILU: OpDef = entry(
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
    tested(&[(-6.0, 6.0)], &[]),
);

/// `(1 + erf(x / sqrt 2)) / 2`, the normal distribution's.
fn normal_cdf(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let scaled = b.scale(x, FRAC_1_SQRT_2)?;
    let erf = b.erf(scaled)?;
    let one = b.like(1.0, erf)?;
    let sum = b.add(one, erf)?;
    b.scale(sum, 0.5)
}

/// `x` times the normal distribution's share below it.
pub(super) const GELU: OpDef = entry(
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
    tested(&[(-4.0, 4.0)], &[]),
);

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
pub(super) const GELU_TANH: OpDef = entry(
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
    tested(&[(-4.0, 4.0)], &[]),
);

/// `x * x`
pub(super) const SQUARE: OpDef = entry(
    "square",
    "`x * x`.",
    |b, x, _| b.mul(x[0], x[0]),
    |b, p| {
        let twice = b.scale(p.operands[0], 2.0)?;
        Ok(vec![Some(b.mul(p.cotangent, twice)?)])
    },
    ONE,
);

/// `1 / x`
pub(super) const RECIPROCAL: OpDef = entry(
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
    tested(&[(0.5, 4.0)], &[]),
);

/// `log(1 + e^x)`
pub(super) const SOFTPLUS: OpDef = entry(
    "softplus",
    "`log(1 + e^x)`, computed as `max(x, 0) + log1p(e^-|x|)`.",
    |b, x, _| {
        let magnitude = b.abs(x[0])?;
        let minus = b.neg(magnitude)?;
        let small = b.exp(minus)?;
        let rest = b.log1p(small)?;
        let zero = b.like(0.0, x[0])?;
        let line = b.maximum(x[0], zero)?;
        b.add(line, rest)
    },
    |b, p| {
        let slope = b.sigmoid(p.operands[0])?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    },
    tested(&[(-6.0, 6.0)], &[]),
);

/// `x` between two bounds.
pub(super) const CLAMP: OpDef = OpDef {
    name: "clamp",
    doc: "`min(max(x, low), high)`, NaN if any of them is; the derivative of x is 0 at the bounds themselves, whose own takes over there (as in PyTorch 2.15).",
    arity: Arity::Exactly(3),
    attributes: &[],
    infer: |t, _| {
        let (x, low, high) = (number(t, 0)?, number(t, 1)?, number(t, 2)?);
        same(x, low)?;
        same(x, high)?;
        Ok(x.clone())
    },
    pullback: Pullback::Rule(|b, p| {
        let (x, low, high) = (p.operands[0], p.operands[1], p.operands[2]);
        let zero = b.like(0.0, p.cotangent)?;
        let dx = p.wants(0, || {
            let (above, below) = (b.lt(low, x)?, b.lt(x, high)?);
            let g = b.select(above, p.cotangent, zero)?;
            b.select(below, g, zero)
        })?;
        // Where the bounds cross, the upper one is the result.
        let dlow = p.wants(1, || {
            let (below, apart) = (b.le(x, low)?, b.lt(low, high)?);
            let g = b.select(below, p.cotangent, zero)?;
            b.select(apart, g, zero)
        })?;
        let dhigh = p.wants(2, || {
            let raised = b.maximum(x, low)?;
            let above = b.le(high, raised)?;
            b.select(above, p.cotangent, zero)
        })?;
        Ok(vec![dx, dlow, dhigh])
    }),
    kind: Kind::Function(|b, operands, _| {
        let raised = b.maximum(operands[0], operands[1])?;
        b.minimum(raised, operands[2])
    }),
    test: tested(&[(-2.0, 2.0), (-1.0, -0.5), (0.5, 1.0)], &[]),
};

/// `x^y`
pub(super) const POW: OpDef = OpDef {
    name: "pow",
    doc: "`x^y`, computed as `e^(y log|x|)` with the sign of an odd `y`; NaN for a negative x and a y that is not whole; `x^0` and `1^y` are 1, of NaN too.",
    arity: Arity::Exactly(2),
    attributes: &[],
    infer: |t, _| {
        let (x, y) = (float(t, 0)?, float(t, 1)?);
        same(x, y)?;
        Ok(x.clone())
    },
    pullback: Pullback::Rule(pow_pullback),
    kind: Kind::Function(pow),
    test: tested(&[(0.2, 3.0), (-2.0, 2.0)], &[]),
};

fn pow(b: &mut Builder, operands: &[Value], _: &Attributes) -> Result<Value, OpError> {
    let (x, y) = (operands[0], operands[1]);
    let (zero, one) = (b.like(0.0, x)?, b.like(1.0, x)?);
    let magnitude = b.abs(x)?;
    let log = b.log(magnitude)?;
    let exponent = b.mul(y, log)?;
    let power = b.exp(exponent)?;
    // 0 times an exponent that is infinite or NaN would be NaN.
    let of_one = b.eq(magnitude, one)?;
    let power = b.select(of_one, one, power)?;
    // An odd y keeps the sign, that of a zero too: only its reciprocal tells it.
    let whole = b.floor(y)?;
    let is_whole = b.eq(whole, y)?;
    let half = b.scale(y, 0.5)?;
    let half_whole = b.floor(half)?;
    let is_odd = b.ne(half_whole, half)?;
    let is_odd = b.op(super::AND, &[is_whole, is_odd], Vec::new())?;
    let reciprocal = b.div(one, x)?;
    let below = b.lt(reciprocal, zero)?;
    let negative = b.lt(x, zero)?;
    let signed = b.op(super::OR, &[negative, below], Vec::new())?;
    let turned = b.op(super::AND, &[is_odd, signed], Vec::new())?;
    let minus = b.neg(power)?;
    let power = b.select(turned, minus, power)?;
    // Roots of negative numbers; an infinity is as far as from either side.
    let infinity = b.like(f64::INFINITY, x)?;
    let finite = b.ne(magnitude, infinity)?;
    let broken = b.op(super::NOT, &[is_whole], Vec::new())?;
    let broken = b.op(super::AND, &[broken, finite], Vec::new())?;
    let no_root = b.op(super::AND, &[negative, broken], Vec::new())?;
    let nan = b.like(f64::NAN, x)?;
    let power = b.select(no_root, nan, power)?;
    let nothing = b.eq(y, zero)?;
    b.select(nothing, one, power)
}

/// `y x^(y - 1)`, 0 where y is; and `x^y log x`, 0 where x is and the power is finite.
fn pow_pullback(b: &mut Builder, p: &Primal<'_>) -> Result<Vec<Option<Value>>, OpError> {
    let (x, y) = (p.operands[0], p.operands[1]);
    let zero = b.like(0.0, x)?;
    let dx = p.wants(0, || {
        let less = b.with(super::SUB, y, 1.0)?;
        let power = b.op(super::POW, &[x, less], Vec::new())?;
        let slope = b.mul(y, power)?;
        let constant = b.eq(y, zero)?;
        let slope = b.select(constant, zero, slope)?;
        b.mul(p.cotangent, slope)
    })?;
    let dy = p.wants(1, || {
        let log = b.log(x)?;
        let slope = b.mul(p.result, log)?;
        let nothing = b.eq(x, zero)?;
        let finite = b.le(zero, y)?;
        let flat = b.op(super::AND, &[nothing, finite], Vec::new())?;
        let slope = b.select(flat, zero, slope)?;
        b.mul(p.cotangent, slope)
    })?;
    Ok(vec![dx, dy])
}

/// `1 / sqrt(x)`
pub(super) const RSQRT: OpDef = entry(
    "rsqrt",
    "`1 / sqrt(x)`.",
    |b, x, _| {
        let root = b.sqrt(x[0])?;
        let one = b.like(1.0, root)?;
        b.div(one, root)
    },
    |b, p| {
        // -y^3 / 2
        let square = b.mul(p.result, p.result)?;
        let cube = b.mul(square, p.result)?;
        let slope = b.scale(cube, -0.5)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    },
    tested(&[(0.2, 4.0)], &[]),
);

/// The least integer not below.
pub(super) const CEIL: OpDef = OpDef {
    name: "ceil",
    doc: "The least integer not below x; its derivative is 0.",
    arity: Arity::Exactly(1),
    attributes: &[],
    infer: |t, _| float(t, 0).cloned(),
    pullback: Pullback::Zero,
    kind: Kind::Function(|b, x, _| {
        let minus = b.neg(x[0])?;
        let floor = b.floor(minus)?;
        b.neg(floor)
    }),
    test: tested(&[(-2.0, 2.0)], &[-2.0, -1.0, 0.0, 1.0, 2.0]),
};
