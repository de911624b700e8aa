//! Programs, places and memory for tests of the scheduler.

#![allow(dead_code)] // each test file uses its own part

#[cfg(feature = "cpu")]
pub mod compiled;
pub mod data;
#[cfg(all(feature = "cpu", unix))]
pub mod faults;
pub mod files;
#[cfg(feature = "cpu")]
pub mod flushed;
#[cfg(all(feature = "cpu", unix))]
pub mod guarded;
pub mod products;
pub mod programs;
pub mod random;
pub mod rounding;
pub mod shares;
#[cfg(feature = "cpu")]
pub mod targets;
pub mod template;
#[cfg(feature = "cpu")]
pub mod threads;

#[cfg(feature = "cpu")]
pub use compiled::run_compiled;

use sinew_codegen::cost::Target;
use sinew_codegen::decision::PartDecisions;
use sinew_codegen::execute::execute;
use sinew_codegen::kernel::{RegionKind, Regions, Schedule};
use sinew_codegen::schedule::{Part, RegionOffset, schedule_with_decisions};
use sinew_ir::{
    Array, Block, Builder, DType, Function, Param, ParamKind, Scalar, Type, Value, interpret,
};

/// A program in the making.
pub struct ProgramBuilder {
    pub b: Builder,
    params: Vec<Param>,
}

impl ProgramBuilder {
    pub fn new() -> Self {
        ProgramBuilder {
            b: Builder::default(),
            params: Vec::new(),
        }
    }

    pub fn input(&mut self, name: &str, dtype: DType, extents: &[usize]) -> Value {
        self.params.push(Param {
            name: name.into(),
            kind: ParamKind::Input,
        });
        self.b.value(Type::from_extents(dtype, extents))
    }

    pub fn finish(self, results: &[Value]) -> Function {
        Function {
            name: "test".into(),
            values: self.b.values,
            body: Block::body(self.params.len(), self.b.insts, results.to_vec()),
            params: self.params,
            ..Function::default()
        }
    }
}

/// Elements as the interpreter takes them.
pub fn arrays(function: &Function, inputs: &[Vec<f64>]) -> Vec<Array> {
    let array = |(p, data): (usize, &Vec<f64>)| {
        let ty = &function.values[p];
        let shape = ty.shape.extents().expect("linked");
        Array::new(ty.dtype, &shape, data.clone()).expect("as many elements")
    };
    inputs.iter().enumerate().map(array).collect()
}

/// How far two elements of a type may be apart, relative and absolute: of halves by one in the last place,
/// since what f32 and f64 compute may lie on two sides of the middle between two halves.
pub fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-9,
        DType::Float | DType::F32 => 1e-5,
        DType::F16 => 2f64.powi(-10),
        DType::Bf16 => 2f64.powi(-7),
        DType::I32 | DType::U32 | DType::Bool => 0.0,
    }
}

/// What the reference interpreter says of a program.
pub fn interpreted(function: &Function, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    match interpret(function, &arrays(function, inputs)) {
        Ok(results) => results.into_iter().map(|a| a.data).collect(),
        Err(e) => panic!("{e}\n{function}"),
    }
}

/// A region for each parameter and result, in order, behind the arena.
pub fn separate(function: &Function) -> (Regions, Vec<RegionOffset>, Vec<RegionOffset>) {
    let mut regions = Regions::new();
    let mut places = Vec::new();
    let params =
        (0..function.params.len()).map(|p| (function.params[p].name.clone(), Value(p as u32)));
    let results = function.body.results.iter().enumerate();
    let results = results.map(|(i, v)| (format!("result {i}"), *v));
    for (name, value) in params.chain(results) {
        let ty = function.type_of(value);
        let elements: usize = ty.shape.extents().expect("linked").iter().product();
        let bytes = elements * ty.dtype.size().expect("bound");
        places.push(RegionOffset {
            region: regions.add(name, bytes, RegionKind::State),
            offset: 0,
        });
    }
    let outputs = places.split_off(function.params.len());
    (regions, places, outputs)
}

pub fn scheduled(function: &Function) -> Schedule {
    decided(function, Target::Cpu).0
}

/// The schedule of a function for a target, and what was decided on the way.
pub fn decided(function: &Function, target: Target) -> (Schedule, Vec<PartDecisions>) {
    let (regions, inputs, outputs) = separate(function);
    let part = Part {
        name: "test",
        program: function,
        inputs,
        outputs,
    };
    match schedule_with_decisions(&[part], regions, target) {
        Ok(s) => s,
        Err(e) => panic!("{e}\n{function:?}"),
    }
}

/// A map that applies an instruction to `count` elements of each operand.
pub fn applied(scalar: Scalar, operands: &[DType], result: DType, count: usize) -> Schedule {
    let mut memory = String::new();
    let mut code = String::new();
    let mut registers = String::new();
    for (i, dtype) in operands.iter().enumerate() {
        memory += &format!("memory x{i} {dtype}[{count}] input\n");
        code += &format!("r{i}: {dtype} = load s{i} at 0 [1]\n");
        registers += &format!(" r{i}");
    }
    let last = operands.len();
    template::schedule(&format!(
        "{memory}memory y {result}[{count}] state
        kernel apply {{
          nest outer [{count}] inner [] rows []
          row {{
            {code}r{last}: {result} = {scalar}{registers}
            store r{last} s{last} at 0 [1]
          }}
        }}"
    ))
}

/// Compares with a golden file of schedules.
pub fn golden(name: &str, text: &str) {
    golden_in("schedule", name, text);
}

/// Compares with a golden file in a folder of these.
pub fn golden_in(folder: &str, name: &str, text: &str) {
    let path = format!(
        "{}/tests/golden/{folder}/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).expect("the folder is there");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(expected, text, "{name} differs; BLESS=1 writes it anew");
}

/// Numbers between -0.5 and 0.5.
pub fn numbers(n: usize, seed: usize) -> Vec<f64> {
    let mut x = (seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            (x >> 40) as f64 / (1u64 << 24) as f64 - 0.5
        })
        .collect()
}

/// Each within `tolerance` of what is expected, relative and absolute; infinities and NaN the same.
pub fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let most = tolerance * (1.0 + b.abs());
        let same = a == b || (a.is_nan() && b.is_nan());
        assert!(
            same || (a - b).abs() <= most,
            "{what}[{i}]: {a} and not {b}"
        );
    }
}

/// The bytes of elements.
pub fn bytes(values: &[f64], dtype: DType) -> Vec<u8> {
    let one = |v: &f64| match dtype {
        DType::F64 => v.to_le_bytes().to_vec(),
        DType::F32 | DType::Float => (*v as f32).to_le_bytes().to_vec(),
        DType::F16 | DType::Bf16 => dtype.half_bits(*v).to_le_bytes().to_vec(),
        DType::I32 => (*v as i32).to_le_bytes().to_vec(),
        DType::U32 | DType::Bool => (*v as u32).to_le_bytes().to_vec(),
    };
    values.iter().flat_map(one).collect()
}

/// The elements in bytes.
pub fn values(bytes: &[u8], dtype: DType) -> Vec<f64> {
    let words = |n: usize| bytes.chunks_exact(n);
    match dtype {
        DType::F64 => words(8)
            .map(|w| f64::from_le_bytes(w.try_into().expect("8 bytes")))
            .collect(),
        DType::F32 | DType::Float => words(4)
            .map(|w| f64::from(f32::from_le_bytes(w.try_into().expect("4 bytes"))))
            .collect(),
        DType::F16 | DType::Bf16 => words(2)
            .map(|w| dtype.of_half_bits(u16::from_le_bytes(w.try_into().expect("2 bytes"))))
            .collect(),
        DType::I32 => words(4)
            .map(|w| f64::from(i32::from_le_bytes(w.try_into().expect("4 bytes"))))
            .collect(),
        DType::U32 | DType::Bool => words(4)
            .map(|w| f64::from(u32::from_le_bytes(w.try_into().expect("4 bytes"))))
            .collect(),
    }
}

/// Schedules and runs a program; elements of its results. The arena starts as garbage.
pub fn run(function: &Function, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let s = scheduled(function);
    let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
    for (p, values) in inputs.iter().enumerate() {
        memory[p + 1] = bytes(values, function.values[p].dtype);
    }
    if let Err(e) = execute(&s, &mut memory) {
        panic!("{e}\n{}", s);
    }
    let first = 1 + function.params.len();
    let results = function.body.results.iter().enumerate();
    results
        .map(|(i, v)| values(&memory[first + i], function.type_of(*v).dtype))
        .collect()
}
