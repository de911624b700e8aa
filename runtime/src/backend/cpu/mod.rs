//! The processor: machine code over memory of the host.

mod denormals;

use super::{HostSlot, Slot};
use crate::error::{Error, Result};
use crate::room;
use denormals::flushed;
use sinew_codegen::cpu::{self, Options};
use sinew_codegen::kernel::{Region, RegionKind, Schedule};
use std::cell::Cell;

/// A table of so many regions lies on the stack: more of them ask for memory, once a thread.
const FEW_REGIONS: usize = 48;

thread_local! {
    /// Room for a table of more.
    static MANY_REGIONS: Cell<Vec<*mut u8>> = const { Cell::new(Vec::new()) };
}

/// A schedule as machine code.
pub(crate) struct CpuCode(cpu::CompiledSchedule);

impl CpuCode {
    /// Machine code for this processor; the function's name is for errors.
    ///
    /// # Errors
    /// [`Error::Cpu`].
    pub fn compile(function: &str, schedule: &Schedule) -> Result<CpuCode> {
        match cpu::compile(schedule, &Options::default()) {
            Ok(machine) => Ok(CpuCode(machine)),
            Err(source) => Err(Error::Cpu {
                function: function.into(),
                source: Box::new(source),
            }),
        }
    }

    /// Bytes of the region that the code of a schedule has behind those of the schedule.
    pub fn scratch_bytes(schedule: &Schedule) -> usize {
        cpu::scratch_bytes(schedule, &Options::default())
    }

    /// As [`Code::run`](super::Code::run).
    ///
    /// # Errors
    /// [`Error::Regions`].
    ///
    /// # Safety
    /// There is one slot for each region of the schedule, in order, and one for [`CpuCode::scratch`];
    /// each fits its region.
    pub unsafe fn run(&self, slots: &[Slot<'_>]) -> Result<()> {
        let mut few = [std::ptr::null_mut(); FEW_REGIONS];
        let mut many = Vec::new();
        let table = match few.get_mut(..slots.len()) {
            Some(few) => few,
            None => {
                many = room::taken(&MANY_REGIONS);
                many.resize(slots.len(), std::ptr::null_mut());
                many.as_mut_slice()
            }
        };
        for (base, slot) in table.iter_mut().zip(slots) {
            match slot {
                Slot::Host(HostSlot { base: from, .. }) => *base = *from,
                #[cfg(feature = "gpu")]
                Slot::Gpu(_) => {
                    return Err(Error::Regions { count: slots.len() });
                }
            }
        }
        // SAFETY: the table has one pointer for each region of the schedule and one for scratch, to as
        // many bytes as the region has: the caller's word. Slots borrow their memory, mutably but for
        // those of regions that no kernel writes (the schedule was verified); arguments are row-major,
        // of the region's element type and aligned to it.
        flushed(|| unsafe { self.0.run(table) });
        room::leave(&MANY_REGIONS, many);
        Ok(())
    }

    /// The region behind those of the schedule: what kernels need while they run.
    pub fn scratch(&self) -> Region {
        Region {
            name: "scratch".into(),
            bytes: self.0.scratch_bytes(),
            kind: RegionKind::Output,
        }
    }

    /// The kernels in Cranelift's form.
    pub fn clif(&self) -> String {
        self.0.clif()
    }

    /// Bytes of machine code.
    pub fn code_bytes(&self) -> usize {
        self.0.code_bytes()
    }
}
