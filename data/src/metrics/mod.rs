//! Metrics: what batches are added to, one by one, and what is read at the end.
//!
//! Each has `add`, `value` (none where nothing says what it is: not NaN) and `merge`, for parts that were counted
//! apart. Values and the treatment of ties are scikit-learn's, but for what a page says.

mod accuracy;
mod confusion;
mod mean;
mod regression;
mod roc;

pub use accuracy::Accuracy;
pub use confusion::ConfusionMatrix;
pub use mean::{Mean, Perplexity, Weight};
pub use regression::{MeanAbsoluteError, R2};
pub use roc::RocAuc;

use crate::error::{Error, Result};
use half::{bf16, f16};

/// Numbers that scores and targets may be.
pub trait Real: Copy {
    /// The same number.
    fn real(self) -> f64;
}

macro_rules! real {
    ($($float:ident)*) => {$(
        impl Real for $float {
            fn real(self) -> f64 {
                f64::from(self)
            }
        }
    )*};
}
real!(f32 f64 f16 bf16 i8 i16 i32 u8 u16 u32);

macro_rules! rounded {
    ($($integer:ident)*) => {$(
        impl Real for $integer {
            /// Past 2^53 the nearest float.
            fn real(self) -> f64 {
                self as f64
            }
        }
    )*};
}
rounded!(i64 u64 isize usize);

impl<T: Real> Real for &T {
    fn real(self) -> f64 {
        (*self).real()
    }
}

/// Integers that labels may be.
pub trait Label: Copy {
    /// The class, if it is one.
    fn class(self) -> Option<usize>;
    /// As it is written.
    fn written(self) -> String;
}

macro_rules! label {
    ($($integer:ident)*) => {$(
        impl Label for $integer {
            fn class(self) -> Option<usize> {
                usize::try_from(self).ok()
            }
            fn written(self) -> String {
                self.to_string()
            }
        }
    )*};
}
label!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl Label for bool {
    fn class(self) -> Option<usize> {
        Some(self.into())
    }
    fn written(self) -> String {
        self.to_string()
    }
}

/// What batches of outputs and targets are added to: what `evaluate` of the `sinew` package takes. A tuple of metrics
/// is one too.
///
/// ```
/// use sinew_data::{Result, metrics::Metric};
///
/// /// The greatest output.
/// struct Greatest(f32);
///
/// impl<T> Metric<ndarray::Array1<f32>, T> for Greatest {
///     fn add_batch(&mut self, outputs: &ndarray::Array1<f32>, _: &T) -> Result<()> {
///         self.0 = outputs.fold(self.0, |greatest, x| greatest.max(*x));
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take these outputs and targets",
    label = "outputs and targets of other elements or dims",
    note = "outputs are `{O}`, targets `{T}`",
    note = "`Accuracy` and `ConfusionMatrix` take scores of 2 dims, `RocAuc` of 1, each with labels of 1 that are integers; \
            `MeanAbsoluteError` and `R2` take numbers of as many dims on both sides"
)]
pub trait Metric<O, T> {
    /// Adds a batch.
    ///
    /// # Errors
    /// [`Error::Metric`] for outputs and targets that do not fit each other or the metric.
    fn add_batch(&mut self, outputs: &O, targets: &T) -> Result<()>;
}

macro_rules! tuple {
    ($($metric:ident $i:tt),*) => {
        impl<O, T, $($metric: Metric<O, T>),*> Metric<O, T> for ($($metric,)*) {
            fn add_batch(&mut self, outputs: &O, targets: &T) -> Result<()> {
                $(self.$i.add_batch(outputs, targets)?;)*
                Ok(())
            }
        }
    };
}
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);

/// What has one number to be judged by; none where nothing was added.
pub trait Score {
    /// The number.
    fn score(&self) -> Option<f64>;
}

impl Score for f64 {
    fn score(&self) -> Option<f64> {
        Some(*self)
    }
}

impl Score for f32 {
    fn score(&self) -> Option<f64> {
        Some((*self).into())
    }
}

impl Score for Option<f64> {
    fn score(&self) -> Option<f64> {
        *self
    }
}

macro_rules! score {
    ($($metric:ident)*) => {$(
        impl Score for $metric {
            fn score(&self) -> Option<f64> {
                self.value()
            }
        }
    )*};
}
score!(Accuracy Mean MeanAbsoluteError Perplexity R2 RocAuc);

/// Refuses what does not fit a metric.
fn refuse<T>(metric: &'static str, problem: String) -> Result<T> {
    Err(Error::Metric { metric, problem })
}

/// # Errors
/// Other numbers of rows.
fn same_rows(metric: &'static str, outputs: usize, targets: usize) -> Result<()> {
    match outputs == targets {
        true => Ok(()),
        false => refuse(
            metric,
            format!(
                "{outputs} rows of outputs and {targets} labels came, and there must be as many"
            ),
        ),
    }
}

/// The class of a label, of so many.
///
/// # Errors
/// One that is none of them.
fn class_of(metric: &'static str, label: impl Label, row: usize, classes: usize) -> Result<usize> {
    match label.class().filter(|class| *class < classes) {
        Some(class) => Ok(class),
        None => refuse(
            metric,
            format!(
                "the label of row {row} is {}, and there are {classes} classes, from 0",
                label.written()
            ),
        ),
    }
}

/// Numbers without NaN.
///
/// # Errors
/// NaN.
fn number(metric: &'static str, value: impl Real, row: usize) -> Result<f64> {
    let value = value.real();
    match value.is_nan() {
        false => Ok(value),
        true => refuse(metric, format!("row {row} holds NaN")),
    }
}
