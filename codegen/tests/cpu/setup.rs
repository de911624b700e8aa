//! Hand-built schedules: one region a buffer, run and read back.

use sinew_codegen::cpu::{self, Options};
use sinew_codegen::kernel::*;
use sinew_ir::{DType, Scalar};

/// Elements as the tests write them.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    pub dtype: DType,
    pub values: Vec<f64>,
}

impl Data {
    pub fn new(dtype: DType, values: Vec<f64>) -> Data {
        Data { dtype, values }
    }

    pub fn zeros(dtype: DType, count: usize) -> Data {
        Data::new(dtype, vec![0.0; count])
    }

    fn bytes(&self) -> Vec<u8> {
        self.values
            .iter()
            .flat_map(|&v| match self.dtype {
                DType::F32 => (v as f32).to_le_bytes().to_vec(),
                DType::F64 => v.to_le_bytes().to_vec(),
                DType::I32 => (v as i32).to_le_bytes().to_vec(),
                DType::U32 => (v as u32).to_le_bytes().to_vec(),
                DType::Bool => u32::from(v != 0.0).to_le_bytes().to_vec(),
                DType::Float => panic!("unbound"),
            })
            .collect()
    }

    fn read(&mut self, bytes: &[u8]) {
        let size = self.dtype.size().unwrap();
        for (v, b) in self.values.iter_mut().zip(bytes.chunks(size)) {
            let four = || b.try_into().unwrap();
            *v = match self.dtype {
                DType::F32 => f64::from(f32::from_le_bytes(four())),
                DType::F64 => f64::from_le_bytes(b.try_into().unwrap()),
                DType::I32 => f64::from(i32::from_le_bytes(four())),
                DType::U32 | DType::Bool => f64::from(u32::from_le_bytes(four())),
                DType::Float => panic!("unbound"),
            };
        }
    }
}

/// 64-byte aligned memory with a margin on both sides that nobody may touch.
pub struct Region {
    memory: Vec<[u64; 8]>,
    bytes: usize,
}

const MARGIN: u64 = 0xA5A5_5A5A_DEAD_BEEF;

impl Region {
    pub fn new(contents: &[u8]) -> Region {
        let lines = contents.len().div_ceil(64);
        let mut region = Region {
            memory: vec![[MARGIN; 8]; lines + 2],
            bytes: contents.len(),
        };
        region.slice_mut().copy_from_slice(contents);
        region
    }

    pub fn base(&mut self) -> *mut u8 {
        self.memory[1..].as_mut_ptr().cast()
    }

    pub fn slice_mut(&mut self) -> &mut [u8] {
        let base = self.base();
        // SAFETY: the bytes behind the first line are part of `memory`.
        unsafe { std::slice::from_raw_parts_mut(base, self.bytes) }
    }

    pub fn slice(&self) -> &[u8] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.memory[1..].as_ptr().cast(), self.bytes) }
    }

    /// Nothing outside of the contents was written.
    pub fn check(&self) {
        let margin = MARGIN.to_le_bytes();
        let all: &[u8] =
            // SAFETY: all of `memory`.
            unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast(), self.memory.len() * 64) };
        for (i, byte) in all.iter().enumerate() {
            if i < 64 || i >= 64 + self.bytes {
                assert_eq!(
                    *byte,
                    margin[i % 8],
                    "byte {i} outside of the region was written"
                );
            }
        }
    }
}

/// A schedule with one region and one buffer for each of `data`; accesses name the buffers.
pub fn schedule(data: &[Data], classes: Vec<Class>) -> Schedule {
    let mut schedule = Schedule {
        regions: data
            .iter()
            .enumerate()
            .map(|(i, d)| sinew_codegen::kernel::Region {
                name: format!("r{i}"),
                bytes: d.values.len() * d.dtype.size().unwrap(),
                kind: RegionKind::State,
            })
            .collect(),
        buffers: data
            .iter()
            .enumerate()
            .map(|(i, d)| Buffer {
                name: format!("b{i}"),
                region: RegionId(i as u32),
                offset: 0,
                dtype: d.dtype,
                elements: d.values.len(),
            })
            .collect(),
        kernels: Vec::new(),
        nodes: Vec::new(),
    };
    for class in classes {
        let run = schedule.bind(class, |number| format!("k{number}"), Vec::new());
        schedule.nodes.push(Node::Run(run));
    }
    schedule
}

/// Compiles and runs once; `data` is what the buffers hold before and afterwards.
pub fn run(schedule: &Schedule, options: &Options, data: &mut [Data]) {
    let program = cpu::compile(schedule, options).unwrap_or_else(|e| panic!("{e}"));
    let mut regions: Vec<Region> = data.iter().map(|d| Region::new(&d.bytes())).collect();
    // Scratch is garbage at first.
    regions.push(Region::new(&vec![0xA5; program.scratch_bytes()]));
    let table: Vec<*mut u8> = regions.iter_mut().map(Region::base).collect();
    // SAFETY: one base a region and one for scratch, each as large as the schedule says.
    unsafe { program.run(&table) };
    regions.iter().for_each(Region::check);
    for (d, region) in data.iter_mut().zip(&regions) {
        d.read(region.slice());
    }
}

pub fn access(buffer: u32, offset: i64, strides: &[i64]) -> Access {
    Access {
        slot: SlotId(buffer),
        offset,
        strides: strides.to_vec(),
        guards: Vec::new(),
    }
}

/// Scalar code under construction.
#[derive(Default)]
pub struct Coder {
    pub code: Code,
}

impl Coder {
    pub fn inst(&mut self, kind: ScalarKind, dtype: DType) -> Reg {
        self.code.insts.push(ScalarInst { kind, dtype });
        Reg(self.code.insts.len() as u32 - 1)
    }

    pub fn load(&mut self, access: Access, dtype: DType) -> Reg {
        self.inst(ScalarKind::Load(access), dtype)
    }

    pub fn constant(&mut self, value: f64, dtype: DType) -> Reg {
        self.inst(ScalarKind::Const(value), dtype)
    }

    pub fn apply(&mut self, op: Scalar, operands: &[Reg], dtype: DType) -> Reg {
        self.inst(ScalarKind::Apply(op, operands.to_vec()), dtype)
    }

    pub fn store(&mut self, access: Access, value: Reg) {
        self.code.stores.push(Store { access, value });
    }
}

/// A map over `outer`.
pub fn map(outer: &[usize], code: Code) -> Class {
    Class::Nest(Nest {
        outer: outer.to_vec(),
        inner: Vec::new(),
        stages: vec![Stage::Row {
            code,
            sets: Vec::new(),
        }],
        rows: Vec::new(),
        arrays: Vec::new(),
    })
}

/// Reproducible numbers, evenly between -1 and 1.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Equal, both NaN, or within `tolerance` of `expected`.
pub fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let near = (found - expected).abs() <= tolerance * expected.abs().max(f64::MIN_POSITIVE);
    assert!(
        found == expected || (found.is_nan() && expected.is_nan()) || near,
        "{what}: {found:e}, not {expected:e}"
    );
}

/// What the slow executor makes of the same memory; the schedule passes the verifier.
pub fn execute(schedule: &Schedule, data: &mut [Data]) {
    sinew_codegen::verify::verify(schedule).unwrap_or_else(|e| panic!("{e}"));
    let mut memory: Vec<Vec<u8>> = data.iter().map(Data::bytes).collect();
    sinew_codegen::execute::execute(schedule, &mut memory).unwrap_or_else(|e| panic!("{e}"));
    for (d, bytes) in data.iter_mut().zip(&memory) {
        d.read(bytes);
    }
}
