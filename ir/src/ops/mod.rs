//! The op table: every op, one entry each.
//!
//! An entry ([`OpDef`]) stands in the file of its kin and says all there is to know of its op: operands,
//! attributes, types, derivative, how it is computed, what tests try. Here it has its place in the list,
//! which makes the constant that code names it by.

mod angles;
mod contract;
mod creation;
mod elementwise;
mod entry;
mod functions;
mod index;
mod losses;
mod probes;
mod random;
mod reduce;
mod rows;
pub(crate) mod rules;
mod running;
mod shorthand;
mod sorting;
#[cfg(feature = "testing")]
mod testing;
mod views;
mod windows;

pub use crate::attributes::DotAxes;
pub use random::random_words;
pub(crate) use rows::turned;
pub use sorting::ascending;

use crate::op::{Op, OpDef};

/// Makes the table out of the entries' names, by file: a constant each, and the lists of all.
macro_rules! table {
    ($($file:ident { $($(#[$when:meta])? $name:ident)* })*) => {
        #[expect(clippy::upper_case_acronyms, non_camel_case_types, reason = "named as the entries")]
        enum Place {
            $($($(#[$when])? $name,)*)*
        }

        $($(
            #[doc = concat!("The op of the entry `", stringify!($name), "`.")]
            $(#[$when])?
            pub const $name: Op = Op::at(Place::$name as usize);
        )*)*

        /// The entries, each at its op's place.
        pub(crate) static ENTRIES: &[OpDef] = &[$($($(#[$when])? $file::$name,)*)*];

        /// Every op.
        pub static TABLE: &[Op] = &[$($($(#[$when])? $name,)*)*];
    };
}

table! {
    creation { CONST IOTA EXTENT }
    elementwise {
        ADD SUB MUL DIV REM MAXIMUM MINIMUM
        NEG ABS SIGN SQRT EXP LOG EXPM1 LOG1P TANH ERF SIN COS ATAN FLOOR ROUND
        LT LE EQ NE AND OR NOT BITAND BITOR BITXOR SHL SHR ROTL SELECT CAST
    }
    views { BROADCAST RESHAPE PERMUTE SLICE PAD CONCAT STOP_GRADIENT BARRIER }
    windows { FLIP SHEAR WINDOWS }
    reduce { SUM PROD MAX ARGMAX }
    contract { DOT }
    index { TAKE_ALONG_AXIS SCATTER_ADD TAKE INDEX_ADD }
    functions {
        RELU SIGMOID SILU GELU GELU_TANH SQUARE RECIPROCAL SOFTPLUS CLAMP POW RSQRT CEIL
    }
    angles { TAN ASIN ACOS SINH COSH }
    running { CUMSUM CUMPROD RECURRENCE }
    sorting { ARGSORT }
    rows { SOFTMAX LOG_SOFTMAX LOGSUMEXP MEAN MIN }
    random { RUN_KEY ITERATION TRAINING RANDOM_BITS UNIFORM RANDN BERNOULLI RANDINT DROPOUT }
    probes { CAPTURE PATCH PATCH_COTANGENT }
    losses { MSE CROSS_ENTROPY BINARY_CROSS_ENTROPY BINARY_CROSS_ENTROPY_WITH_LOGITS }
    testing { #[cfg(feature = "testing")] STEPS }
}

/// The op called `name`.
pub fn find(name: &str) -> Option<Op> {
    TABLE.iter().copied().find(|op| op.name == name)
}
