//! Shaders on a real device (a software driver will do) against the slow executor.

mod cases;
mod contract;
mod files;
mod nest;
mod program;
mod programs;
#[path = "../../../codegen/tests/support/mod.rs"]
mod programs_support;
mod scalar;
mod scatter;
mod support;
