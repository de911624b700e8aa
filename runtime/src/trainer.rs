//! A training step: forward, backward, clipping and update as one compiled program.

use crate::arg::{ArgView, IntoArg};
use crate::backend::DeviceMemory;
use crate::cache::Purpose;
use crate::engine::{Engine, Settings};
use crate::error::{Error, Result};
use crate::finite::Witness;
use crate::key::Key;
use crate::layout::{Layout, Section};
use crate::loss::moved_leaves;
use crate::model::ModelFunction;
use crate::numbers::{self, Report, Reported};
use crate::optimizer::Optimizer;
use crate::regions::{Role, Table};
use crate::step::compile_step;
use crate::store::{Attachment, Shared, Trained, hollow, read_leaves};
use crate::update::update;
use sinew_ir::{Binding, ParamKind};
use std::marker::PhantomData;
use std::sync::Arc;

/// Trains a model by the gradient of a function: `loss::train(model)...build()?`.
///
/// `step` takes the function's own arguments. All methods that print a stage do so for the program
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
    pub(crate) shared: Shared,
    layout: Arc<Layout>,
    /// The model without current values, for `model()`.
    shell: F::Model,
    optimizer: Optimizer,
    /// Gradients, in the layout of the trained parameters.
    gradients: DeviceMemory,
    /// The optimizer's state, likewise.
    states: Vec<DeviceMemory>,
    /// The numbers of a step.
    numbers: DeviceMemory,
    /// What a step reports.
    report: DeviceMemory,
    /// The model's states from before a step that is checked.
    saved: Vec<u8>,
    /// Steps taken.
    taken: u64,
    /// Whether its steps train: those that only take gradients are of the function as it is run.
    training: bool,
    arguments: PhantomData<fn(I)>,
}

/// What a step reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The loss before the update.
    pub loss: f64,
    /// The Euclidean norm of all gradients before clipping; where clipping is on.
    pub grad_norm: Option<f64>,
    /// Which step it was, from 1.
    pub number: u64,
}

impl<F: ModelFunction> Trainer<F> {
    pub(crate) fn new(
        model: F::Model,
        optimizer: Optimizer,
        settings: Settings,
        training: bool,
    ) -> Result<Self> {
        settings.check()?;
        optimizer.check(settings.precision)?;
        let float = settings.precision.dtype();
        let engine = Engine::new::<F>(&model, settings)?;
        let moved = moved_leaves(&engine)?;
        let layout = Layout::new(&model, float, &|path| moved.contains(&path))?;
        let backend = &engine.settings.device.0;
        let zeroed = |name, bytes| backend.zeroed(name, bytes);
        let update = update(&optimizer, 0, float, false, &[]).map_err(Error::Update)?;
        let states = update.states.iter();
        let states: Result<_> = states
            .map(|name| zeroed(*name, layout.trained_bytes))
            .collect();
        let shared = Shared::new(&model, layout, backend)?;
        let layout = Arc::clone(&shared.layout);
        Ok(Trainer {
            shared,
            gradients: zeroed("gradients", layout.trained_bytes)?,
            states: states?,
            numbers: zeroed("step scalars", numbers::BYTES)?,
            report: zeroed("report", numbers::BYTES)?,
            shell: hollow(model),
            engine,
            layout,
            optimizer,
            saved: Vec::new(),
            taken: 0,
            training,
            arguments: PhantomData,
        })
    }

    /// Names each parameter that the loss does not depend on in a warning.
    pub(crate) fn warn_of_still_leaves(&self) {
        let function = &self.engine.function;
        let params = function.params.iter().enumerate();
        for (position, _) in params.filter(|(_, p)| p.kind == ParamKind::Param) {
            let path = function.leaf_path(position).unwrap_or_default();
            let leaf = self.layout.stack(path);
            if leaf.is_some_and(|l| l.section == Section::Fixed) {
                tracing::warn!(
                    parameter = path,
                    function = self.engine.unit.path,
                    "the loss does not depend on this parameter: it stays as it is",
                );
            }
        }
    }

    /// The optimizer's learning rate.
    pub fn learning_rate(&self) -> f64 {
        self.optimizer.learning_rate
    }

    /// Sets the learning rate of the steps to come; nothing is compiled again.
    ///
    /// # Errors
    /// [`Error::Setting`] for a rate that is negative, NaN, or infinite in the working float; the old
    /// one stays then.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        let mut changed = self.optimizer;
        changed.learning_rate = rate;
        changed.check(self.engine.settings.precision)?;
        self.optimizer = changed;
        Ok(())
    }

    /// The model with the current parameters.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn model(&self) -> Result<F::Model> {
        let mut model = self.shell.clone();
        self.shared.read().read_into(&mut model)?;
        Ok(model)
    }

    /// The gradients of the last step, before clipping, as a model; zeros where the loss does not
    /// depend on a parameter.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn gradients(&self) -> Result<F::Model> {
        let mut model = self.shell.clone();
        read_leaves(&self.layout, &mut model, &|leaf| match leaf.section {
            Section::Trained => Some(&self.gradients),
            Section::Fixed => None,
        })?;
        Ok(model)
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.taken
    }

    /// Counts steps from 1 again.
    pub(crate) fn restart(&mut self) {
        self.taken = 0;
    }

    fn prepare_views(&mut self, arguments: &[ArgView<'_>]) -> Result<()> {
        let (layout, optimizer) = (&self.layout, &self.optimizer);
        let purpose = Purpose::Step {
            rule: optimizer.without_rate(),
            guarded: self.engine.settings.check_finite,
            training: self.training,
        };
        let compile =
            |engine: &Engine, binding: &Binding| compile_step(engine, binding, layout, optimizer);
        self.engine.select(arguments, layout, purpose, compile)
    }

    pub(crate) fn step_views(&mut self, arguments: &[ArgView<'_>]) -> Result<Step> {
        self.prepare_views(arguments)?;
        self.engine.check(arguments)?;
        let float = self.layout.float;
        let key = Key::of_run(self.engine.settings.seed, self.taken + 1);
        let check = self.engine.settings.check_finite;
        let (kept, workspace) = self.engine.current_mut()?;
        let (program, launch) = (&kept.program, &mut kept.launch);
        let (optimizer, step) = (&self.optimizer, self.taken + 1);
        let told = program.scalars.iter().map(|s| s.value(optimizer, step));
        numbers::write(&mut self.numbers, float, told)?;
        let mut held = self.shared.write();
        let store = &mut *held;
        if check {
            store.save(&program.changed, &mut self.saved)?;
        }
        let mut table = Table::new();
        table.put(Role::Trained, store.trained.slot());
        let fixed = match program.changed.is_empty() {
            true => store.fixed.slot_to_read(),
            false => store.fixed.slot(),
        };
        table.put(Role::Fixed, fixed);
        table.put(Role::Gradients, self.gradients.slot());
        for (i, state) in self.states.iter_mut().enumerate() {
            table.put(Role::State(i), state.slot());
        }
        table.put(Role::Numbers, self.numbers.slot_to_read());
        table.put(Role::Report, self.report.slot());
        program.run(launch, workspace, table, key, arguments)?;
        let report = match Report::read(&self.report, float) {
            Ok(report) => report,
            Err(error) => {
                // A GPU's failure came after the update was on its way: what came of it is not known.
                self.taken += 1;
                return Err(error);
            }
        };
        let loss = report.get(Reported::Loss);
        if check {
            let [came, made] = [Reported::CameNotFinite, Reported::MadeNotFinite];
            let whole = [came, made].iter().all(|count| report.get(*count) == 0.0);
            let mut in_states = false;
            if !whole || !loss.is_finite() {
                in_states = !store.are_finite(&program.changed)?;
                store.restore(&program.changed, &self.saved)?;
            }
            if !loss.is_finite() || report.get(Reported::CameNotFinite) != 0.0 {
                let what = match (loss.is_finite(), in_states) {
                    (false, _) => "loss",
                    (true, true) => "state",
                    (true, false) => "gradient",
                };
                let witness = Witness::copy(&self.engine, store, key, arguments)?;
                drop(held);
                return Err(witness.error(what));
            }
            if report.get(Reported::MadeNotFinite) != 0.0 {
                return Err(Error::Computed {
                    function: self.engine.unit.path.into(),
                    what: "update",
                    origin: format!(
                        "loss and gradients are, but a new parameter, the optimizer's state or the \
                         gradients' norm leaves the range of {float}"
                    ),
                });
            }
        }
        drop(held);
        self.taken += 1;
        Ok(Step {
            loss,
            grad_norm: self.optimizer.clip.map(|_| report.get(Reported::Norm)),
            number: self.taken,
        })
    }
}

impl<F: ModelFunction> Trained<F::Model> for Trainer<F> {
    fn attachment(&self) -> Attachment<F::Model> {
        Attachment {
            shared: self.shared.clone(),
            settings: self.engine.settings.clone(),
            shell: self.shell.clone(),
        }
    }
}

crate::inspect::inspect!(Trainer);

macro_rules! step {
    ($($marker:ident $argument:ident),*) => {
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
            /// hold indices outside their axis; with [`check_finite`](crate::Train::check_finite)
            /// also NaN and infinities, in arguments or computed. Parameters stay as they were, and the
            /// step does not count. After a failure of a GPU that came with the update under way, the
            /// step counts, and a lost GPU's parameters are lost with it.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn step(&mut self, $($argument: impl IntoArg<$marker>),*) -> Result<Step> {
                self.step_views(&[$($argument.arg()),*])
            }

            /// Compiles the step for arguments of these extents, without taking it.
            ///
            /// # Errors
            /// Arguments that do not fit.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn prepare(&mut self, $($argument: impl IntoArg<$marker>),*) -> Result<()> {
                self.prepare_views(&[$($argument.arg()),*])
            }
        }
    };
}
step!();
step!(A a);
step!(A a, B b);
step!(A a, B b, C c);
step!(A a, B b, C c, D d);
step!(A a, B b, C c, D d, E e);
step!(A a, B b, C c, D d, E e, G g);
step!(A a, B b, C c, D d, E e, G g, H h);
step!(A a, B b, C c, D d, E e, G g, H h, I i);
