//! The confusion matrix, and what is read from it: precision, recall, F1.

use super::{Label, Metric, Real, class_of, number, refuse, same_rows};
use crate::error::{Result, room};
use ndarray::{Array2, ArrayBase, ArrayView1, ArrayView2, Data, Ix1, Ix2};
use std::fmt;

const NAME: &str = "confusion matrix";

/// How often each class was taken for each: rows are classes, columns answers.
///
/// It prints as a table. Means over classes are those of scikit-learn: over the classes that occur as a label or an
/// answer, of which one without a precision counts as 0. Where each row has one label and one answer, the "micro"
/// means of precision, recall and F1 are all the [`accuracy`](ConfusionMatrix::accuracy).
///
/// ```
/// use sinew_data::metrics::ConfusionMatrix;
///
/// let mut matrix = ConfusionMatrix::new(3)?;
/// matrix.add_labels(&[0, 2, 2, 2], &[0, 1, 2, 2])?;   // answers, labels; `add` takes scores
/// assert_eq!(matrix.recall(2), Some(1.0));
/// assert_eq!(matrix.precision(1), None);              // never answered
/// let table = ["  0 1 2", "0 1 . .", "1 . . 1", "2 . . 2"];
/// assert!(matrix.to_string().lines().eq(table));
/// # Ok::<(), sinew_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Array2<u64>,
}

impl ConfusionMatrix {
    /// Of so many classes, numbered from 0.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory), [`Error::Metric`](crate::Error::Metric) for no classes.
    pub fn new(classes: usize) -> Result<ConfusionMatrix> {
        if classes == 0 {
            return refuse(
                NAME,
                "of 0 classes came, and there must be at least 1".into(),
            );
        }
        let count = classes.saturating_mul(classes);
        let mut counts = room(NAME, count)?;
        counts.resize(count, 0);
        match Array2::from_shape_vec((classes, classes), counts) {
            Ok(counts) => Ok(ConfusionMatrix { counts }),
            Err(error) => refuse(NAME, error.to_string()),
        }
    }

    /// Adds a batch: scores of shape (rows, classes), of which the first of the highest is the answer, and the class of
    /// each row.
    ///
    /// # Errors
    /// [`Error::Metric`](crate::Error::Metric) for other numbers of rows or classes, labels that are no classes, scores
    /// that are NaN. Nothing is added then.
    pub fn add<'a, S: Real + 'a, L: Label + 'a>(
        &mut self,
        scores: impl Into<ArrayView2<'a, S>>,
        labels: impl Into<ArrayView1<'a, L>>,
    ) -> Result<()> {
        let scores = scores.into();
        if scores.ncols() != self.classes() {
            return refuse(
                NAME,
                format!(
                    "scores of {} classes came, and it has {}",
                    scores.ncols(),
                    self.classes()
                ),
            );
        }
        let mut answers = room("answers", scores.nrows())?;
        for (row, scores) in scores.rows().into_iter().enumerate() {
            let (mut answer, mut highest) = (0, f64::NEG_INFINITY);
            for (class, score) in scores.iter().enumerate() {
                let score = number(NAME, *score, row)?;
                if score > highest {
                    (answer, highest) = (class, score);
                }
            }
            answers.push(answer);
        }
        self.add_labels(&answers, labels)
    }

    /// Adds a batch of answers that are classes, and the class of each row.
    ///
    /// # Errors
    /// [`Error::Metric`](crate::Error::Metric) for other numbers of rows, and for answers or labels that are no classes.
    /// Nothing is added then.
    pub fn add_labels<'a, 'l, P: Label + 'a, L: Label + 'l>(
        &mut self,
        answers: impl Into<ArrayView1<'a, P>>,
        labels: impl Into<ArrayView1<'l, L>>,
    ) -> Result<()> {
        let (answers, labels) = (answers.into(), labels.into());
        same_rows(NAME, answers.len(), labels.len())?;
        let classes = self.classes();
        let mut places = room("answers", labels.len())?;
        for (row, (answer, label)) in answers.iter().zip(labels).enumerate() {
            let label = class_of(NAME, *label, row, classes)?;
            places.push([label, class_of(NAME, *answer, row, classes)?]);
        }
        for place in places {
            if let Some(count) = self.counts.get_mut(place) {
                *count += 1;
            }
        }
        Ok(())
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.counts.nrows()
    }

    /// The counts: rows are classes, columns answers.
    pub fn counts(&self) -> &Array2<u64> {
        &self.counts
    }

    /// How many rows were added.
    pub fn rows(&self) -> u64 {
        self.counts.sum()
    }

    /// The share of right answers; none of no rows.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.counts.diag().sum(), self.rows())
    }

    /// Of the answers that name this class, the share that is right; none where none does.
    pub fn precision(&self, class: usize) -> Option<f64> {
        share(self.right(class), self.answered(class))
    }

    /// Of the rows of this class, the share that is found; none where there are none.
    pub fn recall(&self, class: usize) -> Option<f64> {
        share(self.right(class), self.occurs(class))
    }

    /// The harmonic mean of precision and recall; none for a class that occurs neither as label nor as answer.
    pub fn f1(&self, class: usize) -> Option<f64> {
        share(
            2 * self.right(class),
            self.answered(class) + self.occurs(class),
        )
    }

    /// The mean of the classes' precisions.
    pub fn macro_precision(&self) -> Option<f64> {
        self.mean(|class| self.precision(class))
    }

    /// The mean of the classes' recalls.
    pub fn macro_recall(&self) -> Option<f64> {
        self.mean(|class| self.recall(class))
    }

    /// The mean of the classes' F1 scores.
    pub fn macro_f1(&self) -> Option<f64> {
        self.mean(|class| self.f1(class))
    }

    /// Adds what another has counted.
    ///
    /// # Errors
    /// [`Error::Metric`](crate::Error::Metric) for one of other classes.
    pub fn merge(&mut self, other: &ConfusionMatrix) -> Result<()> {
        if self.classes() != other.classes() {
            return refuse(
                NAME,
                format!(
                    "one of {} classes is no part of one of {}",
                    other.classes(),
                    self.classes()
                ),
            );
        }
        self.counts += &other.counts;
        Ok(())
    }

    fn right(&self, class: usize) -> u64 {
        self.counts.get([class, class]).copied().unwrap_or(0)
    }

    fn answered(&self, class: usize) -> u64 {
        (0..self.classes())
            .filter_map(|label| self.counts.get([label, class]))
            .sum()
    }

    fn occurs(&self, class: usize) -> u64 {
        (0..self.classes())
            .filter_map(|answer| self.counts.get([class, answer]))
            .sum()
    }

    fn mean(&self, of: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let occurring =
            (0..self.classes()).filter(|class| self.answered(*class) + self.occurs(*class) > 0);
        let values: Vec<f64> = occurring.map(|class| of(class).unwrap_or(0.0)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// None of none.
fn share(of: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let greatest = self.counts.iter().copied().max().unwrap_or(0);
        let last = self.classes().saturating_sub(1);
        let label = last.to_string().len();
        let width = label.max(greatest.to_string().len());
        write!(f, "{:label$}", "")?;
        (0..self.classes()).try_for_each(|class| write!(f, " {class:width$}"))?;
        writeln!(f)?;
        for (class, row) in self.counts.rows().into_iter().enumerate() {
            write!(f, "{class:label$}")?;
            for count in row {
                match count {
                    0 => write!(f, " {:>width$}", ".")?,
                    count => write!(f, " {count:width$}")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl<A, B, S, L> Metric<ArrayBase<A, Ix2>, ArrayBase<B, Ix1>> for ConfusionMatrix
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
