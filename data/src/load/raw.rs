//! An array as a file has it: bytes, and what they mean.

use super::contents;
use super::element::{Element, Number};
use crate::error::{Place, Result, room};
use half::{bf16, f16};
use ndarray::{Array, Dimension, ShapeBuilder};
use std::path::Path;

/// A type of elements in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dtype {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    Bf16,
    F32,
    F64,
}

impl Dtype {
    pub fn size(self) -> usize {
        match self {
            Dtype::Bool | Dtype::U8 | Dtype::I8 => 1,
            Dtype::U16 | Dtype::I16 | Dtype::F16 | Dtype::Bf16 => 2,
            Dtype::U32 | Dtype::I32 | Dtype::F32 => 4,
            Dtype::U64 | Dtype::I64 | Dtype::F64 => 8,
        }
    }
}

/// An array in a file.
pub(crate) struct Raw<'a> {
    pub path: &'a Path,
    /// Its name in the file; empty where that holds one array.
    pub name: &'a str,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// Whether the first axis varies fastest.
    pub column_major: bool,
    pub big_endian: bool,
    pub bytes: &'a [u8],
}

/// A shape as people write it: `(2, 3)`, `(4,)`, `()`.
pub(crate) fn tuple(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        many => {
            let extents: Vec<String> = many.iter().map(usize::to_string).collect();
            format!("({})", extents.join(", "))
        }
    }
}

impl Raw<'_> {
    /// As an array of rank and elements that are asked for, in row-major order.
    ///
    /// # Errors
    /// Another rank, an element that is none of these, fewer or more bytes than the shape says.
    pub fn array<T: Element, D: Dimension>(self) -> Result<Array<T, D>> {
        let wrong = |expected: String, found: String| {
            contents(self.path, Place::Array(self.name.into()), expected, found)
        };
        let shape = &self.shape;
        if let Some(rank) = D::NDIM
            && rank != shape.len()
        {
            return Err(wrong(
                format!("an array of {rank} dims"),
                format!("one of shape {}", tuple(shape)),
            ));
        }
        let count = shape
            .iter()
            .try_fold(1usize, |n, extent| n.checked_mul(*extent));
        let bytes = count.and_then(|n| n.checked_mul(self.dtype.size()));
        let (Some(count), Some(_)) = (count, bytes.filter(|n| *n == self.bytes.len())) else {
            let expected = bytes.map_or("more bytes than there are addresses".into(), |n| {
                format!("{n} bytes")
            });
            return Err(wrong(
                format!("{expected} of elements for shape {}", tuple(shape)),
                self.bytes.len().to_string(),
            ));
        };
        let mut elements = room::<T>(self.name, count)?;
        let misfit = self.read(&mut elements);
        if let Some(number) = misfit {
            let place = Place::Element {
                array: self.name.into(),
                index: self.index(elements.len()),
            };
            return Err(contents(self.path, place, T::NAME, number.to_string()));
        }
        let mut dim = D::zeros(shape.len());
        dim.slice_mut().copy_from_slice(shape);
        let array = Array::from_shape_vec(dim.set_f(self.column_major), elements);
        let array = array
            .map_err(|error| wrong("a shape that memory has room for".into(), error.to_string()))?;
        match array.is_standard_layout() {
            true => Ok(array),
            false => Ok(array.as_standard_layout().into_owned()),
        }
    }

    /// Adds all elements to `to`, up to the first that is none of these, which is returned.
    fn read<T: Element>(&self, to: &mut Vec<T>) -> Option<Number> {
        match self.dtype {
            Dtype::Bool => self.words(to, |[byte]| Number::Bool(byte != 0)),
            Dtype::U8 => self.words(to, |w| Number::Int(u8::from_le_bytes(w).into())),
            Dtype::U16 => self.words(to, |w| Number::Int(u16::from_le_bytes(w).into())),
            Dtype::U32 => self.words(to, |w| Number::Int(u32::from_le_bytes(w).into())),
            Dtype::U64 => self.words(to, |w| Number::Int(u64::from_le_bytes(w).into())),
            Dtype::I8 => self.words(to, |w| Number::Int(i8::from_le_bytes(w).into())),
            Dtype::I16 => self.words(to, |w| Number::Int(i16::from_le_bytes(w).into())),
            Dtype::I32 => self.words(to, |w| Number::Int(i32::from_le_bytes(w).into())),
            Dtype::I64 => self.words(to, |w| Number::Int(i64::from_le_bytes(w).into())),
            Dtype::F16 => self.words(to, |w| Number::Float(f16::from_le_bytes(w).into())),
            Dtype::Bf16 => self.words(to, |w| Number::Float(bf16::from_le_bytes(w).into())),
            Dtype::F32 => self.words(to, |w| Number::Float(f32::from_le_bytes(w).into())),
            Dtype::F64 => self.words(to, |w| Number::Float(f64::from_le_bytes(w))),
        }
    }

    fn words<const N: usize, T: Element>(
        &self,
        to: &mut Vec<T>,
        number: impl Fn([u8; N]) -> Number,
    ) -> Option<Number> {
        let (words, _) = self.bytes.as_chunks::<N>();
        for word in words {
            let mut word = *word;
            if self.big_endian {
                word.reverse();
            }
            let number = number(word);
            match T::of(number) {
                Some(element) => to.push(element),
                None => return Some(number),
            }
        }
        None
    }

    /// Where an element stands that comes behind `before` others.
    fn index(&self, before: usize) -> Vec<usize> {
        let mut left = before;
        let mut index = vec![0; self.shape.len()];
        let mut axes: Vec<usize> = (0..self.shape.len()).collect();
        if !self.column_major {
            axes.reverse();
        }
        for axis in axes {
            let extent = self.shape.get(axis).copied().unwrap_or(1).max(1);
            if let Some(place) = index.get_mut(axis) {
                *place = left % extent;
            }
            left /= extent;
        }
        index
    }
}
