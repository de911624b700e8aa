//! What loops stack of regions for the loops behind them, computed again there.

use super::axes::is_light;
use super::region::{Finder, Worth};
use crate::block::{Block, Inst, Loop};
use crate::function::Value;
use crate::recompute::Stacks;
use crate::shape::Type;
use std::collections::{HashMap, HashSet};

/// Computes in loops what they get slices of, if that is large and follows from a region of the loop that stacks
/// it, or is larger than what it is a view of; whether there was any.
pub(super) fn compute_again(types: &mut Vec<Type>, block: &mut Block, worth: Worth) -> bool {
    let mut any = false;
    for at in 0..block.insts.len() {
        let Some(Inst::Loop(forward)) = block.insts.get(at) else {
            continue;
        };
        let mut stacks = Stacks::of(block, at);
        if stacks.is_empty() {
            continue;
        }
        let chosen = Chosen::of(types, forward, &stacks, worth);
        stacks.retain(|v| chosen.dropped.contains(&v));
        any |= stacks.compute_again(types, block, at, &|v| chosen.again.contains(&v));
    }
    any
}

/// What a loop stacks no more.
struct Chosen {
    /// Stacked values that loops behind it compute.
    dropped: HashSet<Value>,
    /// All values that these may compute for that.
    again: HashSet<Value>,
}

impl Chosen {
    fn of(types: &[Type], forward: &Loop, stacks: &Stacks, worth: Worth) -> Chosen {
        let mut again: HashSet<Value> = HashSet::new();
        let mut views: HashMap<Value, &[Value]> = HashMap::new();
        for op in forward.body.insts.iter().filter_map(Inst::op) {
            if is_light(op) {
                again.insert(op.result);
                views.insert(op.result, &op.operands);
            }
        }
        let bases = |v: Value| {
            let mut open = vec![v];
            let mut out = Vec::new();
            while let Some(v) = open.pop() {
                match views.get(&v) {
                    Some(operands) => open.extend(operands.iter()),
                    None => out.push(v),
                }
            }
            out
        };
        let bytes = |v: Value| types.get(v.index()).and_then(Type::bytes).unwrap_or(0);
        let held: HashSet<Value> = forward.stacks().map(|(v, ..)| v).collect();
        let held = |v: &Value| {
            let made = forward
                .body
                .insts
                .iter()
                .any(|inst| inst.results().contains(v));
            !made || held.contains(v) && !views.contains_key(v)
        };
        let mut dropped: HashSet<Value> = HashSet::new();
        // Views of little that is there.
        for v in stacks.values().filter(|v| views.contains_key(v)) {
            let bases = bases(v);
            let of: usize = bases.iter().map(|b| bytes(*b)).sum();
            if bases.iter().all(held) && of < bytes(v) {
                dropped.insert(v);
            }
        }
        let all: HashSet<Value> = stacks.values().collect();
        let finder = Finder::new(types, &forward.body, &all, worth);
        for region in finder.regions() {
            let mut given: HashSet<Value> = HashSet::new();
            for op in region
                .insts
                .iter()
                .filter_map(|at| forward.body.insts[*at].op())
            {
                let outside = |v: &Value| !region.axes.contains_key(v);
                let operands = op.operands.iter().flat_map(|v| bases(*v));
                given.extend(operands.filter(outside));
                if region.products.contains(&op.result) {
                    again.insert(op.result);
                    let large = types[op.result.index()].shape.extents();
                    let large = large.is_some_and(|e| e.iter().product::<usize>() >= region.large);
                    if large && all.contains(&op.result) {
                        dropped.insert(op.result);
                    }
                }
            }
            // Other orders of what its products are of: loops behind see them through the same views.
            let seen = stacks.values().filter(|v| views.contains_key(v));
            let seen = seen.filter(|v| bases(*v).iter().all(|b| given.contains(b)));
            if !dropped.is_empty() {
                dropped.extend(seen);
            }
        }
        Chosen { dropped, again }
    }
}
