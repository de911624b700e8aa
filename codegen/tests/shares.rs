//! Runs in shares of their kernels' parallel axes do what whole runs do, bit by bit.

use crate::support;

use sinew_codegen::execute::execute;
use sinew_codegen::kernel::Schedule;
use sinew_codegen::verify::verify;
use sinew_ir::parse;
use support::files::{cases, texts};
use support::shares::{PROGRAMS, in_shares};
use support::{bytes, numbers, scheduled};

/// Compares a schedule in shares with the whole, by the executor and by compiled code.
fn check(name: &str, schedule: &Schedule, memory: &[Vec<u8>]) {
    let shares = in_shares(schedule);
    verify(&shares).unwrap_or_else(|e| panic!("{name}: {e}"));
    let kept = |memory: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
        let regions = schedule.regions.iter().zip(memory);
        let kept = regions.filter(|(r, _)| !r.kind.is_planned());
        kept.map(|(_, bytes)| bytes).collect()
    };
    let executed = |s: &Schedule| {
        let mut memory = memory.to_vec();
        execute(s, &mut memory).unwrap_or_else(|e| panic!("{name}: {e}"));
        kept(memory)
    };
    assert!(executed(schedule) == executed(&shares), "{name}: executed");
    #[cfg(feature = "cpu")]
    for options in support::targets::targets() {
        let compiled = |s: &Schedule| {
            let mut memory = memory.to_vec();
            support::run_compiled(s, &mut memory, &options);
            kept(memory)
        };
        let (whole, parts) = (compiled(schedule), compiled(&shares));
        assert!(whole == parts, "{name}: {options:?}\n{shares}");
    }
}

#[test]
fn kernels_in_files_run_in_shares() {
    for (name, text) in texts() {
        // One of its sizes.
        let case = cases(&name, &text, "cpu").into_iter().next();
        if let Some(case) = case.filter(|case| case.error.is_none()) {
            check(&case.name, &case.schedule, &case.fill());
        }
    }
}

#[test]
fn programs_run_in_shares() {
    for text in PROGRAMS {
        let function = parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let schedule = scheduled(&function);
        let mut memory: Vec<Vec<u8>> = schedule.regions.iter().map(|r| vec![0; r.bytes]).collect();
        for p in 0..function.params.len() {
            let ty = &function.values[p];
            let count = ty.shape.extents().expect("bound").iter().product();
            let data: Vec<f64> = match ty.dtype.is_float() {
                true => numbers(count, p + 1),
                false => (0..count).map(|i| (i * 7 % 23) as f64).collect(),
            };
            memory[p + 1] = bytes(&data, ty.dtype);
        }
        let mut cut = 0;
        for run in in_shares(&schedule).runs() {
            cut += usize::from(!run.cuts.is_empty());
        }
        assert!(cut > 0, "{schedule}");
        check(&function.name, &schedule, &memory);
    }
}
