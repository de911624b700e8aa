//! What loops stack for the loops behind them, computed again there: an iteration that gets slices of stacks
//! gets what the stacking iteration got instead, and computes the values itself.

use super::bisection::Bisector;
use super::copy::{Copier, fresh, rename};
use super::light::bytes;
use super::{Again, Why};
use crate::block::{Block, Inst, Loop, Sliced};
use crate::function::{Function, Value};
use crate::op::OpClass;
use crate::shape::Type;
use std::collections::{HashMap, HashSet};

/// What iterations compute again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Iterations {
    /// Nothing: all that is used later is stacked.
    Kept,
    /// What follows element by element from what is stacked besides.
    Cheap,
    /// All that follows from what the iteration is given.
    Whole,
}

impl Iterations {
    /// All of them, those that compute the least first.
    pub const ALL: [Iterations; 3] = [Iterations::Kept, Iterations::Cheap, Iterations::Whole];
}

/// Computes values of iterations again, in all loops of a program; what an iteration computes again is halved.
pub(super) fn recompute(
    program: &mut Function,
    how: Iterations,
    halvings: usize,
    again: &mut Vec<Again>,
) {
    if how != Iterations::Kept {
        let mut pass = Pass {
            types: &mut program.values,
            how,
            halvings,
            again,
        };
        pass.block(&mut program.body);
    }
}

struct Pass<'a> {
    types: &'a mut Vec<Type>,
    how: Iterations,
    halvings: usize,
    again: &'a mut Vec<Again>,
}

impl Pass<'_> {
    fn block(&mut self, block: &mut Block) {
        // How many instructions each loop begins with that are computed again.
        let mut begins: HashMap<usize, usize> = HashMap::new();
        for at in 0..block.insts.len() {
            let Some(dropped) = self.dropped(block, at) else {
                continue;
            };
            let (front, behind) = block.insts.split_at_mut(at + 1);
            let Some(Inst::Loop(forward)) = front.last_mut() else {
                continue;
            };
            for (i, inst) in behind.iter_mut().enumerate() {
                if let Inst::Loop(reader) = inst {
                    let count = self.read_again(forward, reader, &dropped);
                    *begins.entry(at + 1 + i).or_default() += count;
                }
            }
        }
        for (at, inst) in block.insts.iter_mut().enumerate() {
            let Inst::Loop(l) = inst else { continue };
            self.block(&mut l.body);
            let count = begins.get(&at).copied().unwrap_or(0);
            let out: HashSet<Value> = l.body.results.iter().copied().collect();
            let mut halver = Bisector {
                types: self.types,
                out: &out,
                again: self.again,
            };
            let insts = std::mem::take(&mut l.body.insts);
            l.body.insts = halver.halve(insts, count, self.halvings);
        }
    }

    /// The stacks of the loop at a place that are not kept, with the values that they are of. `None` if
    /// keeping less of them is no gain.
    fn dropped(&mut self, block: &Block, at: usize) -> Option<HashMap<Value, Sliced>> {
        let Some(Inst::Loop(forward)) = block.insts.get(at) else {
            return None;
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
        // Of values that the body computes, those stacks that nothing but slices is taken of.
        let mut stacks: Vec<(Value, Sliced)> = Vec::new();
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
        let dropped: HashMap<Value, Sliced> = match self.how {
            Iterations::Kept => HashMap::new(),
            Iterations::Whole => stacks.into_iter().collect(),
            Iterations::Cheap => {
                let mut dropped = HashMap::new();
                // The last ones first: what they follow from is still stacked.
                for (value, stack) in stacks.into_iter().rev() {
                    dropped.insert(value, stack);
                    if !is_cheap(forward, &made, &dropped) {
                        dropped.remove(&value);
                    }
                }
                dropped
            }
        };
        let trip = forward
            .trip
            .as_constant()
            .and_then(|t| usize::try_from(t).ok())?;
        let saved: usize = dropped.keys().map(|v| bytes(self.types, *v)).sum();
        let given = computed_from(forward, &made, &dropped).1;
        let more = given.iter().filter(|v| must_be_stacked(forward, **v));
        let more: usize = more.map(|v| bytes(self.types, *v)).sum();
        if saved <= more {
            return None;
        }
        for value in dropped.keys() {
            if let Some(at) = made.get(value) {
                let inst = &forward.body.insts[*at];
                let size = bytes(self.types, *value).saturating_mul(trip);
                self.again
                    .push(Again::new(inst, *value, self.types, size, Why::Iteration));
            }
        }
        Some(dropped)
    }

    /// Computes in a later loop what it gets slices of: the instructions that it begins with from now on.
    fn read_again(
        &mut self,
        forward: &mut Loop,
        reader: &mut Loop,
        dropped: &HashMap<Value, Sliced>,
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
        let (all, from) = computed_from(forward, &made, dropped);
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
                    let whole = self.whole(forward, v);
                    self.slice(reader, whole, v)
                }
            };
            renamed.insert(v, here);
        }
        let mut copier = Copier::new(self.types);
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
    fn whole(&mut self, forward: &mut Loop, v: Value) -> Sliced {
        if let Some(whole) = held(forward, v) {
            return whole;
        }
        let mut ty = self.types[v.index()].clone();
        ty.shape.dims.insert(0, forward.trip.clone());
        let value = fresh(self.types, ty);
        forward.body.results.push(v);
        forward.stacked.push(0);
        forward.results.push(value);
        Sliced { value, axis: 0 }
    }

    /// The slice of a value in a loop, which is like `v`.
    fn slice(&mut self, reader: &mut Loop, whole: Sliced, v: Value) -> Value {
        let slices = reader.sliced.iter().zip(reader.slice_params());
        if let Some((_, param)) = slices.into_iter().find(|(s, _)| **s == whole) {
            return *param;
        }
        let param = fresh(self.types, self.types[v.index()].clone());
        reader.sliced.push(whole);
        reader.body.params.push(param);
        param
    }
}

/// The values of an iteration that are computed again for those that are dropped, and what they are
/// computed from: parameters of the body, and what is stacked.
fn computed_from(
    forward: &Loop,
    made: &HashMap<Value, usize>,
    dropped: &HashMap<Value, Sliced>,
) -> (HashSet<Value>, HashSet<Value>) {
    let params: HashSet<Value> = forward.body.params.iter().copied().collect();
    let stacked: HashSet<Value> = forward.stacks().map(|(value, _, _)| value).collect();
    let (mut computed, mut given) = (HashSet::new(), HashSet::new());
    let mut open: Vec<Value> = dropped.keys().copied().collect();
    while let Some(v) = open.pop() {
        if params.contains(&v) || (stacked.contains(&v) && !dropped.contains_key(&v)) {
            given.insert(v);
        } else if let Some(at) = made.get(&v)
            && computed.insert(v)
        {
            forward.body.insts[*at].each_operand(&mut |operand| open.push(operand));
        }
    }
    (computed, given)
}

/// Whether values follow element by element from what is stacked or sliced as it is.
fn is_cheap(
    forward: &Loop,
    made: &HashMap<Value, usize>,
    dropped: &HashMap<Value, Sliced>,
) -> bool {
    let (computed, given) = computed_from(forward, made, dropped);
    let cheap = |v: &Value| {
        let op = made.get(v).and_then(|at| forward.body.insts[*at].op());
        op.is_some_and(|op| match op.op.kind.class() {
            OpClass::Source | OpClass::Elementwise(_) | OpClass::IndexMap => true,
            OpClass::Joined | OpClass::Indexed | OpClass::Combined | OpClass::Function => false,
        })
    };
    computed.iter().all(cheap) && !given.iter().any(|v| must_be_stacked(forward, *v))
}

/// What holds a value of each iteration already.
fn held(forward: &Loop, v: Value) -> Option<Sliced> {
    let mut slices = forward.slice_params().iter().zip(&forward.sliced);
    if let Some((_, whole)) = slices.find(|(param, _)| **param == v) {
        return Some(*whole);
    }
    let mut stacks = forward.stacks();
    let (_, axis, value) = stacks.find(|(value, _, _)| *value == v)?;
    Some(Sliced { value, axis })
}

/// Whether a value is to be stacked before later loops can have it.
fn must_be_stacked(forward: &Loop, v: Value) -> bool {
    Some(v) != forward.index() && held(forward, v).is_none()
}

/// Where each value is made that instructions of a block make.
fn makers(block: &Block) -> HashMap<Value, usize> {
    let mut out = HashMap::new();
    for (at, inst) in block.insts.iter().enumerate() {
        inst.each_result(&mut |v| {
            out.insert(v, at);
        });
    }
    out
}
