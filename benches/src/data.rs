//! Parameters and batches: the peers', from a file, or seeded ones of the same shapes.

use crate::Outcome;
use ndarray::ArrayD;
use safetensors::{Dtype, SafeTensors};
use sinew::prelude::*;
use std::path::{Path, PathBuf};

/// Where a workload's parameters and batch come from.
pub enum Data {
    /// A file with parameters as `p.NAME` and arrays of the batch as `b.0`, `b.1`.
    File(PathBuf),
    /// The model's own initialisers, and a batch from a generator.
    Seeded,
}

impl Data {
    /// A model with its parameters, of which `name` says what the peers call the one of a path.
    ///
    /// # Errors
    /// A file that cannot be read, or is of another model.
    pub fn model<M: Model>(&self, mut model: M, name: fn(&str) -> String) -> Outcome<M> {
        if let Data::File(path) = self {
            M::loader(path)
                .prefix("p")
                .rename(name)
                .load_into(&mut model)?;
        }
        Ok(model)
    }

    /// Array `i` of the batch, of floats.
    ///
    /// # Errors
    /// A file that cannot be read, or has another array there.
    pub fn floats(&self, i: usize, shape: &[usize]) -> Outcome<ArrayD<f32>> {
        let elements = match self {
            Data::File(path) => read(path, i, Dtype::F32, f32::from_le_bytes)?,
            Data::Seeded => {
                let mut random = Random(i as u64);
                let count = shape.iter().product();
                (0..count).map(|_| 2.0 * random.next() - 1.0).collect()
            }
        };
        Ok(ArrayD::from_shape_vec(shape, elements)?)
    }

    /// Array `i` of the batch, of numbers below `classes`, as a step takes them without a conversion.
    ///
    /// # Errors
    /// As [`Data::floats`].
    pub fn labels(&self, i: usize, shape: &[usize], classes: usize) -> Outcome<ArrayD<i32>> {
        let elements = match self {
            Data::File(path) => {
                let elements = read(path, i, Dtype::I64, i64::from_le_bytes)?;
                let labels: Result<_, _> = elements.into_iter().map(i32::try_from).collect();
                labels?
            }
            Data::Seeded => {
                let mut random = Random(i as u64);
                let count = shape.iter().product();
                let label = |_| (random.next() * classes as f32) as i32;
                (0..count).map(label).collect()
            }
        };
        Ok(ArrayD::from_shape_vec(shape, elements)?)
    }
}

/// The elements of array `i` of a file's batch.
fn read<T, const N: usize>(
    path: &Path,
    i: usize,
    dtype: Dtype,
    number: fn([u8; N]) -> T,
) -> Outcome<Vec<T>> {
    let bytes = std::fs::read(path)?;
    let file = SafeTensors::deserialize(&bytes)?;
    let tensor = file.tensor(&format!("b.{i}"))?;
    if tensor.dtype() != dtype {
        return Err(format!("b.{i} is {:?}, where {dtype:?} is expected", tensor.dtype()).into());
    }
    let (words, _) = tensor.data().as_chunks::<N>();
    Ok(words.iter().map(|word| number(*word)).collect())
}

/// Numbers from 0 to 1 of a congruential generator (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}
