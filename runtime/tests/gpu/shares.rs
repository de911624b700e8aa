//! Runs in shares of their kernels' parallel axes do what whole runs do, bit by bit.

use sinew_codegen::kernel::Schedule;
use sinew_ir::parse;
use sinew_runtime::gpu::GpuSession;

use crate::programs::filled;
use crate::programs_support::files::{cases, texts};
use crate::programs_support::shares::{PROGRAMS, in_shares};
use crate::support::{device, run};

fn check(name: &str, whole: &Schedule, memory: &[Vec<u8>]) {
    let Some(device) = device() else { return };
    let kept = |schedule: &Schedule| -> Vec<Vec<u8>> {
        let mut session = GpuSession::compile(device, schedule).expect("a program");
        let regions = whole.regions.iter().zip(run(&mut session, memory));
        let kept = regions.filter(|(r, _)| !r.kind.is_planned());
        kept.map(|(_, bytes)| bytes).collect()
    };
    let shares = in_shares(whole);
    assert!(kept(whole) == kept(&shares), "{name}\n{shares}");
}

#[test]
fn kernels_in_files_run_in_shares() {
    for (name, text) in texts() {
        // One of its sizes.
        let case = cases(&name, &text, "gpu").into_iter().next();
        if let Some(case) = case.filter(|case| case.error.is_none()) {
            check(&case.name, &case.schedule, &case.fill());
        }
    }
}

#[test]
fn programs_run_in_shares() {
    for text in PROGRAMS.iter().filter(|text| !text.contains("f64")) {
        let function = parse(text).expect("a program");
        let built = filled(&function);
        check(&function.name, &built.schedule, &built.memory);
    }
}
