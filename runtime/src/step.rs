//! A step as a program: the gradient function, then the update, over one set of regions.

use crate::budget::compile_within;
use crate::engine::{Engine, ModelRegions};
use crate::error::{Error, Result};
use crate::executable::{Executable, Linked, ResultType, Source};
use crate::layout::{Layout, element_size};
use crate::numbers::{self, Reported};
use crate::optimizer::Optimizer;
use crate::regions::{Regions, Role};
use crate::trainees::Trainees;
use crate::update::{Update, update};
use sinew_codegen::kernel::{RegionId, RegionKind};
use sinew_codegen::schedule::RegionOffset;
use sinew_ir::{Binding, Gradient, ParamKind};
use std::sync::Arc;

/// The regions that both parts of a step work on.
struct StepRegions<'a> {
    models: &'a [ModelRegions],
    gradients: RegionId,
    states: Vec<RegionId>,
    numbers: RegionId,
    report: RegionId,
}

/// Links the gradient function and the update, and lays out their regions.
///
/// # Errors
/// Functions that do not link, have no schedule, or cannot become code for the engine's device.
pub(crate) fn compile_step(
    engine: &Engine,
    binding: &Binding,
    layouts: &[Arc<Layout>],
    trainees: &Trainees,
    optimizer: &Optimizer,
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
    let source = |gradient| step_source(engine, gradient, layouts, trainees, optimizer);
    match engine.settings.memory_budget {
        Some(budget) => compile_within(engine, budget, gradient, &source),
        None => Executable::compile(engine, source(gradient)?),
    }
}

/// A step of a gradient function: that, the update, and their regions.
///
/// # Errors
/// Functions whose places do not fit.
fn step_source(
    engine: &Engine,
    gradient: Gradient,
    layouts: &[Arc<Layout>],
    trainees: &Trainees,
    optimizer: &Optimizer,
) -> Result<Source> {
    let changed = engine.changed_states(&gradient.program, layouts)?;
    let float = engine.settings.precision.dtype();
    let size = element_size(float);
    let check = engine.settings.check_finite;
    let counted = changed.iter().filter(|_| check);
    let counted: Vec<usize> = counted.map(|state| state.leaf.bytes / size).collect();
    let ranges: Vec<usize> = trainees.runs.iter().map(|run| run.bytes / size).collect();
    let update = update(optimizer, &ranges, float, check, &counted).map_err(Error::Update)?;

    let mut regions = Regions::new();
    let mut writes = engine.writes(&changed, layouts);
    if let Some(first) = writes.first_mut() {
        trainees.runs.iter().for_each(|run| first.add(run.section));
    }
    let models = engine.add_models(&mut regions, layouts, &writes);
    let like_trained = trainees.bytes;
    let gradients = regions.add(
        Role::Gradients,
        "gradients",
        like_trained,
        RegionKind::State,
    );
    let states = update.states.iter().enumerate();
    let states =
        states.map(|(i, name)| regions.add(Role::State(i), *name, like_trained, RegionKind::State));
    let shared = StepRegions {
        models: &models,
        gradients,
        states: states.collect(),
        numbers: regions.add(
            Role::Numbers,
            "step scalars",
            numbers::BYTES,
            RegionKind::Input,
        ),
        report: regions.add(Role::Report, "report", numbers::BYTES, RegionKind::Output),
    };
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
    Ok(Source {
        indices: engine.index_checks(program),
        scalars: update.scalars.clone(),
        linked: vec![
            gradient_part(
                engine,
                (gradient, trainees, layouts),
                inputs,
                outputs,
                &states,
                &shared,
            )?,
            update_part(update, trainees, &states, &shared),
        ],
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
    trainees: &Trainees,
    changed: &[RegionOffset],
    regions: &StepRegions<'_>,
) -> Linked {
    let report = |number: Reported| number.place(regions.report);
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for run in &trainees.runs {
        let at = |region| RegionOffset {
            region,
            offset: run.start,
        };
        let parameters = regions.models.first().map(|m| RegionOffset {
            region: m.section(run.section),
            offset: run.offset,
        });
        let states = || regions.states.iter().map(|s| at(*s));
        inputs.extend(parameters);
        inputs.push(at(regions.gradients));
        inputs.extend(states());
        outputs.extend(parameters);
        outputs.extend(states());
    }
    let scalars = 0..update.scalars.len();
    inputs.extend(scalars.map(|i| numbers::place(regions.numbers, i)));
    if update.norm {
        outputs.push(report(Reported::Norm));
    }
    if update.guarded {
        inputs.push(report(Reported::Loss));
        inputs.extend_from_slice(changed);
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
