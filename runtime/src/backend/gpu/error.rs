//! What can go wrong on a GPU.

use sinew_codegen::verify::VerifyError;
use sinew_codegen::wgsl::EmitError;

/// A failure of the GPU or of its use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// No adapter was found.
    #[error("no GPU on this machine: looked for {looked_for}; {message}")]
    NotFound {
        /// The interfaces that were tried.
        looked_for: String,
        /// What wgpu says.
        message: String,
    },
    /// An adapter was found, and gave no device.
    #[error("the GPU `{adapter}` could not be opened: {message}")]
    Open {
        /// The adapter's name.
        adapter: String,
        /// What wgpu says.
        message: String,
    },
    /// The schedule breaks the rules of kernel IR: a mistake in Sinew.
    #[error(transparent)]
    Schedule(#[from] VerifyError),
    /// The schedule has no shaders.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The device has too little memory.
    #[error("the GPU is out of memory: {what}")]
    OutOfMemory {
        /// What was asked for.
        what: String,
    },
    /// wgpu or the driver refused something: a mistake in Sinew or in the driver.
    #[error("the GPU refused {what}: {message}")]
    Refused {
        /// What was attempted.
        what: String,
        /// What wgpu says.
        message: String,
    },
    /// The device is gone; open a new one and upload again.
    #[error("the GPU was lost: {message}")]
    Lost {
        /// What wgpu says.
        message: String,
    },
    /// A region is larger than the device's largest buffer.
    #[error("region `{region}` has {bytes} bytes, and a buffer of this GPU at most {limit}")]
    Region {
        /// The region's name.
        region: String,
        /// Its size.
        bytes: usize,
        /// What the device allows.
        limit: u64,
    },
    /// Bytes outside of a region, or not in whole 32-bit elements.
    #[error("bytes {offset}..{offset}+{bytes} of region `{region}`, which has {size}")]
    Range {
        /// The region's name, or its number where there is none.
        region: String,
        /// First byte.
        offset: usize,
        /// Number of bytes.
        bytes: usize,
        /// The region's size.
        size: usize,
    },
}

impl GpuError {
    /// For the number of a shader that is not there.
    pub(super) fn no_shader(number: usize) -> GpuError {
        GpuError::Range {
            region: format!("of shaders, number {number}"),
            offset: 0,
            bytes: 0,
            size: 0,
        }
    }

    /// For the number of a region that a schedule does not have.
    pub(super) fn no_region(number: usize) -> GpuError {
        GpuError::Range {
            region: format!("number {number}"),
            offset: 0,
            bytes: 0,
            size: 0,
        }
    }
}
