//! The one interface to devices.
//!
//! A [`Backend`] allocates [`DeviceMemory`] and compiles a schedule to [`Code`]. Code is shared and never
//! changes; it runs over one [`Slot`] a region, with what a device keeps from run to run in a
//! [`Launch`]. Each device is a module of its own; every choice between them is made in this file.

#[cfg(feature = "cpu")]
mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;
mod host;

use crate::budget::Working;
use crate::code_cache::CodeCache;
use crate::device::Precision;
use crate::error::{Error, Result};
use crate::threads::Threads;
#[cfg(feature = "cpu")]
pub(crate) use cpu::Bound;
#[cfg(feature = "cpu")]
use cpu::{CpuCode, CpuLaunch};
#[cfg(feature = "gpu")]
use gpu::{Gpu, GpuCode, GpuLaunch, GpuMemory};
pub(crate) use host::{ALIGN, HostMemory, room};
use sinew_codegen::cost::Target;
use sinew_codegen::explain;
use sinew_codegen::kernel::{Region, RegionKind, Schedule};
use sinew_codegen::work::Lap;
use std::marker::PhantomData;

/// How a schedule is compiled.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(feature = "cpu"),
    expect(dead_code, reason = "a GPU's driver has its own ways")
)]
pub(crate) struct Compiling<'a> {
    /// The function's name, for errors.
    pub function: &'a str,
    /// How many threads it may run on. A GPU has its own.
    pub threads: Threads,
    /// How many threads may compile it.
    pub compile_threads: usize,
    /// Where machine code is kept, if anywhere.
    pub code_cache: Option<&'a CodeCache>,
    /// Whether its runs may be [clocked](Code::run_clocked).
    pub clocked: bool,
}

/// Where programs run. Clones are the same device.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Backend {
    /// The processor this runs on.
    #[default]
    Cpu,
    /// A graphics processor.
    #[cfg(feature = "gpu")]
    Gpu(Gpu),
}

impl Backend {
    /// Its name, for people.
    pub fn name(&self) -> &str {
        match self {
            Backend::Cpu => "the CPU",
            #[cfg(feature = "gpu")]
            Backend::Gpu(gpu) => gpu.name(),
        }
    }

    /// What kernels are scheduled for.
    pub fn target(&self) -> Target {
        match self {
            Backend::Cpu => Target::Cpu,
            #[cfg(feature = "gpu")]
            Backend::Gpu(_) => Target::Gpu,
        }
    }

    /// Refuses what this build has no code generator for, and a float that the device does not have.
    ///
    /// # Errors
    /// [`Error::NoCodeGenerator`], [`Error::Precision`].
    pub fn check(&self, precision: Precision) -> Result<()> {
        let _ = precision; // the CPU has both
        match self {
            Backend::Cpu if cfg!(not(feature = "cpu")) => Err(Error::NoCodeGenerator("cpu")),
            Backend::Cpu => Ok(()),
            #[cfg(feature = "gpu")]
            Backend::Gpu(gpu) => match precision {
                Precision::F32 => Ok(()),
                Precision::F64 => Err(Error::Precision {
                    device: gpu.name().into(),
                }),
            },
        }
    }

    /// Zeros; the name is for errors and debuggers.
    ///
    /// # Errors
    /// Too little memory, or more than a block of the device may have.
    pub fn zeroed(&self, name: &str, bytes: usize) -> Result<DeviceMemory> {
        match self {
            Backend::Cpu => Ok(DeviceMemory::Host(HostMemory::zeroed(name, bytes)?)),
            #[cfg(feature = "gpu")]
            Backend::Gpu(gpu) => Ok(DeviceMemory::Gpu(GpuMemory::zeroed(gpu, name, bytes)?)),
        }
    }

    /// Bytes that a schedule works in, of so many threads at the most; see [`Code::regions`].
    ///
    /// # Errors
    /// [`Error::Variable`].
    pub fn working(&self, schedule: &Schedule, threads: Threads) -> Result<Working> {
        let _ = threads; // a GPU has its own
        let bytes = |kind| {
            let regions = schedule.regions.iter().filter(|r| r.kind == kind);
            regions.fold(0, |sum: usize, r| sum.saturating_add(r.bytes))
        };
        let plain = Working {
            arena: bytes(RegionKind::Arena),
            turn: bytes(RegionKind::Turn),
            scratch: 0,
        };
        match self {
            #[cfg(feature = "cpu")]
            Backend::Cpu => CpuCode::working(schedule, threads, plain),
            #[cfg(not(feature = "cpu"))]
            Backend::Cpu => Ok(plain),
            #[cfg(feature = "gpu")]
            Backend::Gpu(_) => Ok(plain),
        }
    }

    /// Machine code or shaders of a schedule.
    ///
    /// # Errors
    /// A schedule that cannot become code for this device.
    pub fn compile(&self, schedule: &Schedule, how: Compiling<'_>) -> Result<Code> {
        let _ = how; // a GPU has its own
        match self {
            #[cfg(feature = "cpu")]
            Backend::Cpu => Ok(Code::of_cpu(schedule, CpuCode::compile(schedule, how)?)),
            #[cfg(not(feature = "cpu"))]
            Backend::Cpu => {
                let _ = schedule;
                Err(Error::NoCodeGenerator("cpu"))
            }
            #[cfg(feature = "gpu")]
            Backend::Gpu(gpu) if how.clocked && !gpu.has_clock() => Err(Error::NoClock {
                device: gpu.name().into(),
            }),
            #[cfg(feature = "gpu")]
            Backend::Gpu(gpu) => Ok(Code {
                regions: schedule.regions.clone(),
                kernels: Kernels::Gpu(Box::new(GpuCode::compile(gpu, schedule)?)),
            }),
        }
    }

    /// A schedule as WGSL: for this device, or for any (that takes halves) where this is none that runs it.
    ///
    /// # Errors
    /// [`Error::NoCode`] for a schedule that has no shaders, [`Error::NoCodeGenerator`].
    #[cfg(feature = "gpu")]
    pub fn wgsl(&self, schedule: &Schedule) -> Result<String> {
        use sinew_codegen::wgsl;
        use std::fmt::Write as _;
        let limits = match self {
            Backend::Cpu => wgsl::Limits {
                halves: true,
                ..wgsl::Limits::default()
            },
            Backend::Gpu(gpu) => gpu.limits(),
        };
        let shaders = wgsl::emit(schedule, &limits).map_err(|e| Error::NoCode(e.to_string()))?;
        let mut out = String::new();
        for shader in shaders.shaders {
            let [x, y, z] = shader.groups;
            let (name, source) = (&shader.name, &shader.source);
            let _ = writeln!(out, "// {name}: {x} x {y} x {z} groups\n{source}");
        }
        Ok(out)
    }

    /// This build has no WGSL.
    ///
    /// # Errors
    /// [`Error::NoCodeGenerator`].
    #[cfg(not(feature = "gpu"))]
    pub fn wgsl(&self, _: &Schedule) -> Result<String> {
        Err(Error::NoCodeGenerator("gpu"))
    }
}

/// A block of bytes where its device needs it; zeros at first.
#[derive(Debug)]
pub(crate) enum DeviceMemory {
    /// For compiled code of the processor.
    Host(HostMemory),
    /// On a GPU.
    #[cfg(feature = "gpu")]
    Gpu(GpuMemory),
}

impl DeviceMemory {
    /// No bytes.
    pub fn empty() -> DeviceMemory {
        DeviceMemory::Host(HostMemory::empty())
    }

    /// Its size.
    pub fn len(&self) -> usize {
        match self {
            DeviceMemory::Host(memory) => memory.len(),
            #[cfg(feature = "gpu")]
            DeviceMemory::Gpu(memory) => memory.bytes(),
        }
    }

    /// Has memory stand behind all of it, for what a run reads before it writes it. What is in it stays.
    pub fn touch(&mut self) {
        match self {
            DeviceMemory::Host(memory) => memory.touch(),
            #[cfg(feature = "gpu")]
            DeviceMemory::Gpu(_) => {}
        }
    }

    /// Grows to at least `bytes` on `backend`; what was in it is lost then. The old block goes first:
    /// two of them may be more than there is.
    ///
    /// # Errors
    /// As [`Backend::zeroed`]; the block is then empty.
    pub fn ensure(&mut self, backend: &Backend, name: &str, bytes: usize) -> Result<()> {
        // A GPU has a block for no bytes too: each of its bindings needs one.
        if self.len() < bytes || !self.is_on(backend) {
            *self = DeviceMemory::empty();
            *self = backend.zeroed(name, bytes)?;
        }
        Ok(())
    }

    /// Whether it is where a backend's kernels need it.
    fn is_on(&self, backend: &Backend) -> bool {
        match (self, backend) {
            (DeviceMemory::Host(_), Backend::Cpu) => true,
            #[cfg(feature = "gpu")]
            (DeviceMemory::Gpu(_), Backend::Gpu(_)) => true,
            #[cfg(feature = "gpu")]
            (DeviceMemory::Host(_), Backend::Gpu(_)) | (DeviceMemory::Gpu(_), Backend::Cpu) => {
                false
            }
        }
    }

    /// Copies `bytes` in, from byte `offset` on, before whatever runs next.
    ///
    /// # Errors
    /// A lost GPU.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        match self {
            DeviceMemory::Host(memory) => {
                memory.bytes_mut()[offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            #[cfg(feature = "gpu")]
            DeviceMemory::Gpu(memory) => memory.write(offset, bytes)?,
        }
        Ok(())
    }

    /// Makes all of it zeros, before whatever runs next.
    ///
    /// # Errors
    /// A lost GPU.
    pub fn clear(&mut self) -> Result<()> {
        match self {
            DeviceMemory::Host(memory) => memory.bytes_mut().fill(0),
            #[cfg(feature = "gpu")]
            DeviceMemory::Gpu(memory) => memory.clear()?,
        }
        Ok(())
    }

    /// Copies out from byte `offset` on, after everything that was run on it.
    ///
    /// # Errors
    /// A lost GPU.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
        match self {
            DeviceMemory::Host(memory) => {
                bytes.copy_from_slice(&memory.bytes()[offset..offset + bytes.len()]);
            }
            #[cfg(feature = "gpu")]
            DeviceMemory::Gpu(memory) => memory.read(offset, bytes)?,
        }
        Ok(())
    }

    /// As a region that kernels write.
    pub fn slot(&mut self) -> Slot<'_> {
        match self {
            DeviceMemory::Host(memory) => Slot::Host(HostSlot {
                base: memory.base(),
                bytes: memory.len(),
                writable: true,
                borrowed: PhantomData,
            }),
            #[cfg(feature = "gpu")]
            DeviceMemory::Gpu(memory) => Slot::Gpu(memory),
        }
    }

    /// As a region that kernels only read.
    pub fn slot_to_read(&self) -> Slot<'_> {
        match self {
            DeviceMemory::Host(memory) => Slot::of_bytes(memory.bytes()),
            #[cfg(feature = "gpu")]
            DeviceMemory::Gpu(memory) => Slot::Gpu(memory),
        }
    }

    /// As a region that kernels only read, or that they write too.
    pub fn slot_for(&mut self, written: bool) -> Slot<'_> {
        match written {
            true => self.slot(),
            false => self.slot_to_read(),
        }
    }

    /// `bytes` as a region that kernels only read: where they lie on the CPU; on another device they
    /// are copied to this block, which grows for them.
    ///
    /// # Errors
    /// Too little memory on the device; its loss.
    pub fn lend<'a>(
        &'a mut self,
        backend: &Backend,
        name: &str,
        bytes: &'a [u8],
    ) -> Result<Slot<'a>> {
        match backend {
            Backend::Cpu => {
                let _ = name;
                Ok(Slot::of_bytes(bytes))
            }
            #[cfg(feature = "gpu")]
            Backend::Gpu(_) => {
                self.ensure(backend, name, bytes.len())?;
                self.write(0, bytes)?;
                Ok(self.slot_to_read())
            }
        }
    }

    /// As [`DeviceMemory::lend`], of a copy on the host that may be written again between runs.
    ///
    /// # Errors
    /// As [`DeviceMemory::lend`].
    pub fn lend_copy<'a>(
        &'a mut self,
        backend: &Backend,
        name: &str,
        bytes: &'a mut [u8],
    ) -> Result<Slot<'a>> {
        match backend {
            Backend::Cpu => {
                let _ = name;
                Ok(Slot::Host(HostSlot {
                    base: bytes.as_mut_ptr(),
                    bytes: bytes.len(),
                    writable: true,
                    borrowed: PhantomData,
                }))
            }
            #[cfg(feature = "gpu")]
            Backend::Gpu(_) => self.lend(backend, name, bytes),
        }
    }

    /// Makes the first `bytes` readable by [`DeviceMemory::view`]: on another device than the CPU they are
    /// copied to `copy`, which grows for them.
    ///
    /// # Errors
    /// Too little memory on the host; a lost GPU.
    pub fn fetch(&self, name: &str, bytes: usize, copy: &mut HostMemory) -> Result<()> {
        match self {
            DeviceMemory::Host(_) => {
                let _ = (name, bytes, copy);
                Ok(())
            }
            #[cfg(feature = "gpu")]
            DeviceMemory::Gpu(memory) => {
                copy.ensure(name, bytes)?;
                Ok(memory.read(0, &mut copy.bytes_mut()[..bytes])?)
            }
        }
    }

    /// What [`DeviceMemory::fetch`] made readable, with the same `copy`.
    pub fn view<'a>(&'a self, copy: &'a HostMemory) -> &'a [u8] {
        let _ = copy; // the host's memory is its own copy
        match self {
            DeviceMemory::Host(memory) => memory.bytes(),
            #[cfg(feature = "gpu")]
            DeviceMemory::Gpu(_) => copy.bytes(),
        }
    }
}

/// The memory of one region during a run.
pub(crate) enum Slot<'a> {
    /// On the host.
    Host(HostSlot<'a>),
    /// On a GPU.
    #[cfg(feature = "gpu")]
    Gpu(&'a GpuMemory),
}

/// Borrowed bytes on the host: mutably where they are writable.
pub(crate) struct HostSlot<'a> {
    #[cfg_attr(
        not(feature = "cpu"),
        expect(dead_code, reason = "only machine code gets it")
    )]
    base: *mut u8,
    bytes: usize,
    writable: bool,
    borrowed: PhantomData<&'a [u8]>,
}

impl<'a> Slot<'a> {
    /// No bytes.
    pub const EMPTY: Slot<'static> = Slot::of_bytes(&[]);

    const fn of_bytes(bytes: &'a [u8]) -> Slot<'a> {
        Slot::Host(HostSlot {
            base: bytes.as_ptr().cast_mut(),
            bytes: bytes.len(),
            writable: false,
            borrowed: PhantomData,
        })
    }

    /// Whether it can be `region` of a schedule: large enough, and writable if kernels write it.
    pub fn fits(&self, region: &Region) -> bool {
        match self {
            Slot::Host(slot) => {
                slot.bytes >= region.bytes && (slot.writable || !region.kind.is_written())
            }
            #[cfg(feature = "gpu")]
            Slot::Gpu(memory) => memory.bytes() >= region.bytes,
        }
    }
}

/// A schedule in the form its device runs. It holds no memory of regions, so that any number of users
/// can run it at once.
pub(crate) struct Code {
    /// What the kernels take each region for: the schedule's, as large as all threads need them, and scratch.
    regions: Vec<Region>,
    kernels: Kernels,
}

/// A schedule's kernels.
enum Kernels {
    /// Machine code.
    #[cfg(feature = "cpu")]
    Cpu(Box<CpuCode>),
    /// Shaders.
    #[cfg(feature = "gpu")]
    Gpu(Box<GpuCode>),
    /// A build without any code generator.
    #[cfg(not(any(feature = "cpu", feature = "gpu")))]
    #[expect(dead_code, reason = "the type needs a variant")]
    Nowhere,
}

/// What a device keeps between the runs of one user of a code.
#[derive(Default)]
pub(crate) struct Launch {
    /// What runs in the place of a program's code, while its runs are clocked.
    pub clocked: Option<Box<Clocked>>,
    #[cfg(feature = "cpu")]
    cpu: CpuLaunch,
    #[cfg(feature = "gpu")]
    gpu: GpuLaunch,
}

/// A program's code once more, with a clock.
pub(crate) struct Clocked {
    /// The code.
    pub code: Code,
    /// How long each of its runs has taken, as its schedule counts them.
    pub laps: Vec<Lap>,
}

impl Code {
    #[cfg(feature = "cpu")]
    fn of_cpu(schedule: &Schedule, code: CpuCode) -> Code {
        Code {
            regions: code.regions(schedule),
            kernels: Kernels::Cpu(Box::new(code)),
        }
    }

    /// As [`Code::run`], of [clocked](Compiling::clocked) code: adds how long each run took to `laps`, and waits for the
    /// end.
    ///
    /// # Errors
    /// As [`Code::run`].
    pub fn run_clocked(
        &self,
        launch: &mut Launch,
        slots: &[Slot<'_>],
        laps: &mut [Lap],
    ) -> Result<()> {
        let _ = (&launch, &laps); // a build may have no device
        self.check(slots)?;
        match &self.kernels {
            // SAFETY: as in `run`.
            #[cfg(feature = "cpu")]
            Kernels::Cpu(code) => unsafe { code.run_clocked(&mut launch.cpu, slots, laps) },
            #[cfg(feature = "gpu")]
            Kernels::Gpu(code) => code.run_clocked(&mut launch.gpu, slots, laps),
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Kernels::Nowhere => Err(Error::NoCodeGenerator("cpu")),
        }
    }

    /// Runs every kernel once. Results are there when their memory is read.
    ///
    /// `slots` are the regions of the schedule in order, and [`Code::scratch`].
    ///
    /// # Errors
    /// [`Error::Regions`] for another number of slots, slots that do not [fit](Slot::fits), or those of
    /// another device; what a GPU cannot do.
    pub fn run(&self, launch: &mut Launch, slots: &[Slot<'_>]) -> Result<()> {
        let _ = &launch; // a build may have no device
        self.check(slots)?;
        match &self.kernels {
            // SAFETY: one slot for each region of the schedule that this was compiled from, which fits
            // it.
            #[cfg(feature = "cpu")]
            Kernels::Cpu(code) => unsafe { code.run(&mut launch.cpu, slots) },
            #[cfg(feature = "gpu")]
            Kernels::Gpu(code) => code.run_slots(&mut launch.gpu, slots),
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Kernels::Nowhere => Err(Error::NoCodeGenerator("cpu")),
        }
    }

    /// Binds it to slots as [`Code::run`] takes them, to run again and again.
    ///
    /// # Errors
    /// [`Error::Regions`] as for [`Code::run`]; on a GPU, which runs what it is given each time.
    #[cfg(feature = "cpu")]
    pub fn bind<'b, 'a>(&'b self, slots: &'b mut [Slot<'a>]) -> Result<Bound<'b, 'a>> {
        self.check(slots)?;
        match &self.kernels {
            Kernels::Cpu(code) => Bound::new(code, &self.regions, slots),
            #[cfg(feature = "gpu")]
            Kernels::Gpu(_) => Err(Error::Regions { count: slots.len() }),
        }
    }

    /// Whether it may be bound: whether its runs read and write memory of the host.
    #[cfg(feature = "cpu")]
    pub fn is_on_host(&self) -> bool {
        match &self.kernels {
            Kernels::Cpu(_) => true,
            #[cfg(feature = "gpu")]
            Kernels::Gpu(_) => false,
        }
    }

    /// Refuses slots that a run must not have.
    fn check(&self, slots: &[Slot<'_>]) -> Result<()> {
        let fit = self.regions.iter().zip(slots).all(|(r, s)| s.fits(r));
        match slots.len() == self.regions.len() && fit {
            true => Ok(()),
            false => Err(Error::Regions { count: slots.len() }),
        }
    }

    /// The regions of a run: the schedule's in order, and [`Code::scratch`].
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The region that a run needs behind those of the schedule: none on a GPU.
    pub fn scratch(&self) -> Option<&Region> {
        match &self.kernels {
            #[cfg(feature = "cpu")]
            Kernels::Cpu(_) => self.regions.last(),
            #[cfg(feature = "gpu")]
            Kernels::Gpu(_) => None,
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Kernels::Nowhere => None,
        }
    }

    /// The kernels in Cranelift's form.
    ///
    /// # Errors
    /// [`Error::NoCode`] on a GPU.
    pub fn clif(&self) -> Result<String> {
        match &self.kernels {
            #[cfg(feature = "cpu")]
            Kernels::Cpu(code) => Ok(code.clif()),
            #[cfg(feature = "gpu")]
            Kernels::Gpu(_) => Err(Error::NoCode("a GPU's kernels are WGSL".into())),
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Kernels::Nowhere => Err(Error::NoCodeGenerator("cpu")),
        }
    }

    /// How threads share the schedule, if they do.
    pub fn shares(&self) -> Option<explain::Threads> {
        match &self.kernels {
            #[cfg(feature = "cpu")]
            Kernels::Cpu(code) => code.shares(),
            #[cfg(feature = "gpu")]
            Kernels::Gpu(_) => None,
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Kernels::Nowhere => None,
        }
    }

    /// Who wrote which kernels as machine code, a line for each; nothing on a GPU.
    pub fn emitters(&self) -> String {
        match &self.kernels {
            #[cfg(feature = "cpu")]
            Kernels::Cpu(code) => code.emitters(),
            #[cfg(feature = "gpu")]
            Kernels::Gpu(_) => String::new(),
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Kernels::Nowhere => String::new(),
        }
    }

    /// Whether machine code was kept on disk.
    pub fn was_kept(&self) -> bool {
        match &self.kernels {
            #[cfg(feature = "cpu")]
            Kernels::Cpu(code) => code.was_kept(),
            #[cfg(feature = "gpu")]
            Kernels::Gpu(_) => false,
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Kernels::Nowhere => false,
        }
    }

    /// Bytes of machine code; none where the driver keeps it and does not say.
    pub fn code_bytes(&self) -> Option<usize> {
        match &self.kernels {
            #[cfg(feature = "cpu")]
            Kernels::Cpu(code) => Some(code.code_bytes()),
            #[cfg(feature = "gpu")]
            Kernels::Gpu(_) => None,
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Kernels::Nowhere => None,
        }
    }
}
