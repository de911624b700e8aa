//! A training step: forward, backward, clipping and update as one compiled program.

use crate::accumulate::Accumulated;
use crate::arg::ArgView;
use crate::backend::DeviceMemory;
use crate::cache::{Purpose, Work};
use crate::device::Precision;
use crate::engine::{Engine, Settings};
use crate::error::{Error, Result};
use crate::finite::Witness;
use crate::groups::{Groups, StepNumber, UpdateKey, UpdatePlan, Updating};
use crate::key::Key;
use crate::layout::{Leaf, Section, without_numbers};
use crate::loss::moved_leaves;
use crate::model::ModelFunction;
use crate::models::Models;
use crate::numbers::{self, Report, Reported};
use crate::optimizer::{Clip, check_rate};
use crate::output::{Number, Outputs, ResultView};
use crate::param::Data;
use crate::probes::Asked;
use crate::regions::{MAX_RESULTS, Role, Table};
use crate::resume::STATES;
use crate::schedule::Schedule;
use crate::shared::{Attachment, FirstModel, Shared, Trained, facts, place_all};
use crate::step::{Then, compile_apply, compile_step};
use crate::store::{Held, Places, read_leaves, read_packed, write_packed};
use crate::trainees::{Selection, Trainees};
use crate::views::{ArgViews, IntoArgs, each_count};
use ndarray::{Array, Dimension};
use sinew_ir::Binding;
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
    engine: Engine,
    handles: <F::Models as Models>::Handles,
    pub(crate) places: Places,
    /// What it trains of the first model.
    pub(crate) trainees: Arc<Trainees>,
    /// The parameters that the loss does not depend on.
    still: Vec<String>,
    /// Its learning rate.
    rate: f64,
    /// What that is multiplied by.
    schedule: Option<Schedule>,
    /// How it updates; one that only takes gradients does not.
    pub(crate) plan: Option<UpdatePlan>,
    /// What of that is compiled into its steps.
    key: Option<Arc<UpdateKey>>,
    /// Gradients, in the layout of what is trained.
    gradients: DeviceMemory,
    /// Sums of them, likewise, for updates to come.
    pub(crate) accumulated: Accumulated,
    /// The optimizer's states and the moving average of the parameters, likewise.
    pub(crate) states: Vec<DeviceMemory>,
    /// The numbers of a step.
    numbers: DeviceMemory,
    /// What a step reports.
    report: DeviceMemory,
    /// The models' states from before a step that is checked.
    saved: Vec<u8>,
    /// What it looks at beside what a step reports.
    asked: Asked,
    /// Steps taken.
    taken: u64,
    /// Whether its steps train: those that only take gradients are of the function as it is run.
    training: bool,
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
        training: bool,
    ) -> Result<Self> {
        settings.check()?;
        if let Some(by) = by {
            by.check(settings.precision)?;
        }
        let list = F::Models::handles(&handles);
        let facts = facts(&list)?;
        let engine = Engine::new::<F>(&facts, settings)?;
        let moved = moved_leaves(&engine)?;
        let leaves = facts.first().map_or(&[][..], |f| &f.leaves);
        let chosen = selection.of(leaves, &|path| engine.is_parameter(path))?;
        let is_chosen = |path: &str| chosen.get(path).copied().unwrap_or(false);
        let is_trained = |path: &str| moved.contains(&path) && is_chosen(path);
        if !moved.iter().any(|path| is_chosen(path)) {
            return Err(Error::AllFrozen {
                function: engine.unit.path.into(),
            });
        }
        let precision = engine.settings.precision;
        let groups = match by {
            Some(by) => {
                let rank = |path: &str| facts.first().map_or(0, |facts| facts.rank(path));
                Some((by, Groups::new(by, leaves, &rank, precision)?))
            }
            None => None,
        };
        let group = |path: &str| {
            let group = || groups.as_ref().map_or(0, |(_, groups)| groups.of(path));
            is_trained(path).then(group)
        };
        let names = engine.model_names();
        let function = engine.unit.path;
        let models = place_all(function, &names, &list, &engine.settings, &group)?;
        let first = models.first().map(|m| &m.layout);
        let trainees = first.map_or_else(Trainees::none, |l| Trainees::new(l, &group));
        let trainees = Arc::new(trainees);
        let rate = groups
            .as_ref()
            .map_or(0.0, |(by, _)| by.optimizer.learning_rate);
        let plan = match (groups, first) {
            (Some((by, groups)), Some(layout)) => Some(UpdatePlan {
                clip: by.optimizer.clip,
                average: by.average,
                pieces: groups.pieces(&trainees, layout)?,
                groups,
            }),
            _ => None,
        };
        let still = chosen
            .iter()
            .filter(|(path, is)| **is && !moved.contains(&path.as_str()));
        let mut still: Vec<String> = still.map(|(path, _)| path.clone()).collect();
        still.sort_unstable();
        let backend = &engine.settings.device.0;
        let zeroed = |name, bytes| backend.zeroed(name, bytes);
        let states = plan.as_ref().map_or(Vec::new(), UpdatePlan::states);
        let states = states.iter().map(|name| zeroed(name, trainees.bytes));
        let states: Result<_> = states.collect();
        let count = plan.as_ref().map_or(0, UpdatePlan::numbers);
        let mut made = Trainer {
            gradients: zeroed("gradients", trainees.bytes)?,
            accumulated: Accumulated::default(),
            states: states?,
            numbers: zeroed("step scalars", numbers::bytes(count))?,
            report: zeroed("report", numbers::BYTES)?,
            handles,
            places: Places::new(models),
            trainees,
            still,
            engine,
            rate,
            schedule: None,
            key: plan.as_ref().map(|plan| Arc::new(plan.key())),
            plan,
            saved: Vec::new(),
            asked: Asked::default(),
            taken: 0,
            training,
            arguments: PhantomData,
        };
        made.restart_average()?;
        Ok(made)
    }

    /// Names each parameter that the loss does not depend on in a warning.
    pub(crate) fn warn_of_still_leaves(&self) {
        for path in &self.still {
            tracing::warn!(
                parameter = path,
                function = self.engine.unit.path,
                "the loss does not depend on this parameter: it stays as it is",
            );
        }
    }

    /// The learning rate of the step to come: the optimizer's, or what was set since, times what the
    /// [`schedule`](crate::TrainBuilder::schedule) says.
    pub fn learning_rate(&self) -> f64 {
        let factor = self.schedule.as_ref().map_or(1.0, |s| s.factor(self.taken));
        self.rate * factor
    }

    /// Has the learning rate follow a schedule.
    pub(crate) fn follow(&mut self, schedule: Option<Schedule>) {
        self.schedule = schedule;
    }

    /// Sets the learning rate of the steps to come, which a schedule multiplies; nothing is compiled again.
    ///
    /// # Errors
    /// [`Error::Setting`] for a rate that is negative, NaN, or infinite in the working float; the old
    /// one stays then.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        check_rate(rate, self.engine.settings.precision)?;
        self.rate = rate;
        Ok(())
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
    /// [`Error::OtherModel`]; a device that was lost.
    pub fn set_model(&mut self, model: &FirstModel<F>) -> Result<()> {
        F::Models::first(&self.handles).set(model)?;
        self.restart_average()
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
        for state in &mut self.states {
            state.clear()?;
        }
        self.taken = 0;
        self.clear_gradients();
        self.restart_average()
    }

    /// The models' handles.
    pub(crate) fn handles(&self) -> &<F::Models as Models>::Handles {
        &self.handles
    }

    /// Of each leaf and each of the optimizer's states of it: a name, the state's number, the leaf.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (String, usize, &Leaf)> {
        let leaves = self.places.layouts.iter().take(1).flat_map(|l| &l.leaves);
        let plan = self.plan.iter();
        plan.flat_map(move |plan| {
            leaves.clone().flat_map(move |leaf| {
                let trained = self.trainees.place(leaf).is_some();
                let states = plan.kept(&without_numbers(&leaf.path));
                let states = states.filter(move |_| trained);
                states.map(move |(i, state)| (format!("{STATES}{state}/{}", leaf.path), i, leaf))
            })
        })
    }

    /// One of the optimizer's states of a leaf.
    pub(crate) fn read_state(&self, state: usize, leaf: &Leaf) -> Result<Data> {
        let place = self.trainees.place(leaf);
        let place = self.states.get(state).zip(place);
        read_packed(place, leaf, self.engine.settings.precision.dtype())
    }

    /// Replaces one of the optimizer's states of a leaf.
    pub(crate) fn write_state(&mut self, state: usize, leaf: &Leaf, to: &Data) -> Result<()> {
        let float = self.engine.settings.precision.dtype();
        let place = self.trainees.place(leaf);
        match self.states.get_mut(state).zip(place) {
            Some((memory, offset)) => write_packed(memory, offset, to, float),
            None => Ok(()),
        }
    }

    /// The learning rate without what a schedule makes of it.
    pub(crate) fn base_rate(&self) -> f64 {
        self.rate
    }

    /// The seed of what is drawn.
    pub(crate) fn seed(&self) -> u64 {
        self.engine.settings.seed
    }

    /// What its working float is.
    pub(crate) fn precision(&self) -> Precision {
        self.engine.settings.precision
    }

    /// Goes on behind so many steps.
    pub(crate) fn go_on(&mut self, steps: u64, rate: f64, seed: u64) {
        (self.taken, self.rate) = (steps, rate);
        // What was accumulated is of other parameters.
        self.clear_gradients();
        self.engine.settings.seed = seed;
    }

    /// The gradients of the last step, before clipping, as a model; zeros where the loss does not
    /// depend on a parameter, and where that is frozen.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn gradients(&self) -> Result<FirstModel<F>> {
        let mut model = F::Models::first(&self.handles).shell();
        if let Some(layout) = self.places.layouts.first() {
            read_leaves(layout, &mut model, &|leaf| {
                Some((&self.gradients, self.trainees.place(leaf)?))
            })?;
        }
        Ok(model)
    }

    /// Asks for the value of a `capture("name", x)`, as [`TrainBuilder::capture`](crate::TrainBuilder::capture) does,
    /// from the next step on. Programs are compiled anew.
    pub fn capture(&mut self, name: &str) {
        self.asked.capture(&mut self.engine, name);
    }

    /// What the last step captured under a name, as its forward part computed it, before the update: an array of its
    /// rank (0 for a scalar), of f32 or f64 for floats.
    ///
    /// # Errors
    /// [`Error::Captured`] for a name that was not asked for, and before a step that did;
    /// [`Error::CapturedType`] and [`Error::CapturedRank`] for other elements and another rank.
    pub fn captured<T: Number, D: Dimension>(&self, name: &str) -> Result<Array<T, D>> {
        self.asked.captured(&self.engine, name)
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.taken
    }

    /// Counts steps from 1 again.
    pub(crate) fn restart(&mut self) {
        self.taken = 0;
    }

    pub(crate) fn prepare_views(&mut self, work: Work, arguments: &[ArgView<'_>]) -> Result<()> {
        // The next program's results take the place of what was captured.
        self.asked.ran = false;
        let (layouts, trainees) = (&self.places.layouts, &self.trainees);
        let plan = self.plan.as_ref();
        let purpose = Purpose {
            work,
            update: self.key.clone().filter(|_| work != Work::Accumulate),
            guarded: self.engine.settings.check_finite,
            training: self.training,
            budget: self.engine.settings.memory_budget,
            micro_batches: self.engine.settings.micro_batches,
        };
        let compile = |engine: &Engine, binding: &Binding| {
            let then = match (work, plan) {
                (Work::Apply, Some(plan)) => {
                    return compile_apply(engine, layouts, trainees, plan);
                }
                (Work::Accumulate, _) => Then::Accumulate,
                (_, Some(plan)) => Then::Update(plan),
                (_, None) => Then::Nothing,
            };
            compile_step(engine, binding, layouts, trainees, then)
        };
        self.engine
            .select(arguments, layouts, Some(trainees), purpose, compile)
    }

    pub(crate) fn step_views(
        &mut self,
        arguments: &[ArgView<'_>],
    ) -> Result<Step<<F::Output as Outputs>::Rest>> {
        let report = self.run(Work::Step, arguments)?;
        Ok(Step {
            loss: report.get(Reported::Loss),
            grad_norm: self.norm(&report),
            number: self.count_step(),
            rest: self.rest()?,
        })
    }

    /// Counts a step; its number.
    pub(crate) fn count_step(&mut self) -> u64 {
        self.taken += 1;
        self.taken
    }

    /// The norm of the gradients, where an update has clipped them by it.
    pub(crate) fn norm(&self, report: &Report) -> Option<f64> {
        let clip = self.plan.as_ref().map_or(Clip::default(), |plan| plan.clip);
        clip.norm.map(|_| report.get(Reported::Norm))
    }

    /// Runs a program that does this with these arguments; what it has reported.
    pub(crate) fn run(&mut self, work: Work, arguments: &[ArgView<'_>]) -> Result<Report> {
        self.prepare_views(work, arguments)?;
        if work != Work::Apply {
            self.engine.check(arguments)?;
        }
        let rate = self.learning_rate();
        check_rate(rate, self.engine.settings.precision)?;
        let float = self.engine.settings.precision.dtype();
        let key = Key::of_run(self.engine.settings.seed, self.taken + 1);
        let key = match work {
            Work::Accumulate => key.of_part(self.accumulated.count),
            Work::Run | Work::Step | Work::Apply => key,
        };
        let check = self.engine.settings.check_finite;
        let (kept, workspace) = self.engine.current_mut()?;
        let (program, launch) = (&kept.program, &mut kept.launch);
        if let Some(plan) = &self.plan {
            let step = self.taken + 1;
            let told = program.numbers.iter();
            let share = self.accumulated.share();
            let told = told.map(|n| match n {
                StepNumber::Share => share,
                StepNumber::OfRule { group, name } => plan.groups.number(*group, name, rate, step),
            });
            numbers::write(&mut self.numbers, float, told)?;
        }
        let mut held = Held::of(&self.places, &program.writes);
        if check {
            held.save(&program.changed, &mut self.saved)?;
        }
        let mut table = Table::new();
        for (i, (trained, fixed)) in held.slots(&program.writes).enumerate() {
            table.put(Role::Leaves(i, Section::Trained), trained);
            table.put(Role::Leaves(i, Section::Fixed), fixed);
        }
        table.put(Role::Gradients, self.gradients.slot());
        table.put(Role::Accumulated, self.accumulated.memory.slot());
        for (i, state) in self.states.iter_mut().enumerate() {
            table.put(Role::State(i), state.slot());
        }
        table.put(Role::Numbers, self.numbers.slot_to_read());
        table.put(Role::Report, self.report.slot());
        program.run(launch, workspace, table, key, arguments)?;
        let report = Report::read(&self.report, float);
        let report = report.and_then(|r| workspace.fetch(&program.results).map(|()| r));
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                // A GPU's failure came after the update was on its way: what came of it is not known.
                self.taken += u64::from(work != Work::Accumulate);
                return Err(error);
            }
        };
        if check && work == Work::Apply {
            if report.get(Reported::CameNotFinite) != 0.0 {
                return Err(Error::Computed {
                    function: self.engine.unit.path.into(),
                    what: "update",
                    origin: "so are the gradients that were accumulated or set".into(),
                });
            }
        } else if check {
            let loss = report.get(Reported::Loss);
            let [came, made] = [Reported::CameNotFinite, Reported::MadeNotFinite];
            let whole = [came, made].iter().all(|count| report.get(*count) == 0.0);
            let mut in_states = false;
            if !whole || !loss.is_finite() {
                in_states = !held.are_finite(&program.changed)?;
                held.restore(&program.changed, &self.saved)?;
            }
            if !loss.is_finite() || report.get(Reported::CameNotFinite) != 0.0 {
                let what = match (loss.is_finite(), in_states) {
                    (false, _) => "loss",
                    (true, true) => "state",
                    (true, false) => "gradient",
                };
                let witness = Witness::copy(&self.engine, &held, key, arguments)?;
                drop(held);
                return Err(witness.error(what));
            }
        }
        if check && report.get(Reported::MadeNotFinite) != 0.0 {
            let what = match work {
                Work::Accumulate => "a sum of gradients",
                _ => "a new parameter, the optimizer's state or the gradients' norm",
            };
            return Err(Error::Computed {
                function: self.engine.unit.path.into(),
                what: "update",
                origin: format!("loss and gradients are, but {what} leaves the range of {float}"),
            });
        }
        drop(held);
        self.asked.ran = true;
        Ok(report)
    }

    /// The function's results behind the first, of the run before.
    pub(crate) fn rest(&mut self) -> Result<<F::Output as Outputs>::Rest> {
        let function = self.engine.unit.path;
        let (kept, workspace) = self.engine.current_mut()?;
        let program = &kept.program;
        let results = &program.results[..program.results.len() - program.captured.len()];
        let (count, expected) = (1 + results.len(), <F::Output as Outputs>::COUNT);
        let mut views = [ResultView::NONE; MAX_RESULTS];
        if count != expected || count > views.len() {
            return Err(Error::Results {
                function: function.into(),
                expected,
                actual: count,
            });
        }
        for (place, view) in views[1..].iter_mut().zip(workspace.views(results)) {
            *place = view;
        }
        <F::Output as Outputs>::rest(&views[1..count])
    }
}

#[diagnostic::do_not_recommend]
impl<F: ModelFunction> Trained<FirstModel<F>> for Trainer<F> {
    fn attachment(&self) -> Attachment<FirstModel<F>> {
        Attachment {
            shared: F::Models::first(&self.handles),
            settings: Some(self.engine.settings.clone()),
        }
    }
}

impl<F: ModelFunction, I> Trainer<F, I> {
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
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
                self.prepare_views(Work::Step, views.as_slice())
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
