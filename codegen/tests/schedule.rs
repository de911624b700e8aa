//! What is fused with what, what is stored, and that the kernels compute it.
//!
//! `tests/golden/schedule/*.txt` hold what `explain` says of a whole step, in parts over packed memory;
//! `BLESS=1` writes them anew. Programs by themselves are in files (`programs.rs`).

use crate::support;

use sinew_codegen::cost::Target;
use sinew_codegen::execute::execute;
use sinew_codegen::explain::{decisions, explain};
use sinew_codegen::kernel::{RegionId, RegionKind, Regions, Schedule};
use sinew_codegen::schedule::{
    Part, RegionOffset, ScheduleError, schedule, schedule_with_decisions,
};
use sinew_ir::ops::{self};
use sinew_ir::{Axis, Binding, DType, Function, Gradient, Shape, Unit, Value, link_gradient};
use support::{ProgramBuilder, bytes, close, golden, interpreted, numbers, run, scheduled, values};

/// The gradient program of a function in text form, of all its params.
fn gradient(text: &'static str) -> Gradient {
    let unit = Box::leak(Box::new(Unit {
        path: "test",
        file: "test.rs",
        text,
        callees: &[],
        consts: &[],
    }));
    let binding = Binding::new(DType::F32);
    let wanted = |p: &sinew_ir::Param| p.kind == sinew_ir::ParamKind::Param;
    match link_gradient(unit, &binding, &wanted) {
        Ok(g) => g,
        Err(e) => panic!("{e}"),
    }
}

const DIGITS: &str = "\
fn @loss(%w1: param float[64, 128], %b1: param float[128], %w2: param float[128, 10], \
%b2: param float[10], %x: float[32, 64], %y: i32[32]) -> float[] {
  %6 = dot %x, %w1 contract_x [1] contract_y [0]
  %7 = broadcast %b1 shape [32, 128] new [0]
  %8 = add %6, %7
  %9 = relu %8
  %10 = dot %9, %w2 contract_x [1] contract_y [0]
  %11 = broadcast %b2 shape [32, 10] new [0]
  %12 = add %10, %11
  %13 = cross_entropy %12, %y axis [1] ignore_index -100 label_smoothing 0
  %14 = mean %13 axes [0]
  return %14
}
";

/// Packs leaves at multiples of 256 bytes: the offset of each, and the bytes of all.
fn packed(program: &Function, count: usize) -> (Vec<usize>, usize) {
    let mut at = 0;
    let mut offsets = Vec::new();
    for p in 0..count {
        offsets.push(at);
        let extents = program.values[p].shape.extents().expect("linked");
        at += (extents.iter().product::<usize>() * 4).next_multiple_of(256);
    }
    (offsets, at)
}

/// Adam over `n` packed parameters: p, g, m, v, step size, second correction; p, m, v in place.
fn adam(n: usize, clip: Option<f64>) -> Function {
    let mut p = ProgramBuilder::new();
    let f = DType::F32;
    let [x, g, m, v] = ["parameters", "gradients", "m", "v"].map(|name| p.input(name, f, &[n]));
    let [step, second] = ["step_size", "second_correction"].map(|name| p.input(name, f, &[]));
    let b = &mut p.b;
    let shape = Shape::from_extents(&[n]);
    let spread = |b: &mut sinew_ir::Builder, s: Value| {
        b.broadcast(s, &shape, &[Axis::At(0)]).expect("scalar")
    };
    let mut g = g;
    if let Some(greatest) = clip {
        let square = b.mul(g, g).expect("mul");
        let sum = b.sum(square, &[Axis::At(0)]).expect("sum");
        let norm = b.sqrt(sum).expect("sqrt");
        let norm = b.with(ops::ADD, norm, 1e-6).expect("add");
        let most = b.like(greatest, norm).expect("like");
        let scale = b.div(most, norm).expect("div");
        let scale = b.with(ops::MINIMUM, scale, 1.0).expect("minimum");
        let scale = spread(b, scale);
        g = b.mul(g, scale).expect("mul");
    }
    let old = b.scale(m, 0.9).expect("scale");
    let new = b.scale(g, 0.1).expect("scale");
    let m = b.add(old, new).expect("add");
    let old = b.scale(v, 0.999).expect("scale");
    let new = b.mul(g, g).expect("mul");
    let new = b.scale(new, 0.001).expect("scale");
    let v = b.add(old, new).expect("add");
    let root = b.sqrt(v).expect("sqrt");
    let second = spread(b, second);
    let root = b.div(root, second).expect("div");
    let root = b.with(ops::ADD, root, 1e-8).expect("add");
    let step = spread(b, step);
    let change = b.mul(step, m).expect("mul");
    let change = b.div(change, root).expect("div");
    let x = b.sub(x, change).expect("sub");
    p.finish(&[x, m, v])
}

/// A whole training step: gradients into a packed region, then the update of packed parameters.
fn training_step(
    text: &'static str,
    params: usize,
    clip: Option<f64>,
) -> (Schedule, String, [Function; 2]) {
    let gradient = gradient(text);
    let program = gradient.program;
    let (offsets, size) = packed(&program, params);
    let mut regions = Regions::new();
    let [parameters, gradients, m, v] = ["parameters", "gradients", "m", "v"]
        .map(|name| regions.add(name, size, RegionKind::State));
    let scalars = regions.add("scalars", 512, RegionKind::Input);
    let loss = regions.add("loss", 4, RegionKind::Output);
    let place = |region: RegionId, offset: usize| RegionOffset { region, offset };
    let mut inputs: Vec<RegionOffset> = offsets.iter().map(|o| place(parameters, *o)).collect();
    for p in params..program.params.len() {
        let extents = program.values[p].shape.extents().expect("linked");
        let size = extents.iter().product::<usize>() * 4;
        let region = regions.add(&program.params[p].name, size, RegionKind::Input);
        inputs.push(place(region, 0));
    }
    let mut outputs = vec![place(loss, 0); program.body.results.len()];
    for (p, offset) in offsets.iter().enumerate() {
        outputs[gradient.gradients[p].expect("all are wanted")] = place(gradients, *offset);
    }
    let update = adam(size / 4, clip);
    let parts = [
        Part {
            name: "gradients",
            program: &program,
            inputs,
            outputs,
        },
        Part {
            name: "update",
            program: &update,
            inputs: vec![
                place(parameters, 0),
                place(gradients, 0),
                place(m, 0),
                place(v, 0),
                place(scalars, 0),
                place(scalars, 256),
            ],
            outputs: vec![place(parameters, 0), place(m, 0), place(v, 0)],
        },
    ];
    match schedule_with_decisions(&parts, regions, Target::Cpu) {
        Ok((s, decided)) => {
            let text = explain(&s) + &decisions(&decided);
            (s, text, [program, update])
        }
        Err(e) => panic!("{e}\n{program}"),
    }
}

#[test]
fn digits_training_step() {
    let (s, explained, [program, _]) = training_step(DIGITS, 4, None);
    golden("digits_adam", &explained);
    golden("digits_adam_code", &s.to_string());
    // The gradients and the first update of Adam: every parameter moves by the step size.
    let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0; r.bytes]).collect();
    memory[0].fill(0xFF);
    let inputs: Vec<Vec<f64>> = (0..6)
        .map(|p| {
            let extents = program.values[p].shape.extents().expect("linked");
            match p {
                5 => (0..32).map(|i| f64::from(i % 10)).collect(),
                _ => numbers(extents.iter().product(), p + 1),
            }
        })
        .map(|v: Vec<f64>| v.into_iter().map(|x| f64::from(x as f32)).collect())
        .collect();
    let (offsets, _) = packed(&program, 4);
    for (p, offset) in offsets.iter().enumerate() {
        let data = bytes(&inputs[p], DType::F32);
        memory[1][*offset..offset + data.len()].copy_from_slice(&data);
    }
    memory[5][..4].copy_from_slice(&bytes(&[0.01], DType::F32));
    memory[5][256..260].copy_from_slice(&bytes(&[0.001f64.sqrt()], DType::F32));
    memory[7] = bytes(&inputs[4], DType::F32);
    memory[8] = bytes(&inputs[5], DType::I32);
    execute(&s, &mut memory).expect("runs");
    let expected = interpreted(&program, &inputs);
    close(&values(&memory[6], DType::F32), &expected[0], 1e-6, "loss");
    for (p, offset) in offsets.iter().enumerate() {
        let n = expected[p + 1].len() * 4;
        let found = values(&memory[2][*offset..offset + n], DType::F32);
        close(&found, &expected[p + 1], 1e-6, "gradient");
        let moved = values(&memory[1][*offset..offset + n], DType::F32);
        for ((new, old), g) in moved.iter().zip(&inputs[p]).zip(&found) {
            let step = 0.1 * g / ((0.001f64 * g * g).sqrt() / 0.001f64.sqrt() + 1e-8);
            assert!((old - 0.01 * step - new).abs() < 1e-5, "{old} {new} {g}");
        }
    }
}

#[test]
fn clipping_adds_a_reduction_in_two_steps_and_no_more() {
    let (plain, ..) = training_step(DIGITS, 4, None);
    let (clipped, explained, _) = training_step(DIGITS, 4, Some(1.0));
    golden("digits_adam_clipped", &explained);
    assert_eq!(clipped.runs().len(), plain.runs().len() + 2);
}

#[test]
fn long_reductions_of_awkward_lengths() {
    for n in [4097usize, 5003, 9973, 20011] {
        let mut p = ProgramBuilder::new();
        let x = p.input("x", DType::F64, &[n]);
        let wide = p.input("y", DType::F64, &[n, 3]);
        let sum = p.b.sum(x, &[Axis::At(0)]).expect("sum");
        let max = p.b.over(ops::MAX, x, &[Axis::At(0)]).expect("max");
        let columns = p.b.sum(wide, &[Axis::At(0)]).expect("sum");
        let f = p.finish(&[sum, max, columns]);
        let inputs = [numbers(n, 1), numbers(3 * n, 2)];
        let found = run(&f, &inputs);
        for (a, b) in found.iter().zip(&interpreted(&f, &inputs)) {
            close(a, b, 1e-11, "long");
        }
    }
}

#[test]
fn a_chain_of_thousands_is_cut_into_kernels() {
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F64, &[5]);
    let mut v = x;
    for i in 0..4000 {
        let op = [ops::ADD, ops::SUB][i % 2];
        v = p.b.with(op, v, 0.25).expect("with");
        v = p.b.tanh(v).expect("tanh");
    }
    let f = p.finish(&[v]);
    let input = [numbers(5, 4)];
    close(
        &run(&f, &input)[0],
        &interpreted(&f, &input)[0],
        1e-12,
        "chain",
    );
}

fn at(region: RegionId, offset: usize) -> RegionOffset {
    RegionOffset { region, offset }
}

#[test]
fn two_inputs_change_places_and_a_reversed_update_reads_what_was_there() {
    // x, y = y, x + transpose(x), both in place.
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F32, &[3, 3]);
    let y = p.input("y", DType::F32, &[3, 3]);
    let turned =
        p.b.permute(x, &[Axis::At(1), Axis::At(0)])
            .expect("permute");
    let sum = p.b.add(x, turned).expect("add");
    let f = p.finish(&[y, sum]);
    let mut regions = Regions::new();
    let places = ["x", "y"].map(|name| at(regions.add(name, 36, RegionKind::State), 0));
    let part = Part {
        name: "test",
        program: &f,
        inputs: places.to_vec(),
        outputs: places.to_vec(),
    };
    let s = schedule(&[part], regions, Target::Cpu).expect("schedules");
    let inputs = [numbers(9, 1), numbers(9, 2)];
    let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0; r.bytes]).collect();
    memory[1] = bytes(&inputs[0], DType::F32);
    memory[2] = bytes(&inputs[1], DType::F32);
    execute(&s, &mut memory).expect("runs");
    let expected = interpreted(&f, &inputs);
    close(&values(&memory[1], DType::F32), &expected[0], 1e-6, "x");
    close(&values(&memory[2], DType::F32), &expected[1], 1e-6, "y");
}

#[test]
fn one_value_in_two_places_and_an_input_that_is_a_result() {
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F32, &[4]);
    let y = p.b.exp(x).expect("exp");
    let f = p.finish(&[y, x, y]);
    let input = [vec![0.0, 1.0, -1.0, 0.5]];
    let found = run(&f, &input);
    assert_eq!(found[0], found[2]);
    assert_eq!(found[1], input[0]);
    close(&found[0], &interpreted(&f, &input)[0], 1e-6, "exp");
    assert_eq!(scheduled(&f).kernels.len(), 2);
}

#[test]
fn places_that_do_not_fit_are_errors() {
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F32, &[4]);
    let y = p.b.exp(x).expect("exp");
    let f = p.finish(&[y, y]);
    let mut regions = Regions::new();
    let in_x = regions.add("x", 16, RegionKind::Input);
    let in_y = regions.add("y", 32, RegionKind::Output);
    let laid_out = regions.clone().list();
    let arena = laid_out.iter().position(|r| r.kind == RegionKind::Arena);
    let arena = RegionId(arena.expect("always there") as u32);
    let nowhere = RegionId(laid_out.len() as u32);
    let with = |inputs: Vec<RegionOffset>, outputs: Vec<RegionOffset>| {
        let part = Part {
            name: "test",
            program: &f,
            inputs,
            outputs,
        };
        schedule(&[part], regions.clone(), Target::Cpu).expect_err("does not fit")
    };
    let fine = vec![at(in_x, 0)];
    let overlap = with(fine.clone(), vec![at(in_y, 0), at(in_y, 8)]);
    assert!(matches!(
        overlap,
        ScheduleError::Overlap {
            first: 0,
            second: 1,
            ..
        }
    ));
    let count = with(fine.clone(), vec![at(in_y, 0)]);
    assert!(matches!(
        count,
        ScheduleError::Places {
            values: 2,
            places: 1,
            ..
        }
    ));
    for (input, output) in [
        (at(in_x, 4), at(in_y, 16)),
        (at(arena, 0), at(in_y, 16)),
        (at(nowhere, 0), at(in_y, 16)),
        (at(in_x, 0), at(in_y, 18)),
        (at(in_x, 0), at(in_y, 20)),
        (at(in_x, 0), at(in_x, 0)),
    ] {
        let error = with(vec![input], vec![at(in_y, 0), output]);
        assert!(
            matches!(error, ScheduleError::RegionOffset { .. }),
            "{error}"
        );
    }
}

/// In release these extents wrapped to a count of 0.
#[test]
fn intermediates_past_any_memory_are_refused_by_name() {
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F32, &[4]);
    let total = p.b.sum(x, &[Axis::At(0)]).expect("sum");
    let extents = [1 << 21, 1 << 21, 1 << 22];
    let new: Vec<Axis> = (0..3).map(Axis::At).collect();
    let huge = p.b.broadcast(total, &Shape::from_extents(&extents), &new);
    let huge = huge.expect("a type");
    let sum = p.b.sum(huge, &new).expect("sum");
    let function = p.finish(&[sum]);
    let (regions, inputs, outputs) = support::separate(&function);
    let part = Part {
        name: "test",
        program: &function,
        inputs,
        outputs,
    };
    let error = schedule(&[part], regions, Target::Cpu).expect_err("no memory has that");
    assert_eq!(
        error.to_string(),
        format!("{huge}: f32[2097152, 2097152, 4194304] is too large for any memory")
    );
}
