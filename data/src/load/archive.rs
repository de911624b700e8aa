//! Files that hold several arrays, each by its name.

use super::element::Element;
use super::raw::{Dtype, Raw};
use super::{contents, npy};
use crate::error::{Place, Result};
use flate2::read::DeflateDecoder;
use ndarray::{Array, Dimension};
use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The arrays of an `.npz` or safetensors file, whose bytes it holds.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    bytes: Vec<u8>,
    slots: Vec<(String, Slot)>,
}

/// Where an array lies in the bytes, and how.
#[derive(Debug, Clone)]
pub(super) enum Slot {
    /// An `.npy` file.
    Npy {
        range: Range<usize>,
        /// To how many bytes it unpacks, where it is deflated.
        deflated: Option<u64>,
        /// The CRC-32 of what it unpacks to.
        sum: u32,
    },
    /// Elements in row-major, little-endian order.
    Tensor {
        range: Range<usize>,
        dtype: Dtype,
        shape: Vec<usize>,
    },
    /// Elements that are no numbers, in words.
    Unreadable(String),
}

impl Archive {
    pub(super) fn new(path: &Path, bytes: Vec<u8>, slots: Vec<(String, Slot)>) -> Archive {
        Archive {
            path: path.into(),
            bytes,
            slots,
        }
    }

    /// The names of the arrays.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().map(|(name, _)| name.as_str())
    }

    /// An array by its name, as elements and rank that are asked for.
    ///
    /// # Errors
    /// [`Error::Contents`](crate::Error::Contents) for a name that is not there, for bytes that are not what they are said to be, for another
    /// rank, for an element that is none of those asked for.
    pub fn array<T: Element, D: Dimension>(&self, name: &str) -> Result<Array<T, D>> {
        let place = || Place::Array(name.into());
        let Some((name, slot)) = self.slots.iter().find(|(found, _)| found == name) else {
            let mut known: Vec<String> = self
                .names()
                .take(20)
                .map(|name| format!("`{name}`"))
                .collect();
            if self.slots.len() > known.len() {
                known.push(format!("and {} more", self.slots.len() - known.len()));
            }
            let found = match known.is_empty() {
                true => "a file without arrays".to_string(),
                false => format!("a file with {}", known.join(", ")),
            };
            return Err(contents(
                &self.path,
                place(),
                "an array of this name",
                found,
            ));
        };
        // Ranges were found to lie in the file.
        let at = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        match slot {
            Slot::Npy {
                range,
                deflated,
                sum,
            } => {
                let unpacked = match deflated {
                    None => Cow::Borrowed(at(range)),
                    Some(length) => Cow::Owned(self.inflate(name, at(range), *length)?),
                };
                let mut found = flate2::Crc::new();
                found.update(&unpacked);
                if found.sum() != *sum {
                    let (expected, found) = (format!("{sum:08x}"), format!("{:08x}", found.sum()));
                    return Err(contents(
                        &self.path,
                        place(),
                        format!("bytes of checksum {expected}"),
                        found,
                    ));
                }
                npy::raw(&self.path, name, &unpacked)?.array()
            }
            Slot::Tensor {
                range,
                dtype,
                shape,
            } => Raw {
                path: &self.path,
                name,
                dtype: *dtype,
                shape: shape.clone(),
                column_major: false,
                big_endian: false,
                bytes: at(range),
            }
            .array(),
            Slot::Unreadable(found) => Err(contents(
                &self.path,
                place(),
                "elements that are numbers of up to 64 bits",
                found,
            )),
        }
    }

    /// Unpacks bytes, of which there are no more than is said.
    fn inflate(&self, name: &str, packed: &[u8], unpacked: u64) -> Result<Vec<u8>> {
        let wrong = |found: String| {
            contents(
                &self.path,
                Place::Array(name.into()),
                format!("{unpacked} deflated bytes"),
                found,
            )
        };
        let mut bytes = Vec::new();
        // Memory grows with what comes, not with what is said to come.
        let read = DeflateDecoder::new(packed)
            .take(unpacked.saturating_add(1))
            .read_to_end(&mut bytes);
        read.map_err(|error| wrong(error.to_string()))?;
        if bytes.len() as u64 != unpacked {
            return Err(wrong(match bytes.len() as u64 > unpacked {
                true => "more".to_string(),
                false => bytes.len().to_string(),
            }));
        }
        Ok(bytes)
    }
}
