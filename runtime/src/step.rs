//! A step as a program: the gradient function, then the update if there is one, over one set of regions.

use crate::budget::compile_within;
use crate::engine::{Engine, ModelRegions};
use crate::error::{Error, Result};
use crate::executable::{Executable, Linked, ResultType, Source};
use crate::groups::UpdatePlan;
use crate::layout::{Layout, element_size};
use crate::numbers::{self, Reported};
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
    report: RegionId,
}

/// Links the gradient function and the update that is planned, and lays out their regions.
///
/// # Errors
/// Functions that do not link, have no schedule, or cannot become code for the engine's device.
pub(crate) fn compile_step(
    engine: &Engine,
    binding: &Binding,
    layouts: &[Arc<Layout>],
    trainees: &Trainees,
    plan: Option<&UpdatePlan>,
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
    let source = |gradient| step_source(engine, gradient, layouts, trainees, plan);
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
    plan: Option<&UpdatePlan>,
) -> Result<Source> {
    let changed = engine.changed_states(&gradient.program, layouts)?;
    let float = engine.settings.precision.dtype();
    let size = element_size(float);
    let check = engine.settings.check_finite;
    let counted = changed.iter().filter(|_| check);
    let counted: Vec<usize> = counted.map(|state| state.leaf.bytes / size).collect();
    let update = match plan {
        Some(plan) => {
            let (groups, pieces) = (&plan.groups, &plan.pieces);
            Some(update(groups, plan.clip, pieces, float, check, &counted)?)
        }
        None => None,
    };

    let mut regions = Regions::new();
    let mut writes = engine.writes(&changed, layouts);
    if let (Some(first), Some(_)) = (writes.first_mut(), plan) {
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
    let names = plan.map_or(Vec::new(), |plan| plan.groups.states());
    let states = names.into_iter().enumerate();
    let states =
        states.map(|(i, name)| regions.add(Role::State(i), name, like_trained, RegionKind::State));
    let shared = StepRegions {
        models: &models,
        gradients,
        states: states.collect(),
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
    let indices = engine.index_checks(program);
    let mut linked = vec![gradient_part(
        engine,
        (gradient, trainees, layouts),
        inputs,
        outputs,
        &states,
        &shared,
    )?];
    let mut numbers = Vec::new();
    if let (Some(update), Some(plan)) = (update, plan) {
        numbers.clone_from(&update.numbers);
        let told = regions.add(
            Role::Numbers,
            "step scalars",
            numbers::bytes(numbers.len()),
            RegionKind::Input,
        );
        linked.push(update_part(update, plan, &states, &shared, told));
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
        let states = || regions.states[..*states].iter().map(|s| at(*s));
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
