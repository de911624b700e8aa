//! Loss and gradients without an update, compiled once: `loss::gradients(model)`.

use crate::arg::ArgView;
use crate::cache::Limit;
use crate::code_cache::CodeCache;
use crate::device::{Device, Precision};
use crate::engine::{Engine, Settings};
use crate::error::Result;
use crate::layout::Layout;
use crate::model::ModelFunction;
use crate::models::Models;
use crate::output::Outputs;
use crate::shared::FirstModel;
use crate::train::settings;
use crate::trainees::Selection;
use crate::trainer::{Step, Trainer};
use crate::views::{ArgViews, IntoArgs, each_count};
use std::sync::Arc;

/// A [`GradientRunner`] in the making: `loss::gradients(model)`.
///
/// The model is one to own, a [`Shared`](crate::Shared) handle, or a trainer or runner to share it with, as for `train`.
#[must_use = "nothing is made before `build`"]
pub struct GradientBuilder<F: ModelFunction> {
    handles: <F::Models as Models>::Handles,
    selection: Selection,
    training: bool,
    settings: Settings,
    device: Option<Device>,
    precision: Option<Precision>,
}
settings!(GradientBuilder);

impl<F: ModelFunction> GradientBuilder<F> {
    /// Of the first of these models.
    pub fn new(models: <F::Models as Models>::Handles) -> Self {
        GradientBuilder {
            handles: models,
            selection: Selection::default(),
            training: false,
            settings: Settings::default(),
            device: None,
            precision: None,
        }
    }

    /// Whether they are the gradients of a step that trains: with dropout, and where a body asks whether it is
    /// `training()`. By default they are those of the function as it is run.
    pub fn training(mut self, training: bool) -> Self {
        self.training = training;
        self
    }

    /// Does not compute the gradients of parameters whose paths match a pattern, as
    /// [`TrainBuilder::freeze`](crate::TrainBuilder::freeze) says it: zeros stand for them.
    pub fn freeze(mut self, pattern: impl Into<String>) -> Self {
        self.selection.frozen.push(pattern.into());
        self
    }

    /// Computes those alone whose paths match a pattern, as [`TrainBuilder::only`](crate::TrainBuilder::only) says it.
    pub fn only(mut self, pattern: impl Into<String>) -> Self {
        self.selection.only.push(pattern.into());
        self
    }

    /// The most bytes that a run may work in: see [`TrainBuilder::memory_budget`](crate::TrainBuilder::memory_budget).
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.settings.memory_budget = Some(bytes);
        self
    }

    /// Packs the parameters, unless they are shared and have a place already. Programs are compiled when the
    /// first arguments tell their sizes.
    ///
    /// # Errors
    /// As [`TrainBuilder::build`](crate::TrainBuilder::build).
    pub fn build(self) -> Result<GradientRunner<F>> {
        let list = F::Models::handles(&self.handles);
        let settings = self.settings.on(self.device, self.precision, &list);
        drop(list);
        let trainer = Trainer::new(self.handles, None, &self.selection, settings, self.training)?;
        trainer.training.warn_of_still_leaves();
        Ok(GradientRunner { trainer })
    }
}

/// All that a run gives: the function's results, and the gradients as a model.
type StepAndGradients<F> = (
    Step<<<F as ModelFunction>::Output as Outputs>::Rest>,
    FirstModel<F>,
);

/// Computes a loss and its gradients, as often as it is asked: `loss::gradients(model)..build()?`. What a program of its
/// own makes of them is its own affair; one that updates by them in the end takes a [`Trainer`], which has
/// [`accumulate`](Trainer::accumulate) and [`set_gradients`](Trainer::set_gradients).
///
/// ```
/// # use sinew::prelude::*;
/// #[model]
/// struct Line {
///     #[init(zeros)]
///     slope: Param,
/// }
///
/// #[model]
/// fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
///     mse(line.slope * x, y)
/// }
///
/// let mut gradients = loss::gradients(Line::init(0)).precision(Precision::F64).build()?;
/// let (value, gradient) = gradients.run([1.0, 2.0], [3.0, 6.0])?;
/// assert_eq!((value, gradient.slope.item()?), (22.5, -15.0));
///
/// // By hand, what a trainer does.
/// let mut line = gradients.model()?;
/// line.slope.set(-0.1 * gradient.slope.item()?)?;
/// gradients.set_model(&line)?;
/// assert!(gradients.run([1.0, 2.0], [3.0, 6.0])?.0 < value);
/// # Ok::<(), sinew::Error>(())
/// ```
pub struct GradientRunner<F: ModelFunction, I = <F as ModelFunction>::Inputs> {
    trainer: Trainer<F, I>,
}

impl<F: ModelFunction> GradientRunner<F> {
    /// The function's first model, with the current parameters and states.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn model(&self) -> Result<FirstModel<F>> {
        self.trainer.model()
    }

    /// Puts another model of the same sizes and settings in the place of the first.
    ///
    /// # Errors
    /// [`Error::OtherModel`](crate::Error::OtherModel); a device that was lost.
    pub fn set_model(&mut self, model: &FirstModel<F>) -> Result<()> {
        self.trainer.set_model(model)
    }

    fn step(&mut self, arguments: &[ArgView<'_>]) -> Result<StepAndGradients<F>> {
        let step = self.trainer.step_views(arguments)?;
        Ok((step, self.trainer.gradients()?))
    }
}

impl<F: ModelFunction, I> GradientRunner<F, I> {
    fn engine(&self) -> &Engine {
        self.trainer.engine()
    }

    fn layouts(&self) -> &[Arc<Layout>] {
        self.trainer.layouts()
    }
}

crate::inspect::inspect!(GradientRunner);

macro_rules! run {
    ($name:ident $(($marker:ident $argument:ident $($bound:tt)*))*) => {
        impl<F, $($marker),*> GradientRunner<F, ($($marker,)*)>
        where
            F: ModelFunction<Inputs = ($($marker,)*)>,
        {
            /// The loss, and its gradient for each parameter of the first model, as a model: zeros for states, for
            /// parameters that the loss does not depend on, and for frozen ones.
            ///
            /// # Errors
            /// As [`Trainer::step`].
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn $name(&mut self, $($argument: $($bound)*),*) -> Result<(f64, FirstModel<F>)> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                let (step, gradients) = self.step(views.as_slice())?;
                Ok((step.loss, gradients))
            }

            /// As [`run`](Self::run), with all results of the function: those behind the loss are the step's `rest`.
            ///
            /// # Errors
            /// As [`Trainer::step`].
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn run_with_rest(
                &mut self,
                $($argument: impl IntoArgs<$marker>),*
            ) -> Result<StepAndGradients<F>> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.step(views.as_slice())
            }
        }
    };
}
run!(run);
each_count! {
    run! run (A a: impl IntoArgs<A>) (B b: impl IntoArgs<B>) (C c: impl IntoArgs<C>)
    (D d: impl IntoArgs<D>) (E e: impl IntoArgs<E>) (G g: impl IntoArgs<G>)
    (H h: impl IntoArgs<H>) (I i: impl IntoArgs<I>) (J j: impl IntoArgs<J>)
    (K k: impl IntoArgs<K>) (L l: impl IntoArgs<L>) (M m: impl IntoArgs<M>)
    (N n: impl IntoArgs<N>) (O o: impl IntoArgs<O>) (P p: impl IntoArgs<P>)
    (Q q: impl IntoArgs<Q>)
}
