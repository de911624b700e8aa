//! Where programs run, and how precisely.

use crate::backend::Backend;
use crate::error::Result;
use std::fmt;

/// A device.
///
/// ```
/// # use sinew_runtime::Device;
/// let device = Device::gpu().unwrap_or_else(|error| {
///     eprintln!("{error}");
///     Device::cpu()
/// });
/// println!("computing on {}", device.name());
/// ```
#[derive(Clone, Default)]
pub struct Device(pub(crate) Backend);

impl Device {
    /// The processor this runs on.
    ///
    /// On x86-64 and aarch64, numbers too small to be normal (below 1.2e-38, in f64 below 2.2e-308) count
    /// as 0 wherever a program reads or makes them: processors are a hundred times slower with them.
    pub fn cpu() -> Device {
        Device(Backend::Cpu)
    }

    /// The graphics processor of this machine, the fastest if there are several, through wgpu.
    ///
    /// Where there is none, a software driver (Mesa's lavapipe) counts as one if it is installed, with
    /// a `tracing` warning: it computes on the CPU, more slowly than [`Device::cpu`]. [`Device::name`]
    /// tells which it is.
    ///
    /// Numbers below 1.2e-38 may count as 0 or as they are: the driver decides, operation by operation.
    ///
    /// # Errors
    /// [`Error::NoDevice`](crate::Error::NoDevice) when there is none, or when the crate was built
    /// without the feature `gpu`.
    pub fn gpu() -> Result<Device> {
        #[cfg(feature = "gpu")]
        return Ok(Device(Backend::Gpu(crate::gpu::Gpu::open()?)));
        #[cfg(not(feature = "gpu"))]
        Err(crate::Error::NoDevice(
            "this build has no GPU support; build with the feature `gpu`".into(),
        ))
    }

    /// Its name, for people.
    pub fn name(&self) -> &str {
        self.0.name()
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({:?})", self.name())
    }
}

/// What the working float is: of parameters, and of tensors declared without an element type.
///
/// ```
/// # use sinew::prelude::*;
/// # #[model]
/// # struct Line {
/// #     #[init(zeros)]
/// #     slope: Param,
/// # }
/// # #[model]
/// # fn height<N>(line: &Line, x: Tensor<N>) -> Tensor<N> {
/// #     line.slope * x
/// # }
/// let mut line = Line::init(0);
/// line.slope.fill(0.1);
/// let height = height::compile(line).precision(Precision::F64).build()?;
/// assert_eq!(height.run_f64([3.0])?[0], 0.1 * 3.0);
/// # Ok::<(), sinew::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 64 bits; on the CPU only.
    F64,
}

impl Precision {
    /// Its element type.
    pub(crate) fn dtype(self) -> sinew_ir::DType {
        match self {
            Precision::F32 => sinew_ir::DType::F32,
            Precision::F64 => sinew_ir::DType::F64,
        }
    }
}
