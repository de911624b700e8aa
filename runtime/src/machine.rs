//! What the machine can do, measured: by how much of it a kernel does, its time is judged.

use crate::backend::{Backend, Compiling, DeviceMemory, Launch, Slot};
use crate::error::{Error, Result};
use crate::regions::{Regions, Role, bytes_of};
use crate::threads::Threads;
use sinew_codegen::cost::cost;
use sinew_codegen::kernel::RegionKind;
use sinew_codegen::schedule::{Part, RegionOffset, schedule};
use sinew_ir::DType;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The rates that a device reaches, on as many threads as a profile is of.
///
/// They are measured by kernels of this library, once in a process for each device, working float and number of threads:
/// a product of large matrices, and a map over more memory than caches hold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Machine {
    /// Floating-point operations a second, in the working float.
    pub flops: f64,
    /// Bytes a second, read from memory or written to it.
    pub bytes: f64,
}

/// What a measurement is of.
#[derive(Debug, Clone, PartialEq)]
struct Subject {
    backend: Backend,
    float: DType,
    threads: Threads,
}

/// Those measured so far.
static MEASURED: Mutex<Vec<(Subject, Machine)>> = Mutex::new(Vec::new());

/// How long a program is run for its least time.
const ENOUGH: Duration = Duration::from_millis(60);

impl Machine {
    /// That of a device, measured if it was not yet.
    ///
    /// # Errors
    /// Too little memory; what the device cannot do.
    pub(crate) fn of(backend: &Backend, float: DType, threads: Threads) -> Result<Machine> {
        let subject = Subject {
            backend: backend.clone(),
            float,
            threads,
        };
        // Held meanwhile: two measurements at once would be of half a machine each.
        let mut measured = MEASURED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, machine)) = measured.iter().find(|(known, _)| *known == subject) {
            return Ok(*machine);
        }
        // A GPU takes longer to begin.
        let n = match backend {
            Backend::Cpu => 512,
            #[cfg(feature = "gpu")]
            Backend::Gpu(_) => 1024,
        };
        let product = format!(
            "fn @product(%x: {float}[{n}, {n}], %y: {float}[{n}, {n}]) -> {float}[{n}, {n}] {{\n  \
             %2 = dot %x, %y contract_x [1] contract_y [0]\n  return %2\n}}\n"
        );
        // 64 MiB, and as many again.
        let count = (64 << 20) / float.size().unwrap_or(4);
        let map = format!(
            "fn @map(%x: {float}[{count}]) -> {float}[{count}] {{\n  %1 = neg %x\n  return %1\n}}\n"
        );
        let (flops, _) = subject.rates(&product)?;
        let (_, bytes) = subject.rates(&map)?;
        let machine = Machine { flops, bytes };
        measured.push((subject, machine));
        Ok(machine)
    }

    /// The least time in which so much can be done at these rates, in seconds.
    pub(crate) fn least_seconds(&self, flops: f64, bytes: f64) -> f64 {
        (flops / self.flops).max(bytes / self.bytes)
    }
}

impl Subject {
    /// The operations and bytes a second of a program, of its fastest run.
    fn rates(&self, text: &str) -> Result<(f64, f64)> {
        let function = "a measurement of the machine";
        let program = sinew_ir::parse(text).map_err(|source| Error::Text {
            function: function.into(),
            source: Box::new(source),
        })?;
        let mut regions = Regions::new();
        let mut inputs = Vec::new();
        for (i, param) in program.params.iter().enumerate() {
            let bytes = bytes_of(&param.name, &program.values[i])?;
            let region = regions.add(Role::Argument(i), &*param.name, bytes, RegionKind::Input);
            inputs.push(RegionOffset { region, offset: 0 });
        }
        let mut outputs = Vec::new();
        for (i, result) in program.returned().iter().enumerate() {
            let bytes = bytes_of("result", program.type_of(*result))?;
            let region = regions.add(Role::Result(i), "result", bytes, RegionKind::Output);
            outputs.push(RegionOffset { region, offset: 0 });
        }
        let part = Part {
            name: "measurement",
            program: &program,
            inputs,
            outputs,
        };
        let (roles, regions) = regions.finish();
        let planned = schedule(&[part], regions, self.backend.target());
        let planned = planned.map_err(|source| Error::Schedule {
            function: function.into(),
            source: Box::new(source),
        })?;
        let how = Compiling {
            function,
            threads: self.threads,
            compile_threads: self.threads.count,
            code_cache: None,
            clocked: false,
        };
        let code = self.backend.compile(&planned, how)?;
        let mut memory = Vec::new();
        for region in code.regions() {
            memory.push(self.backend.zeroed(&region.name, region.bytes)?);
        }
        // Memory that was never written may be one page of zeros, which a cache holds.
        for (role, memory) in roles.iter().zip(&mut memory) {
            if matches!(role, Role::Argument(_)) {
                memory.write(0, &vec![1; memory.len()])?;
            }
        }
        let last = roles
            .iter()
            .position(|role| matches!(role, Role::Result(_)));
        let last = last.ok_or(Error::Regions { count: roles.len() })?;
        let mut launch = Launch::default();
        let mut least = f64::INFINITY;
        let began = Instant::now();
        while least.is_infinite() || began.elapsed() < ENOUGH {
            let started = Instant::now();
            let slots: Vec<Slot<'_>> = memory.iter_mut().map(DeviceMemory::slot).collect();
            code.run(&mut launch, &slots)?;
            drop(slots);
            // A GPU is done when its memory is read.
            memory[last].read(0, &mut [0; 4])?;
            least = least.min(started.elapsed().as_secs_f64());
        }
        let costs = planned.kernels.iter().map(cost);
        let (flops, bytes) = costs.fold((0, 0), |(flops, bytes), cost| {
            (flops + cost.flops, bytes + cost.read + cost.written)
        });
        Ok((flops as f64 / least, bytes as f64 / least))
    }
}
