//! Why a function cannot be interpreted.

use crate::op::OpError;
use crate::shape::Type;

/// Why a function cannot be interpreted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InterpretError {
    /// Not as many inputs as parameters.
    #[error("takes {expected} inputs, got {found}")]
    Inputs {
        /// The number of parameters.
        expected: usize,
        /// The number of inputs.
        found: usize,
    },
    /// An input of another type than its parameter.
    #[error("input `{name}` is {found}, and must be {expected}")]
    Input {
        /// The parameter.
        name: String,
        /// Its type.
        expected: Type,
        /// The input's.
        found: Type,
    },
    /// A call: the function is not linked.
    #[error("`{0}` is not linked")]
    NotLinked(String),
    /// A dim without a value.
    #[error("the type {0} has no known extents")]
    Unbound(Type),
    /// A decomposition that its entry refuses.
    #[error("`{op}` {error}")]
    Op {
        /// The op.
        op: &'static str,
        /// The complaint.
        error: OpError,
    },
    /// An attribute that is missing or does not fit: the verifier refuses such functions.
    #[error("`{op}` does not have the attributes of its entry")]
    Attributes {
        /// The op.
        op: &'static str,
    },
}
