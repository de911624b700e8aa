//! A training step: forward, backward, clipping and update as one compiled program.

use crate::arg::{ArgView, IntoArg};
use crate::engine::{Engine, Settings, leaf_path};
use crate::error::{Error, Result};
use crate::finite::Witness;
use crate::layout::{Layout, Section, element_size};
use crate::memory::{ALIGN, Memory};
use crate::model::ModelFunction;
use crate::optimizer::Optimizer;
use crate::program::{Kept, Linked, Program, Regions, StepRegions, Table};
use crate::store::{Attachment, Shared, Trained, hollow, read_leaves};
use crate::update::{Update, update};
use sinew_codegen::kernel::{RegionId, Role};
use sinew_codegen::schedule::Place;
use sinew_ir::{Binding, DType, ParamKind, Type};
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
    shared: Shared,
    layout: Arc<Layout>,
    /// The model without current values, for `model()`.
    shell: F::Model,
    optimizer: Optimizer,
    /// Gradients, in the layout of the trained parameters.
    gradients: Memory,
    /// The optimizer's state, likewise.
    states: Vec<Memory>,
    /// The numbers of a step.
    scalars: Memory,
    /// What a step reports.
    report: Memory,
    /// Steps taken.
    taken: u64,
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

/// Places in the report: one number each.
const LOSS: usize = 0;
const NORM: usize = 1;
/// How much of loss and gradients is not finite.
const CAME: usize = 2;
/// How much of what the update makes is not finite.
const MADE: usize = 3;

impl<F: ModelFunction> Trainer<F> {
    pub(crate) fn new(model: F::Model, optimizer: Optimizer, settings: Settings) -> Result<Self> {
        settings.check()?;
        optimizer.check(settings.precision)?;
        let float = settings.precision.dtype();
        let engine = Engine::new::<F>(&model, settings)?;
        let moved = moved_leaves(&engine)?;
        let layout = Layout::new(&model, float, &|path| moved.contains(&path))?;
        let device = &engine.settings.device;
        let zeroed = |name, bytes| Memory::zeroed(device, name, bytes);
        let update = update(&optimizer, 0, float, false).map_err(Error::Update)?;
        let states = update.states.iter();
        let states: Result<_> = states
            .map(|name| zeroed(*name, layout.trained_bytes))
            .collect();
        let shared = Shared::new(&model, layout, device)?;
        let layout = Arc::clone(&shared.layout);
        Ok(Trainer {
            shared,
            gradients: zeroed("gradients", layout.trained_bytes)?,
            states: states?,
            scalars: zeroed("step scalars", ALIGN)?,
            report: zeroed("report", ALIGN)?,
            shell: hollow(model),
            engine,
            layout,
            optimizer,
            taken: 0,
            arguments: PhantomData,
        })
    }

    /// Names each parameter that the loss does not depend on in a warning.
    pub(crate) fn warn_of_still_leaves(&self) {
        let params = self.engine.function.params.iter();
        for param in params.filter(|p| p.kind == ParamKind::Param) {
            let path = leaf_path(&param.name);
            let leaf = self.layout.leaf(path);
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

    fn prepare_views(&mut self, arguments: &[ArgView<'_>]) -> Result<()> {
        let (layout, optimizer, shared) = (&self.layout, &self.optimizer, &self.shared);
        let (gradients, states) = (&self.gradients, &self.states);
        let (scalars, report) = (&self.scalars, &self.report);
        self.engine.select(arguments, |engine, binding| {
            let memories = |kept: &Kept| {
                let mut all = shared.memories(kept);
                let mut keep = |id, memory: &Memory| all.extend(memory.again().map(|m| (id, m)));
                if let Some(step) = &kept.step {
                    keep(step.gradients, gradients);
                    for (id, state) in step.states.iter().zip(states) {
                        keep(*id, state);
                    }
                    keep(step.scalars, scalars);
                    keep(step.report, report);
                }
                all
            };
            compile_step(engine, binding, layout, optimizer, &memories)
        })
    }

    pub(crate) fn step_views(&mut self, arguments: &[ArgView<'_>]) -> Result<Step> {
        self.prepare_views(arguments)?;
        self.engine.check(arguments)?;
        let float = self.layout.float;
        let (program, arena) = self.engine.current_mut()?;
        let mut numbers = [0; ALIGN];
        for (i, scalar) in program.scalars.iter().enumerate() {
            put(
                &mut numbers,
                i,
                float,
                scalar.value(&self.optimizer, self.taken + 1),
            );
        }
        self.scalars.write(0, &numbers)?;
        let mut held = self.shared.write();
        let store = &mut *held;
        let mut table = Table::new(program, arena);
        table.put(program.kept.trained, &mut store.trained);
        table.put(program.kept.fixed, &mut store.fixed);
        if let Some(step) = &program.kept.step {
            table.put(step.gradients, &mut self.gradients);
            for (id, state) in step.states.iter().zip(&mut self.states) {
                table.put(*id, state);
            }
            table.put(step.scalars, &mut self.scalars);
            table.put(step.report, &mut self.report);
        }
        program.run(table, arguments)?;
        if let Err(error) = self.report.read(0, &mut numbers) {
            // A GPU's failure came after the update was on its way: what came of it is not known.
            self.taken += 1;
            return Err(error);
        }
        let loss = get(&numbers, LOSS, float);
        if self.engine.settings.check_finite {
            let count = |at| get(&numbers, at, float);
            if !loss.is_finite() || count(CAME) != 0.0 {
                let what = if loss.is_finite() { "gradient" } else { "loss" };
                let witness = Witness::of(&self.engine, store, arguments)?;
                drop(held);
                return Err(witness.error(what));
            }
            if count(MADE) != 0.0 {
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
            grad_norm: self.optimizer.clip.map(|_| get(&numbers, NORM, float)),
            number: self.taken,
        })
    }
}

/// The leaves that the loss depends on.
fn moved_leaves(engine: &Engine) -> Result<Vec<&str>> {
    let function = &engine.function;
    let not_a_loss = |rest: &str| {
        let types = function.body.results.iter();
        let types: Vec<String> = types.map(|r| declared(function.type_of(*r))).collect();
        let returns = match types.as_slice() {
            [] => "nothing".to_string(),
            [one] => format!("`{one}`{rest}"),
            many => format!("`({})`", many.join(", ")),
        };
        Error::NotALoss {
            function: engine.unit.path.into(),
            returns,
        }
    };
    let [result] = function.body.results.as_slice() else {
        return Err(not_a_loss(""));
    };
    if *function.type_of(*result) != Type::of(DType::Float, &[]) {
        return Err(not_a_loss(""));
    }
    // Not the stored pullback's gradients: it knows nothing of what the functions it calls leave out.
    let info = sinew_ir::dependence(engine.unit);
    let info = info.map_err(|source| Error::link(engine.unit.path, source))?;
    let mut moved = Vec::new();
    for (param, moves) in function.params.iter().zip(info.depends.iter().flatten()) {
        if param.kind == ParamKind::Param && *moves {
            moved.push(leaf_path(&param.name));
        }
    }
    match moved.is_empty() {
        true => Err(not_a_loss(" that depends on none")),
        false => Ok(moved),
    }
}

/// A type as it is declared: `Tensor<i32, B>`.
fn declared(of: &Type) -> String {
    let mut parts = Vec::new();
    if of.dtype != DType::Float {
        parts.push(of.dtype.to_string());
    }
    let shape = of.shape.to_string();
    if !shape.is_empty() {
        parts.push(shape);
    }
    match parts.is_empty() {
        true => "Tensor".into(),
        false => format!("Tensor<{}>", parts.join(", ")),
    }
}

/// Byte offset of number `i` in the small regions: far enough apart for f64.
const fn place(i: usize) -> usize {
    8 * i
}

fn put(bytes: &mut [u8; ALIGN], i: usize, float: DType, value: f64) {
    let bytes = &mut bytes[place(i)..place(i + 1)];
    match float == DType::F64 {
        true => bytes.copy_from_slice(&value.to_ne_bytes()),
        false => bytes[..4].copy_from_slice(&(value as f32).to_ne_bytes()),
    }
}

fn get(bytes: &[u8; ALIGN], i: usize, float: DType) -> f64 {
    let bytes = &bytes[place(i)..];
    let (narrow, wide) = (bytes.first_chunk(), bytes.first_chunk());
    match float == DType::F64 {
        true => wide.map_or(f64::NAN, |b| f64::from_ne_bytes(*b)),
        false => narrow.map_or(f64::NAN, |b| f64::from(f32::from_ne_bytes(*b))),
    }
}

/// Links the gradient program and the update, and lays out their regions. `memories` gives what a
/// device keeps of them.
fn compile_step(
    engine: &Engine,
    binding: &Binding,
    layout: &Layout,
    optimizer: &Optimizer,
    memories: &dyn Fn(&Kept) -> Vec<(RegionId, Memory)>,
) -> Result<Program> {
    let name = engine.unit.path;
    let is_trained = |path: &str| {
        layout
            .leaf(path)
            .is_some_and(|l| l.section == Section::Trained)
    };
    let wanted = |p: &sinew_ir::Param| p.kind == ParamKind::Param && is_trained(leaf_path(&p.name));
    let gradient = sinew_ir::link_gradient(engine.unit, binding, &wanted)
        .map_err(|source| Error::link(name, source))?;
    let elements = layout.trained_bytes / element_size(layout.float);
    let check = engine.settings.check_finite;
    let Update {
        program: update_program,
        states,
        scalars,
        norm,
        guarded,
    } = update(optimizer, elements, layout.float, check).map_err(Error::Update)?;

    let mut regions = Regions::default();
    let trained = regions.add("params", layout.trained_bytes, Role::State);
    let fixed = regions.add("fixed", layout.fixed_bytes, Role::Input);
    let gradients = regions.add("gradients", layout.trained_bytes, Role::State);
    let states: Vec<_> = states
        .iter()
        .map(|name| regions.add(*name, layout.trained_bytes, Role::State))
        .collect();
    let numbers = regions.add("step scalars", ALIGN, Role::Input);
    let report = regions.add("report", ALIGN, Role::Output);
    let arguments = regions.add_arguments(&engine.inputs, &gradient.program)?;

    let inputs = engine.places(layout, trained, fixed, &arguments)?;
    let mut outputs = vec![Place {
        region: report,
        offset: place(LOSS),
    }];
    let mut gradient_places: Vec<Option<Place>> = vec![None; gradient.program.body.results.len()];
    for (param, result) in gradient.gradients.iter().enumerate() {
        if let Some(result) = result {
            let offset = inputs[param].offset;
            gradient_places[*result] = Some(Place {
                region: gradients,
                offset,
            });
        }
    }
    for place in &gradient_places[gradient.results..] {
        outputs.push((*place).ok_or_else(|| Error::Results {
            function: name.into(),
            expected: gradient.gradients.iter().flatten().count(),
            actual: gradient_places.len() - gradient.results,
        })?);
    }

    let start = |region| Place { region, offset: 0 };
    let mut update_inputs = vec![start(trained), start(gradients)];
    update_inputs.extend(states.iter().map(|s| start(*s)));
    update_inputs.extend((0..scalars.len()).map(|i| Place {
        region: numbers,
        offset: place(i),
    }));
    let mut update_outputs = vec![start(trained)];
    update_outputs.extend(states.iter().map(|s| start(*s)));
    if norm {
        update_outputs.push(Place {
            region: report,
            offset: place(NORM),
        });
    }
    if guarded {
        update_inputs.push(Place {
            region: report,
            offset: place(LOSS),
        });
        update_outputs.push(Place {
            region: report,
            offset: place(CAME),
        });
        update_outputs.push(Place {
            region: report,
            offset: place(MADE),
        });
    }

    let indices = engine.index_checks(&gradient.program);
    let linked = vec![
        Linked {
            title: "loss and gradients",
            program: gradient.program,
            inputs,
            outputs,
        },
        Linked {
            title: "update",
            program: update_program,
            inputs: update_inputs,
            outputs: update_outputs,
        },
    ];
    let kept = Kept {
        trained,
        fixed,
        step: Some(StepRegions {
            gradients,
            states,
            scalars: numbers,
            report,
        }),
    };
    let memories = memories(&kept);
    let results = Vec::new();
    let mut program = Program::compile(engine, linked, regions, kept, indices, results, &memories)?;
    program.scalars = scalars;
    Ok(program)
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
