//! What a loop stacks for the loops behind it, and how these compute it themselves.

use super::copy::{Copier, fresh, rename};
use super::light::bytes;
use crate::block::{Block, Inst, Loop, Sliced};
use crate::function::Value;
use crate::shape::Type;
use std::collections::{HashMap, HashSet};

/// Of the values that the body of a loop computes, the stacks of which nothing but slices is taken, by loops
/// behind it; each with what it is of, in the order of the loop's results.
#[derive(Clone, Default)]
pub(crate) struct Stacks(Vec<(Value, Sliced)>);

impl Stacks {
    /// Those of the loop at a place in a block.
    pub fn of(block: &Block, at: usize) -> Stacks {
        let Some(Inst::Loop(forward)) = block.insts.get(at) else {
            return Stacks::default();
        };
        let readers = || {
            block.insts[at + 1..].iter().filter_map(|inst| match inst {
                Inst::Loop(l) if l.trip == forward.trip => Some(l),
                Inst::Loop(_) | Inst::Op(_) | Inst::Call(_) | Inst::PullbackCall(_) => None,
            })
        };
        let mut uses: HashMap<Value, usize> = HashMap::new();
        block.each_use(&mut |v| *uses.entry(v).or_default() += 1);
        let made = makers(&forward.body);
        let mut stacks = Vec::new();
        for (value, axis, result) in forward.stacks() {
            let stack = Sliced {
                value: result,
                axis,
            };
            let slices = readers().flat_map(|r| &r.sliced).filter(|s| **s == stack);
            let count = slices.count();
            if made.contains_key(&value) && count > 0 && uses.get(&result) == Some(&count) {
                stacks.push((value, stack));
            }
        }
        Stacks(stacks)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Value, Sliced)> {
        self.0.iter().copied()
    }

    /// The values that are stacked.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        self.0.iter().map(|(v, _)| *v)
    }

    /// Keeps those of some values.
    pub fn retain(&mut self, of: impl Fn(Value) -> bool) {
        self.0.retain(|(v, _)| of(*v));
    }

    /// Computes them in the loops behind the one at a place, which stacks them no more, from values of which
    /// `may` tells that they may be computed there, and from what is stacked besides; whether that keeps less.
    pub fn compute_again(
        &self,
        types: &mut Vec<Type>,
        block: &mut Block,
        at: usize,
        may: &dyn Fn(Value) -> bool,
    ) -> bool {
        let Some((front, behind)) = block.insts.split_at_mut_checked(at + 1) else {
            return false;
        };
        let Some(Inst::Loop(forward)) = front.last_mut() else {
            return false;
        };
        let dropped: HashMap<Value, Sliced> = self.iter().collect();
        if !keeps_less(types, forward, &dropped, may) {
            return false;
        }
        for inst in behind {
            if let Inst::Loop(reader) = inst {
                read_again(types, (&mut *forward, reader), &dropped, may);
            }
        }
        true
    }
}

/// Whether stacks that are dropped take more than what is stacked in their place.
pub(super) fn keeps_less(
    types: &[Type],
    forward: &Loop,
    dropped: &HashMap<Value, Sliced>,
    may: &dyn Fn(Value) -> bool,
) -> bool {
    let saved: usize = dropped.keys().map(|v| bytes(types, *v)).sum();
    let (_, given) = computed_from(forward, &makers(&forward.body), dropped, may);
    let more = given.iter().filter(|v| must_be_stacked(forward, **v));
    let more: usize = more.map(|v| bytes(types, *v)).sum();
    saved > more
}

/// Computes in a later loop what it gets slices of: the instructions that it begins with from now on.
pub(super) fn read_again(
    types: &mut Vec<Type>,
    (forward, reader): (&mut Loop, &mut Loop),
    dropped: &HashMap<Value, Sliced>,
    may: &dyn Fn(Value) -> bool,
) -> usize {
    let read = |s: &Sliced| dropped.iter().find(|(_, stack)| *stack == s);
    let wanted: HashMap<Value, Sliced> = reader
        .sliced
        .iter()
        .filter_map(read)
        .map(|(v, s)| (*v, *s))
        .collect();
    if wanted.is_empty() || reader.trip != forward.trip {
        return 0;
    }
    let mut computed = HashSet::new();
    let mut given: Vec<Value> = Vec::new();
    // What another dropped value is made of is computed too, so all of them count as dropped.
    let made = makers(&forward.body);
    let (all, from) = computed_from(forward, &made, dropped, may);
    let mut open: Vec<Value> = wanted.keys().copied().collect();
    while let Some(v) = open.pop() {
        if from.contains(&v) {
            given.push(v);
        } else if let Some(at) = made.get(&v)
            && all.contains(&v)
            && computed.insert(v)
        {
            forward.body.insts[*at].each_operand(&mut |operand| open.push(operand));
        }
    }
    given.sort_unstable();
    given.dedup();
    let mut renamed: HashMap<Value, Value> = HashMap::new();
    for v in given {
        let here = match (Some(v) == forward.index(), reader.index()) {
            (true, Some(index)) => index,
            (true, None) | (false, _) => {
                let whole = whole(types, forward, v);
                slice(types, reader, whole, v)
            }
        };
        renamed.insert(v, here);
    }
    let mut copier = Copier::new(types);
    copier.renamed = renamed;
    let mut insts: Vec<Inst> = Vec::new();
    for inst in &forward.body.insts {
        if inst.results().iter().any(|v| computed.contains(v)) {
            insts.push(copier.copy(inst));
        }
    }
    let copied = copier.renamed;
    // The slices are what is computed.
    let mut replaced: HashMap<Value, Value> = HashMap::new();
    for (value, stack) in &wanted {
        while let Some(at) = reader.sliced.iter().position(|s| s == stack) {
            let param = reader.body.params.remove(1 + reader.carried.len() + at);
            reader.sliced.remove(at);
            replaced.insert(param, copied[value]);
        }
    }
    let old = std::mem::take(&mut reader.body.insts);
    let count = insts.len();
    insts.extend(old.into_iter().map(|mut inst| {
        rename(&mut inst, &replaced);
        inst
    }));
    reader.body.insts = insts;
    for v in &mut reader.body.results {
        *v = replaced.get(v).copied().unwrap_or(*v);
    }
    count
}

/// What holds a value of each iteration: what it is a slice of, or its stack, which is made if there is
/// none.
fn whole(types: &mut Vec<Type>, forward: &mut Loop, v: Value) -> Sliced {
    if let Some(whole) = held(forward, v) {
        return whole;
    }
    let mut ty = types[v.index()].clone();
    ty.shape.dims.insert(0, forward.trip.clone());
    let value = fresh(types, ty);
    forward.body.results.push(v);
    forward.stacked.push(0);
    forward.results.push(value);
    Sliced { value, axis: 0 }
}

/// The slice of a value in a loop, which is like `v`.
fn slice(types: &mut Vec<Type>, reader: &mut Loop, whole: Sliced, v: Value) -> Value {
    let slices = reader.sliced.iter().zip(reader.slice_params());
    if let Some((_, param)) = slices.into_iter().find(|(s, _)| **s == whole) {
        return *param;
    }
    let param = fresh(types, types[v.index()].clone());
    reader.sliced.push(whole);
    reader.body.params.push(param);
    param
}

/// The values of an iteration that are computed again for those that are dropped, and what they are
/// computed from: parameters of the body, and what is stacked.
pub(super) fn computed_from(
    forward: &Loop,
    made: &HashMap<Value, usize>,
    dropped: &HashMap<Value, Sliced>,
    may: &dyn Fn(Value) -> bool,
) -> (HashSet<Value>, HashSet<Value>) {
    let params: HashSet<Value> = forward.body.params.iter().copied().collect();
    let stacked: HashSet<Value> = forward.stacks().map(|(value, _, _)| value).collect();
    let (mut computed, mut given) = (HashSet::new(), HashSet::new());
    let mut open: Vec<Value> = dropped.keys().copied().collect();
    while let Some(v) = open.pop() {
        let kept = stacked.contains(&v) && !dropped.contains_key(&v);
        let outside = made.contains_key(&v) && !may(v);
        if params.contains(&v) || kept || outside {
            given.insert(v);
        } else if let Some(at) = made.get(&v)
            && computed.insert(v)
        {
            forward.body.insts[*at].each_operand(&mut |operand| open.push(operand));
        }
    }
    (computed, given)
}

/// What holds a value of each iteration already.
pub(super) fn held(forward: &Loop, v: Value) -> Option<Sliced> {
    let mut slices = forward.slice_params().iter().zip(&forward.sliced);
    if let Some((_, whole)) = slices.find(|(param, _)| **param == v) {
        return Some(*whole);
    }
    let mut stacks = forward.stacks();
    let (_, axis, value) = stacks.find(|(value, _, _)| *value == v)?;
    Some(Sliced { value, axis })
}

/// Whether a value is to be stacked before later loops can have it.
pub(super) fn must_be_stacked(forward: &Loop, v: Value) -> bool {
    Some(v) != forward.index() && held(forward, v).is_none()
}

/// Where each value is made that instructions of a block make.
pub(super) fn makers(block: &Block) -> HashMap<Value, usize> {
    let mut out = HashMap::new();
    for (at, inst) in block.insts.iter().enumerate() {
        inst.each_result(&mut |v| {
            out.insert(v, at);
        });
    }
    out
}
