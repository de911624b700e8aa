//! How training ended, and what was done until then.

use crate::data;
use std::fmt;

/// What is known of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct EpochDone {
    /// Which epoch it was, from 1.
    pub epoch: u64,
    /// How many steps were taken when it ended, those of earlier calls counted.
    pub steps: u64,
    /// The mean loss of its steps, weighted by their rows.
    pub loss: f64,
    /// What it was judged by, where there is a validation.
    pub score: Option<f64>,
    /// Whether it is the best so far: by its score, or by its loss where there is none.
    pub best: bool,
    /// The learning rate of the step behind it.
    pub learning_rate: f64,
}

impl fmt::Display for EpochDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}  loss {:.4}", self.epoch, self.loss)?;
        if let Some(score) = self.score {
            write!(f, "  score {score:.4}")?;
        }
        Ok(())
    }
}

/// How training ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// All epochs were trained.
    Completed,
    /// So many epochs in a row were not better than the best.
    StoppedEarly {
        /// The last epoch, from 1.
        epoch: u64,
    },
    /// A callback said so.
    Aborted {
        /// The epoch in which, or after which, from 1.
        epoch: u64,
    },
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Completed => write!(f, "completed"),
            End::StoppedEarly { epoch } => write!(f, "stopped early after epoch {epoch}"),
            End::Aborted { epoch } => write!(f, "aborted in epoch {epoch}"),
        }
    }
}

/// Training that did not fail.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fitted {
    /// How it ended.
    pub end: End,
    /// The epochs that were trained to their end.
    pub epochs: Vec<EpochDone>,
    /// The best of them; none where none was.
    pub best: Option<EpochDone>,
}

/// Training that failed: why, and what was done until then. Parameters are those after the last step.
#[derive(Debug, thiserror::Error)]
#[error("epoch {epoch}, after {steps} steps: {problem}")]
#[non_exhaustive]
pub struct Failed {
    /// Why.
    pub problem: Problem,
    /// The epoch in which, from 1.
    pub epoch: u64,
    /// How many steps were taken, those of earlier calls counted.
    pub steps: u64,
    /// The epochs that were trained to their end.
    pub epochs: Vec<EpochDone>,
    /// The best of them; none where none was.
    pub best: Option<EpochDone>,
}

// A result is returned by value, by closures of users too: past 128 bytes clippy warns at each.
const _: () = assert!(size_of::<Problem>() <= 112);

/// What went wrong in training or in an evaluation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A step or a run.
    #[error(transparent)]
    Call(#[from] crate::Error),
    /// A batch that its source did not give, predictions that do not fit their targets, a line of the log.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// A loss that is NaN or infinite. The step that gave it has updated the parameters.
    #[error(
        "the loss is {loss}. With `.check_finite(true)` a trainer takes no such step, and names the operation that made \
         the number"
    )]
    NotFinite {
        /// The loss.
        loss: f64,
    },
    /// The validation's own.
    #[error("`{name}`: {source}")]
    Validation {
        /// The name of the score.
        name: String,
        /// What it says.
        source: data::AnyError,
    },
    /// A validation without a score, or with one that is NaN.
    #[error("`{name}` is {found}: there is nothing to judge the epoch by")]
    NoScore {
        /// The name of the score.
        name: String,
        /// What came, in words.
        found: &'static str,
    },
    /// Data whose epochs have no batches.
    #[error("an epoch of the data has no batches: there is nothing to train on")]
    NoBatches,
}
