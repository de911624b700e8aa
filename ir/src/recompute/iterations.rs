//! What loops stack for the loops behind them, computed again there: an iteration that gets slices of stacks
//! gets what the stacking iteration got instead, and computes the values itself.

use super::bisection::Bisector;
use super::light::bytes;
use super::stacks::{Stacks, computed_from, keeps_less, makers, must_be_stacked, read_again};
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
                    let loops = (&mut *forward, reader);
                    let count = read_again(self.types, loops, &dropped, &|_| true);
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
        let made = makers(&forward.body);
        let stacks = Stacks::of(block, at);
        let dropped: HashMap<Value, Sliced> = match self.how {
            Iterations::Kept => HashMap::new(),
            Iterations::Whole => stacks.iter().collect(),
            Iterations::Cheap => {
                let mut dropped = HashMap::new();
                // The last ones first: what they follow from is still stacked.
                for (value, stack) in stacks.iter().rev() {
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
        if !keeps_less(self.types, forward, &dropped, &|_| true) {
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
}

/// Whether values follow element by element from what is stacked or sliced as it is.
fn is_cheap(
    forward: &Loop,
    made: &HashMap<Value, usize>,
    dropped: &HashMap<Value, Sliced>,
) -> bool {
    let (computed, given) = computed_from(forward, made, dropped, &|_| true);
    let cheap = |v: &Value| {
        let op = made.get(v).and_then(|at| forward.body.insts[*at].op());
        op.is_some_and(|op| match op.op.kind.class() {
            OpClass::Source | OpClass::Elementwise(_) | OpClass::IndexMap => true,
            OpClass::Joined | OpClass::Indexed | OpClass::Combined | OpClass::Function => false,
        })
    };
    computed.iter().all(cheap) && !given.iter().any(|v| must_be_stacked(forward, *v))
}
