//! The processor: machine code over memory of the host.

mod denormals;

use super::{HostSlot, Slot};
use crate::error::{Error, Result};
use denormals::flushed;
use sinew_codegen::cpu::{self, Options};
use sinew_codegen::kernel::{Region, RegionKind, Schedule};

/// The most regions of a schedule: a table of them lies on the stack.
const MAX_REGIONS: usize = 32;

/// A schedule as machine code.
pub(crate) struct CpuCode {
    machine: cpu::Program,
    /// What the code takes each base for: the schedule's regions, and scratch.
    regions: Vec<Region>,
}

impl CpuCode {
    /// Machine code for this processor; the function's name is for errors.
    ///
    /// # Errors
    /// [`Error::Cpu`].
    pub fn compile(function: &str, schedule: &Schedule) -> Result<CpuCode> {
        match cpu::compile(schedule, &Options::default()) {
            Ok(machine) => {
                let scratch = Region {
                    name: "scratch".into(),
                    bytes: machine.scratch_bytes(),
                    kind: RegionKind::Output,
                };
                let regions = schedule.regions.iter().cloned();
                Ok(CpuCode {
                    machine,
                    regions: regions.chain([scratch]).collect(),
                })
            }
            Err(source) => Err(Error::Cpu {
                function: function.into(),
                source: Box::new(source),
            }),
        }
    }

    /// As [`Code::run`](super::Code::run).
    ///
    /// # Errors
    /// [`Error::Regions`].
    pub fn run(&self, slots: &[Slot<'_>]) -> Result<()> {
        let regions = || Error::Regions { count: slots.len() };
        let fit = self.regions.iter().zip(slots).all(|(r, s)| s.fits(r));
        if slots.len() != self.regions.len() || !fit {
            return Err(regions());
        }
        let mut bases = [std::ptr::null_mut(); MAX_REGIONS];
        let table = bases.get_mut(..slots.len()).ok_or_else(regions)?;
        for (base, slot) in table.iter_mut().zip(slots) {
            match slot {
                Slot::Host(HostSlot { base: from, .. }) => *base = *from,
                #[cfg(feature = "gpu")]
                Slot::Gpu(_) => return Err(regions()),
            }
        }
        // SAFETY: the table has one pointer for each region of the schedule that this was compiled
        // from, and one for scratch, to as many bytes as the region has, checked above. Slots borrow their memory, mutably
        // but for those of regions that no kernel writes (the schedule was verified); arguments are
        // row-major, of the region's element type and aligned to it.
        flushed(|| unsafe { self.machine.run(table) });
        Ok(())
    }

    /// The region behind those of the schedule: what kernels need while they run.
    pub fn scratch(&self) -> Region {
        self.regions
            .last()
            .expect("scratch is always there")
            .clone()
    }

    /// The kernels in Cranelift's form.
    pub fn clif(&self) -> String {
        self.machine.clif()
    }

    /// Bytes of machine code.
    pub fn code_bytes(&self) -> usize {
        self.machine.code_bytes()
    }
}
