//! A gradient over a batch in parts: a loop over these, which adds up what each gives.

use crate::block::{Block, Inst, Loop, Order, Sliced};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::{Function, ParamKind, Value};
use crate::link::Gradient;
use crate::op::OpError;
use crate::ops;
use crate::shape::{Axis, Type};

/// What becomes of the results that the parts give in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// Their mean.
    Mean,
    /// They lie one behind the other along their first axis.
    Rows,
    /// They lie one behind the other along a new first axis.
    Each,
}

/// What the loop makes of a result of a part.
#[derive(Clone, Copy)]
enum Made {
    /// It is added to what is carried in this place, whose mean it becomes.
    Sum(usize),
    /// It is what is carried in this place.
    State(usize),
    /// It is stacked in this place, and its first two axes are one then if it is asked for.
    Stack(usize, bool),
}

/// What a program makes of one part of a batch, over all `parts` of it: the parameters that are `split` have an axis more
/// in front, which counts them, and all others are the same for each. Gradients are the mean of the parts', states go
/// from part to part, and of each other result `joined` says what becomes of it. What parts draw differs.
///
/// # Errors
/// Results that cannot be joined so.
pub fn over_parts(
    gradient: &Gradient,
    parts: usize,
    split: &[bool],
    joined: &[Join],
) -> Result<Gradient, OpError> {
    let old = &gradient.program;
    let count = Dim::constant(i64::try_from(parts).unwrap_or(i64::MAX));
    let wider = |ty: &Type| {
        let mut ty = ty.clone();
        ty.shape.dims.insert(0, count.clone());
        ty
    };
    let is_split = |i: usize| split.get(i).copied().unwrap_or(false);
    let mut b = Builder::default();
    let params: Vec<Value> = old.values[..old.params.len()]
        .iter()
        .enumerate()
        .map(|(i, ty)| b.value(if is_split(i) { wider(ty) } else { ty.clone() }))
        .collect();

    // What is carried: sums from zeros on, then states.
    let returned = old.returned().len();
    let mut carried = Vec::new();
    let mut stacked = 0;
    let mut made = Vec::new();
    for (i, result) in old.body.results.iter().enumerate() {
        let ty = old.type_of(*result).clone();
        made.push(match (i.checked_sub(returned), joined.get(i)) {
            (Some(state), _) => {
                carried.push(params[old.states[state]]);
                Made::State(carried.len() - 1)
            }
            (None, None | Some(Join::Mean)) => {
                carried.push(b.constant(0.0, ty.dtype, ty.shape)?);
                Made::Sum(carried.len() - 1)
            }
            (None, Some(join)) => {
                stacked += 1;
                Made::Stack(stacked - 1, *join == Join::Rows)
            }
        });
    }

    let outer = std::mem::take(&mut b.insts);
    let index = b.value(Loop::index_type());
    let mut body_params = vec![index];
    for v in &carried {
        let ty = b.type_of(*v).clone();
        body_params.push(b.value(ty));
    }
    let carried_params = body_params[1..].to_vec();
    let mut operands = params.clone();
    for (state, new) in old
        .states
        .iter()
        .zip(old.body.results.len() - old.states.len()..)
    {
        if let Made::State(at) = made[new] {
            operands[*state] = carried_params[at];
        }
    }
    let mut sliced = Vec::new();
    for (i, ty) in old.values[..old.params.len()].iter().enumerate() {
        if is_split(i) {
            operands[i] = b.value(ty.clone());
            body_params.push(operands[i]);
            sliced.push(Sliced {
                value: params[i],
                axis: 0,
            });
        }
        if old.params[i].kind == ParamKind::Key {
            operands[i] = key_of_part(&mut b, params[i], index)?;
        }
    }
    let results = b.splice(old, &operands)?;
    let (mut handed_on, mut stacks) = (carried_params.clone(), Vec::new());
    for (result, made) in results.iter().zip(&made) {
        match *made {
            Made::Sum(at) => handed_on[at] = b.add(carried_params[at], *result)?,
            Made::State(at) => handed_on[at] = *result,
            Made::Stack(..) => stacks.push(*result),
        }
    }
    let insts = std::mem::replace(&mut b.insts, outer);
    let mut loop_results: Vec<Value> = Vec::new();
    for v in &carried {
        let ty = b.type_of(*v).clone();
        loop_results.push(b.value(ty));
    }
    for v in &stacks {
        let ty = wider(b.type_of(*v));
        loop_results.push(b.value(ty));
    }
    b.insts.push(Inst::Loop(Loop {
        trip: count,
        order: Order::Forward,
        sliced,
        body: Block {
            params: body_params,
            insts,
            results: handed_on
                .into_iter()
                .chain(stacks.iter().copied())
                .collect(),
        },
        stacked: vec![0; stacks.len()],
        results: loop_results.clone(),
        location: None,
        carried,
    }));

    let first_stack = loop_results.len() - stacks.len();
    let mut out = Vec::with_capacity(results.len());
    for made in made {
        out.push(match made {
            Made::Sum(at) => b.with(ops::MUL, loop_results[at], 1.0 / parts as f64)?,
            Made::State(at) => loop_results[at],
            Made::Stack(at, false) => loop_results[first_stack + at],
            Made::Stack(at, true) => {
                let stack = loop_results[first_stack + at];
                let mut shape = b.type_of(stack).shape.clone();
                let all = shape.dims.remove(0);
                let Some(rows) = shape.dims.first_mut() else {
                    return Err(OpError::NoAxis { index: 0, shape });
                };
                let rows_of_all = all.checked_mul(rows);
                *rows = rows_of_all.ok_or(OpError::Attribute("shape"))?;
                b.reshape(stack, &shape)?
            }
        });
    }
    let mut program = Function {
        values: b.values,
        body: Block::body(old.params.len(), b.insts, out),
        name: old.name.clone(),
        params: old.params.clone(),
        structs: old.structs.clone(),
        states: old.states.clone(),
        ..Function::default()
    };
    crate::simplify(&mut program);
    Ok(Gradient {
        program,
        ..gradient.clone()
    })
}

/// The key of what a part draws; that of the first is the run's own.
fn key_of_part(b: &mut Builder, key: Value, index: Value) -> Result<Value, OpError> {
    /// 2^32 over the golden ratio, to the next odd number: its multiples lie far apart.
    const STEP: f64 = 2_654_435_769.0;
    let index = b.cast(index, DType::U32)?;
    let step = b.with(ops::MUL, index, STEP)?;
    let shape = b.type_of(key).shape.clone();
    let step = b.broadcast(step, &shape, &[Axis::At(0)])?;
    b.add(key, step)
}
