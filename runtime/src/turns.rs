//! Many steps in one call: what does not change from one to the next is done once.
//!
//! A step by itself finds its program, looks at its arguments, takes locks, brings the memory of regions into the
//! order of the program: about half a microsecond, which is long for a small step. Here all that is done for a stretch
//! of steps. Between two of them only numbers are written and read, and arguments that are cut into batches move on.
//! On a GPU, and where numbers are checked to be finite, steps come one by one: those take much longer.

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

    /// Takes steps until all of the stretch are done or someone waits for a model, who is let in then.
    #[cfg(feature = "cpu")]
    fn bound(
        &mut self,
        cut: &Cut<'_, '_>,
        (stretch, mut done): (Stretch, usize),
        expected: usize,
        tell: Tell<'_>,
    ) -> Result<usize> {
        use crate::key::Key;
        use crate::numbers::{self, Report};
        use crate::optimizer::check_rate;
        use crate::read::stage;
        use crate::regions::{MAX_RESULTS, Role};
        use crate::rule::Moment;
        use crate::store::Held;
        use crate::training::{clipped, rate_behind};

        let (function, precision) = (self.engine.unit.path, self.engine.settings.precision);
        let (float, seed) = (precision.dtype(), self.engine.settings.seed);
        let inputs = self.engine.inputs.clone();
        let (rate, schedule) = (self.rate, self.schedule.as_ref());
        let (plan, share) = (self.plan.as_ref(), self.accumulated.share());
        let (places, taken) = (&self.places, &mut self.taken);
        let (kept, workspace) = self.engine.current_mut()?;
        let (program, launch) = (&kept.program, &mut kept.launch);
        let results = &program.results[..program.results.len() - program.captured.len()];
        let count = 1 + results.len();
        if count != expected || count > MAX_RESULTS {
            return Err(Error::Results {
                function: function.into(),
                expected,
                actual: count,
            });
        }
        let place = |role| {
            let place = program.place(role);
            place.ok_or(Error::Regions { count })
        };
        let (numbers, report) = (place(Role::Numbers)?, place(Role::Report)?);
        let key = program.place(Role::Key);
        let outlets = (0..results.len()).map(|i| place(Role::Result(i)));
        let outlets: Vec<usize> = outlets.collect::<Result<_>>()?;
        let inlets = cut.split.iter().map(|i| place(Role::Argument(*i)));
        let inlets: Vec<usize> = inlets.collect::<Result<_>>()?;
        let batch = cut.batch(stretch, done);
        let first_key = Key::of_run(seed, *taken + 1);
        let mut held = Held::of(places, &program.writes);
        let mut table = held.table(&program.writes);
        self.own.put_in(&mut table, &mut self.accumulated.memory);
        program.bind(workspace, table, first_key, &batch, |mut bound| {
            while done < stretch.steps {
                let rate = rate_behind(rate, schedule, *taken);
                check_rate(rate, precision)?;
                let step = *taken + 1;
                if let Some(plan) = plan {
                    let told = plan.told(&program.numbers, Moment { rate, step }, share);
                    numbers::put(bound.bytes_mut(numbers)?, float, told);
                }
                if let Some(key) = key {
                    let bytes = Key::of_run(seed, step).bytes();
                    bound.bytes_mut(key)?[..bytes.len()].copy_from_slice(&bytes);
                }
                for (argument, inlet) in cut.split.iter().zip(&inlets) {
                    let (rows, dtype) =
                        (cut.row(*argument, stretch, done), inputs[*argument].dtype);
                    match rows.bytes_in_place(dtype) {
                        Some(bytes) => bound.lend(*inlet, bytes)?,
                        None => stage(&rows, dtype, bound.bytes_mut(*inlet)?),
                    }
                }
                bound.run(launch);
                (*taken, done) = (step, done + 1);
                let told = Report::of(bound.bytes(report)?, float);
                let mut views = [ResultView::NONE; MAX_RESULTS];
                for ((view, result), outlet) in views.iter_mut().zip(results).zip(&outlets) {
                    *view = result.view(bound.bytes(*outlet)?);
                }
                tell(Turn {
                    loss: told.loss(),
                    norm: clipped(plan, &told),
                    rest: &views[..results.len()],
                })?;
                if places.are_awaited() {
                    break;
                }
            }
            Ok(())
        })?;
        drop(held);
        places.give_way();
        self.asked.ran = true;
        Ok(done)
    }
}
