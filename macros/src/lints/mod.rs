//! Lints: what is legal, and rarely meant. Each has a name, by which `#[model(allow(..))]` silences it on a
//! function, an `impl` or a module.
//!
//! A lint looks at what was lowered, by the kinds of its ops, or at a body as written; its text stands in
//! `messages`. A proc macro has no warnings of its own on stable Rust, so a warning is the use of a
//! deprecated constant of the lint's name at the place (`emit::warnings`). What rustc has a lint for (names
//! that nothing uses) is left to that.

mod broadcast;
mod influence;
mod softmax;
mod unused;

pub use broadcast::{Growth, growth};
pub use influence::without_influence;
pub use softmax::softmax;
pub use unused::{unused_names, unused_symbols};

use crate::messages::Message;

/// A lint of Sinew's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lint {
    /// A column meets a row of as many elements.
    BroadcastOfBoth,
    /// Probabilities where scores are taken.
    SoftmaxBeforeCrossEntropy,
    /// The logarithm of what may have come out as 0.
    LogOfSoftmax,
    /// A size that a function declares and does not name again.
    UnusedSymbol,
    /// A parameter that training would leave as it is.
    ParameterWithoutInfluence,
}

impl Lint {
    /// Each of them.
    pub const ALL: &[Lint] = &[
        Lint::BroadcastOfBoth,
        Lint::SoftmaxBeforeCrossEntropy,
        Lint::LogOfSoftmax,
        Lint::UnusedSymbol,
        Lint::ParameterWithoutInfluence,
    ];

    /// What `allow` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Lint::BroadcastOfBoth => "broadcast_of_both",
            Lint::SoftmaxBeforeCrossEntropy => "softmax_before_cross_entropy",
            Lint::LogOfSoftmax => "log_of_softmax",
            Lint::UnusedSymbol => "unused_symbol",
            Lint::ParameterWithoutInfluence => "parameter_without_influence",
        }
    }

    /// The lint called `name`.
    pub fn find(name: &str) -> Option<Lint> {
        Lint::ALL.iter().copied().find(|l| l.name() == name)
    }
}

/// What a lint found.
#[derive(Clone)]
pub struct Warning {
    /// Which.
    pub lint: Lint,
    /// Where, and what is said of it.
    pub message: Message,
}
