//! A training step: forward, backward, clipping and update as one compiled program.

use crate::arg::ArgView;
use crate::cache::Work;
use crate::engine::{Engine, Settings};
use crate::error::Result;
use crate::groups::Updating;
use crate::layout::Layout;
use crate::model::{FunctionFacts, ModelFunction};
use crate::models::Models;
use crate::numbers::Reported;
use crate::output::{Number, Outputs};
use crate::shared::{Attachment, FirstModel, Shared, Trained};
use crate::store::read_leaves;
use crate::trainees::Selection;
use crate::training::Training;
use crate::views::{ArgViews, IntoArgs, each_count};
use ndarray::{Array, Dimension};
use std::marker::PhantomData;
use std::sync::Arc;

/// Trains a model by the gradient of a function: `loss::train(model)...build()?`.
///
/// Of a function of several models it trains the first and holds the others. `step` takes the function's
/// own arguments. All methods that print a stage do so for the program
/// that ran last.
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
/// let first = train.step([1.0, 2.0], [3.0, 6.0])?;
/// assert_eq!((first.loss, first.number), (22.5, 1));
/// assert_eq!(train.model()?.slope.item()?, 1.5);
/// train.set_learning_rate(0.01)?;
/// # Ok::<(), sinew::Error>(())
/// ```
pub struct Trainer<F: ModelFunction, I = <F as ModelFunction>::Inputs> {
    handles: <F::Models as Models>::Handles,
    pub(crate) training: Box<Training>,
    arguments: PhantomData<fn(I)>,
}

/// What a step reports: the loss, and in `rest` what else the function returns.
///
/// ```
/// # use sinew::prelude::*;
/// # #[model]
/// # struct Line {
/// #     #[init(zeros)]
/// #     slope: Param,
/// # }
/// // The first result trains, the others are reported.
/// #[model]
/// fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> (Tensor, Tensor<N>) {
///     let height = line.slope * x;
///     (mse(height, y), height - y)
/// }
///
/// let mut train = loss::train(Line::init(0)).build()?;
/// let step = train.step([1.0, 2.0], [3.0, 6.0])?;
/// assert_eq!(step.loss, 22.5);
/// assert_eq!(step.rest.to_vec(), [-3.0, -6.0]); // an `Array1<f32>`
/// # Ok::<(), sinew::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Step<R = ()> {
    /// The loss before the update.
    pub loss: f64,
    /// The Euclidean norm of all gradients before clipping; where clipping is on.
    pub grad_norm: Option<f64>,
    /// Which step it was, from 1.
    pub number: u64,
    /// The function's results behind the first, of before the update too: what
    /// [`Runner::run`](crate::Runner::run) gives of a function that returns no more than these.
    pub rest: R,
}

impl<F: ModelFunction> Trainer<F> {
    pub(crate) fn new(
        handles: <F::Models as Models>::Handles,
        by: Option<&Updating>,
        selection: &Selection,
        settings: Settings,
        trains: bool,
    ) -> Result<Self> {
        let function = FunctionFacts::of::<F>();
        let list = F::Models::handles(&handles);
        let training = Training::new(function, &list, by, selection, settings, trains)?;
        Ok(Trainer {
            training,
            handles,
            arguments: PhantomData,
        })
    }

    /// The learning rate of the step to come: the optimizer's, or what was set since, times what the
    /// [`schedule`](crate::TrainBuilder::schedule) says.
    pub fn learning_rate(&self) -> f64 {
        self.training.learning_rate()
    }

    /// Sets the learning rate of the steps to come, which a schedule multiplies; nothing is compiled again.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a rate that is negative, NaN, or infinite in the working float; the old
    /// one stays then.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        self.training.set_learning_rate(rate)
    }

    /// The model that is trained, with the current parameters.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn model(&self) -> Result<FirstModel<F>> {
        F::Models::first(&self.handles).model()
    }

    /// All models of the function in the order of its declaration, as a tuple, with the current parameters:
    /// the one that is trained, and those that are held.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn models(&self) -> Result<F::Models> {
        F::Models::read(&self.handles)
    }

    /// Puts another model of the same sizes and settings in the place of the one that is trained: the next step goes on
    /// from it, and so do runners that share it. The optimizer's states and the number of steps stay; a
    /// [`moving_average`](crate::TrainBuilder::moving_average) starts with it again.
    ///
    /// # Errors
    /// [`Error::OtherModel`](crate::Error::OtherModel); a device that was lost.
    pub fn set_model(&mut self, model: &FirstModel<F>) -> Result<()> {
        F::Models::first(&self.handles).set(model)?;
        self.training.restart_average()
    }

    /// A handle of the model that is trained: to read and set single leaves, to share it with what is built later.
    pub fn shared(&self) -> Shared<FirstModel<F>> {
        F::Models::first(&self.handles)
    }

    /// Starts the optimizer anew: its states are zeros, the next step is the first again, nothing is accumulated, a
    /// [`moving_average`](crate::TrainBuilder::moving_average) starts with the parameters as they are. The parameters stay;
    /// for others, [`set_model`](Self::set_model).
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
    /// let mut train = loss::train(Line::init(0)).optimizer(Adam::new(0.1)).build()?;
    /// let first = train.step([1.0], [2.0])?;
    /// train.step([1.0], [2.0])?;
    /// train.set_model(&Line::init(0))?;
    /// train.reset_optimizer()?;
    /// assert_eq!(train.step([1.0], [2.0])?, first);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    ///
    /// # Errors
    /// A device that was lost.
    pub fn reset_optimizer(&mut self) -> Result<()> {
        self.training.reset_optimizer()
    }

    /// The models' handles.
    pub(crate) fn handles(&self) -> &<F::Models as Models>::Handles {
        &self.handles
    }

    /// The gradients of the last step, before clipping, as a model; zeros where the loss does not
    /// depend on a parameter, and where that is frozen.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn gradients(&self) -> Result<FirstModel<F>> {
        let mut model = F::Models::first(&self.handles).shell();
        let training = &self.training;
        if let Some(layout) = training.places.layouts.first() {
            read_leaves(layout, &mut model, &|leaf| {
                Some((&training.own.gradients, training.trainees.place(leaf)?))
            })?;
        }
        Ok(model)
    }

    /// Asks for the value of a `capture("name", x)`, as [`TrainBuilder::capture`](crate::TrainBuilder::capture) does,
    /// from the next step on. Programs are compiled anew.
    pub fn capture(&mut self, name: &str) {
        let training = &mut self.training;
        training.asked.capture(&mut training.engine, name);
    }

    /// What the last step captured under a name, as its forward part computed it, before the update: an array of its
    /// rank (0 for a scalar), of f32 or f64 for floats.
    ///
    /// # Errors
    /// [`Error::Captured`](crate::Error::Captured) for a name that was not asked for, and before a step that did;
    /// [`Error::CapturedType`](crate::Error::CapturedType) and [`Error::CapturedRank`](crate::Error::CapturedRank) for other elements and another rank.
    pub fn captured<T: Number, D: Dimension>(&self, name: &str) -> Result<Array<T, D>> {
        self.training.asked.captured(&self.training.engine, name)
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.training.taken
    }

    pub(crate) fn step_views(
        &mut self,
        arguments: &[ArgView<'_>],
    ) -> Result<Step<<F::Output as Outputs>::Rest>> {
        let report = self.training.run(Work::Step, arguments)?;
        Ok(Step {
            loss: report.get(Reported::Loss),
            grad_norm: self.training.norm(&report),
            number: self.training.count_step(),
            rest: self.rest()?,
        })
    }

    /// The function's results behind the first, of the run before.
    pub(crate) fn rest(&mut self) -> Result<<F::Output as Outputs>::Rest> {
        let mut rest = None;
        let count = <F::Output as Outputs>::COUNT;
        self.training.rest(count, &mut |views| {
            rest = Some(<F::Output as Outputs>::rest(views)?);
            Ok(())
        })?;
        Ok(rest.expect("it was read"))
    }
}

#[diagnostic::do_not_recommend]
impl<F: ModelFunction> Trained<FirstModel<F>> for Trainer<F> {
    fn attachment(&self) -> Attachment<FirstModel<F>> {
        Attachment {
            shared: F::Models::first(&self.handles),
            settings: Some(self.training.engine.settings.clone()),
        }
    }
}

impl<F: ModelFunction, I> Trainer<F, I> {
    pub(crate) fn engine(&self) -> &Engine {
        &self.training.engine
    }

    pub(crate) fn layouts(&self) -> &[Arc<Layout>] {
        &self.training.places.layouts
    }
}

crate::inspect::inspect!(Trainer);

macro_rules! step {
    ($name:ident $(($marker:ident $argument:ident $($bound:tt)*))*) => {
        impl<F, $($marker),*> Trainer<F, ($($marker,)*)>
        where
            F: ModelFunction<Inputs = ($($marker,)*)>,
        {
            /// Takes one step on the function's arguments: loss, gradients, update.
            ///
            /// The first call with arguments of new extents compiles; later ones do not, and copy
            /// only arguments that are not row-major or of another float type.
            ///
            /// # Errors
            /// Arguments that do not fit the declared types or each other, that are empty, or that
            /// hold indices outside their axis; with [`check_finite`](crate::TrainBuilder::check_finite)
            /// also NaN and infinities, in arguments or computed. Parameters stay as they were, and the
            /// step does not count. After a failure of a GPU that came with the update under way, the
            /// step counts, and a lost GPU's parameters are lost with it.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn $name(
                &mut self,
                $($argument: $($bound)*),*
            ) -> Result<Step<<F::Output as Outputs>::Rest>> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.step_views(views.as_slice())
            }

            /// Compiles the step for arguments of these extents, without taking it.
            ///
            /// # Errors
            /// Arguments that do not fit.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn prepare(&mut self, $($argument: impl IntoArgs<$marker>),*) -> Result<()> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.training.prepare(Work::Step, views.as_slice())
            }
        }
    };
}
step!(step);
each_count! {
    step! step (A a: impl IntoArgs<A>) (B b: impl IntoArgs<B>) (C c: impl IntoArgs<C>)
    (D d: impl IntoArgs<D>) (E e: impl IntoArgs<E>) (G g: impl IntoArgs<G>)
    (H h: impl IntoArgs<H>) (I i: impl IntoArgs<I>) (J j: impl IntoArgs<J>)
    (K k: impl IntoArgs<K>) (L l: impl IntoArgs<L>) (M m: impl IntoArgs<M>)
    (N n: impl IntoArgs<N>) (O o: impl IntoArgs<O>) (P p: impl IntoArgs<P>)
    (Q q: impl IntoArgs<Q>)
}
