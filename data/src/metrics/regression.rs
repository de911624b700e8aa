//! Metrics of predicted numbers: mean absolute error, and the coefficient of determination.

use super::{Mean, Metric, Real, refuse};
use crate::error::Result;
use ndarray::{ArrayBase, ArrayView, Data, Dimension};

/// Calls `each` with the pairs of outputs and targets, once it is known that all are finite.
///
/// # Errors
/// Other shapes; numbers that are not finite.
fn pairs<S: Real, T: Real, D: Dimension>(
    metric: &'static str,
    outputs: &ArrayView<'_, S, D>,
    targets: &ArrayView<'_, T, D>,
    mut each: impl FnMut(f64, f64),
) -> Result<()> {
    if outputs.shape() != targets.shape() {
        let (a, b) = (outputs.shape(), targets.shape());
        return refuse(
            metric,
            format!("outputs of shape {a:?} and targets of shape {b:?} came, and must be alike"),
        );
    }
    let both = || {
        outputs
            .iter()
            .zip(targets.iter())
            .map(|(a, b)| (a.real(), b.real()))
    };
    if let Some(at) = both().position(|(a, b)| !a.is_finite() || !b.is_finite()) {
        return refuse(metric, format!("output or target {at} is not finite"));
    }
    both().for_each(|(output, target)| each(output, target));
    Ok(())
}

/// The mean of the absolute differences of outputs and targets.
///
/// ```
/// use ndarray::array;
/// use sinew_data::metrics::MeanAbsoluteError;
///
/// let mut error = MeanAbsoluteError::new();
/// error.add(&array![2.5, 0.0, 2.0, 8.0], &array![3.0, -0.5, 2.0, 7.0])?;
/// assert_eq!(error.value(), Some(0.5));
/// # Ok::<(), sinew_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MeanAbsoluteError(Mean);

impl MeanAbsoluteError {
    /// Of nothing yet.
    pub fn new() -> MeanAbsoluteError {
        MeanAbsoluteError::default()
    }

    /// Adds outputs and targets of one shape.
    ///
    /// # Errors
    /// [`Error::Metric`](crate::Error::Metric) for other shapes, and numbers that are not finite. Nothing is added then.
    pub fn add<'a, S: Real + 'a, T: Real + 'a, D: Dimension>(
        &mut self,
        outputs: impl Into<ArrayView<'a, S, D>>,
        targets: impl Into<ArrayView<'a, T, D>>,
    ) -> Result<()> {
        let mut mean = self.0;
        pairs(
            "mean absolute error",
            &outputs.into(),
            &targets.into(),
            |a, b| {
                mean.join((a - b).abs(), 1.0);
            },
        )?;
        self.0 = mean;
        Ok(())
    }

    /// The mean; none of no numbers.
    pub fn value(&self) -> Option<f64> {
        self.0.value()
    }

    /// Adds what another has averaged.
    pub fn merge(&mut self, other: &MeanAbsoluteError) {
        self.0.merge(&other.0);
    }
}

/// The coefficient of determination: 1 less the outputs' squared error over that of the targets' mean.
///
/// Sums of squares are kept about the mean of what came (Chan, Golub, LeVeque: "Updating formulae and a pairwise
/// algorithm for computing sample variances", 1979).
///
/// ```
/// use ndarray::array;
/// use sinew_data::metrics::R2;
///
/// let mut r2 = R2::new();
/// r2.add(&array![2.5, 0.0, 2.0, 8.0], &array![3.0, -0.5, 2.0, 7.0])?;
/// assert!((r2.value().unwrap_or(0.0) - 0.9486081370449679).abs() < 1e-12);
/// # Ok::<(), sinew_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct R2 {
    targets: Mean,
    /// The sum of squared distances of targets from their mean.
    spread: f64,
    /// The sum of squared errors.
    errors: f64,
}

impl R2 {
    /// Of nothing yet.
    pub fn new() -> R2 {
        R2::default()
    }

    /// Adds outputs and targets of one shape; each number counts by itself.
    ///
    /// # Errors
    /// [`Error::Metric`](crate::Error::Metric) for other shapes, and numbers that are not finite. Nothing is added then.
    pub fn add<'a, S: Real + 'a, T: Real + 'a, D: Dimension>(
        &mut self,
        outputs: impl Into<ArrayView<'a, S, D>>,
        targets: impl Into<ArrayView<'a, T, D>>,
    ) -> Result<()> {
        let mut sums = *self;
        pairs("R2", &outputs.into(), &targets.into(), |output, target| {
            let mut one = R2 {
                errors: (output - target).powi(2),
                ..R2::default()
            };
            one.targets.join(target, 1.0);
            sums.merge(&one);
        })?;
        *self = sums;
        Ok(())
    }

    /// The coefficient, at most 1; none unless two targets differ.
    pub fn value(&self) -> Option<f64> {
        (self.spread > 0.0).then(|| 1.0 - self.errors / self.spread)
    }

    /// Adds what another has summed.
    pub fn merge(&mut self, other: &R2) {
        let (here, there) = (self.targets.weight(), other.targets.weight());
        if let (Some(a), Some(b)) = (self.targets.value(), other.targets.value()) {
            self.spread += (a - b).powi(2) * here * there / (here + there);
        }
        self.targets.merge(&other.targets);
        self.spread += other.spread;
        self.errors += other.errors;
    }
}

macro_rules! metric {
    ($($metric:ident)*) => {$(
        impl<A, B, S, T, D> Metric<ArrayBase<A, D>, ArrayBase<B, D>> for $metric
        where
            A: Data<Elem = S>,
            B: Data<Elem = T>,
            S: Real,
            T: Real,
            D: Dimension,
        {
            fn add_batch(&mut self, outputs: &ArrayBase<A, D>, targets: &ArrayBase<B, D>) -> Result<()> {
                self.add(outputs, targets)
            }
        }
    )*};
}
metric!(MeanAbsoluteError R2);
