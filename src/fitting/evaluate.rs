//! Runs over batches, for what they add up to.

use super::calls::{Measure, Predict};
use super::end::Problem;
use crate::data::Epochs;
use crate::data::metrics::{Mean, Metric};

/// Runs a function over all batches of data and adds its results to a metric, which is returned. The last array of a
/// batch is the target; the function takes those before it. A tuple of metrics is a metric.
///
/// ```
/// use sinew::data::{Batches, metrics::{MeanAbsoluteError, R2}};
/// use sinew::prelude::*;
///
/// #[model]
/// fn doubled<N>(x: Tensor<N>) -> Tensor<N> {
///     2.0 * x
/// }
///
/// let (x, y) = (ndarray::array![1.0f32, 2.0, 3.0], ndarray::array![2.0f32, 4.0, 7.0]);
/// let batches = Batches::new((&x, &y), 2)?;
/// let run = doubled::compile().build()?;
/// let (error, r2) = sinew::evaluate(&run, &batches, (MeanAbsoluteError::new(), R2::new()))?;
/// assert_eq!(error.value(), Some(1.0 / 3.0));
/// # assert!(r2.value() > Some(0.9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of the runs, of the data and of the metric.
pub fn evaluate<R, D, M, B>(run: &R, data: &D, mut metric: M) -> Result<M, Problem>
where
    // By a name of its own, so that rustc marks the data where the two do not fit.
    D: Epochs<Batch = B>,
    R: Predict<B>,
    M: Metric<R::Output, R::Target>,
{
    for batch in data.pass(0) {
        let (_, batch) = batch?;
        let (outputs, targets) = run.predict(&batch)?;
        metric.add_batch(&outputs, targets)?;
    }
    Ok(metric)
}

/// The mean of a function of one number over all batches of data, weighted by their rows: of a loss that is a mean over
/// rows, its mean over all rows.
///
/// ```
/// use sinew::data::Batches;
/// use sinew::prelude::*;
///
/// #[model]
/// fn error<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor {
///     mse(x, y)
/// }
///
/// let (x, y) = (ndarray::array![1.0f32, 2.0, 3.0], ndarray::array![1.0f32, 2.0, 6.0]);
/// let batches = Batches::new((&x, &y), 2)?;
/// let mean = sinew::mean_over(&error::compile().build()?, &batches)?;
/// assert_eq!(mean.value(), Some(3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of the runs and of the data, and a number that is not finite.
pub fn mean_over<R, D, B>(run: &R, data: &D) -> Result<Mean, Problem>
where
    D: Epochs<Batch = B>,
    R: Measure<B>,
{
    let mut mean = Mean::new();
    for batch in data.pass(0) {
        let (rows, batch) = batch?;
        mean.add(run.measure(&batch)?, rows)?;
    }
    Ok(mean)
}
