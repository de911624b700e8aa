//! Whole programs, scheduled.

use sinew_codegen::cost::Target;
use sinew_codegen::kernel::RegionId;
use sinew_codegen::schedule::{Part, schedule};
use sinew_ir::{
    Attribute, Attributes, Axis, DType, Function, Primal, Pullback, Value,
    ops::{self, DotAxes},
};
use sinew_runtime::gpu::GpuSession;

use crate::programs_support::random::program;
use crate::programs_support::rounding::{Flips, Rounding};
use crate::programs_support::{ProgramBuilder, arrays, bytes, separate, values};
use crate::support::{Filled, Tolerance, device, run};
use sinew_fuzz::Random;
use std::fmt;
use std::time::Duration;

fn dot(p: &mut ProgramBuilder, x: Value, y: Value, along_x: usize, along_y: usize) -> Value {
    let axes = DotAxes {
        contract_x: vec![Axis::At(along_x)],
        contract_y: vec![Axis::At(along_y)],
        ..DotAxes::default()
    };
    p.b.dot(x, y, &axes).expect("dims agree")
}

/// Loss and gradients of a 64-`hidden`-10 classifier: relu between, cross entropy behind.
fn classifier(batch: usize, hidden: usize) -> Function {
    let mut p = ProgramBuilder::new();
    let f = DType::F32;
    let w1 = p.input("w1", f, &[64, hidden]);
    let b1 = p.input("b1", f, &[hidden]);
    let w2 = p.input("w2", f, &[hidden, 10]);
    let b2 = p.input("b2", f, &[10]);
    let x = p.input("x", f, &[batch, 64]);
    let y = p.input("y", DType::I32, &[batch]);
    let layer = |p: &mut ProgramBuilder, x: Value, w: Value, b: Value| {
        let h = dot(p, x, w, 1, 0);
        let shape = p.b.type_of(h).shape.clone();
        let wide = p.b.broadcast(b, &shape, &[Axis::At(0)]).expect("a bias");
        p.b.add(h, wide).expect("a sum")
    };
    let h = layer(&mut p, x, w1, b1);
    let zero = p.b.like(0.0, h).expect("zero");
    let off = p.b.le(h, zero).expect("a mask");
    let h = p.b.select(off, zero, h).expect("relu");
    let z = layer(&mut p, h, w2, b2);
    let attributes = vec![
        Attribute::Axes(vec![Axis::At(1)]),
        Attribute::Number((-100.0).into()),
        Attribute::Number(0.0.into()),
    ];
    let losses =
        p.b.op(ops::CROSS_ENTROPY, &[z, y], attributes.clone())
            .expect("losses");
    let loss = p.b.over(ops::MEAN, losses, &[Axis::At(0)]).expect("mean");
    let seed = p.b.like(1.0 / batch as f64, losses).expect("seed");
    let Pullback::Rule(rule) = ops::CROSS_ENTROPY.pullback else {
        panic!("cross entropy has a rule")
    };
    let primal = Primal {
        operands: &[z, y],
        attributes: &Attributes(attributes),
        result: losses,
        cotangent: seed,
        wanted: &[true, false],
    };
    let dz = rule(&mut p.b, &primal).expect("a pullback")[0].expect("wanted");
    let db2 = p.b.sum(dz, &[Axis::At(0)]).expect("db2");
    let dw2 = dot(&mut p, h, dz, 0, 0);
    let dh = dot(&mut p, dz, w2, 1, 1);
    let dh = p.b.select(off, zero, dh).expect("a masked gradient");
    let db1 = p.b.sum(dh, &[Axis::At(0)]).expect("db1");
    let dw1 = dot(&mut p, x, dh, 0, 0);
    p.finish(&[loss, dw1, db1, dw2, db2])
}

/// A schedule of one program, each parameter and result in a region of its own, with values.
pub fn filled(function: &Function) -> Filled {
    let (regions, inputs, outputs) = separate(function);
    let part = Part {
        name: "test",
        program: function,
        inputs,
        outputs,
    };
    with_values(schedule(&[part], regions, Target::Gpu).expect("schedules"))
}

/// Random memory: labels below 10 where the buffer is of integers.
fn with_values(schedule: sinew_codegen::kernel::Schedule) -> Filled {
    let mut random = Random::new(13);
    let memory = schedule
        .regions
        .iter()
        .enumerate()
        .map(|(id, region)| {
            let integers = schedule
                .buffers
                .iter()
                .any(|b| b.region.0 as usize == id && b.dtype == DType::I32);
            (0..region.bytes / 4)
                .flat_map(|_| match integers && id > 0 {
                    true => (random.below(10) as u32).to_le_bytes(),
                    // Between -0.3 and 0.3.
                    false => ((random.below(6001) as f32 - 3000.0) * 1e-4).to_le_bytes(),
                })
                .collect()
        })
        .collect();
    Filled { schedule, memory }
}

/// Sums of up to a hundred products of numbers below 1.
const LOOSE: Tolerance = Tolerance {
    relative: 1e-5,
    absolute: 3e-6,
};

/// A driver may take `(1 + x) - 1` for x, so no formula mends what `1 + x` has lost.
#[test]
fn logarithms_and_exponentials_are_exact_near_zero() {
    let Some(device) = device() else { return };
    let mut values = vec![0.001, -0.001, 0.5, -0.5, -10.0, -20.0, -50.0, -80.0, 20.0];
    for digits in 1..30 {
        let small = 10f32.powi(-digits);
        values.extend([small, -small, 3.3 * small]);
    }
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F32, &[values.len()]);
    let log = p.b.log1p(x).expect("a logarithm");
    let exp = p.b.expm1(x).expect("an exponential");
    let both = p.b.op(ops::SOFTPLUS, &[x], Vec::new()).expect("both");
    let mut build = filled(&p.finish(&[log, exp, both]));
    let regions = &build.schedule.regions;
    let at = regions.iter().position(|r| r.name == "x");
    build.memory[at.expect("an input")] = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let tolerance = Tolerance {
        relative: 1e-6,
        absolute: 0.0,
    };
    build.check(device, tolerance);
}

#[test]
fn loss_and_gradients_of_a_classifier() {
    let Some(device) = device() else { return };
    for (batch, hidden) in [(32, 128), (1, 1), (7, 33)] {
        filled(&classifier(batch, hidden)).check(device, LOOSE);
    }
}

/// Plain gradient descent, parameters updated in place behind the gradients.
#[test]
fn steps_of_descent_stay_with_the_executor() {
    let Some(device) = device() else { return };
    let gradient = classifier(32, 16);
    let descent = {
        let mut p = ProgramBuilder::new();
        let w = p.input("w1", DType::F32, &[64, 16]);
        let g = p.input("dw1", DType::F32, &[64, 16]);
        let step = p.b.scale(g, -0.1).expect("a step");
        let w = p.b.add(w, step).expect("a sum");
        p.finish(&[w])
    };
    let (regions, inputs, outputs) = separate(&gradient);
    let parameter = inputs[0];
    let parts = [
        Part {
            name: "gradients",
            program: &gradient,
            inputs,
            outputs: outputs.clone(),
        },
        Part {
            name: "update",
            program: &descent,
            inputs: vec![parameter, outputs[1]],
            outputs: vec![parameter],
        },
    ];
    let Filled {
        schedule,
        mut memory,
    } = with_values(schedule(&parts, regions, Target::Gpu).expect("schedules"));
    let mut program = GpuSession::compile(device, &schedule).expect("a program");
    for (id, bytes) in (0u32..).zip(&memory) {
        program
            .write_region(RegionId(id), 0, bytes)
            .expect("uploads");
    }
    let loss = outputs[0].region;
    let mut losses = Vec::new();
    for step in 0..20 {
        program.run().expect("runs");
        sinew_codegen::execute::execute(&schedule, &mut memory).expect("executes");
        let mut found = [0; 4];
        program.read_region(loss, 0, &mut found).expect("reads");
        let found = f32::from_le_bytes(found);
        let bytes = &memory[loss.0 as usize];
        let expected = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        assert!(
            (found - expected).abs() <= 1e-5 * expected,
            "step {step}: expected {expected}, found {found}"
        );
        losses.push(found);
    }
    assert!(losses[19] < losses[0], "{losses:?}");
}

/// A random program with elements for its inputs.
struct Input {
    function: Function,
    inputs: Vec<Vec<f64>>,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function)
    }
}

/// Random programs: rows, products, scatters, paddings. What differs from the interpreter in f32 must be
/// explained by rounding.
#[test]
fn random_programs() {
    let Some(device) = device() else { return };
    let flips = Flips::default();
    let make = |seed: u64| {
        let (function, inputs) = program(seed, seed % 8 == 7, DType::F32);
        Input { function, inputs }
    };
    // A software driver compiles each shader of a case on the processor.
    let target = sinew_fuzz::Target::new("program-wgsl", 30).limit(Duration::from_secs(60));
    target.run(make, |input| {
        let function = &input.function;
        let mut filled = filled(function);
        for (p, x) in input.inputs.iter().enumerate() {
            filled.memory[p + 1] = bytes(x, function.values[p].dtype);
        }
        let rounding = Rounding::new(function, &arrays(function, &input.inputs));
        let mut program = GpuSession::compile(device, &filled.schedule).expect("a program");
        let found = run(&mut program, &filled.memory);
        for (r, value) in function.body.results.iter().enumerate() {
            let dtype = function.type_of(*value).dtype;
            let found = values(&found[1 + function.params.len() + r], dtype);
            // A region has room for one element at least.
            for (i, found) in found[..rounding.expected[r].data.len()].iter().enumerate() {
                if let Err(what) = flips.judge(&rounding, (r, i), *found) {
                    panic!("result {r} element {i}: {what}\n{}", filled.schedule);
                }
            }
        }
    });
}
