//! A parameter on the host: what a model's `Param` and `State` fields are outside a trainer.

use crate::arg::{AnyRank, Arg, Float, IntoArg};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::read::{read_f32, read_f64};
use ndarray::{ArrayD, IxDyn};
use std::fmt;

/// A tensor of floats on the host, with a fixed shape.
///
/// Its name is its path in the model (`hidden.w`), which [`Model::visit`](crate::Model::visit) gives.
///
/// ```
/// # use sinew_runtime::Param;
/// let mut bias = Param::zeros(&[3]);
/// bias.set([0.5, 1.0, 1.5])?;
/// assert_eq!(bias.values(), ndarray::arr1(&[0.5, 1.0, 1.5]).into_dyn());
/// # Ok::<(), sinew_runtime::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Param {
    shape: Vec<usize>,
    pub(crate) data: Data,
}

/// The elements, as precise as they came: initialisers draw f32, files and `set` may bring f64.
#[derive(Clone, PartialEq)]
pub(crate) enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Param {
    /// Drawn by an initialiser; the numbers depend on (seed, path) alone.
    pub fn init(seed: u64, path: &str, shape: &[usize], init: Init) -> Param {
        Param {
            shape: shape.to_vec(),
            data: Data::F32(init.values(seed, path, shape)),
        }
    }

    /// Zeros.
    pub fn zeros(shape: &[usize]) -> Param {
        Param::from_data(shape, Data::F32(vec![0.0; shape.iter().product()]))
    }

    /// Elements whose number the caller has checked.
    pub(crate) fn from_data(shape: &[usize], data: Data) -> Param {
        Param {
            shape: shape.to_vec(),
            data,
        }
    }

    /// Its extents.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The elements in f32.
    pub fn values(&self) -> ArrayD<f32> {
        let values = match &self.data {
            Data::F32(v) => v.clone(),
            Data::F64(v) => v.iter().map(|v| *v as f32).collect(),
        };
        ArrayD::from_shape_vec(IxDyn(&self.shape), values)
            .expect("a parameter has as many elements as its shape says")
    }

    /// The elements in f64.
    pub fn values_f64(&self) -> ArrayD<f64> {
        let values = match &self.data {
            Data::F32(v) => v.iter().map(|v| f64::from(*v)).collect(),
            Data::F64(v) => v.clone(),
        };
        ArrayD::from_shape_vec(IxDyn(&self.shape), values)
            .expect("a parameter has as many elements as its shape says")
    }

    /// Its one element.
    ///
    /// # Errors
    /// [`Error::NotOneElement`] when it has more or none.
    pub fn item(&self) -> Result<f64> {
        let one = match &self.data {
            Data::F32(v) if v.len() == 1 => v.first().map(|v| f64::from(*v)),
            Data::F64(v) if v.len() == 1 => v.first().copied(),
            Data::F32(_) | Data::F64(_) => None,
        };
        one.ok_or_else(|| Error::NotOneElement {
            shape: self.shape.clone(),
        })
    }

    /// Replaces the elements; f64 values stay f64. A flat vector of all elements in row-major order
    /// will do for any shape.
    ///
    /// # Errors
    /// [`Error::ParamShape`] when the shape is another; the parameter is as it was.
    pub fn set(&mut self, values: impl IntoArg<Arg<Float, AnyRank>>) -> Result<()> {
        let view = values.arg();
        let flat = view.rank() == 1 && view.elements() == self.elements();
        if view.extents() != self.shape && !flat {
            return Err(Error::ParamShape {
                expected: self.shape.clone(),
                actual: view.extents().to_vec(),
            });
        }
        self.data = match view.dtype {
            sinew_ir::DType::F64 => Data::F64(read_f64(&view)),
            _ => Data::F32(read_f32(&view)),
        };
        Ok(())
    }

    /// Sets every element.
    pub fn fill(&mut self, value: f64) {
        self.data = match value as f32 {
            narrow if f64::from(narrow) == value => Data::F32(vec![narrow; self.elements()]),
            _ => Data::F64(vec![value; self.elements()]),
        };
    }
}

impl fmt::Debug for Param {
    /// The shape and up to eight elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Param{:?} ", self.shape)?;
        match &self.data {
            Data::F32(v) => f.debug_list().entries(v.iter().take(8)).finish()?,
            Data::F64(v) => f.debug_list().entries(v.iter().take(8)).finish()?,
        }
        if self.elements() > 8 {
            write!(f, "..")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn set_reads_any_layout() {
        let mut p = Param::zeros(&[2, 3]);
        let a = array![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]];
        p.set(a.t()).expect("the shape is the same");
        let expected = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].into_dyn();
        assert_eq!(p.values_f64(), expected);
        p.set(vec![1.0f32; 6]).expect("all elements");
        assert_eq!(p.values(), ArrayD::<f32>::ones(vec![2, 3]));
    }

    #[test]
    fn a_wrong_shape_changes_nothing() {
        let mut p = Param::zeros(&[2, 3]);
        let error = p.set([[1.0f32; 2]; 3]).expect_err("the shape is another");
        assert_eq!(
            error.to_string(),
            "the parameter has shape (2, 3), and values of shape (3, 2) came"
        );
        assert_eq!(p, Param::zeros(&[2, 3]));
    }

    #[test]
    fn item_is_for_one_element() {
        let mut p = Param::zeros(&[]);
        p.fill(0.1);
        assert_eq!(p.item().expect("a scalar"), 0.1);
        assert!(Param::zeros(&[2]).item().is_err());
    }
}
