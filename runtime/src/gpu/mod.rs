//! Running shaders on a GPU through wgpu.
//!
//! [`Device`] is a GPU, [`Memory`] a block of its bytes, [`Program`] a schedule's regions and
//! dispatches on it. Everything that can
//! fail is a [`GpuError`]; nothing here panics, since wgpu's own panics (an uncaptured error, an
//! invalid slice, a poll on a broken device) are headed off one by one. This part knows regions and
//! bytes only: what they mean is the trainer's business.

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
