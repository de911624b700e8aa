//! What is wrong with a text that is no function.

use crate::op::OpError;
use crate::shape::Shape;

/// How deep parentheses may nest in a dim: far more than anyone writes, far less than the stack holds.
pub(super) const DEPTH: usize = 64;

/// How deep structs may nest.
pub(super) const STRUCTS: usize = 256;

/// A text that is no function, and where it stops being one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{line}:{column}: {problem}")]
pub struct ParseError {
    /// Line of the text, from 1.
    pub line: usize,
    /// Column, in bytes from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: Box<ParseProblem>,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParseProblem {
    /// Something else should stand there.
    #[error("expected {expected}, found `{found}`")]
    Expected {
        /// What.
        expected: &'static str,
        /// The text there, shortened.
        found: String,
    },
    /// No op has this name.
    #[error("no op is called `{0}`")]
    UnknownOp(String),
    /// A value that is not defined before.
    #[error("`%{0}` is not defined before its use")]
    UnknownValue(String),
    /// A value that is defined twice.
    #[error("`%{0}` is defined twice")]
    Redefined(String),
    /// A parameter whose name is a number: values are printed by theirs.
    #[error("a parameter is called `%{0}`, which is the name of a numbered value")]
    Numbered(String),
    /// A symbol that the function does not declare, or declares as something else.
    #[error("`{0}` is not declared as a symbol of that kind")]
    UnknownSymbol(String),
    /// A number or a bool whose name means something else.
    #[error("`{0}` is a value, and no symbol's name")]
    Reserved(String),
    /// A second sequence: bindings have one.
    #[error("`{0}` is a second sequence, and a function has one at most")]
    Sequences(String),
    /// A parameter that the function does not have.
    #[error("no parameter is called `{0}`")]
    UnknownParam(String),
    /// A dim that does not fit 64 bits, is too large multiplied out, divides by zero, or nests divisions
    /// too deep.
    #[error(
        "the dim does not fit 64 bits, is too large multiplied out, divides by zero, or nests too many divisions"
    )]
    Dim,
    /// Parentheses in parentheses, many times over.
    #[error("parentheses nest deeper than {DEPTH}")]
    Depth,
    /// Structs in structs, many times over.
    #[error("structs nest deeper than {STRUCTS}")]
    Structs,
    /// An axis that its shape does not have.
    #[error("the shape ({shape}) has no axis `{axis}`")]
    Axis {
        /// As written.
        axis: String,
        /// The shape it counts on.
        shape: Shape,
    },
    /// A mistake in the use of an op.
    #[error("`{op}` {error}")]
    Op {
        /// Which op.
        op: &'static str,
        /// Its complaint.
        error: Box<OpError>,
    },
    /// The results are not as many, or not of the types, that the text announces.
    #[error("announced as {announced}, and is {found}")]
    Announced {
        /// The type announced.
        announced: String,
        /// The type of what is there.
        found: String,
    },
    /// Lists that must be of one length.
    #[error("{announced} are announced, and {found} are there")]
    Count {
        /// How many are announced.
        announced: usize,
        /// How many are there.
        found: usize,
    },
    /// The pullback of something that is no call.
    #[error("`%{0}` is not the first result of a call")]
    NoCall(String),
}
