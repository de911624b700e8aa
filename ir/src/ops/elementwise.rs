//! One scalar instruction an element. Operands have one type; nothing broadcasts here.

use super::entry::{DTYPE, ONE, TWO, UNTESTED, tested};
use super::rules::{boolean, float, number, operand, same};
use crate::attribute::Attributes;
use crate::dtype::DType;
use crate::op::{Arity, Kind, Op, OpDef, OpError, Pullback, PullbackRule, TestData};
use crate::scalar::Scalar;
use crate::shape::Type;
use std::f64::consts::FRAC_2_SQRT_PI;

type Infer = fn(&[Type], &Attributes) -> Result<Type, OpError>;

const fn entry(
    name: &'static str,
    doc: &'static str,
    operands: usize,
    scalar: Scalar,
    infer: Infer,
    pullback: Pullback,
    test: TestData,
) -> OpDef {
    OpDef {
        name,
        doc,
        arity: Arity::Exactly(operands),
        attributes: &[],
        infer,
        pullback,
        kind: Kind::Elementwise(scalar),
        test,
    }
}

/// Two numbers of one type to a number.
const fn arithmetic(
    name: &'static str,
    doc: &'static str,
    scalar: Scalar,
    rule: PullbackRule,
    test: TestData,
) -> OpDef {
    let infer: Infer = |t, _| {
        let (a, b) = (number(t, 0)?, number(t, 1)?);
        same(a, b)?;
        Ok(a.clone())
    };
    entry(name, doc, 2, scalar, infer, Pullback::Rule(rule), test)
}

/// A float to a float.
const fn function(
    name: &'static str,
    doc: &'static str,
    scalar: Scalar,
    pullback: Pullback,
    test: TestData,
) -> OpDef {
    let infer: Infer = |t, _| float(t, 0).cloned();
    entry(name, doc, 1, scalar, infer, pullback, test)
}

/// A number to a number of its type.
const fn numeric(
    name: &'static str,
    doc: &'static str,
    scalar: Scalar,
    pullback: Pullback,
    test: TestData,
) -> OpDef {
    let infer: Infer = |t, _| number(t, 0).cloned();
    entry(name, doc, 1, scalar, infer, pullback, test)
}

/// Two numbers of one type to a bool.
const fn comparison(name: &'static str, doc: &'static str, scalar: Scalar, infer: Infer) -> OpDef {
    let test = tested(&[(-2.0, 2.0), (-2.0, 2.0)], &[0.0]);
    entry(name, doc, 2, scalar, infer, Pullback::Zero, test)
}

const ORDERED: Infer = |t, _| {
    let (a, b) = (number(t, 0)?, number(t, 1)?);
    same(a, b)?;
    Ok(Type::new(DType::Bool, a.shape.clone()))
};

const EQUATED: Infer = |t, _| {
    let (a, b) = (operand(t, 0)?, operand(t, 1)?);
    same(a, b)?;
    Ok(Type::new(DType::Bool, a.shape.clone()))
};

/// Bools to a bool.
const fn logical(
    name: &'static str,
    doc: &'static str,
    operands: usize,
    scalar: Scalar,
    infer: Infer,
) -> OpDef {
    entry(name, doc, operands, scalar, infer, Pullback::Zero, UNTESTED)
}

const TWO_BOOLS: Infer = |t, _| {
    let (a, b) = (boolean(t, 0)?, boolean(t, 1)?);
    same(a, b)?;
    Ok(a.clone())
};

/// `a + b`
pub const ADD: Op = Op(&arithmetic(
    "add",
    "`a + b`.",
    Scalar::ADD,
    |_, p| Ok(vec![Some(p.cotangent), Some(p.cotangent)]),
    TWO,
));

/// `a - b`
pub const SUB: Op = Op(&arithmetic(
    "sub",
    "`a - b`.",
    Scalar::SUB,
    |b, p| {
        let y = p.wants(1, || b.neg(p.cotangent))?;
        Ok(vec![Some(p.cotangent), y])
    },
    TWO,
));

/// `a * b`
pub const MUL: Op = Op(&arithmetic(
    "mul",
    "`a * b`.",
    Scalar::MUL,
    |b, p| {
        let x = p.wants(0, || b.mul(p.cotangent, p.operands[1]))?;
        let y = p.wants(1, || b.mul(p.cotangent, p.operands[0]))?;
        Ok(vec![x, y])
    },
    TWO,
));

/// `a / b`
pub const DIV: Op = Op(&entry(
    "div",
    "`a / b` of floats: a quotient of integers is one of floats, and a whole one is its `floor`.",
    2,
    Scalar::DIV,
    |t, _| {
        let (a, b) = (float(t, 0)?, float(t, 1)?);
        same(a, b)?;
        Ok(a.clone())
    },
    Pullback::Rule(|b, p| {
        let x = b.div(p.cotangent, p.operands[1])?;
        let y = p.wants(1, || {
            let scaled = b.mul(x, p.result)?;
            b.neg(scaled)
        })?;
        Ok(vec![Some(x), y])
    }),
    tested(&[(-2.0, 2.0), (0.5, 2.0)], &[]),
));

/// The remainder with the divisor's sign.
pub const REM: Op = Op(&arithmetic(
    "rem",
    "What is left of `a` by whole `b`s, between 0 and `b`; a zero has the sign of `b`, and a zero integer divisor gives 0 (NumPy's `mod`).",
    Scalar::REM,
    |b, p| {
        let y = p.wants(1, || {
            let quotient = b.div(p.operands[0], p.operands[1])?;
            let times = b.floor(quotient)?;
            let scaled = b.mul(p.cotangent, times)?;
            b.neg(scaled)
        })?;
        Ok(vec![Some(p.cotangent), y])
    },
    // One branch of the quotient's floor: its jumps have no derivative.
    tested(&[(2.1, 2.9), (1.1, 1.4)], &[]),
));

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
pub const MAXIMUM: Op = Op(&arithmetic(
    "maximum",
    "The greater of `a` and `b`; NaN if either is. Ties share the gradient evenly.",
    Scalar::MAXIMUM,
    extreme!(|b: &mut crate::Builder, left, right| b.lt(left, right)),
    TWO,
));

/// The smaller one.
pub const MINIMUM: Op = Op(&arithmetic(
    "minimum",
    "The smaller of `a` and `b`; NaN if either is. Ties share the gradient evenly.",
    Scalar::MINIMUM,
    extreme!(|b: &mut crate::Builder, left, right| b.lt(right, left)),
    TWO,
));

/// `-a`
pub const NEG: Op = Op(&numeric(
    "neg",
    "`-a`; integers wrap.",
    Scalar::NEG,
    Pullback::Rule(|b, p| Ok(vec![Some(b.neg(p.cotangent)?)])),
    ONE,
));

/// `|a|`
pub const ABS: Op = Op(&numeric(
    "abs",
    "`|a|`; its derivative at 0 is 0.",
    Scalar::ABS,
    Pullback::Rule(|b, p| {
        let sign = b.sign(p.operands[0])?;
        Ok(vec![Some(b.mul(p.cotangent, sign)?)])
    }),
    tested(&[(-2.0, 2.0)], &[0.0]),
));

/// The square root.
pub const SQRT: Op = Op(&function(
    "sqrt",
    "The square root.",
    Scalar::SQRT,
    Pullback::Rule(|b, p| {
        let twice = b.scale(p.result, 2.0)?;
        Ok(vec![Some(b.div(p.cotangent, twice)?)])
    }),
    tested(&[(0.1, 4.0)], &[]),
));

/// `e^a`
pub const EXP: Op = Op(&function(
    "exp",
    "`e^a`.",
    Scalar::EXP,
    Pullback::Rule(|b, p| Ok(vec![Some(b.mul(p.cotangent, p.result)?)])),
    ONE,
));

/// The natural logarithm.
pub const LOG: Op = Op(&function(
    "log",
    "The natural logarithm.",
    Scalar::LOG,
    Pullback::Rule(|b, p| Ok(vec![Some(b.div(p.cotangent, p.operands[0])?)])),
    tested(&[(0.1, 4.0)], &[]),
));

/// The hyperbolic tangent.
pub const TANH: Op = Op(&function(
    "tanh",
    "The hyperbolic tangent.",
    Scalar::TANH,
    Pullback::Rule(|b, p| {
        // 1 - y^2
        let square = b.mul(p.result, p.result)?;
        let one = b.like(1.0, square)?;
        let slope = b.sub(one, square)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    }),
    ONE,
));

/// The error function.
pub const ERF: Op = Op(&function(
    "erf",
    "The error function, `2/sqrt(pi) * integral of e^(-t^2) from 0 to a`.",
    Scalar::ERF,
    Pullback::Rule(|b, p| {
        // 2/sqrt(pi) * e^(-x^2)
        let square = b.mul(p.operands[0], p.operands[0])?;
        let minus = b.neg(square)?;
        let bell = b.exp(minus)?;
        let slope = b.scale(bell, FRAC_2_SQRT_PI)?;
        Ok(vec![Some(b.mul(p.cotangent, slope)?)])
    }),
    ONE,
));

/// The greatest integer not above.
pub const FLOOR: Op = Op(&function(
    "floor",
    "The greatest integer not above `a`; its derivative is 0.",
    Scalar::FLOOR,
    Pullback::Zero,
    tested(&[(-2.0, 2.0)], &[-2.0, -1.0, 0.0, 1.0, 2.0]),
));

/// The sign.
pub const SIGN: Op = Op(&numeric(
    "sign",
    "-1, 0 or 1; NaN for NaN; its derivative is 0.",
    Scalar::SIGN,
    Pullback::Zero,
    tested(&[(-2.0, 2.0)], &[0.0]),
));

/// `a < b`
pub const LT: Op = Op(&comparison("lt", "`a < b`.", Scalar::LT, ORDERED));

/// `a <= b`
pub const LE: Op = Op(&comparison("le", "`a <= b`.", Scalar::LE, ORDERED));

/// `a == b`
pub const EQ: Op = Op(&comparison("eq", "`a == b`.", Scalar::EQ, EQUATED));

/// `a != b`
pub const NE: Op = Op(&comparison("ne", "`a != b`.", Scalar::NE, EQUATED));

/// Both.
pub const AND: Op = Op(&logical("and", "Both.", 2, Scalar::AND, TWO_BOOLS));

/// Either.
pub const OR: Op = Op(&logical("or", "Either.", 2, Scalar::OR, TWO_BOOLS));

/// The other bool.
pub const NOT: Op = Op(&logical(
    "not",
    "The other bool.",
    1,
    Scalar::NOT,
    |t, _| boolean(t, 0).cloned(),
));

/// `condition ? a : b`
pub const SELECT: Op = Op(&entry(
    "select",
    "`condition ? a : b`, element by element; the condition has the shape of both.",
    3,
    Scalar::SELECT,
    |t, _| {
        let (c, a, b) = (boolean(t, 0)?, operand(t, 1)?, operand(t, 2)?);
        same(a, b)?;
        super::rules::same_shape(&c.shape, &a.shape)?;
        Ok(a.clone())
    },
    Pullback::Rule(|b, p| {
        let zero = b.like(0.0, p.cotangent)?;
        let x = p.wants(1, || b.select(p.operands[0], p.cotangent, zero))?;
        let y = p.wants(2, || b.select(p.operands[0], zero, p.cotangent))?;
        Ok(vec![None, x, y])
    }),
    TWO,
));

/// To another element type.
pub const CAST: Op = Op(&OpDef {
    name: "cast",
    doc: "The elements as another type: floats to integers truncate and saturate, NaN to 0; numbers to bool are `a != 0`.",
    arity: Arity::Exactly(1),
    attributes: &[DTYPE],
    infer: |t, a| {
        let dtype = a.dtype(0).ok_or(OpError::Attribute("dtype"))?;
        Ok(Type::new(dtype, operand(t, 0)?.shape.clone()))
    },
    pullback: Pullback::Rule(|b, p| {
        let dtype = b.type_of(p.operands[0]).dtype;
        Ok(vec![Some(b.cast(p.cotangent, dtype)?)])
    }),
    kind: Kind::Elementwise(Scalar::CAST),
    test: ONE,
});
