//! Optimizers: [`Sgd`], [`Adam`], [`AdamW`], [`RmsProp`], [`Adagrad`], [`Lion`], [`Muon`], and rules of your own.
//!
//! Each is an update rule at a learning rate ([`Descent`]). The rules are model functions like any other, of a
//! parameter, its gradient, what is kept of both, and numbers: their files are the shortest tutorial of how to write
//! one ([`UpdateRule`]). Updates, and gradient clipping where asked for, are part of the compiled step.
//!
//! Groups of parameters have them otherwise: see [`TrainBuilder::group`](crate::TrainBuilder::group).

mod adagrad;
mod adam;
mod descent;
mod lion;
mod muon;
mod rmsprop;
mod sgd;

pub use adagrad::{Adagrad, AdagradRule};
pub use adam::{Adam, AdamRule, AdamW, AdamWRule};
pub use descent::Descent;
pub use lion::{Lion, LionRule};
pub use muon::{Muon, MuonRule};
pub use rmsprop::{RmsProp, RmsPropRule};
pub use sgd::{Sgd, SgdRule};
pub use sinew_runtime::{Group, Limit, Moment, Optimizer, Schedule, UpdateRule};
