//! Machine code bound to the memory of its regions: what does not change from run to run is checked and looked up
//! once, and between two runs the host writes what the next one is told, and reads what the last one has told.

use super::{CpuCode, CpuLaunch, base_of};
use crate::backend::{HostSlot, Launch, Slot};
use crate::error::{Error, Result};
use sinew_codegen::kernel::Region;

/// Code with the memory of all its regions, in their order.
pub(crate) struct Bound<'b, 'a> {
    code: &'b CpuCode,
    regions: &'b [Region],
    /// One for each region, which fits it.
    slots: &'b mut [Slot<'a>],
    /// Where each of them begins.
    bases: Vec<*mut u8>,
}

impl<'b, 'a> Bound<'b, 'a> {
    /// That of slots which fit the regions, one for each of them.
    ///
    /// # Errors
    /// [`Error::Regions`] for memory that is not on the host.
    pub(in crate::backend) fn new(
        code: &'b CpuCode,
        regions: &'b [Region],
        slots: &'b mut [Slot<'a>],
    ) -> Result<Bound<'b, 'a>> {
        let count = slots.len();
        let bases: Option<Vec<*mut u8>> = slots.iter().map(base_of).collect();
        Ok(Bound {
            code,
            regions,
            bases: bases.ok_or(Error::Regions { count })?,
            slots,
        })
    }

    /// Runs every kernel once.
    pub fn run(&mut self, launch: &mut Launch) {
        let cpu: &mut CpuLaunch = &mut launch.cpu;
        // SAFETY: `Code::bind` has checked that there is a slot for each region, which fits it, and `lend` replaces
        // one by another that does; the table has their bases.
        unsafe { self.code.run_table(cpu, &self.bases, None) }
    }

    fn wrong(&self) -> Error {
        Error::Regions {
            count: self.slots.len(),
        }
    }

    /// Has region `at`, which no kernel writes, be these bytes.
    ///
    /// # Errors
    /// [`Error::Regions`] for bytes that do not fit.
    pub fn lend(&mut self, at: usize, bytes: &'a [u8]) -> Result<()> {
        let slot = Slot::of_bytes(bytes);
        let fits = self.regions.get(at).is_some_and(|region| slot.fits(region));
        match (fits, self.slots.get_mut(at), self.bases.get_mut(at)) {
            (true, Some(place), Some(base)) => {
                *base = bytes.as_ptr().cast_mut();
                *place = slot;
                Ok(())
            }
            _ => Err(self.wrong()),
        }
    }

    fn host(&self, at: usize) -> Option<&HostSlot<'a>> {
        match self.slots.get(at)? {
            Slot::Host(slot) => Some(slot),
            #[cfg(feature = "gpu")]
            Slot::Gpu(_) => None,
        }
    }

    /// The bytes of region `at`.
    ///
    /// # Errors
    /// [`Error::Regions`] where there is none.
    pub fn bytes(&self, at: usize) -> Result<&[u8]> {
        let (Some(slot), Some(region)) = (self.host(at), self.regions.get(at)) else {
            return Err(self.wrong());
        };
        // SAFETY: the slot borrows so many initialised bytes, or more. Kernels write in `run` alone, and the host by
        // `bytes_mut`, which both borrow this mutably.
        Ok(unsafe { std::slice::from_raw_parts(slot.base, region.bytes) })
    }

    /// The bytes of region `at`, to write before the next run.
    ///
    /// # Errors
    /// [`Error::Regions`] where there is none that may be written.
    pub fn bytes_mut(&mut self, at: usize) -> Result<&mut [u8]> {
        match (self.host(at), self.regions.get(at)) {
            // SAFETY: as in `bytes`; what may be written is borrowed mutably by its slot.
            (Some(slot), Some(region)) if slot.writable => {
                Ok(unsafe { std::slice::from_raw_parts_mut(slot.base, region.bytes) })
            }
            _ => Err(self.wrong()),
        }
    }
}
