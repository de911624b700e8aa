//! Schedules grow with their programs, not faster, and long sums stay exact.

use crate::support;

use sinew_codegen::cost::{TRANSCENDENTAL, cost};
use sinew_codegen::kernel::{Class, Schedule, Stage};
use sinew_fuzz::{STEPS, steps, within};
use sinew_ir::compose::{broadcast_to, narrow, pad, unsqueeze};
use sinew_ir::ops;
use sinew_ir::{Axis, Binding, DType, Dim, Function, Shape, link_pullback, parse};
use std::time::Duration;
use support::{ProgramBuilder, interpreted, run, scheduled};
#[cfg(feature = "cpu")]
use support::{bytes, run_compiled, values};

/// Numbers in 0..1 without a pattern that sums could profit from.
fn numbers(n: usize) -> Vec<f64> {
    let part = |i: usize| (i as f64 * 0.618_033_988_749_894_9).fract();
    (0..n).map(|i| part(i) as f32 as f64).collect()
}

/// Scalar instructions in all nests.
fn instructions(s: &Schedule) -> usize {
    let count = |stage: &Stage| match stage {
        Stage::Row { code, .. } | Stage::Each { code, .. } => code.insts.len(),
    };
    let kernel = |class: &Class| match class {
        Class::Nest(nest) => nest.stages.iter().map(count).sum(),
        Class::Contract(_) | Class::Scatter(_) | Class::Scan(_) | Class::Sort(_) => 0,
    };
    s.kernels.iter().map(|k| kernel(&k.class)).sum()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() <= tolerance * (1.0 + b.abs()),
            "{a} and not {b}"
        );
    }
}

/// The scheduled program of so many steps and of their pullback.
fn scheduled_steps(name: &str, step: &str, count: usize) -> Schedule {
    let text = steps(step, count);
    let function = parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let binding = Binding::new(DType::F32);
    let linked = link_pullback(sinew_testing::unit(&function), &binding, &|_| true);
    let program = linked.unwrap_or_else(|e| panic!("{e}\n{text}")).program;
    within(Duration::from_secs(5), name, || scheduled(&program))
}

/// Each stage of a row computes again what those before it were made of, until kernels are cut: the
/// square of the steps is reached, and nothing beyond.
#[test]
fn code_of_steps_that_use_a_value_twice_grows_with_their_square_at_most() {
    let count = 64;
    for (name, step) in STEPS {
        let s = scheduled_steps(name, step, count);
        let size = s.kernels.len() + instructions(&s);
        assert!(size <= 8 * count * count, "{name}: {size}");
    }
}

#[test]
fn a_small_value_used_thrice_a_step_is_scheduled_in_linear_time() {
    // Newton's iteration for 1 / sqrt(v): each step reads the one before at three places.
    let mut p = ProgramBuilder::new();
    let v = p.input("v", DType::F64, &[4]);
    let wide = p.input("x", DType::F64, &[4, 64]);
    let mut y = p.input("y", DType::F64, &[4]);
    for _ in 0..24 {
        let square = p.b.mul(y, y).expect("mul");
        let product = p.b.mul(v, square).expect("mul");
        let product = p.b.scale(product, -0.5).expect("scale");
        let factor = p.b.with(ops::ADD, product, 1.5).expect("add");
        y = p.b.mul(y, factor).expect("mul");
    }
    let column = unsqueeze(&mut p.b, y, 1).expect("an axis");
    let spread = broadcast_to(&mut p.b, column, &Shape::from_extents(&[4, 64])).expect("broadcast");
    let out = p.b.mul(wide, spread).expect("mul");
    let f = p.finish(&[out]);
    let inputs = [vec![1.0, 2.0, 3.0, 4.0], numbers(256), vec![0.4; 4]];
    close(&run(&f, &inputs)[0], &interpreted(&f, &inputs)[0], 1e-12);
}

/// `steps` averages of four neighbours over a grid with zeros around it.
fn stencil(n: usize, steps: usize) -> Function {
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F64, &[n, n]);
    let whole = Dim::constant(n as i64);
    let mut u = x;
    for _ in 0..steps {
        let one = Dim::constant(1);
        let widths = [0, 1].map(|d| (Axis::At(d), one.clone(), one.clone()));
        let around = pad(&mut p.b, u, &widths, &0.0.into()).expect("pad");
        let mut sum = None;
        for (i, j) in [(0, 1), (2, 1), (1, 0), (1, 2)] {
            let (i, j) = (Dim::constant(i), Dim::constant(j));
            let part = narrow(&mut p.b, around, Axis::At(0), i, &whole).expect("rows");
            let part = narrow(&mut p.b, part, Axis::At(1), j, &whole).expect("columns");
            sum = Some(match sum {
                None => part,
                Some(sum) => p.b.add(sum, part).expect("add"),
            });
        }
        u = p.b.scale(sum.expect("four parts"), 0.25).expect("scale");
    }
    p.finish(&[u])
}

#[test]
fn a_stencils_code_grows_with_its_steps() {
    let n = 11;
    let sizes = [2, 4, 8, 16].map(|steps| {
        let f = stencil(n, steps);
        let inputs = [numbers(n * n)];
        close(&run(&f, &inputs)[0], &interpreted(&f, &inputs)[0], 1e-12);
        instructions(&scheduled(&f))
    });
    for pair in sizes.windows(2) {
        assert!(pair[1] <= 3 * pair[0], "twice the steps: {sizes:?}");
    }
}

#[test]
fn a_costly_function_of_a_small_input_is_computed_once() {
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F32, &[64, 32]);
    let gate = p.input("gate", DType::F32, &[32]);
    let open = p.b.exp(gate).expect("exp");
    let open = broadcast_to(&mut p.b, open, &Shape::from_extents(&[64, 32])).expect("broadcast");
    let out = p.b.mul(x, open).expect("mul");
    let f = p.finish(&[out]);
    let s = scheduled(&f);
    let exponentials: usize = s
        .kernels
        .iter()
        .map(|k| cost(k).flops / TRANSCENDENTAL * TRANSCENDENTAL)
        .sum();
    assert!(exponentials < 64 * 32 * TRANSCENDENTAL, "{exponentials}");
    let inputs = [numbers(64 * 32), numbers(32)];
    close(&run(&f, &inputs)[0], &interpreted(&f, &inputs)[0], 1e-6);
}

#[cfg(feature = "cpu")]
#[test]
fn a_long_sum_is_as_exact_beside_many_rows() {
    // Each addition to one running sum in f32 rounds the same way: it would be off by 1e-4.
    let (n, rows) = (100_000, 1024);
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F32, &[n]);
    let column = unsqueeze(&mut p.b, x, 1).expect("an axis");
    let wide = broadcast_to(&mut p.b, column, &Shape::from_extents(&[n, rows])).expect("broadcast");
    let sum = p.b.sum(wide, &[Axis::At(0)]).expect("sum");
    let f = p.finish(&[sum]);
    let s = scheduled(&f);
    let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0; r.bytes]).collect();
    memory[1] = bytes(&vec![0.1; n], DType::F32);
    run_compiled(&s, &mut memory, &Default::default());
    let exact = f64::from(0.1f32) * n as f64;
    for found in values(&memory[2], DType::F32) {
        assert!(
            (found / exact - 1.0).abs() < 1e-6,
            "{found} and not {exact}"
        );
    }
}
