//! Training steps of hand-written units, without the macro.
#![cfg(feature = "cpu")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod binding;
mod cache;
mod denormals;
mod extents;
mod finite;
#[cfg(feature = "gpu")]
mod gpu;
mod memory;
mod sharing;
mod support;
mod text;
mod unused;
mod warnings;
