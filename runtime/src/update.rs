//! The update as a program: one optimizer step over all trained parameters, which lie in flat ranges
//! (one, but where a model is shared: `crate::trainees`).
//!
//! Parameters, gradients and the optimizer's state are packed alike, so that a step is elementwise
//! over one axis; numbers that change from step to step (the learning rate, bias corrections) are
//! scalar inputs, so that changing them compiles nothing. The gaps between leaves hold zeros, which
//! every rule keeps zero (Adam's too where epsilon is 0: see [`adam`]) and no norm notices.

use crate::optimizer::{AdamRule, Optimizer, Rule, Sgd};
use sinew_ir::{Block, Builder, DType, Function, OpError, Param, ParamKind, Type, Value, ops};

/// What PyTorch adds to the norm before it divides by it.
const CLIP_EPSILON: f64 = 1e-6;

/// An update program and what its inputs and outputs are.
///
/// Inputs, in order: for each range its parameters, gradients and each state; each scalar; and where the
/// update is guarded the loss and the models' states that the step has changed. Outputs: for each range its
/// parameters and each state; the gradients' norm if they are clipped; two counts if guarded: of what is not
/// finite in loss, gradients and the models' states, and in what the update makes of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Update {
    /// The program.
    pub program: Function,
    /// Names of the states, all of the parameters' shape.
    pub states: Vec<&'static str>,
    /// The numbers of a step, in order.
    pub scalars: Vec<StepScalar>,
    /// Whether it reports the norm of the gradients.
    pub norm: bool,
    /// Whether it takes the loss, changes nothing where a number that came in or would go out is not
    /// finite, and counts these: both counts are 0 for a step that was taken.
    pub guarded: bool,
}

/// A number that may be another in each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepScalar {
    /// The learning rate.
    LearningRate,
    /// Learning rate / (1 - beta1^t).
    StepSize,
    /// sqrt(1 - beta2^t).
    SecondCorrection,
    /// 1 - learning rate * weight decay.
    Decay,
}

impl StepScalar {
    fn name(self) -> &'static str {
        match self {
            StepScalar::LearningRate => "learning_rate",
            StepScalar::StepSize => "step_size",
            StepScalar::SecondCorrection => "second_correction",
            StepScalar::Decay => "decay",
        }
    }

    /// Its value in step `t`, counted from 1.
    pub fn value(self, optimizer: &Optimizer, t: u64) -> f64 {
        let rate = optimizer.learning_rate;
        let power = i32::try_from(t).unwrap_or(i32::MAX); // beta^t is 0 long before
        match (self, &optimizer.rule) {
            (StepScalar::StepSize, Rule::Adam(a)) => rate / (1.0 - a.betas.0.powi(power)),
            (StepScalar::SecondCorrection, Rule::Adam(a)) => (1.0 - a.betas.1.powi(power)).sqrt(),
            (StepScalar::Decay, Rule::Adam(a)) => 1.0 - rate * a.weight_decay,
            (StepScalar::LearningRate, Rule::Adam(_)) | (_, Rule::Sgd(_)) => rate,
        }
    }
}

/// The update of ranges of so many parameters of type `float`; a guarded one looks at as many of the
/// models' states as `changed` has numbers of elements.
///
/// # Errors
/// None in practice: every op is applied to operands of its own kind.
pub(crate) fn update(
    optimizer: &Optimizer,
    ranges: &[usize],
    float: DType,
    guarded: bool,
    changed: &[usize],
) -> Result<Update, OpError> {
    let (states, scalars): (Vec<&'static str>, Vec<StepScalar>) = match &optimizer.rule {
        Rule::Sgd(sgd) if sgd.momentum == 0.0 => (vec![], vec![StepScalar::LearningRate]),
        Rule::Sgd(_) => (vec!["momentum"], vec![StepScalar::LearningRate]),
        Rule::Adam(adam) => {
            let mut scalars = vec![StepScalar::StepSize, StepScalar::SecondCorrection];
            if adam.decoupled {
                scalars.push(StepScalar::Decay);
            }
            (vec!["first moment", "second moment"], scalars)
        }
    };
    let scalar = Type::from_extents(float, &[]);
    let mut names: Vec<(String, Type)> = Vec::new();
    for (i, n) in ranges.iter().enumerate() {
        let flat = Type::from_extents(float, &[*n]);
        let range = ["parameters", "gradients"].iter().chain(&states);
        names.extend(range.map(|name| match i {
            0 => (name.to_string(), flat.clone()),
            i => (format!("{name} {i}"), flat.clone()),
        }));
    }
    let first_scalar = names.len();
    names.extend(
        scalars
            .iter()
            .map(|s| (s.name().to_string(), scalar.clone())),
    );
    let first_guarded = names.len();
    if guarded {
        names.push(("loss".to_string(), scalar));
        let changed = changed.iter().enumerate();
        names.extend(changed.map(|(i, n)| {
            let ty = Type::from_extents(float, &[*n]);
            (format!("state {i} of the model"), ty)
        }));
    }

    let mut b = Builder::default();
    let inputs: Vec<Value> = names.iter().map(|(_, ty)| b.value(ty.clone())).collect();
    let numbers = &inputs[first_scalar..first_guarded];
    let width = 2 + states.len();
    let old: Vec<&[Value]> = inputs[..first_scalar].chunks(width).collect();

    let gradients: Vec<Value> = old.iter().map(|range| range[1]).collect();
    let mut norm = None;
    let mut clip = None;
    if let Some(greatest) = optimizer.clip {
        let value = euclidean_norm(&mut b, &gradients)?;
        clip = Some(clip_scale(&mut b, value, greatest)?);
        norm = Some(value);
    }
    let mut results = Vec::new();
    let mut kept = Vec::new();
    for range in &old {
        let (p, mut g, states) = (range[0], range[1], &range[2..]);
        if let Some(scale) = clip {
            let scale = broadcast_like(&mut b, scale, g)?;
            g = b.mul(g, scale)?;
        }
        results.extend(match &optimizer.rule {
            Rule::Sgd(rule) => sgd(&mut b, rule, p, g, states, numbers)?,
            Rule::Adam(rule) => adam(&mut b, rule, p, g, states, numbers)?,
        });
        kept.push(p);
        kept.extend_from_slice(states);
    }
    let mut counts = None;
    if guarded {
        let came = inputs[first_guarded..].iter().chain(&gradients).copied();
        let came: Vec<Value> = came.collect();
        counts = Some(guard(&mut b, &came, &kept, &mut results, norm)?);
    }
    results.extend(norm);
    results.extend(counts.into_iter().flatten());

    let params = names
        .iter()
        .map(|(name, _)| Param {
            name: name.clone(),
            kind: ParamKind::Input,
        })
        .collect();
    let program = Function {
        name: "update".into(),
        params,
        values: b.values,
        body: Block::body(names.len(), b.insts, results),
        ..Function::default()
    };
    Ok(Update {
        program,
        states,
        scalars,
        norm: optimizer.clip.is_some(),
        guarded,
    })
}

/// Has `results` stay as the `old` values were where loss, states and gradients (`what_came`), results or
/// the norm are not finite. The counts of what is not: in what came, and in what was made of it.
fn guard(
    b: &mut Builder,
    what_came: &[Value],
    old: &[Value],
    results: &mut [Value],
    norm: Option<Value>,
) -> Result<[Value; 2], OpError> {
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

type Built = Result<Value, OpError>;

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

/// `g + by * p`
fn with_decay(b: &mut Builder, g: Value, p: Value, by: f64) -> Built {
    if by == 0.0 {
        return Ok(g);
    }
    let decay = b.scale(p, by)?;
    b.add(g, decay)
}

/// [`Sgd`]'s parameters and states.
fn sgd(
    b: &mut Builder,
    rule: &Sgd,
    p: Value,
    g: Value,
    states: &[Value],
    numbers: &[Value],
) -> Result<Vec<Value>, OpError> {
    let g = with_decay(b, g, p, rule.weight_decay)?;
    let mut direction = g;
    let mut kept = Vec::new();
    if let Some(old) = states.first() {
        let part = b.scale(*old, rule.momentum)?;
        direction = b.add(part, g)?;
        kept.push(direction);
        if rule.nesterov {
            let part = b.scale(direction, rule.momentum)?;
            direction = b.add(g, part)?;
        }
    }
    let rate = broadcast_like(b, numbers[0], p)?;
    let step = b.mul(rate, direction)?;
    let mut results = vec![b.sub(p, step)?];
    results.extend(kept);
    Ok(results)
}

/// [`Adam`](crate::Adam)'s and [`AdamW`](crate::AdamW)'s parameters and states.
///
/// Without an epsilon, an element that has had no gradient is 0 / 0: it stays, so that the gaps between
/// leaves do (and parameters that nothing has used yet, which PyTorch makes NaN).
fn adam(
    b: &mut Builder,
    rule: &AdamRule,
    mut p: Value,
    mut g: Value,
    states: &[Value],
    numbers: &[Value],
) -> Result<Vec<Value>, OpError> {
    if rule.decoupled {
        let decay = broadcast_like(b, numbers[2], p)?;
        p = b.mul(p, decay)?;
    } else {
        g = with_decay(b, g, p, rule.weight_decay)?;
    }
    let (b1, b2) = rule.betas;
    let (old, new) = (b.scale(states[0], b1)?, b.scale(g, 1.0 - b1)?);
    let m = b.add(old, new)?;
    let square = b.mul(g, g)?;
    let (old, new) = (b.scale(states[1], b2)?, b.scale(square, 1.0 - b2)?);
    let v = b.add(old, new)?;
    let root = b.sqrt(v)?;
    let correction = broadcast_like(b, numbers[1], p)?;
    let root = b.div(root, correction)?;
    let divisor = b.with(ops::ADD, root, rule.epsilon)?;
    let mut direction = b.div(m, divisor)?;
    if rule.epsilon < least_normal(b.type_of(p).dtype) {
        let still = b.with(ops::EQ, m, 0.0)?;
        let zero = b.like(0.0, m)?;
        direction = b.select(still, zero, direction)?;
    }
    let size = broadcast_like(b, numbers[0], p)?;
    let step = b.mul(size, direction)?;
    Ok(vec![b.sub(p, step)?, m, v])
}

/// Below it, compiled code takes numbers for zeros.
fn least_normal(float: DType) -> f64 {
    match float {
        DType::F64 => f64::MIN_POSITIVE,
        _ => f64::from(f32::MIN_POSITIVE),
    }
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
