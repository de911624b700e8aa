//! Sinew's code generator: schedule, kernels, memory plan, emitters for the CPU (Cranelift) and WGSL.

pub mod execute;
pub mod kernel;
pub mod verify;
