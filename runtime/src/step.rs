//! A step as a program: the gradient function, then the update, over one set of regions.

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::executable::{Executable, Linked, Source};
use crate::layout::{Layout, Leaf, Section, element_size};
use crate::numbers::{self, Reported};
use crate::optimizer::Optimizer;
use crate::regions::{Regions, Role};
use crate::update::{Update, update};
use sinew_codegen::kernel::{RegionId, RegionKind};
use sinew_codegen::schedule::RegionOffset;
use sinew_ir::{Binding, Gradient, ParamKind};

/// The regions that both parts of a step work on.
struct StepRegions {
    trained: RegionId,
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
    layout: &Layout,
    optimizer: &Optimizer,
) -> Result<Executable> {
    let function = &engine.function;
    let trained = |p: &sinew_ir::Param| {
        let position = function.param(&p.name).map(|v| v.index());
        let path = position.and_then(|at| function.leaf_path(at));
        let leaf = path.and_then(|path| layout.stack(path));
        p.kind == ParamKind::Param && leaf.is_some_and(|l| l.section == Section::Trained)
    };
    let gradient = sinew_ir::link_gradient(engine.unit, binding, &trained)
        .map_err(|source| Error::link(engine.unit.path, source))?;
    let changed = engine.changed_states(&gradient.program, layout)?;
    let elements = layout.trained_bytes / element_size(layout.float);
    let check = engine.settings.check_finite;
    let size = element_size(layout.float);
    let counted = changed.iter().filter(|_| check);
    let counted: Vec<usize> = counted.map(|leaf| leaf.bytes / size).collect();
    let update =
        update(optimizer, elements, layout.float, check, &counted).map_err(Error::Update)?;

    let mut regions = Regions::new();
    let like_trained = layout.trained_bytes;
    let trained = regions.add(Role::Trained, "params", like_trained, RegionKind::State);
    let fixed = regions.add(
        Role::Fixed,
        "fixed",
        layout.fixed_bytes,
        fixed_kind(&changed),
    );
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
        trained,
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
    let arguments = regions.add_arguments(&engine.inputs, &gradient.program)?;
    let key = regions.add_key(&gradient.program);
    let program = &gradient.program;
    let inputs = engine.places(program, layout, trained, fixed, &arguments, key)?;
    let states = changed.iter().map(|leaf| RegionOffset {
        region: fixed,
        offset: leaf.offset,
    });
    let states: Vec<RegionOffset> = states.collect();
    let source = Source {
        indices: engine.index_checks(&gradient.program),
        scalars: update.scalars.clone(),
        linked: vec![
            gradient_part(engine, gradient, inputs, &states, &shared)?,
            update_part(update, &states, &shared),
        ],
        regions,
        results: Vec::new(),
        changed,
    };
    Executable::compile(engine, source)
}

/// What a program does with the region of leaves that are not trained.
pub(crate) fn fixed_kind(changed: &[Leaf]) -> RegionKind {
    match changed.is_empty() {
        true => RegionKind::Input,
        false => RegionKind::State,
    }
}

/// Loss, gradients and new states, each in place. A parameter's gradient lies where the parameter does in
/// its own region.
fn gradient_part(
    engine: &Engine,
    gradient: Gradient,
    inputs: Vec<RegionOffset>,
    states: &[RegionOffset],
    regions: &StepRegions,
) -> Result<Linked> {
    let mut places: Vec<Option<RegionOffset>> = vec![None; gradient.program.body.results.len()];
    for (param, result) in gradient.gradients.iter().enumerate() {
        if let Some(result) = result {
            places[*result] = Some(RegionOffset {
                region: regions.gradients,
                offset: inputs[param].offset,
            });
        }
    }
    let mut outputs = vec![Reported::Loss.place(regions.report)];
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
fn update_part(update: Update, changed: &[RegionOffset], regions: &StepRegions) -> Linked {
    let start = |region| RegionOffset { region, offset: 0 };
    let report = |number: Reported| number.place(regions.report);
    let states = || regions.states.iter().map(|s| start(*s));
    let mut inputs = vec![start(regions.trained), start(regions.gradients)];
    inputs.extend(states());
    let scalars = 0..update.scalars.len();
    inputs.extend(scalars.map(|i| numbers::place(regions.numbers, i)));
    let mut outputs = vec![start(regions.trained)];
    outputs.extend(states());
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
