//! Training steps of hand-written units, without the macro.
#![cfg(feature = "cpu")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod cache;
mod denormals;
mod errors;
mod finite;
#[cfg(feature = "gpu")]
mod gpu;
mod sharing;
mod support;
mod unused;
