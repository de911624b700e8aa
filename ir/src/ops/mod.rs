//! The op table: every op, one entry each.
//!
//! | op | operands | attributes, in order |
//! |---|---|---|
//! | `CONST` | | value, dtype, shape |
//! | `IOTA` | | dtype, shape, axis (one, of the result) |
//! | `EXTENT` | | dims (one), dtype, shape |
//! | `ADD SUB MUL DIV REM MAXIMUM MINIMUM` | a, b of one type | |
//! | `NEG ABS SQRT EXP LOG TANH ERF FLOOR SIGN` | a | |
//! | `LT LE EQ NE` | a, b of one type, to bool | |
//! | `AND OR NOT` | bools | |
//! | `SELECT` | condition, a, b of one shape | |
//! | `CAST` | a | dtype |
//! | `BROADCAST` | x | shape, new (axes of the result that x lacks; the others are x's, in order) |
//! | `RESHAPE` | x | shape |
//! | `PERMUTE` | x | axes (of x, in the result's order) |
//! | `SLICE` | x | axis (one), range (dims: start, stop, step) |
//! | `PAD` | x | axis (one), widths (dims: low, high, step; zeros; step 1 puts none between) |
//! | `SUM MAX` | x | axes (removed) |
//! | `ARGMAX` | x | axis (one, removed), to i32 |
//! | `DOT` | x, y | batch_x, batch_y, contract_x, contract_y; result: batch, free of x, free of y |
//! | `CONCAT` | one or more | axis (one, of the result) |
//! | `TAKE_ALONG_AXIS` | x, i32 indices (x's shape but for the axis) | axis (one); indices are clamped |
//! | `SCATTER_ADD` | base, i32 indices, updates (shape of the indices) | axis (one); indices are clamped |
//! | `STOP_GRADIENT` | x | |
//!
//! Functions over them (`Kind::Function`): `RELU SIGMOID SILU GELU GELU_TANH SQUARE RECIPROCAL` of x,
//! `SOFTMAX LOG_SOFTMAX` of x along an axis, `LOGSUMEXP MEAN MIN` of x over axes, `MSE CROSS_ENTROPY`.

use crate::attribute::{AttributeKind, AttributeSpec};
use crate::op::{Arity, Kind, Op, OpDef, OpError, Pullback, TestData};
use crate::shape::Type;

/// A constant.
pub const CONST: Op = Op(&OpDef {
    name: "const",
    doc: "A tensor whose every element is `value`.",
    arity: Arity::Exactly(0),
    attributes: &[
        AttributeSpec {
            name: "value",
            kind: AttributeKind::Number,
        },
        AttributeSpec {
            name: "dtype",
            kind: AttributeKind::DType,
        },
        AttributeSpec {
            name: "shape",
            kind: AttributeKind::Shape,
        },
    ],
    infer: |_, a| match (a.number(0), a.dtype(1), a.shape(2)) {
        (Some(_), Some(d), Some(s)) => Ok(Type::new(d, s.clone())),
        (None, ..) => Err(OpError::Attribute("value")),
        (_, None, _) => Err(OpError::Attribute("dtype")),
        (_, _, None) => Err(OpError::Attribute("shape")),
    },
    pullback: Pullback::Zero,
    kind: Kind::Constant,
    test: TestData {
        domain: &[],
        tolerance: 0.0,
        kinks: &[],
    },
});

/// Every op.
pub static TABLE: &[Op] = &[CONST];

/// The op called `name`.
pub fn find(name: &str) -> Option<Op> {
    TABLE.iter().copied().find(|op| op.name == name)
}
