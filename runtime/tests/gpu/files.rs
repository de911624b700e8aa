//! The kernels and the programs in files of the code generator's tests, and programs with loops.

use sinew_codegen::cost::Target;
use sinew_codegen::kernel::Class;
use sinew_ir::parse;

use crate::programs::filled;
use crate::programs_support::files::{Case, cases, texts};
use crate::programs_support::programs;
use crate::support::{Filled, Tolerance, device, on_devices};

/// Runs the files whose first kernel is of a class: the first case of each under all limits, the others, which have
/// other sizes, under one in turn.
fn check(chosen: fn(&Class) -> bool) {
    let texts = texts();
    let cases = texts
        .iter()
        .flat_map(|(name, text)| cases(name, text, "gpu").into_iter().enumerate());
    let cases: Vec<(usize, Case)> = cases
        .filter(|(_, case)| {
            let first = case.schedule.kernels.first();
            case.error.is_none() && first.is_some_and(|k| chosen(&k.class))
        })
        .collect();
    assert!(!cases.is_empty());
    on_devices(&cases, |device, (turn, case)| {
        // Seen where the test fails.
        println!("{}", case.name);
        case.check(&case.executed());
        // Rounding errors are those of the terms.
        let terms = case.terms.unwrap_or(0);
        let filled = Filled {
            memory: case.fill(),
            schedule: case.schedule.clone(),
        };
        let tolerance = Tolerance::F32.absolute(1e-7 * terms as f32);
        match turn {
            0 => filled.check(device, tolerance),
            turn => filled.check_in_turn(device, tolerance, *turn),
        }
    });
}

#[test]
fn nests_scans_and_sorts_in_files() {
    check(|class| matches!(class, Class::Nest(_) | Class::Scan(_) | Class::Sort(_)));
}

#[test]
fn contractions_in_files() {
    check(|class| matches!(class, Class::Contract(_)));
}

#[test]
fn scatters_in_files() {
    check(|class| matches!(class, Class::Scatter(_)));
}

/// Functions, scheduled for the GPU.
#[test]
fn programs_in_files() {
    let texts = programs::texts();
    let programs = texts
        .iter()
        .flat_map(|(name, text)| programs::programs(name, text, "gpu"));
    let programs: Vec<_> = programs.collect();
    assert!(!programs.is_empty());
    on_devices(&programs, |device, program| {
        // Seen where the test fails.
        println!("{}", program.name);
        let (schedule, memory) = program.filled(Target::Gpu);
        // Sums of a hundred products of numbers below 1: rounding errors are those of the terms.
        Filled { schedule, memory }.check(device, Tolerance::F32.absolute(1e-5));
    });
}

/// Turn by turn in one submission: a recurrence with a stack, from the end, in another.
#[test]
fn loops_are_dispatched_turn_by_turn() {
    let Some(device) = device() else { return };
    let text = "fn @f(%h: f32[3], %w: f32[3, 3], %xs: f32[4, 2, 3]) -> f32[3], f32[4, 3, 2] {
  %13, %14 = loop 4 backward (%3, %4 = %h, %5 = slice %xs) {
    %11, %12 = loop 2 (%6, %7 = %4, %8 = slice %5) {
      %9 = dot %7, %w contract_x [0] contract_y [0]
      %10 = add %9, %8
      %15 = tanh %10
      return %15, stack %15 axis 1
    }
    %16 = add %11, %4
    return %16, stack %12
  }
  return %13, %14
}";
    let built = filled(&parse(text).expect("a program"));
    let kernels = built.schedule.kernels.len();
    assert!(kernels < 8, "{}", built.schedule);
    built.check(device, Tolerance::F32.absolute(1e-5));
}
