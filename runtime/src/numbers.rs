//! The numbers that a step is told and tells: single floats in small regions.

use crate::backend::ALIGN;
use crate::backend::DeviceMemory;
use crate::error::Result;
use sinew_codegen::kernel::RegionId;
use sinew_codegen::schedule::RegionOffset;
use sinew_ir::DType;

/// What a step reports, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reported {
    /// The loss before the update.
    Loss,
    /// The norm of the gradients before clipping.
    Norm,
    /// How much of loss and gradients is not finite.
    CameNotFinite,
    /// How much of what the update makes is not finite.
    MadeNotFinite,
}

impl Reported {
    /// Its place in the report.
    pub fn place(self, report: RegionId) -> RegionOffset {
        place(report, self as usize)
    }
}

/// Numbers are this many bytes apart: room for either float.
const SPACING: usize = 8;

/// The bytes of a report.
pub(crate) const BYTES: usize = ALIGN;

/// The bytes of a region of so many numbers, of which a GPU has none that is empty.
pub(crate) fn bytes(count: usize) -> usize {
    (SPACING * count.max(1)).next_multiple_of(ALIGN)
}

/// The place of number `i`.
pub(crate) fn place(region: RegionId, i: usize) -> RegionOffset {
    RegionOffset {
        region,
        offset: SPACING * i,
    }
}

/// Writes numbers of the working float.
///
/// # Errors
/// A lost GPU.
pub(crate) fn write(
    memory: &mut DeviceMemory,
    float: DType,
    numbers: impl Iterator<Item = f64>,
) -> Result<()> {
    let mut numbers = numbers.peekable();
    let mut offset = 0;
    // As many at once as stand on the stack.
    while numbers.peek().is_some() {
        let mut bytes = [0; BYTES];
        put(&mut bytes, float, numbers.by_ref());
        memory.write(offset, &bytes)?;
        offset += BYTES;
    }
    Ok(())
}

/// Puts numbers of the working float in their places, as many as there are places for.
pub(crate) fn put(bytes: &mut [u8], float: DType, numbers: impl Iterator<Item = f64>) {
    let (places, _) = bytes.as_chunks_mut::<SPACING>();
    for (place, number) in places.iter_mut().zip(numbers) {
        match float == DType::F64 {
            true => place.copy_from_slice(&number.to_ne_bytes()),
            false => place[..4].copy_from_slice(&(number as f32).to_ne_bytes()),
        }
    }
}

/// What a step has reported.
pub(crate) struct Report {
    bytes: [u8; BYTES],
    float: DType,
}

impl Report {
    /// Reads it when the step is done.
    ///
    /// # Errors
    /// A lost GPU.
    pub fn read(memory: &DeviceMemory, float: DType) -> Result<Report> {
        let mut bytes = [0; BYTES];
        memory.read(0, &mut bytes)?;
        Ok(Report { bytes, float })
    }

    /// That in the bytes of its region.
    #[cfg(feature = "cpu")]
    pub fn of(region: &[u8], float: DType) -> Report {
        let mut bytes = [0; BYTES];
        let count = region.len().min(BYTES);
        bytes[..count].copy_from_slice(&region[..count]);
        Report { bytes, float }
    }

    /// The loss.
    pub fn loss(&self) -> f64 {
        self.get(Reported::Loss)
    }

    /// One of its numbers.
    pub fn get(&self, number: Reported) -> f64 {
        let (places, _) = self.bytes.as_chunks::<SPACING>();
        let wide = places[number as usize];
        let [a, b, c, d, ..] = wide;
        match self.float == DType::F64 {
            true => f64::from_ne_bytes(wide),
            false => f64::from(f32::from_ne_bytes([a, b, c, d])),
        }
    }
}
