//! The kernels in files of the code generator's tests, and programs with loops.

use sinew_codegen::execute::execute;
use sinew_codegen::kernel::{RegionKind, Schedule};
use sinew_ir::parse;
use sinew_runtime::gpu::GpuSession;

use crate::programs::build;
use crate::programs_support::files::{PROGRAMS, cases, in_shares};
use crate::support::{Tolerance, device, run};

#[test]
fn kernels_in_files_compute_what_they_say() {
    let Some(device) = device() else { return };
    for case in cases().iter().filter(|c| c.runs) {
        let mut expected = case.fill();
        execute(&case.schedule, &mut expected).expect("executes");
        let mut program = GpuSession::compile(device, &case.schedule).expect("a program");
        let found = run(&mut program, &case.fill());
        case.compare(&found, &expected, 1e-5, "on a GPU");
        case.check(&found);
    }
}

/// Bit by bit: kernels in files, and programs of every class.
#[test]
fn runs_in_shares_do_what_whole_runs_do() {
    let Some(device) = device() else { return };
    let files = cases().into_iter().filter(|c| c.runs);
    let files = files.map(|c| (c.name.clone(), c.schedule.clone(), c.fill()));
    let programs = PROGRAMS.iter().filter(|text| !text.contains("f64"));
    let programs = programs.map(|text| {
        let function = parse(text).expect("a program");
        let built = build(&function);
        (function.name, built.finish(), built.memory)
    });
    for (name, whole, memory) in files.chain(programs) {
        let kept = |schedule: &Schedule| -> Vec<Vec<u8>> {
            let mut session = GpuSession::compile(device, schedule).expect("a program");
            let regions = whole.regions.iter().zip(run(&mut session, &memory));
            let kept = regions.filter(|(r, _)| r.kind != RegionKind::Arena);
            kept.map(|(_, bytes)| bytes).collect()
        };
        let shares = in_shares(&whole);
        assert!(kept(&whole) == kept(&shares), "{name}\n{shares}");
    }
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
    let built = build(&parse(text).expect("a program"));
    let kernels = built.schedule.kernels.len();
    assert!(kernels < 8, "{}", built.schedule);
    built.check(device, Tolerance::F32.absolute(1e-5));
}
