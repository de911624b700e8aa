//! NumPy's files of several arrays (`numpy.savez` and `savez_compressed`): zip archives of `.npy` files.
//!
//! Of the zip format (PKWARE's APPNOTE 6.3) this reads what NumPy writes: entries that are stored or deflated, with
//! sizes of 32 or 64 bits.

use super::archive::{Archive, Slot};
use super::{bytes_of, contents, little};
use crate::error::{Place, Result};
use std::path::Path;

/// The arrays of a `.npz` file, by their names. They are read and unpacked when they are asked for.
///
/// ```no_run
/// use ndarray::{Array1, Array2};
/// use sinew_data::load;
///
/// let file = load::npz("digits.npz")?;
/// let x: Array2<f32> = file.array("x")?;
/// let y: Array1<i32> = file.array("y")?;
/// # Ok::<(), sinew_data::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`](crate::Error::File); [`Error::Contents`](crate::Error::Contents) for a file that is no zip archive or is cut short.
pub fn npz(path: impl AsRef<Path>) -> Result<Archive> {
    let path = path.as_ref();
    let bytes = bytes_of(path)?;
    let entries = directory(&bytes)
        .map_err(|(expected, found)| contents(path, Place::File, expected, found))?;
    Ok(Archive::new(path, bytes, entries))
}

/// What was expected and what came.
type Mismatch = (&'static str, String);

const NO_END: &str = "a zip archive, which ends with a directory";

/// Where the directory starts, and how many entries it has.
fn end(bytes: &[u8]) -> Option<(usize, u64)> {
    // The end is 22 bytes, behind which there may be a remark of up to 65535.
    let last = bytes.len().checked_sub(22)?;
    let first = last.saturating_sub(65_535);
    let at = (first..=last)
        .rev()
        .find(|at| little(bytes, *at) == Some(*b"PK\x05\x06"))?;
    let count = u16::from_le_bytes(little(bytes, at + 10)?);
    let start = u32::from_le_bytes(little(bytes, at + 16)?);
    if count != u16::MAX && start != u32::MAX {
        return Some((usize::try_from(start).ok()?, count.into()));
    }
    // Numbers that are too large for it stand in another end, whose place is told right before this one.
    let locator = at
        .checked_sub(20)
        .filter(|at| little(bytes, *at) == Some(*b"PK\x06\x07"));
    let Some(locator) = locator else {
        return Some((usize::try_from(start).ok()?, count.into()));
    };
    let at = usize::try_from(u64::from_le_bytes(little(bytes, locator + 8)?)).ok()?;
    let at = (little(bytes, at) == Some(*b"PK\x06\x06")).then_some(at)?;
    let count = u64::from_le_bytes(little(bytes, at.checked_add(32)?)?);
    let start = u64::from_le_bytes(little(bytes, at.checked_add(48)?)?);
    Some((usize::try_from(start).ok()?, count))
}

/// The entries of the archive by their names without `.npy`.
fn directory(bytes: &[u8]) -> Result<Vec<(String, Slot)>, Mismatch> {
    let no_end = || (NO_END, format!("{} bytes without one", bytes.len()));
    let (mut at, count) = end(bytes).ok_or_else(no_end)?;
    let mut entries = Vec::new();
    for number in 0..count {
        let cut = || {
            (
                "an entry of the zip directory",
                format!("something else for entry {number} of {count}"),
            )
        };
        let (entry, next) = entry(bytes, at).ok_or_else(cut)?;
        entries.push(entry?);
        at = next;
    }
    Ok(entries)
}

/// The entry at a place of the directory, and the place of the next.
#[allow(clippy::type_complexity, reason = "one use")]
fn entry(bytes: &[u8], at: usize) -> Option<(Result<(String, Slot), Mismatch>, usize)> {
    if little(bytes, at) != Some(*b"PK\x01\x02") {
        return None;
    }
    let word = |offset| Some(u16::from_le_bytes(little(bytes, at.checked_add(offset)?)?));
    let double = |offset| Some(u32::from_le_bytes(little(bytes, at.checked_add(offset)?)?));
    let (flags, method, sum) = (word(8)?, word(10)?, double(16)?);
    let [mut packed, mut unpacked] = [double(20)?, double(24)?].map(u64::from);
    let [name, extra, remark] = [word(28)?, word(30)?, word(32)?].map(usize::from);
    let mut local = u64::from(double(42)?);
    let start = at.checked_add(46)?;
    let name_bytes = bytes.get(start..start + name)?;
    let mut fields = bytes.get(start + name..start + name + extra)?;
    // Sizes of 64 bits stand in an extra field of kind 1, those of them that 32 bits do not hold.
    while let (Some(kind), Some(length)) = (little(fields, 0), little(fields, 2)) {
        let length = usize::from(u16::from_le_bytes(length));
        let mut field = fields.get(4..4 + length)?;
        if u16::from_le_bytes(kind) == 1 {
            for number in [&mut unpacked, &mut packed, &mut local] {
                if *number == u64::from(u32::MAX) {
                    *number = u64::from_le_bytes(little(field, 0)?);
                    field = field.get(8..)?;
                }
            }
        }
        fields = fields.get(4 + length..)?;
    }
    let name = String::from_utf8_lossy(name_bytes);
    let name = name.strip_suffix(".npy").unwrap_or(&name).to_string();
    let slot = || {
        let deflated = match (flags & 1, method) {
            (0, 0) => None,
            (0, 8) => Some(unpacked),
            (0, other) => {
                return Err((
                    "entries that are stored or deflated",
                    format!("`{name}`, packed by method {other}"),
                ));
            }
            _ => {
                return Err((
                    "entries without a password",
                    format!("`{name}`, which has one"),
                ));
            }
        };
        let cut = || {
            (
                "an entry where the zip directory says",
                format!("something else for `{name}`"),
            )
        };
        let range = elements(bytes, local, packed).ok_or_else(cut)?;
        Ok((
            name.clone(),
            Slot::Npy {
                range,
                deflated,
                sum,
            },
        ))
    };
    Some((slot(), start + name_bytes.len() + extra + remark))
}

/// Where the bytes of an entry lie: behind a header of their own, whose names may have other lengths.
fn elements(bytes: &[u8], local: u64, packed: u64) -> Option<std::ops::Range<usize>> {
    let at = usize::try_from(local).ok()?;
    if little(bytes, at) != Some(*b"PK\x03\x04") {
        return None;
    }
    let word = |offset| {
        Some(usize::from(u16::from_le_bytes(little(
            bytes,
            at.checked_add(offset)?,
        )?)))
    };
    let start = at.checked_add(30)?.checked_add(word(26)? + word(28)?)?;
    let range = start..start.checked_add(usize::try_from(packed).ok()?)?;
    bytes.get(range.clone()).is_some().then_some(range)
}
