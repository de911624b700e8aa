//! Means: of losses, weighted by rows, and perplexity, which is made of one.

use super::refuse;
use crate::error::Result;

const NAME: &str = "mean";

/// A running mean of numbers, each with a weight: of the losses of batches, weighted by their rows.
///
/// ```
/// use sinew_data::metrics::Mean;
///
/// let mut loss = Mean::new();
/// assert_eq!(loss.value(), None);
/// loss.add(0.5, 32)?;                 // a batch of 32 rows
/// loss.add(1.5, 32)?;
/// assert_eq!(loss.value(), Some(1.0));
/// # Ok::<(), sinew_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mean {
    mean: f64,
    weight: f64,
}

/// What weighs a number: a number of rows, or any factor that is not negative.
pub trait Weight {
    /// As a factor.
    fn weight(self) -> f64;
}

macro_rules! weight {
    ($($number:ident)*) => {$(
        impl Weight for $number {
            fn weight(self) -> f64 {
                self as f64
            }
        }
    )*};
}
weight!(usize u64 u32 i32 f32 f64);

impl Mean {
    /// Of nothing yet.
    pub fn new() -> Mean {
        Mean::default()
    }

    /// Adds a number with its weight.
    ///
    /// # Errors
    /// [`Error::Metric`](crate::Error::Metric) for a number that is not finite, and for a weight that is negative or not
    /// finite. Nothing is added then.
    pub fn add(&mut self, value: f64, weight: impl Weight) -> Result<()> {
        let weight = weight.weight();
        if !value.is_finite() {
            return refuse(
                NAME,
                format!("a value of {value} came, and there is no mean with it"),
            );
        }
        if !(weight >= 0.0 && weight.is_finite()) {
            return refuse(
                NAME,
                format!("a weight of {weight} came, and it must be finite and at least 0"),
            );
        }
        self.join(value, weight);
        Ok(())
    }

    /// West's update: its error does not grow with the number of values ("Updating mean and variance estimates", 1979).
    pub(super) fn join(&mut self, value: f64, weight: f64) {
        if weight > 0.0 {
            self.weight += weight;
            self.mean += (weight / self.weight) * (value - self.mean);
        }
    }

    /// The mean; none of nothing, or where all weights are 0.
    pub fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then_some(self.mean)
    }

    /// The sum of the weights.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Adds what another has averaged.
    pub fn merge(&mut self, other: &Mean) {
        self.join(other.mean, other.weight);
    }
}

/// e to the mean of the negative log-likelihoods of tokens: the exponential of a language model's loss, over all
/// batches.
///
/// ```
/// use sinew_data::metrics::Perplexity;
///
/// let mut perplexity = Perplexity::new();
/// perplexity.add(f64::ln(8.0), 100)?;     // a batch's mean cross entropy, and its number of tokens
/// perplexity.add(f64::ln(2.0), 100)?;
/// assert!((perplexity.value().unwrap_or(0.0) - 4.0).abs() < 1e-12);
/// # Ok::<(), sinew_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Perplexity(Mean);

impl Perplexity {
    /// Of nothing yet.
    pub fn new() -> Perplexity {
        Perplexity::default()
    }

    /// Adds a batch: the mean cross entropy of its tokens in nats, and how many there are.
    ///
    /// # Errors
    /// As [`Mean::add`].
    pub fn add(&mut self, cross_entropy: f64, tokens: impl Weight) -> Result<()> {
        self.0.add(cross_entropy, tokens)
    }

    /// The perplexity; none of no tokens. Past a cross entropy of 709 it is infinite.
    pub fn value(&self) -> Option<f64> {
        self.0.value().map(f64::exp)
    }

    /// Adds what another has averaged.
    pub fn merge(&mut self, other: &Perplexity) {
        self.0.merge(&other.0);
    }
}
