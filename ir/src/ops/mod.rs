//! The op table: every op, one entry each.
//!
//! | op | operands | attributes, in order |
//! |---|---|---|
//! | `CONST` | | value, dtype, shape |
//! | `IOTA` | | dtype, shape, axis (one, of the result) |
//! | `EXTENT` | | dims (one), dtype, shape |
//! | `ADD SUB MUL REM MAXIMUM MINIMUM` | a, b of one type | |
//! | `DIV` | floats a, b of one type | |
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
//! | `FLIP` | x | axis (one) |
//! | `SHEAR` | x | axes (moved along, moved by), map (dims: offset, slope, extent; zeros where x has nothing) |
//! | `SUM MAX` | x | axes (removed) |
//! | `ARGMAX` | x | axis (one, removed), to i32 |
//! | `DOT` | x, y | batch_x, batch_y, contract_x, contract_y; result: batch, free of x, free of y |
//! | `CONCAT` | one or more | axis (one, of the result) |
//! | `TAKE_ALONG_AXIS` | x, i32 indices (x's shape but for the axis) | axis (one); indices are clamped |
//! | `SCATTER_ADD` | base, i32 indices, updates (shape of the indices) | axis (one); indices are clamped |
//! | `STOP_GRADIENT BARRIER` | x | |
//!
//! Functions over them (`Kind::Function`):
//!
//! | op | operands | attributes, in order |
//! |---|---|---|
//! | `RELU SIGMOID SILU GELU GELU_TANH SQUARE RECIPROCAL EXPM1 LOG1P SOFTPLUS` | x | |
//! | `POW BINARY_CROSS_ENTROPY_WITH_LOGITS` | x, y of one type | |
//! | `WINDOWS` | x | axis (one, which becomes windows and places in a window), windows (dims: size, step, dilation) |
//! | `CLAMP` | x, low, high of one type | |
//! | `SOFTMAX LOG_SOFTMAX` | x | axis (one) |
//! | `LOGSUMEXP MEAN MIN` | x | axes (removed) |
//! | `TAKE` | x, i32 indices (any shape) | axis (one, whose place the indices' dims take) |
//! | `INDEX_ADD` | base, i32 indices, updates (slices, as TAKE gives) | axis (one) |
//! | `MSE` | x, y of one type, to a scalar | |
//! | `CROSS_ENTROPY` | x, i32 labels (x's shape without the axis), to a loss a row | axis (one, of x), ignore_index, label_smoothing |

mod contract;
mod creation;
mod elementwise;
mod entry;
mod functions;
mod index;
mod losses;
mod reduce;
mod rows;
pub(crate) mod rules;
mod shorthand;
mod views;
mod windows;

pub use contract::DOT;
pub use creation::{CONST, EXTENT, IOTA};
pub use elementwise::{
    ABS, ADD, AND, CAST, DIV, EQ, ERF, EXP, FLOOR, LE, LOG, LT, MAXIMUM, MINIMUM, MUL, NE, NEG,
    NOT, OR, REM, SELECT, SIGN, SQRT, SUB, TANH,
};
pub use functions::{
    CLAMP, EXPM1, GELU, GELU_TANH, LOG1P, POW, RECIPROCAL, RELU, SIGMOID, SILU, SOFTPLUS, SQUARE,
};
pub use index::{INDEX_ADD, SCATTER_ADD, TAKE, TAKE_ALONG_AXIS};
pub use losses::{BINARY_CROSS_ENTROPY_WITH_LOGITS, CROSS_ENTROPY, MSE};
pub use reduce::{ARGMAX, MAX, SUM};
pub(crate) use rows::turned;
pub use rows::{LOG_SOFTMAX, LOGSUMEXP, MEAN, MIN, SOFTMAX};
pub use shorthand::DotAxes;
pub use views::{BARRIER, BROADCAST, CONCAT, PAD, PERMUTE, RESHAPE, SLICE, STOP_GRADIENT};
pub(crate) use windows::Sheared;
pub use windows::{FLIP, SHEAR, WINDOWS};

use crate::op::Op;

/// Every op.
pub static TABLE: &[Op] = &[
    CONST,
    IOTA,
    EXTENT,
    ADD,
    SUB,
    MUL,
    DIV,
    REM,
    MAXIMUM,
    MINIMUM,
    NEG,
    ABS,
    SQRT,
    EXP,
    LOG,
    TANH,
    ERF,
    FLOOR,
    SIGN,
    LT,
    LE,
    EQ,
    NE,
    AND,
    OR,
    NOT,
    SELECT,
    CAST,
    BROADCAST,
    RESHAPE,
    PERMUTE,
    SLICE,
    PAD,
    FLIP,
    SHEAR,
    WINDOWS,
    SUM,
    MAX,
    ARGMAX,
    DOT,
    CONCAT,
    TAKE_ALONG_AXIS,
    SCATTER_ADD,
    STOP_GRADIENT,
    BARRIER,
    RELU,
    SIGMOID,
    SILU,
    GELU,
    GELU_TANH,
    SQUARE,
    RECIPROCAL,
    SOFTMAX,
    LOG_SOFTMAX,
    LOGSUMEXP,
    MEAN,
    MIN,
    MSE,
    CROSS_ENTROPY,
    TAKE,
    INDEX_ADD,
    EXPM1,
    LOG1P,
    SOFTPLUS,
    CLAMP,
    POW,
    BINARY_CROSS_ENTROPY_WITH_LOGITS,
];

/// The op called `name`.
pub fn find(name: &str) -> Option<Op> {
    TABLE.iter().copied().find(|op| op.name == name)
}
