//! A parameter on the host: what a model's `Param` and `State` fields are outside a trainer.

use crate::arg::{AnyRank, Arg, Float, HostType, IntoArg, MAX_RANK};
use crate::backend::room;
use crate::error::{Error, Result};
use crate::init::Init;
use crate::read::read;
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
#[derive(PartialEq)]
pub struct Param {
    shape: Vec<usize>,
    /// Whether it is a state.
    state: bool,
    pub(crate) data: Data,
}

/// The elements, as precise as they came: initialisers draw f32, files and `set` may bring f64.
#[derive(PartialEq)]
pub(crate) enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// None, and why.
    Missing(Missing),
}

/// Why a parameter has no elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Missing {
    /// Its shape is too large for the memory.
    TooLarge,
    /// A dim of it is no extent.
    Size {
        /// The dim as declared.
        dim: &'static str,
        /// Its value.
        value: i128,
    },
    /// They lie in a trainer's or runner's memory.
    Elsewhere,
}

impl Param {
    /// Drawn by an initialiser; the numbers depend on (seed, path) alone.
    ///
    /// A parameter that is too large for the memory comes out without elements, so that a model can be
    /// made before anything can fail. What needs its elements says so: building a trainer or a runner,
    /// a call, saving.
    ///
    /// ```
    /// # use sinew_runtime::{Param, init};
    /// let weights = Param::init(42, "hidden.w", &[64, 32], init::kaiming_uniform());
    /// assert_eq!(weights.elements(), 64 * 32);
    /// assert_eq!(Param::init(42, "w", &[usize::MAX, 2], init::zeros()).elements(), 0);
    /// ```
    pub fn init(seed: u64, path: &str, shape: &[usize], init: Init) -> Param {
        Param {
            shape: shape.to_vec(),
            state: false,
            data: match init.values(seed, path, shape) {
                Some(values) => Data::F32(values),
                None => Data::Missing(Missing::TooLarge),
            },
        }
    }

    /// As [`Param::init`], for dims as declared with their values: for emitted constructors. One that
    /// is no extent leaves the parameter without elements.
    #[doc(hidden)]
    pub fn declared(seed: u64, path: &str, dims: &[(&'static str, i128)], init: Init) -> Param {
        let wrong = |(_, value): &&(&'static str, i128)| usize::try_from(*value).is_err();
        let shape: Vec<usize> = dims.iter().map(|(_, v)| crate::entry::size(*v)).collect();
        match dims.iter().find(wrong) {
            None => Param::init(seed, path, &shape, init),
            Some((dim, value)) => Param {
                shape,
                state: false,
                data: Data::Missing(Missing::Size { dim, value: *value }),
            },
        }
    }

    /// Takes the elements out, since a dim around the parameter is no number of children.
    pub(crate) fn refuse(&mut self, dim: &'static str, value: i128) {
        self.data = Data::Missing(Missing::Size { dim, value });
    }

    /// Zeros; without elements where [`Param::init`] would be.
    pub fn zeros(shape: &[usize]) -> Param {
        Param::init(0, "", shape, crate::init::zeros())
    }

    /// Refuses a parameter without elements, which is at `path` in its model.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Size`].
    pub(crate) fn whole(&self, path: &str) -> Result<()> {
        match self.data {
            Data::F32(_) | Data::F64(_) | Data::Missing(Missing::Elsewhere) => Ok(()),
            Data::Missing(Missing::TooLarge) => Err(Error::TooLarge {
                tensor: path.into(),
                shape: crate::error::tuple(&self.shape),
            }),
            Data::Missing(Missing::Size { dim, value }) => Err(Error::Size {
                parameter: path.into(),
                dim,
                value,
            }),
        }
    }

    /// The same as a state: for emitted constructors.
    #[doc(hidden)]
    pub fn into_state(self) -> Param {
        Param {
            state: true,
            ..self
        }
    }

    /// Whether it is a state, which is not trained: running statistics, a table.
    pub fn is_state(&self) -> bool {
        self.state
    }

    /// Its extents.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        match &self.data {
            Data::F32(v) => v.len(),
            Data::F64(v) => v.len(),
            Data::Missing(_) => 0,
        }
    }

    /// The elements in f32; an empty array of one axis where there are none, or no copy of them, for
    /// want of memory.
    pub fn values(&self) -> ArrayD<f32> {
        self.array(match &self.data {
            Data::F32(v) => mapped(v, |v| v),
            Data::F64(v) => mapped(v, |v| v as f32),
            Data::Missing(_) => None,
        })
    }

    /// As [`Param::values`], in f64.
    pub fn values_f64(&self) -> ArrayD<f64> {
        self.array(match &self.data {
            Data::F32(v) => mapped(v, f64::from),
            Data::F64(v) => mapped(v, |v| v),
            Data::Missing(_) => None,
        })
    }

    fn array<T: Default + Clone>(&self, values: Option<Vec<T>>) -> ArrayD<T> {
        let array = values.and_then(|values| {
            let array = ArrayD::from_shape_vec(IxDyn(&self.shape), values);
            array.ok()
        });
        array.unwrap_or_else(|| ArrayD::default(IxDyn(&[0])))
    }

    /// Its one element.
    ///
    /// # Errors
    /// [`Error::NotOneElement`] when it has more or none.
    pub fn item(&self) -> Result<f64> {
        let one = match &self.data {
            Data::F32(v) if v.len() == 1 => v.first().map(|v| f64::from(*v)),
            Data::F64(v) if v.len() == 1 => v.first().copied(),
            Data::F32(_) | Data::F64(_) | Data::Missing(_) => None,
        };
        one.ok_or_else(|| Error::NotOneElement {
            shape: self.shape.clone(),
        })
    }

    /// Replaces the elements; f64 values stay f64. A flat vector of all elements in row-major order
    /// will do for any shape.
    ///
    /// # Errors
    /// [`Error::ParamShape`] when the shape is another, [`Error::TooManyDims`] for more than 8 dims,
    /// [`Error::TooLarge`] for a parameter without elements, [`Error::OutOfMemory`]; it is as it was
    /// then.
    pub fn set(&mut self, values: impl IntoArg<Arg<Float, AnyRank>>) -> Result<()> {
        self.whole("parameter")?;
        let view = values.arg();
        // A view keeps no more extents: those behind would be cut off.
        if view.rank() > MAX_RANK {
            return Err(Error::TooManyDims {
                argument: "values".into(),
                rank: view.rank(),
            });
        }
        let flat = view.rank() == 1 && view.elements() == self.elements();
        if view.extents() != self.shape && !flat {
            return Err(Error::ParamShape {
                expected: self.shape.clone(),
                actual: view.extents().to_vec(),
            });
        }
        self.data = match view.host {
            HostType::F64 => Data::F64(read("a parameter", &view)?),
            _ => Data::F32(read("a parameter", &view)?),
        };
        Ok(())
    }

    /// Multiplies every element.
    pub(crate) fn scale(&mut self, factor: f64) {
        match &mut self.data {
            Data::F32(values) => {
                let times = |v: &mut f32| *v = (f64::from(*v) * factor) as f32;
                values.iter_mut().for_each(times);
            }
            Data::F64(values) => values.iter_mut().for_each(|v| *v *= factor),
            Data::Missing(_) => {}
        }
    }

    /// Sets every element. A number that f32 does not hold makes the elements f64; where the memory has
    /// no room for these, the parameter is without elements, as [`Param::init`] would make it.
    pub fn fill(&mut self, value: f64) {
        let count = self.elements();
        let narrow = value as f32;
        let is_narrow = f64::from(narrow) == value;
        match &mut self.data {
            Data::Missing(_) => return,
            Data::F32(elements) if is_narrow => return elements.fill(narrow),
            Data::F64(elements) if !is_narrow => return elements.fill(value),
            Data::F32(_) | Data::F64(_) => {}
        }
        // The old elements go first: there may be no room for both.
        self.data = Data::Missing(Missing::TooLarge);
        let filled = match is_narrow {
            true => filled(narrow, count).map(Data::F32),
            false => filled(value, count).map(Data::F64),
        };
        self.data = filled.unwrap_or(Data::Missing(Missing::TooLarge));
    }
}

/// What `f` makes of elements, if there is memory for it.
fn mapped<S: Copy, T>(elements: &[S], f: impl Fn(S) -> T) -> Option<Vec<T>> {
    let mut out = room("a parameter", elements.len()).ok()?;
    out.extend(elements.iter().map(|v| f(*v)));
    Some(out)
}

/// So many elements of one value, if there is memory for them.
fn filled<T: Copy>(value: T, count: usize) -> Option<Vec<T>> {
    let mut elements = room("a parameter", count).ok()?;
    elements.resize(count, value);
    Some(elements)
}

impl Clone for Param {
    /// A copy; without elements, as [`Param::init`] would make it, where the memory has no room for them.
    fn clone(&self) -> Param {
        let copy = match &self.data {
            Data::F32(v) => mapped(v, |v| v).map(Data::F32),
            Data::F64(v) => mapped(v, |v| v).map(Data::F64),
            Data::Missing(why) => Some(Data::Missing(*why)),
        };
        Param {
            shape: self.shape.clone(),
            state: self.state,
            data: copy.unwrap_or(Data::Missing(Missing::TooLarge)),
        }
    }
}

impl fmt::Debug for Param {
    /// The shape and up to eight elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Param{:?} ", self.shape)?;
        match &self.data {
            Data::F32(v) => f.debug_list().entries(v.iter().take(8)).finish()?,
            Data::F64(v) => f.debug_list().entries(v.iter().take(8)).finish()?,
            Data::Missing(why) => write!(f, "{why:?}")?,
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

    #[test]
    fn shapes_past_any_memory_have_no_elements() {
        let huge = 1 << 40;
        for shape in [
            &[usize::MAX, usize::MAX][..],
            &[huge, huge],
            &[huge, huge, 0],
            &[huge; 5],
        ] {
            let mut p = Param::zeros(shape);
            let error = p.whole("hidden.w").expect_err("too large").to_string();
            let expected = format!(
                "`hidden.w` of shape {} is too large for the memory",
                crate::error::tuple(shape)
            );
            assert_eq!(error, expected);
            p.fill(1.0);
            assert_eq!(
                (p.elements(), p.values().len(), p.values_f64().len()),
                (0, 0, 0)
            );
            assert!(p.item().is_err() && p.set([0.0f32; 0]).is_err());
            assert_eq!((p.shape(), &p), (shape, &p.clone()));
        }
        let empty = Param::zeros(&[3, 0]);
        assert!(empty.whole("w").is_ok() && empty.values().shape() == [3, 0]);
    }

    #[test]
    fn more_dims_than_a_view_keeps_are_refused() {
        let mut p = Param::zeros(&[1; 8]);
        let error = p.set(ArrayD::<f32>::ones(vec![1; 9])).expect_err("9 dims");
        assert_eq!(
            error.to_string(),
            "`values` has 9 dims; at most 8 can be passed"
        );
        assert_eq!(p, Param::zeros(&[1; 8]));
    }
}
