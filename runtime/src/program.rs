//! A compiled program with what its calls need: schedule, code, result places, staging memory.

use crate::arg::ArgView;
#[cfg(feature = "cpu")]
use crate::denormals::flushed;
use crate::device::Place as DevicePlace;
use crate::engine::{Engine, Input, MAX_ARGUMENTS};
use crate::error::{Error, Result};
use crate::layout::element_size;
use crate::memory::{ALIGN, Block, Memory};
use crate::output::ResultView;
use crate::read;
use crate::update::StepScalar;
#[cfg(feature = "cpu")]
use sinew_codegen::cpu;
use sinew_codegen::kernel::{RegionId, Role, Schedule};
use sinew_codegen::schedule::{Part, Place, schedule};
use sinew_ir::{DType, Function, Type};
use std::fmt::Write as _;
use std::marker::PhantomData;
use std::time::Instant;

/// The most regions a program has: arena, two of parameters, then either gradients, two states,
/// scalars and report, or results; then arguments.
const MAX_REGIONS: usize = 3 + 8 + MAX_ARGUMENTS;

/// The regions of one call, each by its id: base addresses and sizes.
pub(crate) struct Table<'a> {
    bases: [*mut u8; MAX_REGIONS],
    bytes: [usize; MAX_REGIONS],
    borrowed: PhantomData<&'a mut Memory>,
}

impl<'a> Table<'a> {
    /// A table of the working memory alone.
    pub fn new(program: &Program, arena: &'a mut Block) -> Self {
        let mut table = Table {
            bases: [std::ptr::null_mut(); MAX_REGIONS],
            bytes: [0; MAX_REGIONS],
            borrowed: PhantomData,
        };
        if let Some(id) = program.schedule.arena() {
            table.set(id, arena.base(), arena.len());
        }
        table
    }

    /// Says where a region lies.
    pub fn put(&mut self, id: RegionId, memory: &'a mut Memory) {
        match memory {
            Memory::Host(block) => self.set(id, block.base(), block.len()),
            // A GPU's program holds its regions itself.
            #[cfg(feature = "gpu")]
            Memory::Gpu(memory) => self.set(id, std::ptr::null_mut(), memory.bytes()),
        }
    }

    /// As [`Table::put`], of a region that the program only reads.
    pub fn put_to_read(&mut self, id: RegionId, memory: &'a Memory) {
        match memory {
            Memory::Host(block) => self.set(id, block.base_to_read().cast_mut(), block.len()),
            #[cfg(feature = "gpu")]
            Memory::Gpu(memory) => self.set(id, std::ptr::null_mut(), memory.bytes()),
        }
    }

    /// Past the greatest number nothing is kept, and `run` refuses.
    fn set(&mut self, id: RegionId, base: *mut u8, size: usize) {
        let at = id.0 as usize;
        if let (Some(slot), Some(bytes)) = (self.bases.get_mut(at), self.bytes.get_mut(at)) {
            (*slot, *bytes) = (base, size);
        }
    }
}

/// A result that a program keeps between its run and its reading.
pub(crate) struct ProgramResult {
    region: RegionId,
    dtype: DType,
    extents: Vec<usize>,
    memory: Block,
}

impl ProgramResult {
    /// A result in a region of `bytes`.
    pub fn new(region: RegionId, name: &str, of: &Type, bytes: usize) -> Result<Self> {
        let extents = of.shape.extents().ok_or_else(|| Error::TooLarge {
            tensor: name.into(),
            shape: format!("({})", of.shape),
        })?;
        Ok(ProgramResult {
            region,
            dtype: of.dtype,
            extents,
            memory: Block::zeroed(name, bytes)?,
        })
    }

    /// Its elements.
    pub fn view(&self) -> ResultView<'_> {
        let bytes = self.extents.iter().product::<usize>() * element_size(self.dtype);
        ResultView {
            dtype: self.dtype,
            extents: &self.extents,
            bytes: &self.memory.bytes()[..bytes],
        }
    }
}

/// A linked program in its part of the schedule.
#[derive(Debug, Clone)]
pub(crate) struct Linked {
    /// What it does, for people.
    pub title: &'static str,
    /// The program.
    pub program: Function,
    /// Where each of its parameters lies.
    pub inputs: Vec<Place>,
    /// Where each of its results goes.
    pub outputs: Vec<Place>,
}

/// An integer argument whose values are indices.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IndexCheck {
    /// Which argument.
    pub argument: usize,
    /// What its elements must be.
    pub bound: sinew_ir::IndexBound,
}

/// A program's kernels in the form their device runs.
enum Code {
    #[cfg(feature = "cpu")]
    Cpu(cpu::Program),
    #[cfg(feature = "gpu")]
    Gpu(crate::gpu::Program),
    /// A build without any code generator.
    #[cfg(not(any(feature = "cpu", feature = "gpu")))]
    #[expect(dead_code, reason = "the type needs a variant")]
    Nowhere,
}

impl Code {
    fn emit(engine: &Engine, schedule: &Schedule, memories: &[(RegionId, Memory)]) -> Result<Code> {
        let _ = (schedule, memories); // each device looks at its own part
        match &engine.settings.device.0 {
            #[cfg(feature = "cpu")]
            DevicePlace::Cpu => {
                let code = cpu::compile(schedule, &cpu::Options::default());
                Ok(Code::Cpu(code.map_err(|source| Error::Cpu {
                    function: engine.unit.path.into(),
                    source: Box::new(source),
                })?))
            }
            #[cfg(not(feature = "cpu"))]
            DevicePlace::Cpu => Err(Error::NoCodeGenerator("cpu")),
            #[cfg(feature = "gpu")]
            DevicePlace::Gpu(device) => {
                let on_gpu = |(id, memory): &(RegionId, Memory)| match memory {
                    Memory::Gpu(memory) => Some((*id, memory.clone())),
                    Memory::Host(_) => None,
                };
                let shared: Vec<_> = memories.iter().filter_map(on_gpu).collect();
                Ok(Code::Gpu(crate::gpu::Program::sharing(
                    device, schedule, &shared,
                )?))
            }
        }
    }
}

/// The regions of the memories that the caller keeps.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Trained parameters.
    pub trained: RegionId,
    /// All others.
    pub fixed: RegionId,
    /// Those of a training step.
    pub step: Option<StepRegions>,
}

/// The regions of the memories that a trainer keeps beside its parameters.
#[derive(Debug, Clone)]
pub(crate) struct StepRegions {
    /// Gradients.
    pub gradients: RegionId,
    /// The optimizer's state.
    pub states: Vec<RegionId>,
    /// The numbers of a step.
    pub scalars: RegionId,
    /// What a step reports.
    pub report: RegionId,
}

/// One program for one set of extents.
pub(crate) struct Program {
    /// The arguments' extents.
    pub extents: Vec<Vec<usize>>,
    /// The programs before scheduling, in order.
    pub linked: Vec<Linked>,
    /// What is checked before a call.
    pub indices: Vec<IndexCheck>,
    /// The kernels.
    pub schedule: Schedule,
    /// The numbers of a step that it takes, for a trainer.
    pub scalars: Vec<StepScalar>,
    /// Its results, for a runner.
    pub results: Vec<ProgramResult>,
    /// The regions of the memories that the caller keeps.
    pub kept: Kept,
    /// Machine code of the kernels.
    code: Code,
    /// The regions and element types of the arguments.
    arguments: Vec<(RegionId, DType)>,
    /// Row-major copies of arguments that do not lie so, made when one comes.
    staging: Vec<Block>,
}

/// Regions as they are laid out for a program.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    all: sinew_codegen::kernel::Regions,
    arguments: Vec<RegionId>,
}

impl Regions {
    /// Adds a region.
    pub fn add(&mut self, name: impl Into<String>, bytes: usize, role: Role) -> RegionId {
        self.all.add(name, bytes, role)
    }

    /// Adds a region for each argument: its bound type's row-major elements.
    pub fn add_arguments(&mut self, inputs: &[Input], program: &Function) -> Result<Vec<Place>> {
        let place = |input: &Input| {
            let bytes = bytes_of(&input.name, &program.values[input.param])?;
            // A space, so that no argument has the name of another region.
            let region = self.add(format!("input {}", input.name), bytes, Role::Input);
            self.arguments.push(region);
            Ok(Place { region, offset: 0 })
        };
        inputs.iter().map(place).collect()
    }
}

/// Bytes of a bound tensor; the name is for the error.
pub(crate) fn bytes_of(name: &str, of: &Type) -> Result<usize> {
    let too_large = || Error::TooLarge {
        tensor: name.into(),
        shape: format!("({})", of.shape),
    };
    let extents = of.shape.extents().ok_or_else(too_large)?;
    extents
        .iter()
        .try_fold(element_size(of.dtype), |n, e| n.checked_mul(*e))
        .filter(|bytes| isize::try_from(*bytes).is_ok_and(|b| b < isize::MAX - ALIGN as isize))
        .ok_or_else(too_large)
}

impl Program {
    /// Schedules and emits the parts. `memories` are those of the regions that a device keeps; else
    /// every call's table has them.
    pub fn compile(
        engine: &Engine,
        linked: Vec<Linked>,
        regions: Regions,
        kept: Kept,
        indices: Vec<IndexCheck>,
        results: Vec<ProgramResult>,
        memories: &[(RegionId, Memory)],
    ) -> Result<Program> {
        let function = || engine.unit.path.to_string();
        let started = Instant::now();
        let parts: Vec<Part<'_>> = linked
            .iter()
            .map(|l| Part {
                name: l.title,
                program: &l.program,
                inputs: l.inputs.clone(),
                outputs: l.outputs.clone(),
            })
            .collect();
        let schedule = schedule(&parts, regions.all).map_err(|source| Error::Schedule {
            function: function(),
            source: Box::new(source),
        })?;
        let scheduled = Instant::now();
        let code = Code::emit(engine, &schedule, memories)?;
        tracing::debug!(
            function = engine.unit.path,
            schedule_ms = (scheduled - started).as_secs_f64() * 1e3,
            emit_ms = scheduled.elapsed().as_secs_f64() * 1e3,
            "kernels"
        );
        Ok(Program {
            extents: Vec::new(),
            linked,
            indices,
            results,
            scalars: Vec::new(),
            code,
            kept,
            arguments: regions
                .arguments
                .into_iter()
                .zip(&engine.inputs)
                .map(|(region, input)| (region, input.dtype))
                .collect(),
            staging: engine.inputs.iter().map(|_| Block::empty()).collect(),
            schedule,
        })
    }

    /// Whether it was compiled for arguments of these extents.
    pub fn fits(&self, arguments: &[ArgView<'_>]) -> bool {
        self.extents.len() == arguments.len()
            && self
                .extents
                .iter()
                .zip(arguments)
                .all(|(e, a)| e.len() == a.rank() && e == a.extents())
    }

    /// The working memory it needs.
    pub fn arena_bytes(&self) -> usize {
        let arena = self.schedule.arena();
        arena.map_or(0, |id| self.schedule.regions[id.0 as usize].bytes)
    }

    /// Runs it over the regions of `table`, which its results and arguments are added to.
    pub fn run(&mut self, mut table: Table<'_>, arguments: &[ArgView<'_>]) -> Result<()> {
        for result in &mut self.results {
            table.set(result.region, result.memory.base(), result.memory.len());
        }
        let given = arguments.iter().zip(&self.arguments);
        for ((argument, (id, dtype)), staging) in given.zip(&mut self.staging) {
            let bytes = argument.elements() * element_size(*dtype);
            let in_place =
                argument.dtype == *dtype && *dtype != DType::Bool && argument.is_contiguous();
            let base = if in_place {
                argument.pointer.cast_mut()
            } else {
                let region = self.schedule.regions.get(id.0 as usize);
                staging.ensure(region.map_or("an argument", |r| &r.name), bytes)?;
                read::stage(argument, *dtype, &mut staging.bytes_mut()[..bytes]);
                staging.base()
            };
            table.set(*id, base, bytes);
        }
        // A GPU's program has an arena of its own.
        let own_arena = match &self.code {
            #[cfg(feature = "gpu")]
            Code::Gpu(_) => true,
            #[cfg(feature = "cpu")]
            Code::Cpu(_) => false,
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Code::Nowhere => false,
        };
        let regions = &self.schedule.regions;
        let count = regions.len();
        let mut sizes = regions.iter().zip(table.bytes);
        let fits = count <= MAX_REGIONS
            && arguments.len() == self.arguments.len()
            && sizes.all(|(region, bytes)| {
                region.bytes <= bytes || (own_arena && region.role == Role::Arena)
            });
        if !fits {
            return Err(Error::Regions { count });
        }
        match &mut self.code {
            #[cfg(feature = "cpu")]
            Code::Cpu(code) => {
                let bases = &table.bases[..count];
                // SAFETY: the table has one pointer for each region of the schedule that this was
                // compiled from, to as many bytes as the region has (checked above). Own memories
                // are borrowed, mutably but for those that the schedule only reads (it was
                // verified); arguments are borrowed, row-major, of the region's element type and
                // aligned to it, and their regions are never written.
                flushed(|| unsafe { code.run(bases) });
                Ok(())
            }
            #[cfg(feature = "gpu")]
            Code::Gpu(code) => {
                for (id, _) in &self.arguments {
                    let at = id.0 as usize;
                    // SAFETY: a borrowed row-major argument of as many bytes, or its staged copy.
                    let bytes =
                        unsafe { std::slice::from_raw_parts(table.bases[at], table.bytes[at]) };
                    code.write_region(*id, 0, bytes)?;
                }
                code.run()?;
                for result in &mut self.results {
                    code.read_region(result.region, 0, result.memory.bytes_mut())?;
                }
                Ok(())
            }
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Code::Nowhere => Err(Error::NoCodeGenerator("cpu")),
        }
    }

    /// The linked programs in text form.
    pub fn linked_text(&self) -> String {
        let mut out = String::new();
        for part in &self.linked {
            let _ = writeln!(out, "; {}\n{}", part.title, part.program);
        }
        out
    }

    /// The kernels in Cranelift's form.
    pub fn clif(&self) -> Result<String> {
        match &self.code {
            #[cfg(feature = "cpu")]
            Code::Cpu(code) => Ok(code.clif()),
            #[cfg(feature = "gpu")]
            Code::Gpu(_) => Err(Error::NoCode("a GPU's kernels are WGSL".into())),
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Code::Nowhere => Err(Error::NoCodeGenerator("cpu")),
        }
    }

    /// The kernels as WGSL.
    #[cfg(feature = "gpu")]
    pub fn wgsl(&self) -> Result<String> {
        use sinew_codegen::wgsl;
        let limits = match &self.code {
            #[cfg(feature = "cpu")]
            Code::Cpu(_) => wgsl::Limits::default(),
            Code::Gpu(code) => code.device().limits(),
        };
        let shaders =
            wgsl::emit(&self.schedule, &limits).map_err(|e| Error::NoCode(e.to_string()))?;
        let mut out = String::new();
        for shader in shaders.shaders {
            let [x, y, z] = shader.groups;
            let _ = writeln!(
                out,
                "// {}: {x} x {y} x {z} groups\n{}",
                shader.name, shader.source
            );
        }
        Ok(out)
    }

    /// The kernels as WGSL.
    #[cfg(not(feature = "gpu"))]
    pub fn wgsl(&self) -> Result<String> {
        Err(Error::NoCodeGenerator("gpu"))
    }

    /// Regions with their sizes, machine code included.
    pub fn memory_text(&self) -> String {
        let mut out = String::new();
        let mut total = 0;
        for region in &self.schedule.regions {
            let access = match region.role.is_written() {
                true => "written",
                false => "read",
            };
            let _ = writeln!(
                out,
                "{:>12} bytes  {access:7}  {}",
                region.bytes, region.name
            );
            total += region.bytes;
        }
        match &self.code {
            #[cfg(feature = "cpu")]
            Code::Cpu(code) => {
                let code = code.code_bytes();
                let _ = writeln!(out, "{code:>12} bytes  run      code");
                total += code;
            }
            #[cfg(feature = "gpu")]
            Code::Gpu(_) => {}
            #[cfg(not(any(feature = "cpu", feature = "gpu")))]
            Code::Nowhere => {}
        }
        let _ = writeln!(out, "{total:>12} bytes           in all");
        out
    }
}
