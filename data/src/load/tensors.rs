//! Arrays of safetensors files (<https://huggingface.co/docs/safetensors>).

use super::archive::{Archive, Slot};
use super::raw::Dtype;
use super::{bytes_of, contents};
use crate::error::{Place, Result};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype as Stored;
use std::path::Path;

/// The arrays of a safetensors file, by their names.
///
/// ```no_run
/// use ndarray::Array2;
/// use sinew_data::load;
///
/// let file = load::safetensors("features.safetensors")?;
/// println!("{:?}", file.names().collect::<Vec<_>>());
/// let x: Array2<f32> = file.array("x")?;
/// # Ok::<(), sinew_data::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`](crate::Error::File); [`Error::Contents`](crate::Error::Contents) for a file that is no whole
/// safetensors file.
pub fn safetensors(path: impl AsRef<Path>) -> Result<Archive> {
    let path = path.as_ref();
    let bytes = bytes_of(path)?;
    let wrong = |found: String| contents(path, Place::File, "a whole safetensors file", found);
    let (header, metadata) =
        SafeTensors::read_metadata(&bytes).map_err(|error| wrong(error.to_string()))?;
    let mut slots = Vec::new();
    for (name, info) in metadata.tensors() {
        let (from, to) = info.data_offsets;
        // Behind the header and the 8 bytes of its length; the file has been found to be that long.
        let start = header.saturating_add(8);
        let range = start.saturating_add(from)..start.saturating_add(to);
        let slot = match dtype(info.dtype) {
            Some(dtype) => Slot::Tensor {
                range,
                dtype,
                shape: info.shape.clone(),
            },
            None => Slot::Unreadable(format!("elements of {:?}", info.dtype)),
        };
        slots.push((name, slot));
    }
    slots.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Archive::new(path, bytes, slots))
}

fn dtype(stored: Stored) -> Option<Dtype> {
    Some(match stored {
        Stored::BOOL => Dtype::Bool,
        Stored::U8 => Dtype::U8,
        Stored::U16 => Dtype::U16,
        Stored::U32 => Dtype::U32,
        Stored::U64 => Dtype::U64,
        Stored::I8 => Dtype::I8,
        Stored::I16 => Dtype::I16,
        Stored::I32 => Dtype::I32,
        Stored::I64 => Dtype::I64,
        Stored::F16 => Dtype::F16,
        Stored::BF16 => Dtype::Bf16,
        Stored::F32 => Dtype::F32,
        Stored::F64 => Dtype::F64,
        // Eight bits and less, complex ones, and what later versions add.
        _ => return None,
    })
}
