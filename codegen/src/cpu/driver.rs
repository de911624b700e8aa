//! From a schedule to a program: compiles every kernel and the driver that calls them in order.

use std::collections::BTreeMap;
use std::ops::Range;

use cranelift_codegen::Context;
use cranelift_codegen::ir::{
    AbiParam, ExtFuncData, ExternalName, Function, InstBuilder, Signature, UserFuncName, Value,
    types,
};
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::blocking::BlockedProduct;
use super::clock::{Clock, Teller};
use super::entry::Entry;
use super::frame::Frame;
use super::host::{Caps, Effort, host};
use super::key::CodeKey;
use super::machine::{Compiled, MachineCode};
use super::own::Own;
use super::phases::Phases;
use super::ready::Ready;
use super::shim::Shim;
use super::store::{CodeStore, functions};
use super::team::{Member, Team};
#[cfg(target_arch = "x86_64")]
use super::wide;
use super::{EmitError, Options, calls, contract, nest, scan, scatter, sort, together};
use crate::explain::Threads;
use crate::kernel::{Class, KernelId, Region, RegionKind, Schedule};

/// A compiled schedule: one function that runs every kernel in order.
///
/// The machine code is freed when the program is dropped.
pub struct CompiledSchedule {
    /// The driver, which lies in `code`.
    entry: Entry,
    code_bytes: usize,
    /// Whether a store had the code.
    was_kept: bool,
    /// What each thread has for itself.
    own: Own,
    /// How threads share the schedule, if they do.
    phases: Option<Phases>,
    kernels: Vec<Ready>,
    schedule: Schedule,
    options: Options,
    /// Refers to the plans of `kernels`.
    _code: MachineCode,
}

/// The driver's name; kernels' names have a number.
const DRIVER: &str = "driver";

/// A kernel's parameters: those of [`super::product::Kernel`].
const KERNEL_PARAMETERS: usize = 4;

/// Fewer kernels are no work for a thread more, which takes about as long to start and to come back as one of them.
const KERNELS_OF_A_THREAD: usize = 16;

/// Bytes of what the threads of a step have for themselves, all of them together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadMemory {
    /// Memory of a turn.
    pub turn: usize,
    /// Scratch, a region beside those of the schedule.
    pub scratch: usize,
}

impl ThreadMemory {
    fn of(own: Own, regions: &[Region]) -> ThreadMemory {
        let turns = regions.iter().filter(|r| r.kind == RegionKind::Turn);
        ThreadMemory {
            turn: turns.fold(0, |sum, r| sum.saturating_add(own.region_bytes(r))),
            scratch: own.scratch_bytes(),
        }
    }
}

/// Compiles a schedule for this machine.
///
/// # Errors
///
/// [`EmitError`] if the host has no code generator, an instruction has no meaning for its element
/// type, or memory for the code cannot be had.
pub fn compile(schedule: &Schedule, options: &Options) -> Result<CompiledSchedule, EmitError> {
    compile_for(schedule, options, None)
}

/// As [`compile`], but for code that a store keeps: that is brought into memory as it is, and what is compiled is kept
/// there. What runs is the same to the byte.
///
/// # Errors
///
/// Those of [`compile`]. A store that has nothing, or nothing that can be used, is none.
pub fn compile_stored(
    schedule: &Schedule,
    options: &Options,
    store: &dyn CodeStore,
) -> Result<CompiledSchedule, EmitError> {
    compile_for(schedule, options, Some(store))
}

fn compile_for(
    schedule: &Schedule,
    options: &Options,
    store: Option<&dyn CodeStore>,
) -> Result<CompiledSchedule, EmitError> {
    let (kernels, phases) = Ready::shared(schedule, options);
    let compiler = Compiler::new(&kernels, phases.as_ref(), schedule, options)?;
    let shims = Shim::ALL.iter();
    let shims = shims.map(|shim| (shim.name().to_owned(), shim.address()));
    let plans = kernels.iter().filter_map(|ready| {
        let blocked = ready.blocked.as_deref()?;
        let address = std::ptr::from_ref(blocked).cast();
        Some((BlockedProduct::symbol(&ready.kernel.name), address))
    });
    let imports: Vec<(String, *const u8)> = shims.chain(plans).collect();
    let (functions, was_kept) = match store {
        Some(store) => {
            let names = kernels.iter().map(|ready| ready.kernel.name.as_str());
            let names: Vec<&str> = names.chain([DRIVER]).collect();
            let key = CodeKey::of(schedule, options, &[&*compiler.isa, &*compiler.quick]);
            functions(store, &key, &names, &imports, || compiler.functions())?
        }
        None => (compiler.functions()?, false),
    };
    let (code, address) = MachineCode::link(compiler.isa.clone(), &functions, &imports)?;
    // SAFETY: the driver was compiled with this signature; who calls it owns the code.
    let entry = unsafe { Entry::at(address, phases.is_some(), options.clocked) };
    Ok(CompiledSchedule {
        entry,
        code_bytes: functions.iter().map(Compiled::len).sum(),
        was_kept,
        own: Own::of(&kernels, phases.as_ref(), options),
        phases,
        kernels,
        schedule: schedule.clone(),
        options: options.clone(),
        _code: code,
    })
}

/// What the threads of a schedule have for themselves once it is compiled: as
/// [`CompiledSchedule::thread_memory`], without compiling it.
pub fn thread_memory(schedule: &Schedule, options: &Options) -> ThreadMemory {
    let (kernels, phases) = Ready::shared(schedule, options);
    let own = Own::of(&kernels, phases.as_ref(), options);
    ThreadMemory::of(own, &schedule.regions)
}

impl CompiledSchedule {
    /// Runs every kernel once, in order, on this thread.
    ///
    /// # Panics
    ///
    /// If the table has not one entry a region and one for scratch.
    ///
    /// # Safety
    ///
    /// `table[r]` is the base of region `r`: valid for reads of its [bytes](CompiledSchedule::region_bytes), and for writes where the
    /// region is written, aligned to its elements, for the time of the call, and reached by nobody else.
    /// The last entry is the base of scratch, likewise of [`CompiledSchedule::scratch_bytes`], aligned to 8
    /// bytes, best at a line of the cache. The schedule was verified: the code stays within the regions only then.
    /// What a store had by the schedule's key ([`compile_stored`]) is what it was given by it.
    pub unsafe fn run(&self, table: &[*mut u8]) {
        self.check(table);
        match self.entry {
            // SAFETY: the code lives as long as `self`, and the caller vouches for the table.
            Entry::Alone(entry) => unsafe { entry(table.as_ptr()) },
            // SAFETY: the caller's word; nobody else runs it.
            Entry::Together(_) | Entry::AloneClocked(_) | Entry::TogetherClocked(_) => unsafe {
                self.run_as(table, &Team::new(self.threads()), 0)
            },
        }
    }

    fn check(&self, table: &[*mut u8]) {
        assert_eq!(
            table.len(),
            self.schedule.regions.len() + 1,
            "a base for each region and for scratch"
        );
    }

    /// Does what falls to thread `number` of a team in a step that its other threads run at the same time, or
    /// soon: all of it, if they do not come. Returns once all kernels have run, whoever ran them.
    ///
    /// # Panics
    ///
    /// If the table has not one entry a region and one for scratch, or the team has not as many threads as
    /// [`CompiledSchedule::threads`] says.
    ///
    /// # Safety
    ///
    /// As for [`CompiledSchedule::run`], with one table for all threads, each of which has another number below
    /// that of the team's threads. The team is ready for a step ([`Team::begin`]), or new, when the first of them
    /// calls this, and with the memory of the table it is nobody else's until the last of them has returned. If
    /// there is one thread only, it is the only one that calls this.
    pub unsafe fn run_as(&self, table: &[*mut u8], team: &Team, number: usize) {
        self.check(table);
        match self.entry {
            // SAFETY: the code lives as long as `self`, and the caller vouches for the table.
            Entry::Alone(entry) => unsafe { entry(table.as_ptr()) },
            Entry::Together(entry) => {
                assert_eq!(team.threads(), self.threads(), "a seat for each thread");
                assert!(number < team.threads(), "a seat of the team's");
                let mut member = Member::new(team, number);
                // SAFETY: as above; the function was compiled for teams of so many threads.
                unsafe { entry(table.as_ptr(), &raw mut member, number) };
            }
            Entry::AloneClocked(_) | Entry::TogetherClocked(_) => {
                let mut clock = Clock::new(self.schedule.runs().len());
                // SAFETY: the caller's word.
                unsafe { self.run_clocked(table, team, number, &mut clock) }
            }
        }
    }

    /// As [`CompiledSchedule::run_as`]; code that was compiled as [`Options::clocked`] tells the clock of each run,
    /// by its place in [`Schedule::runs`].
    ///
    /// # Panics
    ///
    /// As [`CompiledSchedule::run_as`].
    ///
    /// # Safety
    ///
    /// As for [`CompiledSchedule::run_as`].
    pub unsafe fn run_clocked(
        &self,
        table: &[*mut u8],
        team: &Team,
        number: usize,
        clock: &mut Clock,
    ) {
        self.check(table);
        clock.start();
        match self.entry {
            // SAFETY: the caller's word.
            Entry::Alone(_) | Entry::Together(_) => unsafe { self.run_as(table, team, number) },
            // SAFETY: the code lives as long as `self`, and the caller vouches for the table.
            Entry::AloneClocked(entry) => unsafe { entry(table.as_ptr(), clock) },
            Entry::TogetherClocked(entry) => {
                assert_eq!(team.threads(), self.threads(), "a seat for each thread");
                assert!(number < team.threads(), "a seat of the team's");
                let mut member = Member::new(team, number);
                // SAFETY: as above; the function was compiled for teams of so many threads.
                unsafe { entry(table.as_ptr(), &raw mut member, number, clock) };
            }
        }
    }

    /// How many threads share a step: 1 if it gains nothing by more.
    pub fn threads(&self) -> usize {
        self.phases.as_ref().map_or(1, |phases| phases.threads)
    }

    /// How threads share the schedule's runs, and where they wait for each other; none if there is one only.
    pub fn shares(&self) -> Option<Threads> {
        self.phases.as_ref().map(Phases::explained)
    }

    /// The Cranelift text of every kernel and of the driver, before optimisation: the same whenever
    /// the schedule and the host are.
    pub fn clif(&self) -> String {
        let phases = self.phases.as_ref();
        let compiler = Compiler::new(&self.kernels, phases, &self.schedule, &self.options);
        let Ok(compiler) = compiler else {
            return String::new();
        };
        let mut text = String::new();
        let mut builder = FunctionBuilderContext::new();
        for ready in &self.kernels {
            let mut function = Function::new();
            text.push_str(&format!("; {}\n", ready.kernel.name));
            match compiler.emit(ready, &mut function, &mut builder) {
                Ok(()) => text.push_str(&function.display().to_string()),
                Err(e) => text.push_str(&format!("; {e}\n")),
            }
            text.push('\n');
        }
        let mut function = Function::new();
        match compiler.emit_driver(&mut function, &mut builder) {
            Ok(()) => text.push_str(&function.display().to_string()),
            Err(e) => text.push_str(&format!("; {e}\n")),
        }
        text
    }

    /// Which kernels have which vectors, and who wrote their code: a line for each.
    pub fn emitters(&self) -> String {
        let mut kernels: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for ready in &self.kernels {
            let name = ready.kernel.name.as_str();
            let emitter = ready.emitter(&self.options);
            kernels.entry(emitter).or_default().push(name);
        }
        let lines = kernels.into_iter();
        let lines = lines.map(|(emitter, names)| format!("{emitter}: {}\n", names.join(" ")));
        lines.collect()
    }

    /// Bytes that a run needs beside the regions, on all threads. They mean nothing before and after.
    pub fn scratch_bytes(&self) -> usize {
        self.own.scratch_bytes()
    }

    /// Bytes that a run needs of a region of the schedule: what the schedule says, and of memory of a turn as
    /// much for each thread.
    pub fn region_bytes(&self, region: &Region) -> usize {
        self.own.region_bytes(region)
    }

    /// What threads have for themselves, all of them together.
    pub fn thread_memory(&self) -> ThreadMemory {
        ThreadMemory::of(self.own, &self.schedule.regions)
    }

    /// Whether the code was kept by a store, so that none was written.
    pub fn was_kept(&self) -> bool {
        self.was_kept
    }

    /// Bytes of machine code.
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
    }
}

/// What compilation needs at every step.
struct Compiler<'s> {
    kernels: &'s [Ready],
    phases: Option<&'s Phases>,
    isa: OwnedTargetIsa,
    /// As `isa`, for functions that call others and compute nothing.
    quick: OwnedTargetIsa,
    caps: Caps,
    schedule: &'s Schedule,
    options: &'s Options,
}

impl<'s> Compiler<'s> {
    fn new(
        kernels: &'s [Ready],
        phases: Option<&'s Phases>,
        schedule: &'s Schedule,
        options: &'s Options,
    ) -> Result<Compiler<'s>, EmitError> {
        let (isa, caps) = host(options, Effort::Code)?;
        let (quick, _) = host(options, Effort::Compiling)?;
        Ok(Compiler {
            kernels,
            phases,
            isa,
            quick,
            caps,
            schedule,
            options,
        })
    }

    /// A function of so many pointers or numbers.
    fn signature(&self, pointers: usize) -> Signature {
        let mut signature = Signature::new(self.isa.default_call_conv());
        let pointers = std::iter::repeat_n(AbiParam::new(types::I64), pointers);
        signature.params.extend(pointers);
        signature
    }

    /// Every kernel in order, and the driver.
    fn functions(&self) -> Result<Vec<Compiled>, EmitError> {
        let mut functions = self.kernels()?;
        functions.push(self.driver()?);
        Ok(functions)
    }

    /// Every kernel, in order.
    fn kernels(&self) -> Result<Vec<Compiled>, EmitError> {
        let kernels = self.kernels;
        let useful = kernels.len().div_ceil(KERNELS_OF_A_THREAD);
        let threads = self.options.compile_threads.min(useful).max(1);
        if threads == 1 {
            let mut worker = Worker::new();
            return kernels
                .iter()
                .map(|k| self.kernel(k, &mut worker))
                .collect();
        }
        let next = std::sync::atomic::AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, Compiled)>, EmitError> {
            let mut worker = Worker::new();
            let mut done = Vec::new();
            loop {
                let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(kernel) = kernels.get(i) else {
                    return Ok(done);
                };
                done.push((i, self.kernel(kernel, &mut worker)?));
            }
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut results = vec![work()];
            for other in others {
                results.push(other.join().unwrap_or_else(|panic| {
                    // A panic of the code generator goes on where it would without threads.
                    std::panic::resume_unwind(panic)
                }));
            }
            let mut functions = Vec::with_capacity(kernels.len());
            for result in results {
                functions.extend(result?);
            }
            functions.sort_by_key(|(i, _)| *i);
            Ok(functions.into_iter().map(|(_, f)| f).collect())
        })
    }

    fn kernel(&self, ready: &Ready, worker: &mut Worker) -> Result<Compiled, EmitError> {
        worker.context.clear();
        self.emit(ready, &mut worker.context.func, &mut worker.builder)?;
        #[cfg(target_arch = "x86_64")]
        if let Some(width) = ready.width(self.options) {
            let (context, isa) = (&mut worker.context, &*self.isa);
            return wide::compile(context, isa, width, &ready.kernel.name);
        }
        let isa = match ready.only_calls() {
            true => &self.quick,
            false => &self.isa,
        };
        worker.compile(&**isa, &ready.kernel.name)
    }

    /// Writes a kernel's function.
    fn emit(
        &self,
        ready: &Ready,
        function: &mut Function,
        builder: &mut FunctionBuilderContext,
    ) -> Result<(), EmitError> {
        let kernel = &ready.kernel;
        function.signature = self.signature(KERNEL_PARAMETERS);
        function.name = UserFuncName::testcase(&kernel.name);
        let builder = FunctionBuilder::new(function, builder);
        let mut f = Frame::new(builder, kernel, ready.shared, self.caps, self.options);
        match &kernel.class {
            Class::Nest(n) => nest::nest(&mut f, n)?,
            Class::Contract(c) => contract::contract(&mut f, c, ready.blocked.as_deref())?,
            Class::Scatter(s) => scatter::scatter(&mut f, s)?,
            Class::Scan(s) => scan::scan(&mut f, s)?,
            Class::Sort(s) => sort::sort(&mut f, s)?,
        }
        f.finish(self.isa.frontend_config());
        Ok(())
    }

    /// The driver.
    fn driver(&self) -> Result<Compiled, EmitError> {
        let mut worker = Worker::new();
        self.emit_driver(&mut worker.context.func, &mut worker.builder)?;
        worker.compile(&*self.quick, DRIVER)
    }

    /// Writes the driver's function: a call for each run of a kernel, in the loops around it.
    fn emit_driver(
        &self,
        function: &mut Function,
        builder: &mut FunctionBuilderContext,
    ) -> Result<(), EmitError> {
        let parameters = self.phases.map_or(1, |_| together::PARAMETERS);
        let clocked = self.options.clocked;
        function.signature = self.signature(parameters + usize::from(clocked));
        function.name = UserFuncName::testcase(DRIVER);
        let mut b = FunctionBuilder::new(function, builder);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let signature = b.import_signature(self.signature(KERNEL_PARAMETERS));
        let no_block = b.ins().iconst(types::I64, 0);
        let call = |b: &mut FunctionBuilder<'_>, ready: &Ready, slots, [low, high]: [Value; 2]| {
            let kernel = b.import_function(ExtFuncData {
                name: ExternalName::testcase(&ready.kernel.name),
                signature,
                colocated: true,
                patchable: false,
            });
            b.ins().call(kernel, &[slots, no_block, low, high]);
        };
        let known = |b: &mut FunctionBuilder<'_>, bounds: Range<usize>| {
            [bounds.start, bounds.end].map(|at| b.ins().iconst(types::I64, at as i64))
        };
        let params: Vec<Value> = b.block_params(entry).to_vec();
        let kernel = |id: KernelId| self.kernels.get(id.0 as usize);
        let clock = params.last().filter(|_| clocked);
        let clock = clock.map(|clock| Teller::new(&mut b, *clock));
        match (self.phases, &params[..]) {
            (Some(phases), &[table, member, number, ..]) => together::together(
                &mut b,
                (self.schedule, phases),
                Own::of(self.kernels, self.phases, self.options),
                [table, member, number],
                clock,
                &mut |b, id, slots, bounds| {
                    if let Some(ready) = kernel(id) {
                        let bounds = bounds.unwrap_or_else(|| known(b, 0..ready.split.extent));
                        call(b, ready, slots, bounds);
                    }
                },
            )?,
            _ => calls::calls(
                &mut b,
                self.schedule,
                params[0],
                clock,
                &mut |b, id, slots, share| {
                    if let Some(ready) = kernel(id) {
                        let bounds = ready.split.bounds(share, ready.parallel);
                        if !bounds.is_empty() {
                            let bounds = known(b, bounds);
                            call(b, ready, slots, bounds);
                        }
                    }
                },
            )?,
        }
        b.ins().return_(&[]);
        b.seal_all_blocks();
        b.finalize(self.isa.frontend_config());
        Ok(())
    }
}

/// A thread's reusable memory.
struct Worker {
    context: Context,
    builder: FunctionBuilderContext,
}

impl Worker {
    fn new() -> Worker {
        Worker {
            context: Context::new(),
            builder: FunctionBuilderContext::new(),
        }
    }

    /// Compiles the function in `context`.
    fn compile(&mut self, isa: &dyn TargetIsa, name: &str) -> Result<Compiled, EmitError> {
        let compiled = self
            .context
            .compile(isa, &mut Default::default())
            .map_err(|e| EmitError::Codegen {
                kernel: name.to_owned(),
                message: format!("{:?}", e.inner),
            })?;
        Compiled::new(name, compiled)
    }
}
