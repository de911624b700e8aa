//! What users are told of arguments that do not fit.

use crate::dim::{DimError, Symbol};
use crate::dtype::DType;
use crate::symbol::{SymbolKind, SymbolType, SymbolValue};

/// Arguments that do not fit a function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// An argument with the wrong number of dims.
    #[error("`{argument}` is declared ({declared}), {expected}, but has {found}: ({actual})")]
    Rank {
        /// The argument.
        argument: Box<str>,
        /// Its declared shape.
        declared: Box<str>,
        /// How many dims that is, in words (`at least 2 dims` with a sequence).
        expected: Box<str>,
        /// The number of dims it has.
        found: usize,
        /// Its actual shape.
        actual: Box<str>,
    },
    /// An argument with an extent other than expected.
    #[error(
        "`{argument}` is declared ({declared}) and has shape ({actual}): {because}, but `{argument}` \
         has {found} on axis {axis}"
    )]
    Extent {
        /// The argument.
        argument: Box<str>,
        /// Its declared shape.
        declared: Box<str>,
        /// Its actual shape.
        actual: Box<str>,
        /// Which axis, from 0.
        axis: usize,
        /// The extent it must have.
        expected: usize,
        /// The extent it has.
        found: usize,
        /// Why it must (`` `B` is 32 from `x` ``).
        because: Box<str>,
    },
    /// A leading sequence other than before.
    #[error(
        "`{argument}` is declared ({declared}) and has shape ({actual}): `{symbol}` is ({expected}) \
         from `{from}`, but ({found}) in `{argument}`"
    )]
    Sequence {
        /// The argument.
        argument: Box<str>,
        /// Its declared shape.
        declared: Box<str>,
        /// Its actual shape.
        actual: Box<str>,
        /// The sequence symbol.
        symbol: Symbol,
        /// The extents it has.
        expected: Box<str>,
        /// The argument these come from.
        from: Box<str>,
        /// Its extents in this argument.
        found: Box<str>,
    },
    /// An extent that a dim does not have for any value of the symbol left open in it.
    #[error(
        "`{argument}` is declared ({declared}) and has shape ({actual}): no `{symbol}` makes `{dim}` \
         {found} on axis {axis}{because}"
    )]
    NoValue {
        /// The argument.
        argument: Box<str>,
        /// Its declared shape.
        declared: Box<str>,
        /// Its actual shape.
        actual: Box<str>,
        /// Which axis, from 0.
        axis: usize,
        /// The symbol.
        symbol: Symbol,
        /// The dim.
        dim: Box<str>,
        /// The extent there.
        found: usize,
        /// What the other symbols are (`` , as `B` is 4 from `x` ``).
        because: Box<str>,
    },
    /// A symbol that stands in no dim but one that several values of it may fit.
    #[error(
        "`{argument}` is declared ({declared}): `{dim}` alone does not tell what `{symbol}` is; give \
         an argument a dim that is `{symbol}` itself, or a multiple of it"
    )]
    Ambiguous {
        /// The argument.
        argument: Box<str>,
        /// Its declared shape.
        declared: Box<str>,
        /// The symbol.
        symbol: Symbol,
        /// The dim.
        dim: Box<str>,
    },
    /// A dim that has no value as an extent.
    #[error("`{argument}` is declared ({declared}), where {error}")]
    Dim {
        /// The argument.
        argument: Box<str>,
        /// Its declared shape.
        declared: Box<str>,
        /// What is wrong with the dim.
        error: DimError,
    },
    /// A symbol that nothing gives a value.
    #[error("nothing tells what `{symbol}` of `{function}` is: {}", teller(*.expected))]
    Unbound {
        /// The symbol.
        symbol: Symbol,
        /// What it is declared as.
        expected: SymbolKind,
        /// The function.
        function: Box<str>,
    },
    /// A value of another type than its symbol's.
    #[error("`{symbol}` of `{function}` is {expected}, and is given {} ({found})", .found.ty().in_words())]
    SymbolType {
        /// The symbol.
        symbol: Symbol,
        /// The function.
        function: Box<str>,
        /// What it is declared as.
        expected: SymbolKind,
        /// The value that came.
        found: SymbolValue,
    },
    /// Two values of one symbol.
    #[error("`{symbol}` of `{function}` is one value, and is given {first} and {second}")]
    Twice {
        /// The symbol.
        symbol: Symbol,
        /// The function.
        function: Box<str>,
        /// The value that came first.
        first: SymbolValue,
        /// The other one.
        second: SymbolValue,
    },
    /// A declared relation that does not hold.
    #[error("`{function}` needs {constraint}, but {values}")]
    Constraint {
        /// The function.
        function: Box<str>,
        /// The relation as declared.
        constraint: Box<str>,
        /// The values that break it, with where they come from.
        values: Box<str>,
    },
    /// An argument that the function does not have.
    #[error("`{function}` has no parameter {position}")]
    Param {
        /// The function.
        function: Box<str>,
        /// The position asked for.
        position: usize,
    },
    /// A working float other than `f32` and `f64`.
    #[error("the working float is {0}, and must be f32 or f64")]
    Float(DType),
}

/// Who should have told a symbol's value, and did not.
fn teller(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Value(SymbolType::Size, _) | SymbolKind::Sequence => {
            "no argument has a dim to learn it from"
        }
        SymbolKind::Value(SymbolType::Float, _) => "the configuration gives no such f64",
        SymbolKind::Value(SymbolType::Bool, _) => "the configuration gives no such bool",
    }
}
