//! From a schedule to a program: compiles every kernel and the driver that calls them in order.

use cranelift_codegen::Context;
use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, Signature, UserFuncName, types};
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::blocking::Plan;
use super::frame::Frame;
use super::host::{Caps, host};
use super::image::{Draft, Image};
use super::{EmitError, Options, calls, contract, nest, scatter};
use crate::kernel::{Class, Kernel, Schedule};

/// A compiled schedule: one function that runs every kernel in order.
///
/// The machine code is unmapped when the program is dropped.
pub struct Program {
    image: Image,
    /// Where the driver starts.
    entry: usize,
    regions: usize,
    kernels: Vec<Ready>,
    schedule: Schedule,
    options: Options,
}

/// The driver's type: it gets the table of region bases.
type Entry = unsafe extern "C" fn(*const *mut u8);

/// Compiles a schedule for this machine.
///
/// # Errors
///
/// [`EmitError`] if the host has no code generator, an instruction has no meaning for its element
/// type, or memory for the code cannot be had.
pub fn compile(schedule: &Schedule, options: &Options) -> Result<Program, EmitError> {
    let (isa, caps) = host()?;
    let kernels = Ready::all(schedule, options);
    let compiler = Compiler {
        kernels: &kernels,
        isa,
        caps,
        schedule,
        options,
    };
    let codes = compiler.kernels()?;
    // The driver's length is not known before the addresses are: a call takes at most this much.
    const CALL: usize = 64;
    let slots = |run: &&crate::kernel::Run| 1 + run.bindings.len();
    let driver = 1024 + CALL * schedule.runs().iter().map(slots).sum::<usize>();
    let lengths = codes.iter().map(Vec::len).chain([driver]);
    let mut draft = Draft::new(lengths)?;
    let mut addresses = Vec::with_capacity(codes.len());
    for code in &codes {
        let at = draft.push(code);
        addresses.push(draft.address(at));
    }
    let code = compiler.driver(&addresses)?;
    if code.len() > driver {
        return Err(EmitError::Codegen {
            kernel: "driver".to_owned(),
            message: format!("{} bytes for {} calls", code.len(), codes.len()),
        });
    }
    let entry = draft.push(&code);
    Ok(Program {
        image: draft.finish()?,
        entry,
        regions: schedule.regions.len(),
        kernels,
        schedule: schedule.clone(),
        options: options.clone(),
    })
}

impl Program {
    /// Runs every kernel once, in order.
    ///
    /// # Panics
    ///
    /// If the table has not one entry a region.
    ///
    /// # Safety
    ///
    /// `table[r]` is the base of region `r`: valid for reads of its `bytes`, and for writes where the
    /// region is written, aligned to its elements, for the time of the call, and reached by nobody else.
    /// The schedule was verified: the code stays within the regions only then.
    pub unsafe fn run(&self, table: &[*mut u8]) {
        assert_eq!(table.len(), self.regions, "one base a region");
        // SAFETY: the driver was compiled with this signature, and the image is executable and lives
        // as long as `self`.
        let entry: Entry = unsafe { std::mem::transmute(self.image.address(self.entry)) };
        // SAFETY: the caller vouches for the table.
        unsafe { entry(table.as_ptr()) };
    }

    /// The Cranelift text of every kernel, before optimisation.
    pub fn clif(&self) -> String {
        let Ok((isa, caps)) = host() else {
            return String::new();
        };
        let compiler = Compiler {
            kernels: &self.kernels,
            isa,
            caps,
            schedule: &self.schedule,
            options: &self.options,
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
        text
    }

    /// Bytes of machine code, padding included.
    pub fn code_bytes(&self) -> usize {
        self.image.len()
    }
}

/// A kernel as it is emitted: contractions turned and planned.
struct Ready {
    kernel: Kernel,
    /// Stays where it is: code refers to it by address.
    plan: Option<Box<Plan>>,
}

impl Ready {
    fn all(schedule: &Schedule, options: &Options) -> Vec<Ready> {
        let ready = |kernel: &Kernel| match &kernel.class {
            Class::Nest(_) | Class::Scatter(_) => Ready {
                kernel: kernel.clone(),
                plan: None,
            },
            Class::Contract(c) => {
                let c = contract::oriented(c);
                Ready {
                    plan: contract::plan(&c, options).map(Box::new),
                    kernel: Kernel {
                        class: Class::Contract(c),
                        ..kernel.clone()
                    },
                }
            }
        };
        schedule.kernels.iter().map(ready).collect()
    }
}

/// What compilation needs at every step.
struct Compiler<'s> {
    kernels: &'s [Ready],
    isa: OwnedTargetIsa,
    caps: Caps,
    schedule: &'s Schedule,
    options: &'s Options,
}

impl Compiler<'_> {
    /// A function of so many pointers.
    fn signature(&self, pointers: usize) -> Signature {
        let mut signature = Signature::new(self.isa.default_call_conv());
        let pointers = std::iter::repeat_n(AbiParam::new(types::I64), pointers);
        signature.params.extend(pointers);
        signature
    }

    /// The machine code of every kernel, in order.
    fn kernels(&self) -> Result<Vec<Vec<u8>>, EmitError> {
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
        let mut codes: Vec<Vec<u8>> = vec![Vec::new(); kernels.len()];
        let work = || -> Result<Vec<(usize, Vec<u8>)>, EmitError> {
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
            for result in results {
                for (i, code) in result? {
                    codes[i] = code;
                }
            }
            Ok(codes)
        })
    }

    fn kernel(&self, ready: &Ready, worker: &mut Worker) -> Result<Vec<u8>, EmitError> {
        worker.context.clear();
        self.emit(ready, &mut worker.context.func, &mut worker.builder)?;
        worker.compile(&*self.isa, &ready.kernel.name)
    }

    /// Writes a kernel's function.
    fn emit(
        &self,
        ready: &Ready,
        function: &mut Function,
        builder: &mut FunctionBuilderContext,
    ) -> Result<(), EmitError> {
        let kernel = &ready.kernel;
        function.signature = self.signature(3);
        function.name = UserFuncName::testcase(&kernel.name);
        let builder = FunctionBuilder::new(function, builder);
        let mut f = Frame::new(builder, kernel, self.caps, self.options);
        match &kernel.class {
            Class::Nest(n) => nest::nest(&mut f, n)?,
            Class::Contract(c) => contract::contract(&mut f, c, ready.plan.as_deref())?,
            Class::Scatter(s) => scatter::scatter(&mut f, s)?,
        }
        f.finish(self.isa.frontend_config());
        Ok(())
    }

    /// The driver: a call a kernel.
    fn driver(&self, addresses: &[usize]) -> Result<Vec<u8>, EmitError> {
        let mut worker = Worker::new();
        let function = &mut worker.context.func;
        function.signature = self.signature(1);
        let mut b = FunctionBuilder::new(function, &mut worker.builder);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let table = b.block_params(entry)[0];
        let signature = b.import_signature(self.signature(3));
        let none = b.ins().iconst(types::I64, 0);
        calls::calls(&mut b, self.schedule, table, &mut |b, kernel, slots| {
            let address = addresses.get(kernel.0 as usize).copied().unwrap_or(0);
            let callee = b.ins().iconst(types::I64, address as i64);
            b.ins()
                .call_indirect(signature, callee, &[slots, none, callee]);
        })?;
        b.ins().return_(&[]);
        b.seal_all_blocks();
        b.finalize(self.isa.frontend_config());
        worker.compile(&*self.isa, "driver")
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

    /// The machine code of the function in `context`.
    fn compile(&mut self, isa: &dyn TargetIsa, name: &str) -> Result<Vec<u8>, EmitError> {
        let wrong = |message: String| EmitError::Codegen {
            kernel: name.to_owned(),
            message,
        };
        let compiled = self
            .context
            .compile(isa, &mut Default::default())
            .map_err(|e| wrong(format!("{:?}", e.inner)))?;
        if !compiled.buffer.relocs().is_empty() {
            // Emitters call by address and use nothing that needs a library: see `Caps`.
            return Err(wrong("the code needs relocations".to_owned()));
        }
        Ok(compiled.code_buffer().to_vec())
    }
}
