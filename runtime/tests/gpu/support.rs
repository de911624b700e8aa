//! Schedules by hand, the device they run on, and the comparison with the executor.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use sinew_codegen::execute::execute;
use sinew_codegen::kernel::{
    Access, Buffer, BufferId, Class, Code, Node, Reg, Region, RegionId, RegionKind, Regions,
    ScalarInst, ScalarKind, Schedule, SlotId, Store,
};
use sinew_codegen::verify::verify;
use sinew_codegen::wgsl::{EmitError, Limits, Shader, emit};
use sinew_ir::{DType, Scalar};
use sinew_runtime::gpu::{Gpu, GpuSession, testing};

/// The device of all tests in this process.
pub fn device() -> Option<&'static Gpu> {
    static DEVICE: OnceLock<Option<Gpu>> = OnceLock::new();
    DEVICE.get_or_init(testing::gpu).as_ref()
}

/// A schedule in the making, with the contents of its memory.
pub struct Build {
    pub schedule: Schedule,
    /// Kernels to come, whose accesses name buffers.
    pub classes: Vec<Class>,
    pub memory: Vec<Vec<u8>>,
}

impl Build {
    pub fn new() -> Build {
        Build {
            schedule: Schedule::new(Regions::new()),
            classes: Vec::new(),
            memory: vec![Vec::new()],
        }
    }

    /// A buffer that fills a region of its own.
    pub fn buffer(
        &mut self,
        name: &str,
        dtype: DType,
        words: &[u32],
        kind: RegionKind,
    ) -> BufferId {
        let region = RegionId(self.schedule.regions.len() as u32);
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.schedule.regions.push(Region {
            name: name.into(),
            bytes: bytes.len(),
            kind,
        });
        self.memory.push(bytes);
        self.view(name, region, 0, dtype, words.len())
    }

    /// A buffer inside a region.
    pub fn view(
        &mut self,
        name: &str,
        region: RegionId,
        offset: usize,
        dtype: DType,
        elements: usize,
    ) -> BufferId {
        self.schedule.buffers.push(Buffer {
            name: name.into(),
            region,
            offset,
            dtype,
            elements,
        });
        BufferId(self.schedule.buffers.len() as u32 - 1)
    }

    pub fn input(&mut self, dtype: DType, words: &[u32]) -> BufferId {
        let name = format!("x{}", self.schedule.buffers.len());
        self.buffer(&name, dtype, words, RegionKind::Input)
    }

    pub fn output(&mut self, dtype: DType, elements: usize) -> BufferId {
        let name = format!("y{}", self.schedule.buffers.len());
        self.buffer(
            &name,
            dtype,
            &vec![0x7fc0_0000; elements],
            RegionKind::State,
        )
    }

    pub fn kernel(&mut self, class: Class) {
        self.classes.push(class);
    }

    /// The schedule with its kernels.
    pub fn finish(&self) -> Schedule {
        let mut schedule = self.schedule.clone();
        for class in &self.classes {
            let name = |number| format!("kernel_{number}");
            let run = schedule.bind(class.clone(), name, Vec::new());
            schedule.nodes.push(Node::Run(run));
        }
        schedule
    }

    /// Runs the schedule on the device and by the executor, and compares all that it writes.
    pub fn check(self, device: &Gpu, tolerance: Tolerance) {
        let schedule = self.finish();
        verify(&schedule).expect("the schedule is right");
        let mut expected = self.memory.clone();
        execute(&schedule, &mut expected).expect("executes");
        // What every WebGPU device allows, all that this one does, and limits so tight that grids
        // are folded and workgroups small.
        let tight = Limits {
            invocations: 16,
            groups: 7,
            workgroup_bytes: 1 << 10,
            ..Limits::default()
        };
        for limits in [Limits::default(), device.limits(), tight] {
            let shaders = match emit(&schedule, &limits) {
                Err(EmitError::Space { .. }) if limits.groups == 7 => continue,
                shaders => shaders.expect("emits"),
            };
            for shader in &shaders.shaders {
                validate(shader);
            }
            let mut program =
                GpuSession::new(device, &schedule, &shaders).expect("a checked program");
            let found = run(&mut program, &self.memory);
            self.compare(&shaders.shaders, &expected, &found, tolerance);
        }
        let mut program = GpuSession::compile(device, &schedule).expect("an unchecked program");
        let found = run(&mut program, &self.memory);
        self.compare(&[], &expected, &found, tolerance);
    }

    fn compare(
        &self,
        shaders: &[Shader],
        expected: &[Vec<u8>],
        found: &[Vec<u8>],
        tolerance: Tolerance,
    ) {
        for buffer in &self.schedule.buffers {
            let range = buffer.offset..buffer.offset + buffer.elements * 4;
            let region = buffer.region.0 as usize;
            if self.schedule.regions[region].kind.is_written() {
                let (expected, found) = (
                    words(&expected[region][range.clone()]),
                    words(&found[region][range]),
                );
                for (at, (&e, &f)) in expected.iter().zip(&found).enumerate() {
                    if !tolerance.holds(buffer.dtype, e, f) {
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

    fn holds(self, dtype: DType, expected: u32, found: u32) -> bool {
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
        DType::U32 | DType::Bool | DType::F64 | DType::Float => format!("{word}"),
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]))
        .collect()
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
    for tool in tools {
        let mut text = std::fs::File::create(&file).expect("a temporary file");
        text.write_all(shader.source.as_bytes()).expect("written");
        drop(text);
        let mut command = Command::new(tool);
        if *tool == "naga" {
            command.args(["--capabilities", "none"]).arg(&file);
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

/// Random numbers: a linear congruential generator, the same on every run.
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// Between -1 and 1.
    pub fn float(&mut self) -> f32 {
        (self.word() >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    /// Bits of `n` floats between -1 and 1.
    pub fn floats(&mut self, n: usize) -> Vec<u32> {
        (0..n).map(|_| self.float().to_bits()).collect()
    }
}

/// Row-major strides of a shape.
pub fn row_major(extents: &[usize]) -> Vec<i64> {
    let mut strides = vec![1; extents.len()];
    for d in (1..extents.len()).rev() {
        strides[d - 1] = strides[d] * extents[d] as i64;
    }
    strides
}

/// An access that names a buffer where a kernel's name a slot.
pub fn at(buffer: BufferId, strides: &[i64]) -> Access {
    Access {
        slot: SlotId(buffer.0),
        offset: 0,
        strides: strides.to_vec(),
        guards: Vec::new(),
    }
}

/// A code in the making.
#[derive(Default)]
pub struct Writer(pub Code);

impl Writer {
    pub fn push(&mut self, kind: ScalarKind, dtype: DType) -> Reg {
        self.0.insts.push(ScalarInst { kind, dtype });
        Reg(self.0.insts.len() as u32 - 1)
    }

    pub fn load(&mut self, access: Access, dtype: DType) -> Reg {
        self.push(ScalarKind::Load(access), dtype)
    }

    pub fn number(&mut self, value: f64) -> Reg {
        self.push(ScalarKind::Const(value), DType::F32)
    }

    pub fn apply(&mut self, scalar: Scalar, operands: &[Reg], dtype: DType) -> Reg {
        self.push(ScalarKind::Apply(scalar, operands.to_vec()), dtype)
    }

    pub fn store(&mut self, access: Access, value: Reg) {
        self.0.stores.push(Store { access, value });
    }
}
