//! A schedule on a GPU with memory of its own for all its regions.

use sinew_codegen::kernel::{RegionId, Schedule};
use sinew_codegen::wgsl::Shaders;

use super::{Gpu, GpuCode, GpuError, GpuLaunch, GpuMemory};

/// A compiled schedule and its regions, ready to run again and again.
///
/// Regions start as zeros and live as long as the session. Nothing is read back unless asked for,
/// so a run costs one submission, or a few where the work would take long.
///
/// ```no_run
/// # use sinew_codegen::kernel::{RegionId, Schedule};
/// # use sinew_runtime::gpu::{Gpu, GpuError, GpuSession};
/// # fn step(schedule: &Schedule) -> Result<(), GpuError> {
/// let gpu = Gpu::open()?;
/// let mut session = GpuSession::compile(&gpu, schedule)?;
/// session.write_region(RegionId(1), 0, &1.0f32.to_ne_bytes())?;
/// session.run()?;
/// let mut bytes = [0; 4];
/// session.read_region(RegionId(2), 0, &mut bytes)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct GpuSession {
    code: GpuCode,
    regions: Vec<GpuMemory>,
    launch: GpuLaunch,
}

impl GpuSession {
    /// A session of the schedule's own shaders.
    ///
    /// # Errors
    ///
    /// As [`GpuCode::compile`]; too little memory, or regions too large for the device.
    pub fn compile(gpu: &Gpu, schedule: &Schedule) -> Result<GpuSession, GpuError> {
        GpuSession::create(gpu, schedule, GpuCode::compile(gpu, schedule)?)
    }

    /// A session of shaders that were emitted from `schedule` for this device.
    ///
    /// # Errors
    ///
    /// As [`GpuCode::of_shaders`]; too little memory, or regions too large for the device.
    pub fn new(gpu: &Gpu, schedule: &Schedule, shaders: &Shaders) -> Result<GpuSession, GpuError> {
        GpuSession::create(gpu, schedule, GpuCode::of_shaders(gpu, schedule, shaders)?)
    }

    fn create(gpu: &Gpu, schedule: &Schedule, code: GpuCode) -> Result<GpuSession, GpuError> {
        let regions = schedule.regions.iter();
        let regions = regions.map(|r| GpuMemory::zeroed(gpu, &r.name, r.bytes));
        let regions: Vec<GpuMemory> = regions.collect::<Result<_, _>>()?;
        let mut launch = GpuLaunch::default();
        code.bind(&mut launch, regions.iter())?;
        Ok(GpuSession {
            code,
            regions,
            launch,
        })
    }

    /// Dispatches in a run.
    pub fn dispatches(&self) -> usize {
        self.code.dispatches()
    }

    /// Copies `bytes` into a region, before whatever runs next. Offset and length are in bytes and
    /// multiples of 4.
    ///
    /// # Errors
    ///
    /// [`GpuError::Range`] outside of the region; a lost device.
    pub fn write_region(
        &mut self,
        region: RegionId,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), GpuError> {
        self.find(region)?.write(offset, bytes)
    }

    /// As [`GpuCode::run`].
    ///
    /// # Errors
    ///
    /// A lost device, or one that refuses the work.
    pub fn run(&mut self) -> Result<(), GpuError> {
        self.code.run(&mut self.launch)
    }

    /// Waits until everything submitted so far is done.
    ///
    /// # Errors
    ///
    /// A lost device, or a driver that fails.
    pub fn wait(&mut self) -> Result<(), GpuError> {
        self.code.wait(&mut self.launch)
    }

    /// Copies from a region as it is after everything run so far, and waits for that. Offset and
    /// length are in bytes and multiples of 4.
    ///
    /// # Errors
    ///
    /// [`GpuError::Range`] outside of the region; too little memory; a lost device.
    pub fn read_region(
        &self,
        region: RegionId,
        offset: usize,
        bytes: &mut [u8],
    ) -> Result<(), GpuError> {
        self.find(region)?.read(offset, bytes)
    }

    fn find(&self, id: RegionId) -> Result<&GpuMemory, GpuError> {
        let at = id.0 as usize;
        self.regions.get(at).ok_or_else(|| GpuError::no_region(at))
    }
}
