//! One scalar instruction an element. Operands have one type; nothing broadcasts here.

use super::entry::{ONE, TWO, UNTESTED, alike, applied, floats, tested};
use super::rules::{boolean, float, integer, number, operand, same, same_shape};
use crate::attribute::Attributes;
use crate::attributes::Cast;
use crate::dtype::DType;
use crate::op::{Arity, Kind, OpDef, OpError, Pullback, TestData};
use crate::scalar::{Meaning, Scalar};
use crate::shape::Type;
use std::f64::consts::FRAC_2_SQRT_PI;

type Infer = fn(&[Type], &Attributes) -> Result<Type, OpError>;

/// An entry: name, operands and types are those of the scalar instruction.
const fn entry(scalar: Scalar, doc: &'static str, pullback: Pullback, test: TestData) -> OpDef {
    OpDef {
        name: scalar.name(),
        doc,
        arity: Arity::Exactly(scalar.arity()),
        attributes: match scalar {
            Scalar::Cast => Cast::SPECS,
            Scalar::Unary(_)
            | Scalar::Number(_)
            | Scalar::Arithmetic(_)
            | Scalar::Compare(_)
            | Scalar::Logic(_)
            | Scalar::Bits(_)
            | Scalar::Select => &[],
        },
        infer: infer(scalar),
        pullback,
        kind: Kind::Elementwise(scalar),
        test,
    }
}

/// The type rule, by what the instruction means.
const fn infer(scalar: Scalar) -> Infer {
    match scalar.def().meaning {
        Meaning::One { integer: None, .. } => |t, _| float(t, 0).cloned(),
        Meaning::One { .. } => |t, _| number(t, 0).cloned(),
        Meaning::Two { integer: None, .. } => |t, _| {
            let (a, b) = (float(t, 0)?, float(t, 1)?);
            same(a, b)?;
            Ok(a.clone())
        },
        Meaning::Two { .. } => |t, _| {
            let (a, b) = (number(t, 0)?, number(t, 1)?);
            same(a, b)?;
            Ok(a.clone())
        },
        Meaning::Integers(_) => |t, _| {
            let (a, b) = (integer(t, 0)?, integer(t, 1)?);
            same(a, b)?;
            Ok(a.clone())
        },
        Meaning::Test { bools: false, .. } => |t, _| {
            let (a, b) = (number(t, 0)?, number(t, 1)?);
            same(a, b)?;
            Ok(Type::new(DType::Bool, a.shape.clone()))
        },
        Meaning::Test { bools: true, .. } => |t, _| {
            let (a, b) = (operand(t, 0)?, operand(t, 1)?);
            same(a, b)?;
            Ok(Type::new(DType::Bool, a.shape.clone()))
        },
        Meaning::Truth(_) => |t, _| boolean(t, 0).cloned(),
        Meaning::Truths(_) => |t, _| {
            let (a, b) = (boolean(t, 0)?, boolean(t, 1)?);
            same(a, b)?;
            Ok(a.clone())
        },
        Meaning::Select => |t, _| {
            let (c, a, b) = (boolean(t, 0)?, operand(t, 1)?, operand(t, 2)?);
            same(a, b)?;
            same_shape(&c.shape, &a.shape)?;
            Ok(a.clone())
        },
        Meaning::Cast => |t, a| {
            let Cast { dtype } = Cast::from_attributes(a)?;
            Ok(Type::new(dtype, operand(t, 0)?.shape.clone()))
        },
    }
}

/// Of numbers, to a bool: without a slope.
const fn comparison(scalar: Scalar, doc: &'static str) -> OpDef {
    let test = tested(&[(-2.0, 2.0), (-2.0, 2.0)], &[0.0]);
    entry(scalar, doc, Pullback::Zero, test)
}

/// Of bools.
const fn logical(scalar: Scalar, doc: &'static str) -> OpDef {
    let test = UNTESTED.on(|entry| alike(entry, DType::Bool));
    entry(scalar, doc, Pullback::Zero, test)
}

/// Of integers: without a slope.
const fn of_bits(scalar: Scalar, doc: &'static str) -> OpDef {
    let test = UNTESTED.on(|entry| {
        let of = |dtype| alike(entry, dtype);
        [of(DType::U32), of(DType::I32)].concat()
    });
    entry(scalar, doc, Pullback::Zero, test)
}

/// `a + b`
pub(super) const ADD: OpDef = entry(
    Scalar::ADD,
    "`a + b`.",
    Pullback::Rule(|_, p| Ok(vec![Some(p.cotangent), Some(p.cotangent)])),
    TWO,
);

/// `a - b`
pub(super) const SUB: OpDef = entry(
    Scalar::SUB,
    "`a - b`.",
    Pullback::Rule(|b, p| {
        let y = p.wants(1, || b.neg(p.cotangent))?;
        Ok(vec![Some(p.cotangent), y])
    }),
    TWO,
);

/// `a * b`
pub(super) const MUL: OpDef = entry(
    Scalar::MUL,
    "`a * b`.",
    Pullback::Rule(|b, p| {
        let x = p.wants(0, || b.mul(p.cotangent, p.operands[1]))?;
        let y = p.wants(1, || b.mul(p.cotangent, p.operands[0]))?;
        Ok(vec![x, y])
    }),
    TWO,
);

/// `a / b`
pub(super) const DIV: OpDef = entry(
    Scalar::DIV,
    "`a / b` of floats: a quotient of integers is one of floats, and a whole one is its `floor`.",
    Pullback::Rule(|b, p| {
        let x = b.div(p.cotangent, p.operands[1])?;
        let y = p.wants(1, || {
            let scaled = b.mul(x, p.result)?;
            b.neg(scaled)
        })?;
        Ok(vec![Some(x), y])
    }),
    tested(&[(-2.0, 2.0), (0.5, 2.0)], &[]),
);

/// The remainder with the divisor's sign.
pub(super) const REM: OpDef = entry(
    Scalar::REM,
    "What is left of `a` by whole `b`s, between 0 and `b`; a zero has the sign of `b`, and a zero integer divisor gives 0 (NumPy's `mod`).",
    Pullback::Rule(|b, p| {
        let y = p.wants(1, || {
            let quotient = b.div(p.operands[0], p.operands[1])?;
            let times = b.floor(quotient)?;
            let scaled = b.mul(p.cotangent, times)?;
            b.neg(scaled)
        })?;
        Ok(vec![Some(p.cotangent), y])
    }),
    // One branch of the quotient's floor: its jumps have no derivative.
    tested(&[(2.1, 2.9), (1.1, 1.4)], &[]),
);

/// The pullback of both extremes: ties split evenly, and NaN passes to both, as in PyTorch.
macro_rules! extreme {
    ($loses:expr) => {
        |b, p| {
            let (x, y, g) = (p.operands[0], p.operands[1], p.cotangent);
            let tie = b.eq(x, y)?;
            let half = b.scale(g, 0.5)?;
            let zero = b.like(0.0, g)?;
            let mut share = |left, right| {
                let loses = $loses(b, left, right)?;
                let alone = b.select(loses, zero, g)?;
                b.select(tie, half, alone)
            };
            let dx = p.wants(0, || share(x, y))?;
            let dy = p.wants(1, || share(y, x))?;
            Ok(vec![dx, dy])
        }
    };
}

/// The greater one.
pub(super) const MAXIMUM: OpDef = entry(
    Scalar::MAXIMUM,
    "The greater of `a` and `b`; NaN if either is. Ties share the gradient evenly.",
    Pullback::Rule(extreme!(
        |b: &mut crate::Builder, left, right| b.lt(left, right)
    )),
    TWO,
);

/// The smaller one.
pub(super) const MINIMUM: OpDef = entry(
    Scalar::MINIMUM,
    "The smaller of `a` and `b`; NaN if either is. Ties share the gradient evenly.",
    Pullback::Rule(extreme!(
        |b: &mut crate::Builder, left, right| b.lt(right, left)
    )),
    TWO,
);

/// `-a`
pub(super) const NEG: OpDef = entry(
    Scalar::NEG,
    "`-a`; integers wrap.",
    Pullback::Rule(|b, p| Ok(vec![Some(b.neg(p.cotangent)?)])),
    ONE,
);

/// `|a|`
pub(super) const ABS: OpDef = entry(
    Scalar::ABS,
    "`|a|`; its derivative at 0 is 0.",
    Pullback::Rule(|b, p| {
        let sign = b.sign(p.operands[0])?;
        Ok(vec![Some(b.mul(p.cotangent, sign)?)])
    }),
    tested(&[(-2.0, 2.0)], &[0.0]),
);

/// The square root.
pub(super) const SQRT: OpDef = entry(
    Scalar::SQRT,
    "The square root.",
    Pullback::Rule(|b, p| {
        let twice = b.scale(p.result, 2.0)?;
        Ok(vec![Some(b.div(p.cotangent, twice)?)])
    }),
    tested(&[(0.1, 4.0)], &[]),
);

/// `e^a`
pub(super) const EXP: OpDef = entry(
    Scalar::EXP,
    "`e^a`.",
    Pullback::Rule(|b, p| Ok(vec![Some(b.mul(p.cotangent, p.result)?)])),
    ONE,
);

/// The natural logarithm.
pub(super) const LOG: OpDef = entry(
    Scalar::LOG,
    "The natural logarithm.",
    Pullback::Rule(|b, p| Ok(vec![Some(b.div(p.cotangent, p.operands[0])?)])),
    tested(&[(0.1, 4.0)], &[]),
);

/// `e^a - 1`
pub(super) const EXPM1: OpDef = entry(
    Scalar::EXPM1,
    "`e^a - 1`, exact near 0.",
    Pullback::Rule(|b, p| {
        // y + 1
        let slope = b.with(super::ADD, p.result, 1.0)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    }),
    ONE,
);

/// `log(1 + a)`
pub(super) const LOG1P: OpDef = entry(
    Scalar::LOG1P,
    "`log(1 + a)`, exact near 0.",
    Pullback::Rule(|b, p| {
        // 1 / (1 + x)
        let u = b.with(super::ADD, p.operands[0], 1.0)?;
        Ok(vec![Some(b.div(p.cotangent, u)?)])
    }),
    tested(&[(-0.5, 4.0)], &[]),
);

/// The hyperbolic tangent.
pub(super) const TANH: OpDef = entry(
    Scalar::TANH,
    "The hyperbolic tangent.",
    Pullback::Rule(|b, p| {
        // 1 - y^2
        let square = b.mul(p.result, p.result)?;
        let one = b.like(1.0, square)?;
        let slope = b.sub(one, square)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    }),
    ONE,
);

/// The error function.
pub(super) const ERF: OpDef = entry(
    Scalar::ERF,
    "The error function, `2/sqrt(pi) * integral of e^(-t^2) from 0 to a`.",
    Pullback::Rule(|b, p| {
        // 2/sqrt(pi) * e^(-x^2)
        let square = b.mul(p.operands[0], p.operands[0])?;
        let minus = b.neg(square)?;
        let bell = b.exp(minus)?;
        let slope = b.scale(bell, FRAC_2_SQRT_PI)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    }),
    ONE,
);

/// The sine.
pub(super) const SIN: OpDef = entry(
    Scalar::SIN,
    "The sine of an angle in radians; NaN of an infinite one.",
    Pullback::Rule(|b, p| {
        let slope = b.op(super::COS, p.operands, Attributes::none())?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    }),
    tested(&[(-6.0, 6.0)], &[]),
);

/// The cosine.
pub(super) const COS: OpDef = entry(
    Scalar::COS,
    "The cosine of an angle in radians; NaN of an infinite one.",
    Pullback::Rule(|b, p| {
        let sine = b.op(super::SIN, p.operands, Attributes::none())?;
        let slope = b.neg(sine)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    }),
    tested(&[(-6.0, 6.0)], &[]),
);

/// The arc tangent.
pub(super) const ATAN: OpDef = entry(
    Scalar::ATAN,
    "The arc tangent, from -pi / 2 to pi / 2.",
    Pullback::Rule(|b, p| {
        // 1 / (1 + x^2)
        let square = b.mul(p.operands[0], p.operands[0])?;
        let below = b.with(super::ADD, square, 1.0)?;
        Ok(vec![Some(b.div(p.cotangent, below)?)])
    }),
    tested(&[(-4.0, 4.0)], &[]),
);

/// The nearest integer.
pub(super) const ROUND: OpDef = entry(
    Scalar::ROUND,
    "The nearest integer, of two the even one (NumPy's); its derivative is 0.",
    Pullback::Zero,
    tested(&[(-2.0, 2.0)], &[-1.5, -0.5, 0.5, 1.5]),
);

/// The greatest integer not above.
pub(super) const FLOOR: OpDef = entry(
    Scalar::FLOOR,
    "The greatest integer not above `a`; its derivative is 0.",
    Pullback::Zero,
    tested(&[(-2.0, 2.0)], &[-2.0, -1.0, 0.0, 1.0, 2.0]),
);

/// The sign.
pub(super) const SIGN: OpDef = entry(
    Scalar::SIGN,
    "-1, 0 or 1; NaN for NaN; its derivative is 0.",
    Pullback::Zero,
    tested(&[(-2.0, 2.0)], &[0.0]),
);

/// `a < b`
pub(super) const LT: OpDef = comparison(Scalar::LT, "`a < b`.");

/// `a <= b`
pub(super) const LE: OpDef = comparison(Scalar::LE, "`a <= b`.");

/// `a == b`
pub(super) const EQ: OpDef = comparison(Scalar::EQ, "`a == b`.");

/// `a != b`
pub(super) const NE: OpDef = comparison(Scalar::NE, "`a != b`.");

/// Both.
pub(super) const AND: OpDef = logical(Scalar::AND, "Both.");

/// Either.
pub(super) const OR: OpDef = logical(Scalar::OR, "Either.");

/// The other bool.
pub(super) const NOT: OpDef = logical(Scalar::NOT, "The other bool.");

/// The bits of both.
pub(super) const BITAND: OpDef = of_bits(Scalar::BITAND, "The bits that both integers have.");

/// The bits of either.
pub(super) const BITOR: OpDef = of_bits(Scalar::BITOR, "The bits that either integer has.");

/// The bits of one.
pub(super) const BITXOR: OpDef = of_bits(Scalar::BITXOR, "The bits that one of two integers has.");

/// Bits moved up.
pub(super) const SHL: OpDef = of_bits(
    Scalar::SHL,
    "The bits of `a` moved up by `b` places, which are taken modulo 32; zeros come in.",
);

/// Bits moved down.
pub(super) const SHR: OpDef = of_bits(
    Scalar::SHR,
    "The bits of `a` moved down by `b` places, which are taken modulo 32; zeros come in, and copies of its sign for an i32.",
);

/// Bits rotated.
pub(super) const ROTL: OpDef = of_bits(
    Scalar::ROTL,
    "The bits of `a` moved up by `b` places, which are taken modulo 32; those that leave come in below.",
);

/// `condition ? a : b`
pub(super) const SELECT: OpDef = entry(
    Scalar::SELECT,
    "`condition ? a : b`, element by element; the condition has the shape of both.",
    Pullback::Rule(|b, p| {
        let zero = b.like(0.0, p.cotangent)?;
        let x = p.wants(1, || b.select(p.operands[0], p.cotangent, zero))?;
        let y = p.wants(2, || b.select(p.operands[0], zero, p.cotangent))?;
        Ok(vec![None, x, y])
    }),
    TWO.on(|entry| {
        let mut out = alike(entry, DType::F64);
        for instance in &mut out {
            instance.operands[0].dtype = DType::Bool;
        }
        out
    }),
);

/// To another element type.
pub(super) const CAST: OpDef = entry(
    Scalar::CAST,
    "The elements as another type: floats to integers truncate and saturate, NaN to 0; numbers to bool are `a != 0`.",
    Pullback::Rule(|b, p| {
        let dtype = b.type_of(p.operands[0]).dtype;
        Ok(vec![Some(b.cast(p.cotangent, dtype)?)])
    }),
    ONE.on(|_| vec![applied(&[floats(&[3, 5])], Cast { dtype: DType::F32 })]),
);
