//! The CPU emitter against direct computations, over hand-built schedules.
#![cfg(feature = "cpu")]
#![allow(clippy::unwrap_used)]

mod contracts;
mod convolutions;
mod nests;
mod prologues;
mod scalars;
mod setup;
#[path = "../support/targets.rs"]
mod targets;
