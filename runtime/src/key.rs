//! The key of a run: what its random elements follow from, beside where they are drawn.

use crate::backend::{ALIGN, DeviceMemory};
use crate::error::Result;
use sinew_ir::{halves, threefry};

/// The bytes of its region.
pub(crate) const BYTES: usize = ALIGN;

/// The key of a run: Threefry of its number under the seed, so that no two runs of a seed have the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key([u32; 2]);

impl Key {
    /// That of a run, or a step, by its number from 1.
    pub fn of_run(seed: u64, number: u64) -> Key {
        Key(threefry(halves(seed), halves(number)))
    }

    /// That of a part of a run, by its number from 0; the first has the run's own.
    pub fn of_part(self, number: u64) -> Key {
        match number {
            0 => self,
            _ => Key(threefry(self.0, halves(number))),
        }
    }

    /// Its words.
    pub fn words(self) -> [u32; 2] {
        self.0
    }

    /// As kernels read it.
    pub fn bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        let [low, high] = self.0;
        bytes[..4].copy_from_slice(&low.to_ne_bytes());
        bytes[4..].copy_from_slice(&high.to_ne_bytes());
        bytes
    }

    /// Puts it where kernels read it.
    ///
    /// # Errors
    /// A lost GPU.
    pub fn write(self, memory: &mut DeviceMemory) -> Result<()> {
        memory.write(0, &self.bytes())
    }
}
