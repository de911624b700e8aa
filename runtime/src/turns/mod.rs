//! Many steps in one call: what does not change from one to the next is done once.
//!
//! A step by itself finds its program, looks at its arguments, takes locks, brings the memory of regions into the
//! order of the program: about half a microsecond, which is long for a small step. Here all that is done for a stretch
//! of steps. Between two of them only numbers are written and read, and arguments that are cut into batches move on.
//! On a GPU, and where numbers are checked to be finite, steps come one by one: those take much longer.

#[cfg(feature = "cpu")]
mod bound;

use crate::cache::Work;
use crate::cut::{Cut, Stretch};
use crate::error::{Error, Result};
use crate::output::ResultView;
use crate::training::Training;

/// What is told of a step that was taken.
pub(crate) struct Turn<'t> {
    /// The loss before the update.
    pub loss: f64,
    /// The norm of the gradients, where an update has clipped them by it.
    pub norm: Option<f64>,
    /// The function's results behind the first, while they are in memory.
    pub rest: &'t [ResultView<'t>],
}

/// Takes what is told of each step.
pub(crate) type Tell<'t> = &'t mut dyn FnMut(Turn<'_>) -> Result<()>;

impl Training {
    /// Makes the programs of all steps, and looks at all that they are on.
    ///
    /// # Errors
    /// Arguments that do not fit.
    pub fn ready(&mut self, cut: &Cut<'_, '_>) -> Result<()> {
        // The first program last, so that it is the current one.
        for stretch in cut.stretches.iter().rev() {
            if let Err(error) = self.prepare(Work::Step, &cut.batch(*stretch, 0)) {
                // Shapes are told as they came.
                let whole = self.engine.bind(Work::Step, cut.arguments);
                return Err(match (&error, whole) {
                    (Error::Bind(_), Err(whole @ Error::Bind(_))) => whole,
                    (_, Ok(_) | Err(_)) => error,
                });
            }
            let checked = self.engine.check(&cut.all(*stretch));
            checked.map_err(|error| cut.in_data(&self.engine, *stretch, error))?;
        }
        Ok(())
    }

    /// Takes the steps, whose programs are there and whose arguments were looked at. Of an error, those before it count.
    ///
    /// # Errors
    /// As of a step; as `tell`.
    pub fn take(&mut self, cut: &Cut<'_, '_>, expected: usize, tell: Tell<'_>) -> Result<()> {
        for stretch in &cut.stretches {
            self.prepare(Work::Step, &cut.batch(*stretch, 0))?;
            let mut done = 0;
            while done < stretch.steps {
                done = self.some(cut, (*stretch, done), expected, tell)?;
                self.places.give_way();
            }
        }
        Ok(())
    }

    /// Takes one or more steps of a stretch, of which so many are done: how many are now.
    fn some(
        &mut self,
        cut: &Cut<'_, '_>,
        (stretch, done): (Stretch, usize),
        expected: usize,
        tell: Tell<'_>,
    ) -> Result<usize> {
        #[cfg(feature = "cpu")]
        if self.engine.current()?.is_on_host() && !self.engine.settings.check_finite {
            return self.bound(cut, (stretch, done), expected, tell);
        }
        let report = self.run_checked(Work::Step, &cut.batch(stretch, done))?;
        self.count_step();
        let (loss, norm) = (report.loss(), self.norm(&report));
        self.rest(expected, &mut |rest| tell(Turn { loss, norm, rest }))?;
        Ok(done + 1)
    }
}
