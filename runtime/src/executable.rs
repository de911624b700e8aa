//! One function compiled for one set of extents: what it runs, and what its calls need to know.

use crate::arg::ArgView;
#[cfg(feature = "cpu")]
use crate::backend::Bound;
use crate::backend::{ALIGN, Clocked, Code, Compiling, Launch};
use crate::budget::{Fitted, Working, largest};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::groups::StepNumber;
use crate::key::Key;
use crate::layout::{Changed, Section};
use crate::output::ResultView;
use crate::probes::Patched;
use crate::regions::{Order, Regions, Role, Table, bytes_of};
use crate::threads::Threads;
use crate::workspace::Workspace;
use sinew_codegen::cost::Target;
use sinew_codegen::decision::PartDecisions;
use sinew_codegen::explain;
use sinew_codegen::kernel::{Region, RegionKind, Schedule};
use sinew_codegen::schedule::{Part, RegionOffset, ScheduleError, schedule_with_decisions};
use sinew_codegen::work::Lap;
use sinew_ir::{DType, Function, IndexBound, Type, Worth, slicewise};
use std::fmt::Write as _;
use std::time::Instant;

/// A function compiled for one set of extents. It never changes and holds no memory of runs.
pub(crate) struct Executable {
    /// The linked functions, in order.
    pub linked: Vec<Linked>,
    /// What is checked before a call.
    pub indices: Vec<IndexCheck>,
    /// The kernels.
    pub schedule: Schedule,
    /// How the schedule came about.
    decisions: Vec<PartDecisions>,
    /// What is computed again to fit a budget of memory.
    fitted: Option<Fitted>,
    /// For how many threads it was compiled.
    threads: Threads,
    /// The numbers of a step that it takes, for a trainer.
    pub numbers: Vec<StepNumber>,
    /// The results that a call reads: all of them, or those behind the loss of a step.
    pub results: Vec<ResultType>,
    /// What a runner or trainer looks at, which stands behind the function's results.
    pub captured: Vec<String>,
    /// What a runner gives in the place of values, behind the arguments.
    pub patched: Vec<Patched>,
    /// The states that a run changes, in place.
    pub changed: Vec<Changed>,
    /// For each model, what of its memory a run writes.
    pub writes: Vec<Writes>,
    /// Where the region of each role stands.
    order: Order,
    /// The kernels in the form their device runs.
    code: Code,
}

/// What goes into a program.
pub(crate) struct Source {
    /// The linked functions, in order.
    pub linked: Vec<Linked>,
    /// Their regions.
    pub regions: Regions,
    /// What is checked before a call.
    pub indices: Vec<IndexCheck>,
    /// The numbers of a step that it takes, for a trainer.
    pub numbers: Vec<StepNumber>,
    /// The results that a call reads: all of them, or those behind the loss of a step.
    pub results: Vec<ResultType>,
    /// What a runner or trainer looks at, which stands behind the function's results.
    pub captured: Vec<String>,
    /// What a runner gives in the place of values, behind the arguments.
    pub patched: Vec<Patched>,
    /// The states that it changes.
    pub changed: Vec<Changed>,
    /// For each model, what of its memory a run writes.
    pub writes: Vec<Writes>,
}

/// What of a model's memory a run writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Writes {
    /// Whether leaves in the section of that name.
    pub trained: bool,
    /// Whether others.
    pub fixed: bool,
}

impl Writes {
    /// Whether any leaves.
    pub fn any(self) -> bool {
        self.trained || self.fixed
    }

    /// Whether leaves in a section.
    pub fn section(self, section: Section) -> bool {
        match section {
            Section::Trained => self.trained,
            Section::Fixed => self.fixed,
        }
    }

    /// Adds a section.
    pub fn add(&mut self, section: Section) {
        match section {
            Section::Trained => self.trained = true,
            Section::Fixed => self.fixed = true,
        }
    }
}

/// A linked function in its part of the schedule.
#[derive(Debug, Clone)]
pub(crate) struct Linked {
    /// What it does, for people.
    pub title: &'static str,
    /// The function.
    pub function: Function,
    /// Where each of its parameters lies.
    pub inputs: Vec<RegionOffset>,
    /// Where each of its results goes.
    pub outputs: Vec<RegionOffset>,
}

/// An integer argument whose values are indices.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IndexCheck {
    /// Which argument.
    pub argument: usize,
    /// What its elements must be.
    pub bound: IndexBound,
}

/// A result that a call reads.
#[derive(Debug)]
pub(crate) struct ResultType {
    /// Its name, for errors.
    pub name: String,
    /// Its element type.
    pub dtype: DType,
    /// Its extents.
    pub extents: Vec<usize>,
    /// Bytes of its elements.
    pub bytes: usize,
    /// Bytes of its region.
    pub region_bytes: usize,
}

impl ResultType {
    /// Result `i` of a function.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn new(i: usize, ty: &Type) -> Result<ResultType> {
        let name = format!("result {i}");
        let bytes = bytes_of(&name, ty)?;
        Ok(ResultType {
            dtype: ty.dtype,
            extents: ty.shape.extents().unwrap_or_default(),
            region_bytes: bytes.next_multiple_of(ALIGN),
            bytes,
            name,
        })
    }

    /// It in the bytes of its region.
    pub fn view<'a>(&'a self, region: &'a [u8]) -> ResultView<'a> {
        ResultView {
            dtype: self.dtype,
            extents: &self.extents,
            bytes: &region[..self.bytes],
        }
    }

    /// Adds a region for it, that of result `i` of a run.
    pub fn add(&self, regions: &mut Regions, i: usize) -> RegionOffset {
        let (name, bytes) = (self.name.clone(), self.region_bytes);
        let region = regions.add(Role::Result(i), name, bytes, RegionKind::Output);
        RegionOffset { region, offset: 0 }
    }
}

/// A source with its schedule: all but the code.
pub(crate) struct Planned {
    source: Source,
    roles: Vec<Role>,
    schedule: Schedule,
    decisions: Vec<PartDecisions>,
    started: Instant,
    scheduled: Instant,
    threads: Threads,
    working: Working,
}

impl Planned {
    /// Schedules the functions for so many threads at the most.
    ///
    /// # Errors
    /// Functions without a schedule.
    pub fn new(engine: &Engine, mut source: Source, threads: Threads) -> Result<Planned> {
        let function = engine.unit.path;
        let started = Instant::now();
        let backend = &engine.settings.device.0;
        if backend.target() == Target::Cpu {
            for linked in &mut source.linked {
                let done = slicewise(&mut linked.function, Worth::default());
                done.map_err(|refused| Error::Schedule {
                    function: function.into(),
                    source: Box::new(ScheduleError::NotLinked(refused.to_string())),
                })?;
            }
        }
        let parts: Vec<Part<'_>> = source
            .linked
            .iter()
            .map(|l| Part {
                name: l.title,
                program: &l.function,
                inputs: l.inputs.clone(),
                outputs: l.outputs.clone(),
            })
            .collect();
        let regions = std::mem::replace(&mut source.regions, Regions::new());
        let (mut roles, regions) = regions.finish();
        let scheduled = schedule_with_decisions(&parts, regions, backend.target());
        let (schedule, decisions) = scheduled.map_err(|source| Error::Schedule {
            function: function.into(),
            source: Box::new(source),
        })?;
        // The scheduler adds one behind those that it was given, if any.
        let added = schedule.regions.iter().skip(roles.len());
        roles.extend(added.map(|_| Role::Turn));
        Ok(Planned {
            working: backend.working(&schedule, threads)?,
            threads,
            source,
            roles,
            schedule,
            decisions,
            started,
            scheduled: Instant::now(),
        })
    }

    /// How many threads it is for at the most.
    pub fn threads(&self) -> Threads {
        self.threads
    }

    /// Bytes between kernels, and those that threads need for themselves.
    pub fn working(&self) -> Working {
        self.working
    }

    /// The values between kernels that take the most bytes, in words.
    pub fn largest(&self, count: usize) -> Vec<String> {
        largest(&self.schedule, &self.source.linked, count)
    }

    /// Compiles the kernels; `fitted` tells what was done to fit a budget.
    ///
    /// # Errors
    /// A schedule that cannot become code for the engine's device.
    pub fn compile(self, engine: &Engine, fitted: Option<Fitted>) -> Result<Executable> {
        let function = engine.unit.path;
        let Planned {
            source,
            mut roles,
            schedule,
            decisions,
            started,
            scheduled,
            threads,
            working: _,
        } = self;
        let backend = &engine.settings.device.0;
        let how = Compiling::by(engine, threads);
        let code = backend.compile(&schedule, how)?;
        roles.extend(code.scratch().map(|_| Role::Scratch));
        tracing::debug!(
            function,
            schedule_ms = (scheduled - started).as_secs_f64() * 1e3,
            emit_ms = scheduled.elapsed().as_secs_f64() * 1e3,
            "kernels"
        );
        Ok(Executable {
            linked: source.linked,
            indices: source.indices,
            numbers: source.numbers,
            results: source.results,
            captured: source.captured,
            patched: source.patched,
            changed: source.changed,
            writes: source.writes,
            order: Order::of(&roles),
            schedule,
            decisions,
            fitted,
            threads,
            code,
        })
    }
}

impl Executable {
    /// Schedules the functions and compiles their kernels.
    ///
    /// # Errors
    /// Functions without a schedule; a schedule that cannot become code for the engine's device.
    pub fn compile(engine: &Engine, source: Source) -> Result<Executable> {
        Planned::new(engine, source, engine.settings.threads)?.compile(engine, None)
    }

    /// The region of a role.
    pub fn region(&self, role: Role) -> Option<&Region> {
        self.code.regions().get(self.place(role)?)
    }

    /// Whether its machine code was kept on disk.
    pub fn was_kept(&self) -> bool {
        self.code.was_kept()
    }

    /// About how much memory it takes: machine code, and the texts it is printed from.
    pub fn weight(&self) -> usize {
        // A value has its type, its instruction and what became of these in kernels.
        const VALUE: usize = 1 << 10;
        // What a driver keeps of a shader, which it does not say.
        const SHADER: usize = 16 << 10;
        let values: usize = self.linked.iter().map(|l| l.function.values.len()).sum();
        let shaders = || SHADER * self.schedule.kernels.len();
        VALUE * values + self.code.code_bytes().unwrap_or_else(shaders)
    }

    /// Bytes of the region of a role; 0 where there is none.
    pub fn bytes(&self, role: Role) -> usize {
        self.region(role).map_or(0, |r| r.bytes)
    }

    /// A table for the memory of a run.
    pub fn table(&self) -> Table<'_> {
        Table::new(&self.order)
    }

    /// Runs it over the memory of `table`, to which `workspace`, the `key` and `arguments` are added.
    /// Results are there when they are fetched.
    ///
    /// # Errors
    /// Too little memory for copies of arguments; what a GPU cannot do.
    pub fn run<'a>(
        &self,
        launch: &mut Launch,
        workspace: &'a mut Workspace,
        table: &mut Table<'a>,
        key: Key,
        arguments: &[ArgView<'a>],
    ) -> Result<()> {
        workspace.fill(table, key, arguments)?;
        table.over(|slots| match launch.clocked.take() {
            None => self.code.run(launch, slots),
            Some(mut clocked) => {
                let done = clocked.code.run_clocked(launch, slots, &mut clocked.laps);
                launch.clocked = Some(clocked);
                done
            }
        })
    }

    /// Its code once more, with a clock, for a launch of it.
    ///
    /// # Errors
    /// As [`Executable::compile`]; [`Error::NoClock`].
    pub fn clocked(&self, engine: &Engine) -> Result<Box<Clocked>> {
        let backend = &engine.settings.device.0;
        let how = Compiling {
            clocked: true,
            ..Compiling::by(engine, self.threads)
        };
        let code = backend.compile(&self.schedule, how)?;
        Ok(Box::new(Clocked {
            code,
            laps: vec![Lap::default(); self.schedule.runs().len()],
        }))
    }

    /// On how many threads it runs at the most.
    pub fn thread_count(&self) -> usize {
        self.code.shares().map_or(1, |threads| threads.count)
    }

    /// As [`Executable::run`], but leaves it to `work` how often it runs, over the same memory: by what it is bound to, in
    /// which regions have the place that [`Executable::place`] tells.
    ///
    /// # Errors
    /// Too little memory for copies of arguments; code of a GPU; as `work`.
    #[cfg(feature = "cpu")]
    pub fn bind<'a, T>(
        &self,
        workspace: &'a mut Workspace,
        table: &mut Table<'a>,
        key: Key,
        arguments: &[ArgView<'a>],
        work: impl FnOnce(Bound<'_, 'a>) -> Result<T>,
    ) -> Result<T> {
        workspace.fill(table, key, arguments)?;
        table.over(|slots| work(self.code.bind(slots)?))
    }

    /// Whether it may be bound: whether its runs read and write memory of the host.
    #[cfg(feature = "cpu")]
    pub fn is_on_host(&self) -> bool {
        self.code.is_on_host()
    }

    /// The place of a role among the regions.
    pub fn place(&self, role: Role) -> Option<usize> {
        self.order.place(role)
    }

    /// The kernels, their work and the memory plan; then who wrote their code, what was decided on the way to
    /// them, and what is computed again.
    pub fn explained(&self) -> String {
        let fitted = self
            .fitted
            .as_ref()
            .map_or(String::new(), Fitted::to_string);
        let shares = self.code.shares();
        explain::explain_on_threads(&self.schedule, shares.as_ref())
            + &self.code.emitters()
            + &explain::decisions(&self.decisions)
            + &fitted
    }

    /// The linked functions in text form.
    pub fn linked_text(&self) -> String {
        let mut out = String::new();
        for part in &self.linked {
            let _ = writeln!(out, "; {}\n{}", part.title, part.function);
        }
        out
    }

    /// The kernels in Cranelift's form.
    ///
    /// # Errors
    /// [`Error::NoCode`] on a GPU.
    pub fn clif(&self) -> Result<String> {
        self.code.clif()
    }

    /// Regions with their sizes, machine code and what `workspace` keeps included.
    pub fn memory_text(&self, workspace: &Workspace) -> String {
        let mut out = String::new();
        let mut total = 0;
        for region in self.code.regions() {
            let access = if region.kind.is_written() {
                "written"
            } else {
                "read"
            };
            let _ = writeln!(
                out,
                "{:>12} bytes  {access:7}  {}",
                region.bytes, region.name
            );
            total += region.bytes;
        }
        if let Some(code) = self.code.code_bytes() {
            let _ = writeln!(out, "{code:>12} bytes  run      code");
            total += code;
        }
        total += workspace.kept_text(self, &mut out);
        let _ = writeln!(out, "{total:>12} bytes           in all");
        out
    }
}

impl<'a> Compiling<'a> {
    /// As an engine is told to, for so many threads.
    fn by(engine: &'a Engine, threads: Threads) -> Compiling<'a> {
        Compiling {
            function: engine.unit.path,
            threads,
            compile_threads: engine.settings.threads.count,
            code_cache: engine.settings.code_cache.as_ref(),
            clocked: false,
        }
    }
}
