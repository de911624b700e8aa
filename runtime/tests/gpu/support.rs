//! The device, and the comparison of what it computes with the executor.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use sinew_codegen::execute::execute;
use sinew_codegen::kernel::{RegionId, Schedule};
use sinew_codegen::verify::verify;
use sinew_codegen::wgsl::{EmitError, Limits, Shader, emit};
use sinew_ir::DType;
use sinew_runtime::gpu::{Gpu, GpuSession, testing};

use crate::programs_support;

/// This thread's device: a driver compiles and runs the kernels of one device one after the other, so
/// threads that had one together would wait for each other. What a thread leaves behind, the next one takes.
pub fn device() -> Option<&'static Gpu> {
    thread_local! {
        static LEASE: Option<Lease> = Lease::take();
    }
    LEASE.with(|lease| lease.as_ref().map(|l| l.0))
}

/// A device until its thread ends.
struct Lease(&'static Gpu);

/// The devices that no thread has.
static FREE: Mutex<Vec<&'static Gpu>> = Mutex::new(Vec::new());

impl Lease {
    fn take() -> Option<Lease> {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let opened = || testing::gpu().map(|gpu| &*Box::leak(Box::new(gpu)));
        free.or_else(opened).map(Lease)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        FREE.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.0);
    }
}

/// Has each item checked, in as many threads as there are cores, each with its own device. Without a device
/// that is said once and nothing is checked.
pub fn on_devices<T: Sync>(items: &[T], check: impl Fn(&'static Gpu, &T) + Sync) {
    if device().is_none() {
        return;
    }
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            check(device().expect("as the thread before has one"), item);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}

/// What every WebGPU device allows, all that this one does, and limits so tight that grids are folded and
/// workgroups small. Shaders that are the same under two of them run once.
fn limits(device: &Gpu) -> [Limits; 3] {
    let tight = Limits {
        invocations: 16,
        groups: 7,
        workgroup_bytes: 1 << 10,
        ..Limits::default()
    };
    [Limits::default(), device.limits(), tight]
}

/// A schedule with the contents of its memory.
pub struct Filled {
    pub schedule: Schedule,
    pub memory: Vec<Vec<u8>>,
}

impl Filled {
    /// Runs the schedule on the device and by the executor, and compares all that it writes. The driver
    /// compiles the shaders with checks of their own: what runs without, as for users, whole programs show.
    pub fn check(&self, device: &Gpu, tolerance: Tolerance) {
        self.check_by(device, &|dtype, e, f| tolerance.holds(dtype, e, f));
    }

    /// As [`check`](Filled::check), under one of the limits in turn: for one of many schedules that are alike.
    pub fn check_in_turn(&self, device: &Gpu, tolerance: Tolerance, turn: usize) {
        let each = limits(device);
        let one = &each[turn % each.len()..][..1];
        self.check_under(device, &|dtype, e, f| tolerance.holds(dtype, e, f), one);
    }

    /// As [`check`](Filled::check); `right` takes an element's type, what is expected and what was found.
    pub fn check_by(&self, device: &Gpu, right: &dyn Fn(DType, u32, u32) -> bool) {
        self.check_under(device, right, &limits(device));
    }

    fn check_under(&self, device: &Gpu, right: &dyn Fn(DType, u32, u32) -> bool, each: &[Limits]) {
        let schedule = &self.schedule;
        verify(schedule).expect("the schedule is right");
        let mut expected = self.memory.clone();
        execute(schedule, &mut expected).expect("executes");
        let mut seen = Vec::new();
        for limits in each {
            let shaders = match emit(schedule, limits) {
                Err(EmitError::Space { .. }) if limits.groups == 7 => continue,
                Err(EmitError::Half { .. }) if !limits.halves => continue,
                shaders => shaders.expect("emits"),
            };
            if seen.contains(&shaders) {
                continue;
            }
            for shader in &shaders.shaders {
                validate(shader);
            }
            let mut program =
                GpuSession::new(device, schedule, &shaders).expect("a checked program");
            let found = run(&mut program, &self.memory);
            self.compare(&shaders.shaders, &expected, &found, right);
            seen.push(shaders);
        }
    }

    fn compare(
        &self,
        shaders: &[Shader],
        expected: &[Vec<u8>],
        found: &[Vec<u8>],
        right: &dyn Fn(DType, u32, u32) -> bool,
    ) {
        for buffer in &self.schedule.buffers {
            let size = buffer.dtype.size().expect("bound");
            let range = buffer.offset..buffer.offset + buffer.elements * size;
            let region = buffer.region.0 as usize;
            if !self.schedule.regions[region].kind.is_filled() {
                continue;
            }
            let expected = words(&expected[region][range.clone()], size);
            let found = words(&found[region][range], size);
            for (at, (&e, &f)) in expected.iter().zip(&found).enumerate() {
                if !right(buffer.dtype, e, f) {
                    let source: Vec<&str> = shaders.iter().map(|s| s.source.as_str()).collect();
                    panic!(
                        "element {at} of `{}`: expected {}, found {}\n{}",
                        buffer.name,
                        show(buffer.dtype, e),
                        show(buffer.dtype, f),
                        source.join("\n")
                    );
                }
            }
        }
    }
}

/// Runs a program once over `memory`; gives the memory after.
pub fn run(program: &mut GpuSession, memory: &[Vec<u8>]) -> Vec<Vec<u8>> {
    for (region, bytes) in (0u32..).zip(memory) {
        program
            .write_region(RegionId(region), 0, bytes)
            .expect("uploads");
    }
    program.run().expect("runs");
    let mut after: Vec<Vec<u8>> = memory.iter().map(|m| vec![0; m.len()]).collect();
    for (region, bytes) in (0u32..).zip(&mut after) {
        program
            .read_region(RegionId(region), 0, bytes)
            .expect("reads");
    }
    after
}

/// How far two floats may be apart: both parts count.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub relative: f32,
    pub absolute: f32,
}

impl Tolerance {
    pub const F32: Tolerance = Tolerance {
        relative: 1e-5,
        absolute: 0.0,
    };

    pub fn absolute(self, absolute: f32) -> Tolerance {
        Tolerance { absolute, ..self }
    }

    pub fn holds(self, dtype: DType, expected: u32, found: u32) -> bool {
        if dtype.is_half() {
            let number = |bits: u32| dtype.of_half_bits(bits as u16);
            let (e, f) = (number(expected), number(found));
            let least = programs_support::tolerance(dtype);
            return e == f
                || (e.is_nan() && f.is_nan())
                || (e - f).abs() <= least * (1.0 + e.abs());
        }
        if dtype != DType::F32 {
            return expected == found;
        }
        let (e, f) = (f32::from_bits(expected), f32::from_bits(found));
        if e.is_nan() || f.is_nan() || e.is_infinite() || f.is_infinite() {
            return e.is_nan() && f.is_nan() || e == f;
        }
        // Devices may flush subnormal results to zero.
        let tiny = f32::MIN_POSITIVE;
        (e - f).abs() <= self.relative * e.abs() + self.absolute + tiny
    }
}

fn show(dtype: DType, word: u32) -> String {
    match dtype {
        DType::F32 => format!("{:e} ({word:#x})", f32::from_bits(word)),
        DType::I32 => format!("{}", word as i32),
        DType::F16 | DType::Bf16 => format!("{:e} ({word:#06x})", dtype.of_half_bits(word as u16)),
        DType::U32 | DType::Bool | DType::F64 | DType::Float => format!("{word}"),
    }
}

/// Elements of so many bytes, at most 4, by their bits.
fn words(bytes: &[u8], size: usize) -> Vec<u32> {
    let word = |c: &[u8]| c.iter().rev().fold(0, |word, b| word << 8 | u32::from(*b));
    bytes.chunks_exact(size.min(4)).map(word).collect()
}

/// Runs both validators over a shader, those that are installed, once a text.
pub fn validate(shader: &Shader) {
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if !SEEN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(shader.source.clone())
    {
        return;
    }
    static TOOLS: OnceLock<Vec<&'static str>> = OnceLock::new();
    let tools = TOOLS.get_or_init(|| {
        let mut found = Vec::new();
        for tool in ["naga", "tint"] {
            match Command::new(tool).arg("--help").output() {
                Ok(_) => found.push(tool),
                Err(_) => testing::skipped(&format!("`{tool}` is not installed")),
            }
        }
        found
    });
    let file = std::env::temp_dir().join(format!(
        "sinew-{}-{:?}.wgsl",
        std::process::id(),
        std::thread::current().id()
    ));
    // A word of naga's, which no browser has: halves are not for them.
    let halves = shader.source.starts_with("enable wgpu_int16;");
    for tool in tools {
        if halves && *tool == "tint" {
            continue;
        }
        let capabilities = if halves { "shader_int16" } else { "none" };
        let mut text = std::fs::File::create(&file).expect("a temporary file");
        text.write_all(shader.source.as_bytes()).expect("written");
        drop(text);
        let mut command = Command::new(tool);
        if *tool == "naga" {
            command.args(["--capabilities", capabilities]).arg(&file);
        } else {
            command
                .args(["--format", "wgsl", "-o", "/dev/null"])
                .arg(&file);
        }
        let output = command.stdin(Stdio::null()).output().expect("runs");
        assert!(
            output.status.success(),
            "{tool} refuses `{}`:\n{}{}\n{}",
            shader.name,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            shader.source
        );
    }
    // Absent where no tool ran.
    drop(std::fs::remove_file(&file));
}
