//! The share of right answers.

use super::{Label, Metric, Real, class_of, number, refuse, same_rows};
use crate::error::Result;
use ndarray::{ArrayBase, ArrayView1, ArrayView2, Data, Ix1, Ix2};

const NAME: &str = "accuracy";

/// The share of rows whose class is the one with the highest score, or among the `k` highest.
///
/// Among equal scores those of lower classes count as higher, as `argmax` has it.
///
/// ```
/// use ndarray::array;
/// use sinew_data::metrics::Accuracy;
///
/// let (mut first, mut two) = (Accuracy::new(), Accuracy::top(2));
/// let scores = array![[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]];
/// first.add(&scores, &[1, 2])?;
/// two.add(&scores, &[1, 2])?;
/// assert_eq!((first.value(), two.value()), (Some(0.5), Some(1.0)));
/// first.add_labels(&[3, 4], &[3, 4])?;                // of answers that are classes
/// assert_eq!((first.right(), first.rows()), (3, 4));
/// # Ok::<(), sinew_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accuracy {
    top: usize,
    right: u64,
    rows: u64,
}

impl Default for Accuracy {
    fn default() -> Accuracy {
        Accuracy::new()
    }
}

impl Accuracy {
    /// Of the highest score.
    pub fn new() -> Accuracy {
        Accuracy::top(1)
    }

    /// Of the `k` highest scores. Of none no answer is right, and of all each is.
    pub fn top(k: usize) -> Accuracy {
        Accuracy {
            top: k,
            right: 0,
            rows: 0,
        }
    }

    /// Adds a batch: scores of shape (rows, classes), and the class of each row.
    ///
    /// # Errors
    /// [`Error::Metric`](crate::Error::Metric) for other numbers of rows, labels that are no classes, scores that are
    /// NaN. Nothing is added then.
    pub fn add<'a, S: Real + 'a, L: Label + 'a>(
        &mut self,
        scores: impl Into<ArrayView2<'a, S>>,
        labels: impl Into<ArrayView1<'a, L>>,
    ) -> Result<()> {
        let (scores, labels) = (scores.into(), labels.into());
        same_rows(NAME, scores.nrows(), labels.len())?;
        let mut right = 0;
        for (row, (scores, label)) in scores.rows().into_iter().zip(labels).enumerate() {
            let class = class_of(NAME, *label, row, scores.len())?;
            let own = scores.get(class).map_or(f64::NAN, |score| score.real());
            let mut higher = 0;
            for (other, score) in scores.iter().enumerate() {
                let score = number(NAME, *score, row)?;
                higher += usize::from(score > own || (score == own && other < class));
            }
            right += u64::from(higher < self.top);
        }
        self.right += right;
        self.rows += labels.len() as u64;
        Ok(())
    }

    /// Adds a batch of answers that are classes. Only the same one is right, whatever `k`.
    ///
    /// # Errors
    /// [`Error::Metric`](crate::Error::Metric) for other numbers of rows. Nothing is added then.
    pub fn add_labels<'a, P: Label + 'a, L: Label + 'a>(
        &mut self,
        answers: impl Into<ArrayView1<'a, P>>,
        labels: impl Into<ArrayView1<'a, L>>,
    ) -> Result<()> {
        let (answers, labels) = (answers.into(), labels.into());
        same_rows(NAME, answers.len(), labels.len())?;
        let same = answers.iter().zip(labels).filter(|(answer, label)| {
            let class = answer.class();
            class.is_some() && class == label.class()
        });
        self.right += same.count() as u64;
        self.rows += labels.len() as u64;
        Ok(())
    }

    /// The share of right answers; none of no rows.
    pub fn value(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.right as f64 / self.rows as f64)
    }

    /// How many answers were right.
    pub fn right(&self) -> u64 {
        self.right
    }

    /// How many rows were added.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds what another has counted.
    ///
    /// # Errors
    /// [`Error::Metric`](crate::Error::Metric) for one of another `k`.
    pub fn merge(&mut self, other: &Accuracy) -> Result<()> {
        if self.top != other.top {
            return refuse(
                NAME,
                format!(
                    "one of the {} highest scores is no part of one of the {} highest",
                    other.top, self.top
                ),
            );
        }
        self.right += other.right;
        self.rows += other.rows;
        Ok(())
    }
}

impl<A, B, S, L> Metric<ArrayBase<A, Ix2>, ArrayBase<B, Ix1>> for Accuracy
where
    A: Data<Elem = S>,
    B: Data<Elem = L>,
    S: Real,
    L: Label,
{
    fn add_batch(
        &mut self,
        outputs: &ArrayBase<A, Ix2>,
        targets: &ArrayBase<B, Ix1>,
    ) -> Result<()> {
        self.add(outputs, targets)
    }
}
