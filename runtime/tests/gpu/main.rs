//! Shaders on a real device (a software driver will do) against the slow executor.

mod cases;
mod files;
mod functions;
mod half;
mod loops;
mod program;
mod programs;
#[path = "../../../codegen/tests/support/mod.rs"]
mod programs_support;
mod random;
mod scalar;
mod shares;
mod support;
