//! The area under the receiver operating characteristic.

use super::{Label, Metric, Real, class_of, number, same_rows};
use crate::error::{Result, room};
use ndarray::{ArrayBase, ArrayView1, Data, Ix1};

const NAME: &str = "ROC AUC";

/// How likely a row of class 1 has a higher score than one of class 0, where equal scores count half: the area under
/// the receiver operating characteristic (Hanley, McNeil: "The meaning and use of the area under a ROC curve", 1982).
///
/// It keeps all scores.
///
/// ```
/// use sinew_data::metrics::RocAuc;
///
/// let mut auc = RocAuc::new();
/// auc.add(&[0.1, 0.4, 0.35, 0.8], &[0, 0, 1, 1])?;
/// assert_eq!(auc.value(), Some(0.75));
/// # Ok::<(), sinew_data::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RocAuc {
    rows: Vec<(f64, bool)>,
}

impl RocAuc {
    /// Of nothing yet.
    pub fn new() -> RocAuc {
        RocAuc::default()
    }

    /// Adds a batch: scores that are higher the more likely a row is of class 1, and classes 0 and 1.
    ///
    /// # Errors
    /// [`Error::Metric`](crate::Error::Metric) for other numbers of rows, other labels, scores that are NaN. Nothing is
    /// added then.
    pub fn add<'a, S: Real + 'a, L: Label + 'a>(
        &mut self,
        scores: impl Into<ArrayView1<'a, S>>,
        labels: impl Into<ArrayView1<'a, L>>,
    ) -> Result<()> {
        let (scores, labels) = (scores.into(), labels.into());
        same_rows(NAME, scores.len(), labels.len())?;
        let mut rows = room("scores", labels.len())?;
        for (row, (score, label)) in scores.iter().zip(labels).enumerate() {
            rows.push((
                number(NAME, *score, row)?,
                class_of(NAME, *label, row, 2)? == 1,
            ));
        }
        self.rows.append(&mut rows);
        Ok(())
    }

    /// The area; none unless rows of both classes were added.
    pub fn value(&self) -> Option<f64> {
        let mut rows = self.rows.clone();
        // No score is NaN; and -0 is 0, which the order of all bits has below.
        rows.sort_unstable_by(|(a, _), (b, _)| (a + 0.0).total_cmp(&(b + 0.0)));
        let (mut negatives, mut positives, mut above) = (0u64, 0u64, 0.0);
        for equal in rows.chunk_by(|(a, _), (b, _)| a == b) {
            let here = equal.iter().filter(|(_, positive)| *positive).count() as u64;
            let others = equal.len() as u64 - here;
            above += here as f64 * (negatives as f64 + others as f64 / 2.0);
            negatives += others;
            positives += here;
        }
        let pairs = negatives as f64 * positives as f64;
        (pairs > 0.0).then(|| above / pairs)
    }

    /// Adds what another has kept.
    pub fn merge(&mut self, other: &RocAuc) {
        self.rows.extend_from_slice(&other.rows);
    }
}

impl<A, B, S, L> Metric<ArrayBase<A, Ix1>, ArrayBase<B, Ix1>> for RocAuc
where
    A: Data<Elem = S>,
    B: Data<Elem = L>,
    S: Real,
    L: Label,
{
    fn add_batch(
        &mut self,
        outputs: &ArrayBase<A, Ix1>,
        targets: &ArrayBase<B, Ix1>,
    ) -> Result<()> {
        self.add(outputs, targets)
    }
}
