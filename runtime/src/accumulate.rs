//! Updates by gradients of several calls: what is accumulated, read, set, and applied.

use crate::arg::ArgView;
use crate::backend::DeviceMemory;
use crate::cache::Work;
use crate::error::{Error, Result};
use crate::model::ModelFunction;
use crate::models::{Facts, Leaves, Models};
use crate::numbers::Reported;
use crate::output::Outputs;
use crate::shared::FirstModel;
use crate::store::{read_leaves, write_leaves};
use crate::trainer::{Step, Trainer};
use crate::training::Training;
use crate::views::{ArgViews, IntoArgs, each_count};

/// Sums of gradients.
#[derive(Debug)]
pub(crate) struct Accumulated {
    /// In the layout of what is trained; nothing before the first.
    pub memory: DeviceMemory,
    /// How many calls they are of.
    pub count: u64,
    /// What they are multiplied by, beside being divided by their number.
    factor: f64,
    /// The sum of the losses.
    losses: f64,
}

impl Default for Accumulated {
    fn default() -> Self {
        Accumulated {
            memory: DeviceMemory::empty(),
            count: 0,
            factor: 1.0,
            losses: 0.0,
        }
    }
}

impl Accumulated {
    /// What makes of the sums what an update goes by.
    pub fn share(&self) -> f64 {
        self.factor / self.count.max(1) as f64
    }

    /// Begins anew; the sums themselves are cleared before the next call.
    pub fn drop_all(&mut self) {
        (self.count, self.factor, self.losses) = (0, 1.0, 0.0);
    }
}

impl Training {
    /// Adds the gradients of a call to the sums; its loss.
    fn accumulate(&mut self, arguments: &[ArgView<'_>]) -> Result<f64> {
        let bytes = self.trainees.bytes;
        let backend = self.engine.settings.device.0.clone();
        let sums = &mut self.accumulated;
        if sums.count == 0 {
            match sums.memory.len() < bytes.max(1) {
                true => {
                    sums.memory = backend.zeroed("accumulated gradients", bytes)?;
                    sums.memory.touch();
                }
                false => sums.memory.clear()?,
            }
        }
        let report = self.run(Work::Accumulate, arguments)?;
        let loss = report.get(Reported::Loss);
        self.accumulated.count += 1;
        self.accumulated.losses += loss;
        Ok(loss)
    }

    /// Updates by the sums.
    fn apply(&mut self) -> Result<Step> {
        if self.accumulated.count == 0 {
            return Err(Error::NothingAccumulated);
        }
        let report = self.run(Work::Apply, &[])?;
        let loss = self.accumulated.losses / self.accumulated.count as f64;
        self.accumulated.drop_all();
        Ok(Step {
            loss,
            grad_norm: self.norm(&report),
            number: self.count_step(),
            rest: (),
        })
    }

    /// Has the sums be these, of one call.
    fn set_gradients(&mut self, gradients: &dyn Leaves) -> Result<()> {
        let backend = &self.engine.settings.device.0;
        let mut memory = backend.zeroed("accumulated gradients", self.trainees.bytes)?;
        if let Some(layout) = self.places.layouts.first() {
            write_leaves(layout, gradients, &mut memory, &|leaf| {
                self.trainees.place(leaf)
            })?;
        }
        self.accumulated = Accumulated {
            memory,
            count: 1,
            ..Accumulated::default()
        };
        Ok(())
    }
}

impl<F: ModelFunction> Trainer<F> {
    pub(crate) fn accumulate_views(
        &mut self,
        arguments: &[ArgView<'_>],
    ) -> Result<Step<<F::Output as Outputs>::Rest>> {
        Ok(Step {
            loss: self.training.accumulate(arguments)?,
            grad_norm: None,
            number: self.steps() + 1,
            rest: self.rest()?,
        })
    }

    /// Takes a step by the mean of the gradients that were accumulated since the last one: one update, clipping and
    /// schedule as for any other step. Of batches of one size, and a loss that is a mean over the batch, it is the step
    /// of them all together.
    ///
    /// The loss that it tells is the mean of theirs. What was accumulated is gone then; after an error it is still there.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Line {
    /// #     #[init(zeros)]
    /// #     slope: Param,
    /// # }
    /// # #[model]
    /// # fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
    /// #     mse(line.slope * x, y)
    /// # }
    /// let mut train = loss::train(Line::init(0)).optimizer(Sgd::new(0.1)).build()?;
    /// let mut whole = loss::train(Line::init(0)).optimizer(Sgd::new(0.1)).build()?;
    /// for (x, y) in [([1.0, 2.0], [3.0, 6.0]), ([3.0, 4.0], [9.0, 12.0])] {
    ///     train.accumulate(x, y)?;
    /// }
    /// let step = train.apply()?;
    /// assert_eq!(step.loss, whole.step([1.0, 2.0, 3.0, 4.0], [3.0, 6.0, 9.0, 12.0])?.loss);
    /// assert_eq!((step.number, train.model()?), (1, whole.model()?));
    /// # Ok::<(), sinew::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NothingAccumulated`]; with [`check_finite`](crate::TrainBuilder::check_finite) also gradients, or new
    /// parameters, that are not finite: parameters stay as they were.
    pub fn apply(&mut self) -> Result<Step> {
        self.training.apply()
    }

    /// How many calls' gradients are accumulated.
    pub fn accumulated(&self) -> u64 {
        self.training.accumulated.count
    }

    /// What the next [`apply`](Self::apply) goes by: the mean of the gradients that are accumulated, before clipping, as a
    /// model; zeros for what is not trained, and where nothing is accumulated.
    ///
    /// # Errors
    /// A device that was lost, too little memory.
    pub fn accumulated_gradients(&self) -> Result<FirstModel<F>> {
        let mut model = F::Models::first(self.handles()).shell();
        let training = &self.training;
        let sums = &training.accumulated;
        if let Some(layout) = training.places.layouts.first() {
            read_leaves(layout, &mut model, &|leaf| {
                let place = training.trainees.place(leaf)?;
                (sums.count > 0).then_some((&sums.memory, place))
            })?;
        }
        let share = sums.share();
        if share != 1.0 {
            model.each_mut(&mut |_, param| param.scale(share));
        }
        Ok(model)
    }

    /// Has the next [`apply`](Self::apply) go by these gradients instead of what is accumulated: a model of the same sizes,
    /// of which the parameters that are trained count. More may be accumulated on top: they count as those of one call.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Line {
    /// #     #[init(zeros)]
    /// #     slope: Param,
    /// # }
    /// # #[model]
    /// # fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
    /// #     mse(line.slope * x, y)
    /// # }
    /// let mut train = loss::train(Line::init(0)).optimizer(Sgd::new(0.1)).build()?;
    /// let mut gradients = train.model()?;
    /// gradients.slope.fill(-5.0);
    /// train.set_gradients(&gradients)?;
    /// train.apply()?;
    /// assert_eq!(train.model()?.slope.item()?, 0.5);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OtherModel`]; a parameter without elements; too little memory, a device that was lost.
    pub fn set_gradients(&mut self, gradients: &FirstModel<F>) -> Result<()> {
        crate::model::whole(gradients)?;
        let shell = F::Models::first(self.handles()).shell();
        Facts::of(&shell)?.same(&Facts::of(gradients)?)?;
        self.training.set_gradients(gradients)
    }

    /// Multiplies what is accumulated. By [`accumulated`](Self::accumulated), the next [`apply`](Self::apply) goes by the sum
    /// of the gradients, not their mean.
    ///
    /// # Errors
    /// [`Error::Setting`] for a factor that is not finite.
    pub fn scale_gradients(&mut self, factor: f64) -> Result<()> {
        match factor.is_finite() {
            true => {
                self.training.accumulated.factor *= factor;
                Ok(())
            }
            false => Err(Error::Setting {
                name: "factor of the gradients",
                value: factor,
                range: "finite".into(),
            }),
        }
    }

    /// Drops what is accumulated.
    pub fn clear_gradients(&mut self) {
        self.training.accumulated.drop_all();
    }
}

macro_rules! accumulate {
    ($name:ident $(($marker:ident $argument:ident $($bound:tt)*))*) => {
        impl<F, $($marker),*> Trainer<F, ($($marker,)*)>
        where
            F: ModelFunction<Inputs = ($($marker,)*)>,
        {
            /// Computes loss and gradients as [`step`](Self::step) does, and adds these to what is accumulated, for
            /// [`apply`](Trainer::apply): no parameter changes. Each call between two updates draws other random
            /// elements. States (running statistics) change in each call.
            ///
            /// # Errors
            /// As [`step`](Self::step). What is accumulated stays as it was.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn $name(
                &mut self,
                $($argument: $($bound)*),*
            ) -> Result<Step<<F::Output as Outputs>::Rest>> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.accumulate_views(views.as_slice())
            }
        }
    };
}
accumulate!(accumulate);
each_count! {
    accumulate! accumulate (A a: impl IntoArgs<A>) (B b: impl IntoArgs<B>) (C c: impl IntoArgs<C>)
    (D d: impl IntoArgs<D>) (E e: impl IntoArgs<E>) (G g: impl IntoArgs<G>)
    (H h: impl IntoArgs<H>) (I i: impl IntoArgs<I>) (J j: impl IntoArgs<J>)
    (K k: impl IntoArgs<K>) (L l: impl IntoArgs<L>) (M m: impl IntoArgs<M>)
    (N n: impl IntoArgs<N>) (O o: impl IntoArgs<O>) (P p: impl IntoArgs<P>)
    (Q q: impl IntoArgs<Q>)
}
