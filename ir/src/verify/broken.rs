//! What is said of a function that breaks a rule.

use crate::dim::{Dim, Symbol};
use crate::function::Value;
use crate::op::OpError;
use crate::shape::Type;
use crate::symbol::SymbolKind;

/// A function that breaks a rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("in `{function}`: {broken}")]
pub struct VerifyError {
    /// Its name.
    pub function: String,
    /// The rule it breaks.
    pub broken: Box<Broken>,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Broken {
    /// A parameter's name that is taken, or is only digits.
    #[error("the parameter name `{0}` is taken, or a number")]
    ParamName(String),
    /// A struct whose leaves are not there, or not behind those of the struct before it.
    #[error("the leaves of `{0}` are not there, or not in order")]
    Leaves(String),
    /// A parameter without a type.
    #[error("the parameter `{0}` has no type")]
    ParamType(String),
    /// A parameter that is not the value and the body's parameter of its position.
    #[error("parameter {0} is not the value and the body's parameter of its position")]
    Param(usize),
    /// A pullback whose cotangents or gradients are of things that are not there, or out of order.
    #[error("{what} of what is not there, or out of order")]
    Order {
        /// Of what.
        what: &'static str,
    },
    /// A value defined twice.
    #[error("{0} is defined twice")]
    Redefined(Value),
    /// A value that nothing defines.
    #[error("{0} is not defined")]
    Undefined(Value),
    /// A use before the definition.
    #[error("{0} is used before it is defined, or is not of this part")]
    Use(Value),
    /// An op with the wrong number or kinds of attributes.
    #[error("{value}: `{op}` does not have these attributes")]
    Attributes {
        /// The result.
        value: Value,
        /// The op.
        op: &'static str,
    },
    /// An op that its entry refuses.
    #[error("{value}: `{op}` {error}")]
    Op {
        /// The result.
        value: Value,
        /// The op.
        op: &'static str,
        /// The complaint.
        error: OpError,
    },
    /// A value with a type other than it must have.
    #[error("{value} is {found}, and must be {expected}")]
    Type {
        /// Which value.
        value: Value,
        /// The type it must have.
        expected: Type,
        /// The type it has.
        found: Type,
    },
    /// A value that must be a float.
    #[error("{0} is no float")]
    NoFloat(Value),
    /// A pullback of something that is no call.
    #[error("{0} is not the first result of a call in the body")]
    NoCall(Value),
    /// Lists that must be of one length.
    #[error("{what}: {found} instead of {expected}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A slice or a stack of more or fewer iterations than its loop has, or along no axis.
    #[error("{value} does not hold {trip} iterations along axis {axis}")]
    Iterations {
        /// The whole.
        value: Value,
        /// The axis, behind a sequence.
        axis: usize,
        /// The number of iterations.
        trip: Dim,
    },
    /// A call in the body of a loop that is not one with a rule.
    #[error("a call stands in the body of a loop")]
    CallInLoop,
    /// A symbol that is not declared.
    #[error("`{0}` is not declared as a symbol")]
    Undeclared(Symbol),
    /// A symbol that is declared twice.
    #[error("`{0}` is declared twice")]
    SymbolTwice(Symbol),
    /// A number or a bool whose name means something else in texts.
    #[error("`{0}` is a value, and no symbol's name")]
    Reserved(Symbol),
    /// A symbol that is used as what it is not.
    #[error("`{symbol}` is {declared}, and is used as {used}")]
    SymbolType {
        /// The symbol.
        symbol: Symbol,
        /// What it is declared as.
        declared: SymbolKind,
        /// What it is used as, in words.
        used: &'static str,
    },
    /// A call that says twice what a symbol is.
    #[error("a call of `{callee}` gives `{symbol}` twice")]
    GivenTwice {
        /// The callee, by the caller's name for it.
        callee: String,
        /// Its symbol.
        symbol: Symbol,
    },
    /// A comparison of two numbers that are there: a text would take them for sizes.
    #[error("a comparison of numbers has no symbol in it")]
    Comparison,
    /// A second sequence: bindings have one.
    #[error("`{0}` is a second sequence, and a function has one at most")]
    Sequences(String),
    /// Something that a function of this stage has not.
    #[error("{stage} has no {what}")]
    Stage {
        /// The stage, in words.
        stage: &'static str,
        /// What it has not.
        what: &'static str,
    },
}

impl Broken {
    /// The error of a list of another length than it must have.
    pub(super) fn unless_as_many(
        what: &'static str,
        expected: usize,
        found: usize,
    ) -> Result<(), Broken> {
        match expected == found {
            true => Ok(()),
            false => Err(Broken::Count {
                what,
                expected,
                found,
            }),
        }
    }
}
