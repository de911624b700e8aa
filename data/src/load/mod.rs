//! Arrays from files: tables of text, NumPy's files, those of MNIST, safetensors.
//!
//! What is asked for decides the elements: `let x: Array2<f32> = npy("x.npy")?` takes a file of any numbers, as long as
//! each of them is an f32 ([`Element`] says what that means). Whatever a file says of itself is checked against what is
//! in it before memory is asked for, and an error names the file, the place, what was expected and what came.

mod archive;
mod element;
mod idx;
mod npy;
mod npz;
mod raw;
mod table;
mod tensors;

pub use archive::Archive;
pub use element::{Element, Number};
pub use idx::idx;
pub use npy::npy;
pub use npz::npz;
pub use table::{Column, Csv, Table, csv};
pub use tensors::safetensors;

use crate::error::{Error, Place, Result};
use std::path::Path;

/// All bytes of a file.
///
/// # Errors
/// [`Error::File`].
fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::File {
        path: path.into(),
        source,
    })
}

/// The error of a file that holds something else.
fn contents(
    path: &Path,
    place: Place,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Error {
    Error::Contents {
        path: path.into(),
        place: Box::new(place),
        expected: expected.into(),
        found: found.into(),
    }
}

/// The first number in `bytes` from `at` on, in little-endian order; none past the end.
fn little<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
