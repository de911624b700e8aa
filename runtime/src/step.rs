//! A step as a program: the gradient function, then what is done with the gradients, over one set of regions.

use crate::budget::compile_within;
use crate::engine::{Engine, ModelRegions};
use crate::error::{Error, Result};
use crate::executable::{Executable, Linked, ResultType, Source, Writes};
use crate::groups::UpdatePlan;
use crate::layout::{Layout, element_size};
use crate::numbers::{self, Reported};
use crate::regions::{Regions, Role};
use crate::trainees::Trainees;
use crate::update::{Gradients, Update, accumulation, update};
use sinew_codegen::kernel::{RegionId, RegionKind};
use sinew_codegen::schedule::RegionOffset;
use sinew_ir::{Binding, Function, Gradient, ParamKind};
use std::sync::Arc;

/// What is done with the gradients of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then<'a> {
    /// Nothing: they are read.
    Nothing,
    /// Parameters are updated.
    Update(&'a UpdatePlan),
    /// They are added to those of other steps.
    Accumulate,
}

/// The regions that both parts of a step work on.
struct StepRegions<'a> {
    models: &'a [ModelRegions],
    gradients: RegionId,
    states: Vec<RegionId>,
    report: RegionId,
}

/// Links the gradient function and what is done with the gradients, and lays out their regions.
///
/// # Errors
/// Functions that do not link, have no schedule, or cannot become code for the engine's device.
pub(crate) fn compile_step(
    engine: &Engine,
    binding: &Binding,
    layouts: &[Arc<Layout>],
    trainees: &Trainees,
    then: Then<'_>,
) -> Result<Executable> {
    let function = &engine.function;
    let trained = |p: &sinew_ir::Param| {
        let position = function.param(&p.name).map(|v| v.index());
        let leaf = position.and_then(|at| engine.leaf(function, at));
        let is = |path: &str| trainees.paths.iter().any(|p| p == path);
        p.kind == ParamKind::Param && leaf.is_some_and(|(model, path)| model == 0 && is(path))
    };
    let captured = &engine.probes.captured;
    let gradient = sinew_ir::link_gradient_probed(engine.unit, binding, &trained, captured)
        .map_err(|source| Error::link(engine.unit.path, source))?;
    let source = |gradient| step_source(engine, gradient, layouts, trainees, then);
    match engine.settings.memory_budget {
        Some(budget) => compile_within(engine, budget, gradient, &source),
        None => Executable::compile(engine, source(gradient)?),
    }
}

/// Links the update of parameters by gradients that were accumulated.
///
/// # Errors
/// As [`compile_step`].
pub(crate) fn compile_apply(
    engine: &Engine,
    layouts: &[Arc<Layout>],
    trainees: &Trainees,
    plan: &UpdatePlan,
) -> Result<Executable> {
    let mut regions = Regions::new();
    let mut writes = engine.writes(&[], layouts);
    add_updated(&mut writes, trainees);
    let models = engine.add_models(&mut regions, layouts, &writes);
    let accumulated = add_sums(&mut regions, trainees);
    let shared = add_shared(&mut regions, &models, accumulated, trainees, Some(plan));
    let float = engine.settings.precision.dtype();
    let guarded = engine.settings.check_finite;
    let update = update(plan, float, guarded, Gradients::Accumulated)?;
    let numbers = update.numbers.clone();
    let told = add_numbers(&mut regions, numbers.len());
    let source = Source {
        indices: Vec::new(),
        numbers,
        linked: vec![update_part(update, plan, &[], &shared, told)],
        regions,
        results: Vec::new(),
        captured: Vec::new(),
        patched: Vec::new(),
        changed: Vec::new(),
        writes,
    };
    Executable::compile(engine, source)
}

/// Adds the sections of a first model that an update writes.
fn add_updated(writes: &mut [Writes], trainees: &Trainees) {
    if let Some(first) = writes.first_mut() {
        trainees.runs.iter().for_each(|run| first.add(run.section));
    }
}

/// Adds the region of sums of gradients.
fn add_sums(regions: &mut Regions, trainees: &Trainees) -> RegionId {
    let (name, bytes) = ("accumulated gradients", trainees.bytes);
    regions.add(Role::Accumulated, name, bytes, RegionKind::State)
}

/// Adds the region of the numbers that a step is told.
fn add_numbers(regions: &mut Regions, count: usize) -> RegionId {
    let bytes = numbers::bytes(count);
    regions.add(Role::Numbers, "step scalars", bytes, RegionKind::Input)
}

/// Adds the regions of an update's states and of the report.
fn add_shared<'a>(
    regions: &mut Regions,
    models: &'a [ModelRegions],
    gradients: RegionId,
    trainees: &Trainees,
    plan: Option<&UpdatePlan>,
) -> StepRegions<'a> {
    let names = plan.map_or(Vec::new(), UpdatePlan::states);
    let states = names.into_iter().enumerate();
    let states = states
        .map(|(i, name)| regions.add(Role::State(i), name, trainees.bytes, RegionKind::State));
    StepRegions {
        models,
        gradients,
        states: states.collect(),
        report: regions.add(Role::Report, "report", numbers::BYTES, RegionKind::Output),
    }
}

/// A step of a gradient function: that, what is done with its gradients, and their regions.
///
/// # Errors
/// Functions whose places do not fit.
fn step_source(
    engine: &Engine,
    gradient: Gradient,
    layouts: &[Arc<Layout>],
    trainees: &Trainees,
    then: Then<'_>,
) -> Result<Source> {
    // Which arguments are indices is seen in one part: they are the same in all.
    let indices = engine.index_checks(&gradient.program);
    let gradient = match &engine.parts {
        Some(parts) => parts.over(engine, gradient)?,
        None => gradient,
    };
    let changed = engine.changed_states(&gradient.program, layouts)?;
    let float = engine.settings.precision.dtype();
    let size = element_size(float);
    let check = engine.settings.check_finite;
    let counted = changed.iter().filter(|_| check);
    let counted: Vec<usize> = counted.map(|state| state.leaf.bytes / size).collect();
    let mut regions = Regions::new();
    let mut writes = engine.writes(&changed, layouts);
    let plan = match then {
        Then::Update(plan) => {
            add_updated(&mut writes, trainees);
            Some(plan)
        }
        Then::Nothing | Then::Accumulate => None,
    };
    let models = engine.add_models(&mut regions, layouts, &writes);
    let (role, name, bytes) = (Role::Gradients, "gradients", trainees.bytes);
    let gradients = regions.add(role, name, bytes, RegionKind::State);
    let shared = add_shared(&mut regions, &models, gradients, trainees, plan);
    let program = &gradient.program;
    let mut results = Vec::new();
    let mut outputs = vec![Reported::Loss.place(shared.report)];
    for (i, result) in program
        .returned()
        .iter()
        .take(gradient.results)
        .skip(1)
        .enumerate()
    {
        let result = ResultType::new(i + 1, program.type_of(*result))?;
        outputs.push(result.add(&mut regions, i));
        results.push(result);
    }
    let captured = gradient.captured.clone();
    let arguments = regions.add_arguments(&engine.inputs, program)?;
    let key = regions.add_key(program);
    let inputs = engine.places(program, layouts, &models, &arguments, key)?;
    let states: Vec<RegionOffset> = changed
        .iter()
        .map(|s| models[s.model].place(&s.leaf))
        .collect();
    let mut linked = vec![gradient_part(
        engine,
        (gradient, trainees, layouts),
        inputs,
        outputs,
        &states,
        &shared,
    )?];
    let mut numbers = Vec::new();
    match then {
        Then::Nothing => {}
        Then::Update(plan) => {
            let update = update(plan, float, check, Gradients::OfStep(&counted))?;
            numbers.clone_from(&update.numbers);
            let told = add_numbers(&mut regions, numbers.len());
            linked.push(update_part(update, plan, &states, &shared, told));
        }
        Then::Accumulate => {
            let guarded = check.then_some(&counted[..]);
            let function = accumulation(trainees.bytes / size, float, guarded)?;
            let sums = RegionOffset {
                region: add_sums(&mut regions, trainees),
                offset: 0,
            };
            linked.push(accumulate_part(function, sums, check, &states, &shared));
        }
    }
    Ok(Source {
        indices,
        numbers,
        linked,
        regions,
        results,
        captured,
        patched: Vec::new(),
        changed,
        writes,
    })
}

/// Loss, other results, gradients and new states, each in place.
fn gradient_part(
    engine: &Engine,
    (gradient, trainees, layouts): (Gradient, &Trainees, &[Arc<Layout>]),
    inputs: Vec<RegionOffset>,
    mut outputs: Vec<RegionOffset>,
    states: &[RegionOffset],
    regions: &StepRegions<'_>,
) -> Result<Linked> {
    let mut places: Vec<Option<RegionOffset>> = vec![None; gradient.program.body.results.len()];
    for (param, result) in gradient.gradients.iter().enumerate() {
        if let Some(result) = result {
            let stack = engine.stack(&gradient.program, param, layouts);
            let offset = stack.and_then(|(_, stack)| trainees.place(&stack));
            places[*result] = offset.map(|offset| RegionOffset {
                region: regions.gradients,
                offset,
            });
        }
    }
    let first_state = places.len() - states.len();
    places[first_state..].clone_from_slice(&states.iter().cloned().map(Some).collect::<Vec<_>>());
    for place in &places[gradient.results..] {
        outputs.push((*place).ok_or_else(|| Error::Results {
            function: engine.unit.path.into(),
            expected: gradient.gradients.iter().flatten().count(),
            actual: places.len() - gradient.results,
        })?);
    }
    Ok(Linked {
        title: "loss and gradients",
        function: gradient.program,
        inputs,
        outputs,
    })
}

/// The update: everything in place, its numbers from one small region and to another.
fn update_part(
    update: Update,
    plan: &UpdatePlan,
    changed: &[RegionOffset],
    regions: &StepRegions<'_>,
    numbers: RegionId,
) -> Linked {
    let report = |number: Reported| number.place(regions.report);
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for (piece, states) in plan.pieces.iter().zip(&update.states) {
        let at = |region| RegionOffset {
            region,
            offset: piece.start,
        };
        let parameters = regions.models.first().map(|m| RegionOffset {
            region: m.section(piece.section),
            offset: piece.offset,
        });
        let states = || states.iter().map(|i| at(regions.states[*i]));
        inputs.extend(parameters);
        inputs.push(at(regions.gradients));
        inputs.extend(states());
        outputs.extend(parameters);
        outputs.extend(states());
    }
    inputs.extend((0..update.numbers.len()).map(|i| numbers::place(numbers, i)));
    if update.norm {
        outputs.push(report(Reported::Norm));
    }
    if update.guarded {
        if update.by_step {
            inputs.push(report(Reported::Loss));
            inputs.extend_from_slice(changed);
        }
        outputs.push(report(Reported::CameNotFinite));
        outputs.push(report(Reported::MadeNotFinite));
    }
    Linked {
        title: "update",
        function: update.program,
        inputs,
        outputs,
    }
}

/// The sums of gradients, in place.
fn accumulate_part(
    function: Function,
    sums: RegionOffset,
    guarded: bool,
    changed: &[RegionOffset],
    regions: &StepRegions<'_>,
) -> Linked {
    let gradients = RegionOffset {
        region: regions.gradients,
        offset: 0,
    };
    let report = |number: Reported| number.place(regions.report);
    let (mut inputs, mut outputs) = (vec![sums, gradients], vec![sums]);
    if guarded {
        inputs.push(report(Reported::Loss));
        inputs.extend_from_slice(changed);
        outputs.push(report(Reported::CameNotFinite));
        outputs.push(report(Reported::MadeNotFinite));
    }
    Linked {
        title: "accumulation",
        function,
        inputs,
        outputs,
    }
}
