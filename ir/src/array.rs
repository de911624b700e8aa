//! Host values of the reference interpreter: dense, row-major, one `f64` an element.
//!
//! Every element type fits: 32-bit integers are exact in an `f64`, bools are 0 and 1. It is no user's
//! array type and is not made to be fast.

use crate::dtype::DType;
use crate::shape::Type;

/// A dense tensor of known extents.
#[derive(Clone, PartialEq, Debug)]
pub struct Array {
    /// Element type.
    pub dtype: DType,
    /// Extents.
    pub shape: Vec<usize>,
    /// The elements in row-major order; as many as the product of the extents.
    pub data: Vec<f64>,
}

impl Array {
    /// An array of the given elements; `None` if they are not as many as the extents say.
    pub fn new(dtype: DType, shape: &[usize], data: Vec<f64>) -> Option<Self> {
        (count(shape) == data.len()).then(|| Array {
            dtype,
            shape: shape.to_vec(),
            data,
        })
    }

    /// An array whose every element is `value`.
    pub fn filled(dtype: DType, shape: &[usize], value: f64) -> Self {
        Array {
            dtype,
            shape: shape.to_vec(),
            data: vec![value; count(shape)],
        }
    }

    /// The elements at index `at` of `axis`, which is gone from the shape. Both must be there.
    pub(crate) fn slice(&self, axis: usize, at: usize) -> Array {
        let inner = count(&self.shape[axis + 1..]);
        let rows = self.data.chunks(inner.max(1) * self.shape[axis]);
        let data = rows.flat_map(|row| &row[at * inner..(at + 1) * inner]);
        let mut shape = self.shape.clone();
        shape.remove(axis);
        Array {
            dtype: self.dtype,
            shape,
            data: data.copied().collect(),
        }
    }

    /// Puts `slice` at index `at` of `axis`.
    pub(crate) fn set_slice(&mut self, axis: usize, at: usize, slice: &Array) {
        let inner = count(&self.shape[axis + 1..]);
        let row = inner.max(1) * self.shape[axis];
        for (row, part) in self
            .data
            .chunks_mut(row)
            .zip(slice.data.chunks(inner.max(1)))
        {
            row[at * inner..(at + 1) * inner].copy_from_slice(part);
        }
    }

    /// Its type.
    pub fn type_of(&self) -> Type {
        Type::from_extents(self.dtype, &self.shape)
    }
}

/// The number of elements of a shape.
pub(crate) fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Row-major strides.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut out = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        out[i - 1] = out[i] * shape[i].max(1);
    }
    out
}

/// `sum(stride * index)` for every index of the extents, in row-major order.
pub(crate) fn offsets(axes: impl IntoIterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut out = vec![0];
    for (extent, stride) in axes {
        let steps = 0..extent;
        out = out
            .iter()
            .flat_map(|base| steps.clone().map(move |i| base + i * stride))
            .collect();
    }
    out
}
