//! Running shaders on a GPU through wgpu.
//!
//! [`Device`] is a GPU, [`Memory`] a block of its bytes, [`Program`] a schedule's regions and
//! dispatches on it. Everything that can fail is a [`GpuError`]. Nothing here panics: errors of wgpu
//! are caught in scopes around its calls, ranges are checked before they reach it, and a panic of its
//! poll on a broken device is caught. This part knows regions and bytes only: what they mean is the
//! trainer's business.

mod device;
mod error;
mod memory;
mod program;
#[doc(hidden)]
pub mod testing;

pub use device::Device;
pub use error::GpuError;
pub use memory::Memory;
pub use program::Program;
