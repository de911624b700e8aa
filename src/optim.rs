//! Optimizers: [`Sgd`], [`Adam`], [`AdamW`].
//!
//! Each one's updates, and gradient clipping where asked for, are part of the compiled step.

pub use sinew_runtime::{Adam, AdamW, Optimizer, Sgd};
