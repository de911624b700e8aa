//! Drops what nothing uses.

use crate::block::{Block, Inst, Loop};
use crate::function::{Function, Value};
use crate::op::Probe;

/// Drops every instruction that neither a result nor a gradient needs, and of loops what they carry,
/// slice and stack for nothing.
///
/// Instructions of the body that only the pullback needs stay in the body. A call stays if its
/// pullback does.
pub(crate) fn eliminate(function: &mut Function) {
    let live = live(function);
    sweep(&mut function.body, &live);
    if let Some(p) = &mut function.pullback {
        sweep(&mut p.block, &live);
    }
}

/// Drops what no gradient needs; the body stays as it is.
pub(crate) fn eliminate_in_pullback(function: &mut Function) {
    let live = live(function);
    if let Some(p) = &mut function.pullback {
        sweep(&mut p.block, &live);
    }
}

/// What a value is computed from.
#[derive(Clone)]
enum Source<'a> {
    /// Nothing in the function: it is a parameter, a cotangent or an index.
    Given,
    /// All that the instruction uses.
    Inst(&'a Inst),
    /// One value, of which it is a slice or a stack.
    One(Value),
    /// What a loop carries: at first the one, then the other.
    Carried(Value, Value),
}

/// Which values the results and the gradients are made of.
fn live(function: &Function) -> Vec<bool> {
    let mut sources = vec![Source::Given; function.values.len()];
    note(&function.body, &mut sources);
    let mut open = function.body.results.clone();
    if let Some(p) = &function.pullback {
        note(&p.block, &mut sources);
        open.extend(&p.block.results);
    }
    let mut live = vec![false; function.values.len()];
    open.extend(captured(&function.body));
    while let Some(v) = open.pop() {
        if std::mem::replace(&mut live[v.index()], true) {
            continue;
        }
        match &sources[v.index()] {
            Source::Given => {}
            Source::Inst(inst) => {
                inst.each_operand(&mut |v| open.push(v));
                if let Inst::PullbackCall(p) = inst {
                    open.push(p.call);
                }
            }
            Source::One(from) => open.push(*from),
            Source::Carried(first, next) => open.extend([*first, *next]),
        }
    }
    live
}

/// What runs may look at, which lives without any use.
fn captured(block: &Block) -> Vec<Value> {
    let mut found = Vec::new();
    block.each_inst(&mut |inst| {
        if let Inst::Op(i) = inst
            && i.op.kind.probe() == Some(Probe::Capture)
        {
            found.push(i.result);
        }
    });
    found
}

fn note<'a>(block: &'a Block, sources: &mut [Source<'a>]) {
    block.each_inst(&mut |inst| match inst {
        Inst::Op(_) | Inst::Call(_) | Inst::PullbackCall(_) => {
            inst.each_result(&mut |v| sources[v.index()] = Source::Inst(inst));
        }
        Inst::Loop(l) => {
            let ends = l.carried_params().iter().zip(&l.results);
            for ((param, result), (first, next)) in ends.zip(l.carried.iter().zip(&l.body.results))
            {
                sources[param.index()] = Source::Carried(*first, *next);
                sources[result.index()] = Source::Carried(*first, *next);
            }
            for (param, s) in l.slice_params().iter().zip(&l.sliced) {
                sources[param.index()] = Source::One(s.value);
            }
            for (value, _, stack) in l.stacks() {
                sources[stack.index()] = Source::One(value);
            }
        }
    });
}

fn sweep(block: &mut Block, live: &[bool]) {
    block.insts.retain_mut(|inst| match inst {
        Inst::Op(i) => live[i.result.index()],
        Inst::Call(c) => c.results.iter().any(|v| live[v.index()]),
        Inst::PullbackCall(p) => {
            p.results.retain(|(_, v)| live[v.index()]);
            !p.results.is_empty()
        }
        Inst::Loop(l) => {
            let needed = l.results.iter().any(|v| live[v.index()]) || !captured(&l.body).is_empty();
            if needed {
                narrow(l, live);
            }
            needed
        }
    });
}

/// Takes out of a loop what it carries, slices and stacks for nothing, and sweeps its body.
fn narrow(l: &mut Loop, live: &[bool]) {
    let count = l.carried.len();
    // What is carried stays while the result or, in the body, the parameter is used.
    let carried: Vec<bool> = l
        .carried_params()
        .iter()
        .zip(&l.results)
        .map(|(p, r)| live[p.index()] || live[r.index()])
        .collect();
    let sliced: Vec<bool> = l.slice_params().iter().map(|v| live[v.index()]).collect();
    let stacked: Vec<bool> = l.results[count..].iter().map(|v| live[v.index()]).collect();
    let given: Vec<bool> = carried.iter().chain(&stacked).copied().collect();
    let params: Vec<bool> = [true]
        .iter()
        .chain(&carried)
        .chain(&sliced)
        .copied()
        .collect();
    keep(&mut l.body.params, &params);
    keep(&mut l.body.results, &given);
    keep(&mut l.results, &given);
    keep(&mut l.carried, &carried);
    keep(&mut l.sliced, &sliced);
    keep(&mut l.stacked, &stacked);
    sweep(&mut l.body, live);
}

fn keep<T>(list: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    list.retain(|_| kept.next() == Some(&true));
}
