//! Steps on the CPU over memory that their program is bound to.

use super::{Tell, Turn};
use crate::cut::{Cut, Stretch};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::numbers::{self, Report};
use crate::optimizer::check_rate;
use crate::output::ResultView;
use crate::read::stage;
use crate::regions::{MAX_RESULTS, Role};
use crate::rule::Moment;
use crate::store::Held;
use crate::training::Training;
use crate::training::{clipped, rate_behind};

impl Training {
    /// Takes steps until all of the stretch are done or someone waits for a model.
    pub(super) fn bound(
        &mut self,
        cut: &Cut<'_, '_>,
        (stretch, mut done): (Stretch, usize),
        expected: usize,
        tell: Tell<'_>,
    ) -> Result<usize> {
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
        let mut table = program.table();
        held.put_in(&mut table, &program.writes);
        self.own.put_in(&mut table, &mut self.accumulated.memory);
        program.bind(workspace, &mut table, first_key, &batch, |mut bound| {
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
        self.asked.ran = true;
        Ok(done)
    }
}
