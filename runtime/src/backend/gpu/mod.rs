//! Running shaders on a GPU through wgpu.
//!
//! [`Gpu`] is a device, [`GpuMemory`] a block of its bytes, [`GpuCode`] a schedule's kernels,
//! [`GpuLaunch`] these with their memory, and [`GpuSession`] both for whoever has a schedule and no
//! memory. Everything that can fail is a [`GpuError`]. Nothing here panics: errors of wgpu
//! are caught in scopes around its calls, ranges are checked before they reach it, and a panic of its
//! poll on a broken device is caught. This part knows regions and bytes only: what they mean is the
//! trainer's business.

mod clock;
mod code;
mod device;
mod error;
mod memory;
mod session;
#[doc(hidden)]
pub mod testing;

pub use code::{GpuCode, GpuLaunch};
pub use device::Gpu;
pub use error::GpuError;
pub use memory::GpuMemory;
pub use session::GpuSession;
