//! From a schedule to a program: compiles every kernel and the driver that calls them in order.

use cranelift_codegen::Context;
use cranelift_codegen::ir::{
    AbiParam, ExtFuncData, ExternalName, Function, InstBuilder, Signature, UserFuncName, types,
};
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::blocking::BlockedProduct;
use super::frame::Frame;
use super::host::{Caps, Effort, host};
use super::machine::{Compiled, MachineCode};
use super::share::SplitLoop;
use super::shim::Shim;
#[cfg(target_arch = "x86_64")]
use super::wide;
use super::{EmitError, Options, calls, contract, nest, own_tile, scan, scatter, sort};
use crate::kernel::{Class, Kernel, Schedule};

/// A compiled schedule: one function that runs every kernel in order.
///
/// The machine code is freed when the program is dropped.
pub struct CompiledSchedule {
    /// The driver, which lies in `code`.
    entry: Entry,
    code_bytes: usize,
    scratch_bytes: usize,
    regions: usize,
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

/// The driver's type: it gets the table of bases.
type Entry = unsafe extern "C" fn(*const *mut u8);

/// Compiles a schedule for this machine.
///
/// # Errors
///
/// [`EmitError`] if the host has no code generator, an instruction has no meaning for its element
/// type, or memory for the code cannot be had.
pub fn compile(schedule: &Schedule, options: &Options) -> Result<CompiledSchedule, EmitError> {
    let kernels = Ready::all(schedule, options);
    let compiler = Compiler::new(&kernels, schedule, options)?;
    let mut functions = compiler.kernels()?;
    functions.push(compiler.driver()?);
    let shims = Shim::ALL.iter();
    let shims = shims.map(|shim| (shim.name().to_owned(), shim.address()));
    let plans = kernels.iter().filter_map(|ready| {
        let blocked = ready.blocked.as_deref()?;
        let address = std::ptr::from_ref(blocked).cast();
        Some((BlockedProduct::symbol(&ready.kernel.name), address))
    });
    let imports: Vec<(String, *const u8)> = shims.chain(plans).collect();
    let (code, entry) = MachineCode::link(compiler.isa.clone(), &functions, &imports)?;
    let scratch = kernels.iter().map(|k| k.scratch_bytes(options));
    // SAFETY: the driver was compiled with this signature; who calls it owns the code.
    let entry = unsafe { std::mem::transmute::<*const u8, Entry>(entry) };
    Ok(CompiledSchedule {
        entry,
        code_bytes: functions.iter().map(Compiled::len).sum(),
        scratch_bytes: scratch.max().unwrap_or(0),
        regions: schedule.regions.len(),
        kernels,
        schedule: schedule.clone(),
        options: options.clone(),
        _code: code,
    })
}

/// Bytes of scratch that a schedule needs beside its regions once it is compiled: as
/// [`CompiledSchedule::scratch_bytes`], without compiling it.
pub fn scratch_bytes(schedule: &Schedule, options: &Options) -> usize {
    let kernels = Ready::all(schedule, options);
    let each = kernels.iter().map(|k| k.scratch_bytes(options));
    each.max().unwrap_or(0)
}

impl CompiledSchedule {
    /// Runs every kernel once, in order.
    ///
    /// # Panics
    ///
    /// If the table has not one entry a region and one for scratch.
    ///
    /// # Safety
    ///
    /// `table[r]` is the base of region `r`: valid for reads of its `bytes`, and for writes where the
    /// region is written, aligned to its elements, for the time of the call, and reached by nobody else.
    /// The last entry is the base of scratch, likewise of [`CompiledSchedule::scratch_bytes`], aligned to 8
    /// bytes, best at a line of the cache. The schedule was verified: the code stays within the regions only then.
    pub unsafe fn run(&self, table: &[*mut u8]) {
        assert_eq!(
            table.len(),
            self.regions + 1,
            "a base for each region and for scratch"
        );
        // SAFETY: the code lives as long as `self`, and the caller vouches for the table.
        unsafe { (self.entry)(table.as_ptr()) };
    }

    /// The Cranelift text of every kernel and of the driver, before optimisation: the same whenever
    /// the schedule and the host are.
    pub fn clif(&self) -> String {
        let compiler = Compiler::new(&self.kernels, &self.schedule, &self.options);
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

    /// Bytes that a run needs beside the regions. They mean nothing before and after.
    pub fn scratch_bytes(&self) -> usize {
        self.scratch_bytes
    }

    /// Bytes of machine code.
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
    }
}

/// A kernel as it is emitted: contractions turned and planned.
struct Ready {
    kernel: Kernel,
    /// Stays where it is: code has its address.
    blocked: Option<Box<BlockedProduct>>,
    /// The loop that calls split, and the extent of the schedule's axis that it stands for.
    split: SplitLoop,
    parallel: usize,
    /// Whether any call runs a share of it.
    shared: bool,
}

impl Ready {
    fn all(schedule: &Schedule, options: &Options) -> Vec<Ready> {
        let plain = |kernel: &Kernel, split: SplitLoop| Ready {
            kernel: kernel.clone(),
            blocked: None,
            split,
            parallel: kernel.parallel(),
            shared: false,
        };
        let ready = |kernel: &Kernel| match &kernel.class {
            Class::Nest(n) => plain(kernel, nest::split_loop(&kernel.slots, n, options)),
            Class::Scatter(s) => plain(kernel, SplitLoop::over(&s.outer)),
            Class::Scan(s) => plain(kernel, scan::split_loop(&kernel.slots, s, options)),
            Class::Sort(s) => plain(kernel, SplitLoop::over(&s.outer)),
            Class::Contract(c) => {
                let c = contract::oriented(c);
                let blocked = contract::choose_blocking(&c, options).map(Box::new);
                Ready {
                    split: contract::split_loop(&kernel.slots, &c, blocked.as_deref(), options),
                    blocked,
                    parallel: kernel.parallel(),
                    shared: false,
                    kernel: Kernel {
                        name: kernel.name.clone(),
                        slots: kernel.slots.clone(),
                        class: Class::Contract(c),
                    },
                }
            }
        };
        let mut all: Vec<Ready> = schedule.kernels.iter().map(ready).collect();
        for run in schedule.runs().iter().filter(|run| !run.cuts.is_empty()) {
            if let Some(ready) = all.get_mut(run.kernel.0 as usize) {
                ready.shared = true;
            }
        }
        all
    }

    /// The wide back end's vectors, if it writes the kernel: all but those whose loops are calls of
    /// functions.
    #[cfg(target_arch = "x86_64")]
    fn width(&self, options: &Options) -> Option<wide::Width> {
        match &self.kernel.class {
            Class::Sort(_) => None,
            Class::Contract(_) if self.only_calls() => None,
            Class::Nest(_) | Class::Contract(_) | Class::Scatter(_) | Class::Scan(_) => {
                wide::Width::of(options.used_vectors())
            }
        }
    }

    /// Whether all that the kernel's function does is a call of the tiles.
    fn only_calls(&self) -> bool {
        match (&self.kernel.class, &self.blocked) {
            (Class::Contract(c), Some(b)) => c.batch.is_empty() && !b.calls_back(),
            (Class::Contract(_), None)
            | (Class::Nest(_) | Class::Scatter(_) | Class::Scan(_) | Class::Sort(_), _) => false,
        }
    }

    /// Bytes that the kernel needs beside its slots.
    fn scratch_bytes(&self, options: &Options) -> usize {
        match (&self.kernel.class, &self.blocked) {
            (Class::Nest(n), _) => nest::scratch_bytes(&self.kernel.slots, n, options),
            (Class::Contract(_), Some(blocked)) => blocked.scratch_bytes(),
            (Class::Sort(s), _) => sort::scratch_bytes(s),
            (Class::Contract(c), None) => own_tile::scratch_bytes(&self.kernel.slots, c, options),
            (Class::Scatter(_) | Class::Scan(_), _) => 0,
        }
    }
}

/// What compilation needs at every step.
struct Compiler<'s> {
    kernels: &'s [Ready],
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
        schedule: &'s Schedule,
        options: &'s Options,
    ) -> Result<Compiler<'s>, EmitError> {
        let (isa, caps) = host(options, Effort::Code)?;
        let (quick, _) = host(options, Effort::Compiling)?;
        Ok(Compiler {
            kernels,
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

    /// Every kernel, in order.
    fn kernels(&self) -> Result<Vec<Compiled>, EmitError> {
        let kernels = self.kernels;
        let threads = self.options.compile_threads.clamp(1, kernels.len().max(1));
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
        function.signature = self.signature(1);
        function.name = UserFuncName::testcase(DRIVER);
        let mut b = FunctionBuilder::new(function, builder);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let table = b.block_params(entry)[0];
        let signature = b.import_signature(self.signature(KERNEL_PARAMETERS));
        let no_block = b.ins().iconst(types::I64, 0);
        calls::calls(
            &mut b,
            self.schedule,
            table,
            &mut |b, kernel, slots, share| {
                let Some(ready) = self.kernels.get(kernel.0 as usize) else {
                    return;
                };
                let bounds = ready.split.bounds(share, ready.parallel);
                if bounds.is_empty() {
                    return;
                }
                let [low, high] =
                    [bounds.start, bounds.end].map(|at| b.ins().iconst(types::I64, at as i64));
                let kernel = b.import_function(ExtFuncData {
                    name: ExternalName::testcase(&ready.kernel.name),
                    signature,
                    colocated: true,
                    patchable: false,
                });
                b.ins().call(kernel, &[slots, no_block, low, high]);
            },
        )?;
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
