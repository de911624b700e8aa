//! How long each run of a kernel takes: code that is compiled as [`super::Options::clocked`] tells a clock behind
//! each of them.
//!
//! What passes between two readings counts for the run before the second, with the few instructions of the driver
//! in front of it and the reading itself, some tens of nanoseconds. Each thread has a clock of its own; it is
//! started again where a thread comes to a share, so that waiting counts for no run.

use std::time::Instant;

use cranelift_codegen::ir::{ExtFuncData, ExternalName, FuncRef, InstBuilder, Value, types};
use cranelift_frontend::FunctionBuilder;

use super::shim::Shim;
use crate::work::Lap;

/// The clock of a thread.
#[derive(Debug)]
pub struct Clock {
    last: Instant,
    laps: Box<[Lap]>,
}

impl Clock {
    /// One for so many runs.
    pub fn new(runs: usize) -> Clock {
        Clock {
            last: Instant::now(),
            laps: vec![Lap::default(); runs].into_boxed_slice(),
        }
    }

    /// What it was told of each run.
    pub fn laps(&self) -> &[Lap] {
        &self.laps
    }

    /// Takes the time from here on.
    pub(super) fn start(&mut self) {
        self.last = Instant::now();
    }
}

/// What compiled code calls behind a run, with its number, and with a negative one where a share begins.
pub(super) extern "C" fn tell_clock(clock: &mut Clock, run: i64) {
    let now = Instant::now();
    let lap = usize::try_from(run).ok();
    if let Some(lap) = lap.and_then(|run| clock.laps.get_mut(run)) {
        lap.add(now.saturating_duration_since(clock.last));
    }
    clock.last = now;
}

/// Emits what tells a clock.
#[derive(Clone, Copy)]
pub(super) struct Teller {
    clock: Value,
    tell: FuncRef,
}

impl Teller {
    /// That of the clock at an address.
    pub(super) fn new(b: &mut FunctionBuilder<'_>, clock: Value) -> Teller {
        let shim = Shim::TellClock;
        let signature = b.import_signature(shim.signature(b.func.signature.call_conv));
        let tell = b.import_function(ExtFuncData {
            name: ExternalName::testcase(shim.name()),
            signature,
            colocated: false,
            patchable: false,
        });
        Teller { clock, tell }
    }

    /// Behind a run, by its number in the schedule.
    pub(super) fn ran(self, b: &mut FunctionBuilder<'_>, run: usize) {
        self.tell(b, run as i64);
    }

    /// Where a share begins.
    pub(super) fn starts(self, b: &mut FunctionBuilder<'_>) {
        self.tell(b, -1);
    }

    fn tell(self, b: &mut FunctionBuilder<'_>, run: i64) {
        let run = b.ins().iconst(types::I64, run);
        b.ins().call(self.tell, &[self.clock, run]);
    }
}
