//! The training loop.

use super::calls::{Taken, Training};
use super::end::{End, EpochDone, Failed, Fitted, Problem};
#[cfg(feature = "progress")]
use super::progress::Bar;
use crate::data::metrics::{Mean, Score};
use crate::data::{AnyError, Best, Epochs, Log};
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Trains on epochs of data, as [`Fit`] is told: `fit(&mut train, &batches).epochs(20).run()?`.
///
/// See [`fitting`](crate::fitting) for an example, and for the same loop by hand.
pub fn fit<'a, T, D, B>(training: &'a mut T, data: &'a D) -> Fit<'a>
where
    // By a name of its own, so that rustc marks the data where the two do not fit.
    D: Epochs<Batch = B>,
    T: Training<B>,
{
    Fit {
        rounds: Box::new(Over { training, data }),
        epochs: 1,
        after: 0,
        judge: None,
        patience: None,
        best_file: None,
        log: None,
        each_step: None,
        each_epoch: None,
        #[cfg(feature = "progress")]
        progress: false,
    }
}

/// What an epoch is judged by.
struct Judge<'a> {
    name: String,
    best: Best,
    score: Box<dyn FnMut() -> Result<Option<f64>, AnyError> + 'a>,
}

type Callback<'a, E> = Box<dyn FnMut(&E) -> ControlFlow<()> + 'a>;

/// A trainer and its data, whatever their types.
trait Rounds {
    #[cfg(feature = "progress")]
    fn batches(&self) -> usize;
    /// Takes the steps of an epoch, from 1, and tells of each with the number of its rows.
    fn epoch(&mut self, epoch: u64, each: Each<'_>) -> Result<ControlFlow<()>, Problem>;
    fn steps_taken(&self) -> u64;
    fn rate(&self) -> f64;
    fn save_to(&self, path: &Path) -> crate::Result<()>;
}

type Each<'a> = &'a mut dyn FnMut(Taken, usize) -> Result<ControlFlow<()>, Problem>;

struct Over<'a, T, D> {
    training: &'a mut T,
    data: &'a D,
}

impl<T, D> Rounds for Over<'_, T, D>
where
    D: Epochs,
    T: Training<D::Batch>,
{
    #[cfg(feature = "progress")]
    fn batches(&self) -> usize {
        self.data.batches()
    }
    fn epoch(&mut self, epoch: u64, each: Each<'_>) -> Result<ControlFlow<()>, Problem> {
        for batch in self.data.pass(epoch.saturating_sub(1)) {
            let (rows, batch) = batch?;
            let taken = self.training.step_on(&batch)?;
            if each(taken, rows)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
    fn steps_taken(&self) -> u64 {
        self.training.steps_taken()
    }
    fn rate(&self) -> f64 {
        self.training.rate()
    }
    fn save_to(&self, path: &Path) -> crate::Result<()> {
        self.training.save_to(path)
    }
}

/// A training loop that is about to run: made by [`fit`](crate::fit), started by [`run`](Fit::run).
#[must_use = "nothing is trained before `.run()`"]
pub struct Fit<'a> {
    rounds: Box<dyn Rounds + 'a>,
    epochs: u64,
    after: u64,
    judge: Option<Judge<'a>>,
    patience: Option<u64>,
    best_file: Option<PathBuf>,
    log: Option<&'a mut Log>,
    each_step: Option<Callback<'a, Taken>>,
    each_epoch: Option<Callback<'a, EpochDone>>,
    #[cfg(feature = "progress")]
    progress: bool,
}

impl fmt::Debug for Fit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Fit");
        shown
            .field("epochs", &self.epochs)
            .field("after", &self.after);
        shown
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// What a callback answers: nothing to go on, or a [`ControlFlow`], whose `Break` ends training.
pub trait Reply {
    /// As control flow.
    fn flow(self) -> ControlFlow<()>;
}

impl Reply for () {
    fn flow(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl Reply for ControlFlow<()> {
    fn flow(self) -> ControlFlow<()> {
        self
    }
}

impl<'a> Fit<'a> {
    /// How many epochs there are in all; 1 without this.
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.epochs = epochs;
        self
    }

    /// Goes on behind so many epochs, whose orders of rows are not taken again: for a trainer that was resumed.
    pub fn after(mut self, epochs: u64) -> Self {
        self.after = epochs;
        self
    }

    /// Judges each epoch by a score that is the better the lower it is, such as a validation loss: a number, or a
    /// metric with one value.
    pub fn minimize<S: Score, E: Into<AnyError>>(
        self,
        name: impl Into<String>,
        score: impl FnMut() -> Result<S, E> + 'a,
    ) -> Self {
        self.judged_by(name.into(), Best::lowest(), score)
    }

    /// Judges each epoch by a score that is the better the higher it is, such as an accuracy.
    pub fn maximize<S: Score, E: Into<AnyError>>(
        self,
        name: impl Into<String>,
        score: impl FnMut() -> Result<S, E> + 'a,
    ) -> Self {
        self.judged_by(name.into(), Best::highest(), score)
    }

    fn judged_by<S: Score, E: Into<AnyError>>(
        mut self,
        name: String,
        best: Best,
        mut score: impl FnMut() -> Result<S, E> + 'a,
    ) -> Self {
        self.judge = Some(Judge {
            name,
            best,
            score: Box::new(move || score().map(|score| score.score()).map_err(Into::into)),
        });
        self
    }

    /// Ends training when so many epochs in a row are not better than the best: by the score, or by the mean training
    /// loss where there is none.
    pub fn early_stopping(mut self, patience: u64) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Saves what training goes on from to this file ([`Trainer::save`](crate::Trainer::save)) after each epoch that is
    /// the best so far. It is read as a model too, by [`Model::load`](crate::Model::load).
    pub fn keep_best(mut self, path: impl Into<PathBuf>) -> Self {
        self.best_file = Some(path.into());
        self
    }

    /// Writes a line to a log after each epoch: the number of steps, `epoch`, `loss`, `learning_rate`, and the score by
    /// its name (one called `loss` as `valid_loss`).
    pub fn log(mut self, log: &'a mut Log) -> Self {
        self.log = Some(log);
        self
    }

    /// Calls a closure after each step. It ends training by returning `ControlFlow::Break(())`.
    pub fn each_step<R: Reply>(mut self, mut call: impl FnMut(&Taken) -> R + 'a) -> Self {
        self.each_step = Some(Box::new(move |step| call(step).flow()));
        self
    }

    /// Calls a closure after each epoch. It ends training by returning `ControlFlow::Break(())`.
    pub fn each_epoch<R: Reply>(mut self, mut call: impl FnMut(&EpochDone) -> R + 'a) -> Self {
        self.each_epoch = Some(Box::new(move |epoch| call(epoch).flow()));
        self
    }

    /// Shows a progress bar on standard error, or a line for each epoch where that is no terminal.
    #[cfg(feature = "progress")]
    pub fn progress(mut self) -> Self {
        self.progress = true;
        self
    }

    /// Trains.
    ///
    /// # Errors
    /// [`Failed`] with the reason and what was done until then: a batch or a step that failed, a loss that is not
    /// finite, a validation or a file that failed. Epochs that came to their end are in it.
    pub fn run(mut self) -> Result<Fitted, Box<Failed>> {
        let mut done = Done {
            best: match &self.judge {
                Some(judge) => judge.best,
                None => Best::lowest(),
            },
            epochs: Vec::new(),
            best_epoch: None,
        };
        let mut epoch = self.after.saturating_add(1);
        let end = self.epochs_to_the_end(&mut epoch, &mut done);
        match end {
            Ok(end) => Ok(Fitted {
                end,
                epochs: done.epochs,
                best: done.best_epoch,
            }),
            Err(problem) => Err(Box::new(Failed {
                problem,
                epoch,
                steps: self.rounds.steps_taken(),
                epochs: done.epochs,
                best: done.best_epoch,
            })),
        }
    }

    /// Trains from `epoch` on, which counts along.
    fn epochs_to_the_end(&mut self, epoch: &mut u64, done: &mut Done) -> Result<End, Problem> {
        #[cfg(feature = "progress")]
        let bar = self.progress.then(|| {
            let left = self.epochs.saturating_sub(self.after);
            Bar::new(
                self.epochs,
                left.saturating_mul(self.rounds.batches() as u64),
            )
        });
        while *epoch <= self.epochs {
            let mut mean = Mean::new();
            let each_step = &mut self.each_step;
            let mut each = |taken: Taken, rows: usize| {
                if !taken.loss.is_finite() {
                    return Err(Problem::NotFinite { loss: taken.loss });
                }
                mean.add(taken.loss, rows)?;
                #[cfg(feature = "progress")]
                if let Some(bar) = &bar {
                    bar.step(*epoch, taken.loss);
                }
                Ok(match each_step {
                    Some(call) => call(&taken),
                    None => ControlFlow::Continue(()),
                })
            };
            if self.rounds.epoch(*epoch, &mut each)?.is_break() {
                return Ok(End::Aborted { epoch: *epoch });
            }
            let loss = mean.value().ok_or(Problem::NoBatches)?;
            let score = self.score()?;
            let best = done.best.add(score.unwrap_or(loss));
            let finished = EpochDone {
                epoch: *epoch,
                steps: self.rounds.steps_taken(),
                loss,
                score,
                best,
                learning_rate: self.rounds.rate(),
            };
            done.epochs.push(finished);
            if best {
                done.best_epoch = Some(finished);
                if let Some(path) = &self.best_file {
                    self.rounds.save_to(path)?;
                }
            }
            self.write(&finished)?;
            #[cfg(feature = "progress")]
            if let Some(bar) = &bar {
                bar.epoch(&finished);
            }
            if let Some(call) = &mut self.each_epoch
                && call(&finished).is_break()
            {
                return Ok(End::Aborted { epoch: *epoch });
            }
            // A patience of 0 would end training before anything could be better: it is one of 1.
            if self
                .patience
                .is_some_and(|patience| done.best.since() >= patience.max(1))
            {
                return Ok(End::StoppedEarly { epoch: *epoch });
            }
            *epoch += 1;
        }
        // No epoch failed: the count is behind the last one.
        Ok(End::Completed)
    }

    fn score(&mut self) -> Result<Option<f64>, Problem> {
        let Some(judge) = &mut self.judge else {
            return Ok(None);
        };
        let name = || judge.name.clone();
        match (judge.score)() {
            Err(source) => Err(Problem::Validation {
                name: name(),
                source,
            }),
            Ok(None) => Err(Problem::NoScore {
                name: name(),
                found: "none",
            }),
            Ok(Some(score)) if score.is_nan() => Err(Problem::NoScore {
                name: name(),
                found: "NaN",
            }),
            Ok(score) => Ok(score),
        }
    }

    fn write(&mut self, done: &EpochDone) -> Result<(), Problem> {
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        let mut numbers = vec![
            ("epoch", done.epoch as f64),
            ("loss", done.loss),
            ("learning_rate", done.learning_rate),
        ];
        let name = self.judge.as_ref().map_or("", |judge| &judge.name);
        // A line has each name once.
        let taken = name == "step" || numbers.iter().any(|(own, _)| *own == name);
        let other = format!("valid_{name}");
        if let Some(score) = done.score {
            numbers.push((if taken { &other } else { name }, score));
        }
        log.write(done.steps, numbers)?;
        Ok(())
    }
}

/// What was done so far.
struct Done {
    best: Best,
    epochs: Vec<EpochDone>,
    best_epoch: Option<EpochDone>,
}
