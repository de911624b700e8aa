//! The update as a program: clipping, and the rules' functions over all trained parameters, which lie in pieces
//! (one, but where a model is shared, in groups, or updated parameter by parameter).
//!
//! Parameters, gradients and the optimizer's state are packed alike; numbers that change from step to step (the
//! learning rate, bias corrections) are scalar inputs, so that changing them compiles nothing. The gaps between
//! leaves hold zeros in the gradients, which no norm notices; what a rule makes of them elsewhere nobody reads.

use crate::error::{Error, Result};
use crate::groups::{StepNumber, UpdatePlan};
use crate::optimizer::Clip;
use sinew_ir::{Block, Builder, DType, Function, OpError, Param, ParamKind, Type, Value, ops};

/// What PyTorch adds to the norm before it divides by it.
const CLIP_EPSILON: f64 = 1e-6;

/// An update program and what its inputs and outputs are.
///
/// Inputs, in order: for each piece its parameters, gradients and each state; each number; and where the
/// update is guarded what else has come of the step. Outputs: for each piece its
/// parameters and each state; the gradients' norm if they are clipped by it; two counts if guarded: of what is not
/// finite in what came, and in what the update makes of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Update {
    /// The program.
    pub program: Function,
    /// Of each piece, which states it has.
    pub states: Vec<Vec<usize>>,
    /// The numbers of a step, in order.
    pub numbers: Vec<StepNumber>,
    /// Whether it reports the norm of the gradients.
    pub norm: bool,
    /// Whether it changes nothing where a number that came in or would go out is not
    /// finite, and counts these: both counts are 0 for a step that was taken.
    pub guarded: bool,
    /// Whether it is by the step's own gradients: a guarded one then takes its loss and the states that it changed.
    pub by_step: bool,
}

/// Whose gradients an update goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gradients<'a> {
    /// The step's own, with which a loss comes, and new states of the models of so many elements each.
    OfStep(&'a [usize]),
    /// Sums, which a number of the step is multiplied by.
    Accumulated,
}

/// The update that is planned, of type `float`.
///
/// # Errors
/// A rule that is not for the shape of a piece; else none in practice: every op is applied to operands of its own
/// kind.
pub(crate) fn update(
    plan: &UpdatePlan,
    float: DType,
    guarded: bool,
    by: Gradients<'_>,
) -> Result<Update> {
    let (groups, pieces) = (&plan.groups, &plan.pieces);
    let mut b = Builder::default();
    let mut names = Vec::new();
    let mut input = |b: &mut Builder, name: String, shape: &[usize]| {
        names.push(name);
        b.value(Type::from_extents(float, shape))
    };
    let mut olds = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        let name = |what: &str| match i {
            0 => what.to_string(),
            i => format!("{what} {i}"),
        };
        let p = input(&mut b, name("parameters"), &piece.shape);
        let g = input(&mut b, name("gradients"), &piece.shape);
        let states = plan.kept_of_group(piece.group);
        let states = states.map(|(i, state)| (i, input(&mut b, name(state), &piece.shape)));
        olds.push(Old {
            p,
            g,
            states: states.collect(),
        });
    }
    let mut numbers: Vec<StepNumber> = Vec::new();
    let mut told: Vec<Value> = Vec::new();
    if by == Gradients::Accumulated {
        told.push(input(&mut b, "share of the gradients".to_string(), &[]));
        numbers.push(StepNumber::Share);
    }
    let mut groups_told: Vec<usize> = Vec::new();
    for piece in pieces {
        let Some(group) = groups.get(piece.group) else {
            continue;
        };
        if groups_told.contains(&piece.group) {
            continue;
        }
        groups_told.push(piece.group);
        for name in &group.update.numbers {
            told.push(input(
                &mut b,
                format!("{name} of group {}", piece.group),
                &[],
            ));
            numbers.push(StepNumber::OfRule {
                group: piece.group,
                name: name.clone(),
            });
        }
    }
    let mut came = Vec::new();
    if guarded && let Gradients::OfStep(changed) = by {
        came.push(input(&mut b, "loss".to_string(), &[]));
        for (i, n) in changed.iter().enumerate() {
            came.push(input(&mut b, format!("state {i} of the model"), &[*n]));
        }
    }
    let mut gradients: Vec<Value> = olds.iter().map(|old| old.g).collect();
    came.extend_from_slice(&gradients);
    if let (Gradients::Accumulated, Some(share)) = (by, told.first()) {
        for g in &mut gradients {
            let share = broadcast_like(&mut b, *share, *g).map_err(Error::Update)?;
            *g = b.mul(*g, share).map_err(Error::Update)?;
        }
    }
    let norm = clip(&mut b, plan.clip, &mut gradients).map_err(Error::Update)?;
    let mut results = Vec::new();
    let mut kept = Vec::new();
    for ((piece, old), g) in pieces.iter().zip(&olds).zip(gradients) {
        let Some(group) = groups.get(piece.group) else {
            continue;
        };
        let update = &group.update;
        let program = update.program(piece)?;
        let mut operands = vec![old.p, g];
        for declared in 0..update.declared() {
            let at = update.states.iter().position(|(i, _)| *i == declared);
            let state = at.and_then(|at| old.states.get(at));
            // What is not kept is not read.
            operands.push(state.map_or(old.p, |(_, state)| *state));
        }
        let own = numbers.iter().zip(&told).filter(
            |(n, _)| matches!(n, StepNumber::OfRule { group, .. } if *group == piece.group),
        );
        operands.extend(own.map(|(_, v)| *v));
        let made = b.splice(&program, &operands).map_err(Error::Update)?;
        results.extend(made.first());
        results.extend(update.states.iter().filter_map(|(i, _)| made.get(1 + i)));
        if let (Some(keeps), Some((_, average)), Some(new)) =
            (plan.average, old.states.last(), made.first())
        {
            results.push(averaged(&mut b, keeps, *average, *new).map_err(Error::Update)?);
        }
        kept.push(old.p);
        kept.extend(old.states.iter().map(|(_, state)| *state));
    }
    let mut counts = None;
    if guarded {
        counts = Some(guard(&mut b, &came, &kept, &mut results, norm).map_err(Error::Update)?);
    }
    results.extend(norm);
    results.extend(counts.into_iter().flatten());

    let states = |old: &Old| old.states.iter().map(|(i, _)| *i).collect();
    Ok(Update {
        states: olds.iter().map(states).collect(),
        program: program("update", names, b, results),
        numbers,
        norm: norm.is_some(),
        guarded,
        by_step: by != Gradients::Accumulated,
    })
}

/// The program that adds gradients of so many elements to sums of them. Inputs: both, and where it is guarded the loss
/// and new states of the models, of so many elements each. Outputs: the sums, and if guarded the two counts of an
/// [`Update`].
///
/// # Errors
/// None in practice, as for [`update`].
pub(crate) fn accumulation(
    count: usize,
    float: DType,
    guarded: Option<&[usize]>,
) -> Result<Function> {
    let mut b = Builder::default();
    let mut names = Vec::new();
    let mut input = |b: &mut Builder, name: String, shape: &[usize]| {
        names.push(name);
        b.value(Type::from_extents(float, shape))
    };
    let sum = input(&mut b, "sums".into(), &[count]);
    let g = input(&mut b, "gradients".into(), &[count]);
    let mut came = vec![g];
    if let Some(changed) = guarded {
        came.push(input(&mut b, "loss".into(), &[]));
        for (i, n) in changed.iter().enumerate() {
            came.push(input(&mut b, format!("state {i} of the model"), &[*n]));
        }
    }
    let mut results = vec![b.add(sum, g).map_err(Error::Update)?];
    if guarded.is_some() {
        let counts = guard(&mut b, &came, &[sum], &mut results, None).map_err(Error::Update)?;
        results.extend(counts);
    }
    Ok(program("accumulate", names, b, results))
}

/// A program of what was built, whose inputs have these names.
fn program(name: &str, inputs: Vec<String>, b: Builder, results: Vec<Value>) -> Function {
    let count = inputs.len();
    let params = inputs.into_iter().map(|name| Param {
        name,
        kind: ParamKind::Input,
    });
    let mut program = Function {
        name: name.into(),
        params: params.collect(),
        values: b.values,
        body: Block::body(count, b.insts, results),
        ..Function::default()
    };
    sinew_ir::simplify(&mut program);
    program
}

/// What a piece was before the update.
struct Old {
    p: Value,
    g: Value,
    /// Which state each is, and its value.
    states: Vec<(usize, Value)>,
}

/// `keeps * average + (1 - keeps) * new`
fn averaged(b: &mut Builder, keeps: f64, average: Value, new: Value) -> Built {
    let old = b.with(ops::MUL, average, keeps)?;
    let new = b.with(ops::MUL, new, 1.0 - keeps)?;
    b.add(old, new)
}

/// Clips gradients; the norm that they had if that is asked for.
fn clip(
    b: &mut Builder,
    clip: Clip,
    gradients: &mut [Value],
) -> std::result::Result<Option<Value>, OpError> {
    if let Some(greatest) = clip.value {
        for g in &mut *gradients {
            let below = b.with(ops::MINIMUM, *g, greatest)?;
            *g = b.with(ops::MAXIMUM, below, -greatest)?;
        }
    }
    let Some(greatest) = clip.norm else {
        return Ok(None);
    };
    let norm = euclidean_norm(b, gradients)?;
    let scale = clip_scale(b, norm, greatest)?;
    for g in gradients {
        let scale = broadcast_like(b, scale, *g)?;
        *g = b.mul(*g, scale)?;
    }
    Ok(Some(norm))
}

/// Has `results` stay as the `old` values were where loss, states and gradients (`what_came`), results or
/// the norm are not finite. The counts of what is not: in what came, and in what was made of it.
fn guard(
    b: &mut Builder,
    what_came: &[Value],
    old: &[Value],
    results: &mut [Value],
    norm: Option<Value>,
) -> std::result::Result<[Value; 2], OpError> {
    let mut came = count_not_finite(b, what_came[0])?;
    for x in &what_came[1..] {
        let count = count_not_finite(b, *x)?;
        came = b.add(came, count)?;
    }
    // A norm past the range would clip every gradient to 0.
    let mut made = b.like(0.0, came)?;
    for out in results.iter().chain(&norm) {
        let count = count_not_finite(b, *out)?;
        made = b.add(made, count)?;
    }
    let count = b.add(came, made)?;
    let fine = b.with(ops::EQ, count, 0.0)?;
    for (new, old) in results.iter_mut().zip(old) {
        let fine = broadcast_like(b, fine, *old)?;
        *new = b.select(fine, *new, *old)?;
    }
    Ok([came, made])
}

type Built = std::result::Result<Value, OpError>;

/// A scalar over the shape of `like`.
fn broadcast_like(b: &mut Builder, scalar: Value, like: Value) -> Built {
    let shape = b.type_of(like).shape.clone();
    b.broadcast(scalar, &shape, &shape.axes())
}

/// The sum of all elements.
fn total(b: &mut Builder, x: Value) -> Built {
    let axes = b.type_of(x).shape.axes();
    b.sum(x, &axes)
}

/// Of all gradients together.
fn euclidean_norm(b: &mut Builder, gradients: &[Value]) -> Built {
    let mut sum = None;
    for g in gradients {
        let squares = b.mul(*g, *g)?;
        let part = total(b, squares)?;
        sum = Some(match sum {
            None => part,
            Some(sum) => b.add(sum, part)?,
        });
    }
    let none = OpError::Arity {
        expected: 1,
        found: 0,
    };
    let sum = sum.ok_or(none)?;
    b.sqrt(sum)
}

/// `min(1, greatest / (norm + 1e-6))`
fn clip_scale(b: &mut Builder, norm: Value, greatest: f64) -> Built {
    let divisor = b.with(ops::ADD, norm, CLIP_EPSILON)?;
    let greatest = b.like(greatest, norm)?;
    let ratio = b.div(greatest, divisor)?;
    b.with(ops::MINIMUM, ratio, 1.0)
}

/// How many elements are NaN or infinite: only a finite number is at most the greatest one in
/// magnitude.
fn count_not_finite(b: &mut Builder, x: Value) -> Built {
    let greatest = match b.type_of(x).dtype {
        DType::F64 => f64::MAX,
        _ => f64::from(f32::MAX),
    };
    let magnitude = b.abs(x)?;
    let finite = b.with(ops::LE, magnitude, greatest)?;
    let (zero, one) = (b.like(0.0, x)?, b.like(1.0, x)?);
    let bad = b.select(finite, zero, one)?;
    total(b, bad)
}
