//! MNIST's files (`train-images-idx3-ubyte`), plain or packed by gzip. Their format stands at the end of
//! <http://yann.lecun.com/exdb/mnist/>: four bytes (two zeros, type, rank), extents, elements, all in big-endian order.

use super::contents;
use super::element::Element;
use super::raw::{Dtype, Raw, tuple};
use crate::error::{Error, Place, Result};
use flate2::read::MultiGzDecoder;
use ndarray::{Array, Dimension};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The array in an idx file, as elements and rank that are asked for. One that gzip has packed is unpacked on the way.
///
/// ```no_run
/// use ndarray::{Array1, Array3};
/// use sinew_data::load;
///
/// let images: Array3<f32> = load::idx("train-images-idx3-ubyte.gz")?;     // 60000 of 28 by 28, of 0 to 255
/// let labels: Array1<i32> = load::idx("train-labels-idx1-ubyte.gz")?;
/// let images = images / 255.0;
/// # Ok::<(), sinew_data::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`]; [`Error::Contents`] for a file that is no idx file, that ends early or goes on behind its elements,
/// for another rank, for an element that is none of those asked for.
pub fn idx<T: Element, D: Dimension>(path: impl AsRef<Path>) -> Result<Array<T, D>> {
    let path = path.as_ref();
    let failed = |source| Error::File {
        path: path.into(),
        source,
    };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    // What gzip writes starts with these; an idx file starts with zeros.
    match file.fill_buf().map_err(failed)?.starts_with(b"\x1f\x8b") {
        true => read(path, MultiGzDecoder::new(file)),
        false => read(path, file),
    }
}

fn read<T: Element, D: Dimension>(path: &Path, mut file: impl Read) -> Result<Array<T, D>> {
    let failed = |source| Error::File {
        path: path.into(),
        source,
    };
    let wrong = |expected: &str, found: String| contents(path, Place::File, expected, found);
    // At most so many bytes: memory grows with what comes, not with what is said to come.
    let mut bytes = |count: u64| {
        let mut bytes = Vec::new();
        let read = file.by_ref().take(count).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(failed)
    };
    let magic = bytes(4)?;
    let [0, 0, kind, rank] = magic[..] else {
        return Err(wrong(
            "an idx file, which starts with two zeros",
            format!("bytes {magic:x?}"),
        ));
    };
    let dtype = match kind {
        0x08 => Dtype::U8,
        0x09 => Dtype::I8,
        0x0b => Dtype::I16,
        0x0c => Dtype::I32,
        0x0d => Dtype::F32,
        0x0e => Dtype::F64,
        other => {
            return Err(wrong(
                "a type of elements from 08 to 0e",
                format!("{other:02x}"),
            ));
        }
    };
    let extents = bytes(4 * u64::from(rank))?;
    let (extents, _) = extents.as_chunks::<4>();
    let shape: Vec<usize> = extents
        .iter()
        .filter_map(|e| usize::try_from(u32::from_be_bytes(*e)).ok())
        .collect();
    if shape.len() != usize::from(rank) {
        return Err(wrong(
            &format!("{rank} extents"),
            format!("the end after {}", shape.len()),
        ));
    }
    let length = shape.iter().try_fold(dtype.size() as u64, |n, extent| {
        n.checked_mul(*extent as u64)
    });
    let Some(length) = length else {
        return Err(wrong("a shape that a file can hold", tuple(&shape)));
    };
    let elements = bytes(length)?;
    if !bytes(1)?.is_empty() {
        return Err(wrong(
            &format!("{length} bytes of elements for shape {}", tuple(&shape)),
            "more".into(),
        ));
    }
    Raw {
        path,
        name: "",
        dtype,
        shape,
        column_major: false,
        big_endian: true,
        bytes: &elements,
    }
    .array()
}
