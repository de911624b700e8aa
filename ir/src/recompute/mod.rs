//! Programs that compute values again where they are used late, rather than keep them until then.
//!
//! A program with a gradient is its forward part, up to the last instruction that a result needs, and the
//! reverse part, which uses the forward part's values from the last to the first. What is computed again is the
//! same instruction on the same operands, so it has the same bits, random elements too. There are three ways,
//! which go together: [`bisection`] of a stretch of instructions, [`iterations`] of loops, and [`parts`] of these.
//!
//! Where copies are made in one block with the originals, [barriers](crate::ops::BARRIER) in front of them
//! keep them apart: the simplifier is not run on what comes out, and the scheduler begins a new stretch at
//! barriers.

mod bisection;
mod copy;
mod cut;
mod iterations;
mod light;
mod parts;
mod peak;
mod stacks;

use crate::block::Inst;
use crate::cost::flops;
use crate::dead;
use crate::function::{Function, Location, Value};
use crate::shape::Type;
use bisection::Bisector;
use iterations::Iterations;
pub(crate) use stacks::Stacks;
use std::collections::{BTreeMap, HashSet};

/// A program that computes values again.
#[derive(Clone, PartialEq, Debug)]
pub struct Recomputed {
    /// The program, with the results of the one that it was made of.
    pub program: Function,
    /// The operations that it does more, as [`cost`](crate::cost) counts them.
    pub flops: u64,
    /// About how many bytes its values take at the fullest place, each stored that is no view.
    pub peak: usize,
    /// What is computed again.
    pub again: Vec<Again>,
}

/// A value that is computed again, or of each iteration of a loop one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Again {
    /// Where it was written.
    pub location: Option<Location>,
    /// The op that makes it, or `loop`.
    pub op: &'static str,
    /// Its element type and shape.
    pub ty: String,
    /// The bytes that are not kept for it.
    pub bytes: usize,
    /// Where it is computed again.
    pub why: Why,
}

/// Where a value is computed again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// With its half of the forward part, when the reverse of the other half is done.
    Half,
    /// In the iteration that uses it, from what else is kept of it.
    Iteration,
    /// With the iterations of its part of a loop, from what the first of them was given.
    Part,
}

impl Again {
    fn new(inst: &Inst, v: Value, types: &[Type], bytes: usize, why: Why) -> Again {
        Again {
            location: inst.location(),
            op: inst.op().map_or("loop", |op| op.op.name),
            ty: types.get(v.index()).map_or(String::new(), Type::to_string),
            bytes,
            why,
        }
    }
}

/// The most halvings in each other that are tried.
const HALVINGS: usize = 24;

/// How often loops are put in parts, and these again.
const PARTS: usize = 3;

/// After so many halvings more that keep no less, there are no others.
const IN_VAIN: usize = 8;

/// Programs that compute what `program` does and keep less, those that compute the least again first; each
/// keeps less than those in front of it, as far as [`Recomputed::peak`] can tell. The first `results` of its
/// results, and its states, are what its forward part is for.
pub fn recomputed(program: &Function, results: usize) -> Vec<Recomputed> {
    let mut least = peak::peak(program);
    let mut out = each_recomputed(program, results);
    out.retain(|r| {
        let less = r.peak < least;
        least = least.min(r.peak);
        less
    });
    out
}

/// All programs that [`recomputed`] chooses from, in its order.
pub fn each_recomputed(program: &Function, results: usize) -> Vec<Recomputed> {
    let mut found: BTreeMap<(u64, usize), Recomputed> = BTreeMap::new();
    let mut insts = program.body.insts.iter();
    let loops = insts.any(|inst| matches!(inst, Inst::Loop(_)));
    let (parts, iterations) = match loops {
        true => (PARTS, &Iterations::ALL[..]),
        false => (0, &Iterations::ALL[..1]),
    };
    for parts in 0..=parts {
        let mut in_vain = true;
        for iterations in iterations.iter().copied() {
            // The least so far, and how many halvings ago.
            let mut least = (usize::MAX, 0);
            for halvings in 0..=HALVINGS {
                let ways = Ways {
                    parts,
                    iterations,
                    halvings,
                };
                let made = recompute(program, results, ways);
                least = match made.peak < least.0 {
                    true => (made.peak, 0),
                    false => (least.0, least.1 + 1),
                };
                if least.1 > IN_VAIN {
                    break;
                }
                if !made.again.is_empty() {
                    let key = (made.flops, made.peak);
                    in_vain &= found.contains_key(&key);
                    found.entry(key).or_insert(made);
                }
            }
        }
        if parts > 0 && in_vain {
            break;
        }
    }
    found.into_values().collect()
}

/// How values are computed again.
#[derive(Clone, Copy)]
struct Ways {
    /// How often loops are put in parts, and the loops over the iterations of parts again.
    parts: usize,
    iterations: Iterations,
    /// How many halvings in each other there are, of what stands in no loop and of what iterations compute
    /// again.
    halvings: usize,
}

fn recompute(program: &Function, results: usize, ways: Ways) -> Recomputed {
    let mut out = program.clone();
    let mut again = Vec::new();
    let Ways {
        parts,
        iterations,
        halvings,
    } = ways;
    let whole = iterations == Iterations::Whole;
    parts::split(&mut out, parts, whole, &mut again);
    iterations::recompute(&mut out, iterations, halvings, &mut again);
    let forward = forward(&out, results);
    let kept: HashSet<Value> = out.body.results.iter().copied().collect();
    let mut halver = Bisector {
        types: &mut out.values,
        out: &kept,
        again: &mut again,
    };
    out.body.insts = halver.halve(std::mem::take(&mut out.body.insts), forward, halvings);
    dead::eliminate(&mut out);
    out.compact();
    let count = |f: &Function| flops(f, &mut |_| None).and_then(|d| d.as_constant());
    let more = count(&out)
        .zip(count(program))
        .map(|(now, before)| now - before);
    again.sort_unstable();
    Recomputed {
        flops: more
            .and_then(|more| u64::try_from(more).ok())
            .unwrap_or(u64::MAX),
        peak: peak::peak(&out),
        program: out,
        again,
    }
}

/// How many of the first instructions are the forward part.
fn forward(program: &Function, results: usize) -> usize {
    let body = &program.body;
    let states = program.returned().len();
    let primal = body.results.iter().take(results);
    let mut needed: HashSet<Value> = primal.chain(&body.results[states..]).copied().collect();
    let mut end = 0;
    for (at, inst) in body.insts.iter().enumerate().rev() {
        if inst.results().iter().any(|v| needed.contains(v)) {
            end = end.max(at + 1);
            inst.each_operand(&mut |v| {
                needed.insert(v);
            });
        }
    }
    end
}
