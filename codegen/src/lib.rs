//! Sinew's code generator: schedule, kernels, memory plan, emitters for the CPU (Cranelift) and WGSL.

mod bounds;
pub mod cost;
#[cfg(feature = "cpu")]
pub mod cpu;
pub mod decision;
pub mod dependence;
pub mod execute;
pub mod explain;
pub mod kernel;
pub mod plan;
pub mod schedule;
pub mod text;
pub mod verify;
#[cfg(feature = "wgsl")]
pub mod wgsl;
pub mod work;
