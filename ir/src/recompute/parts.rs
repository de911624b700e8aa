//! Loops in parts: the iterations of a loop become a loop over parts of them, which stacks what each part
//! begins with, and the loop that reads what the iterations stacked runs part by part too, behind the
//! iterations of the part once more.
//!
//! Of n iterations about the square root of n begin a part, and as many are in one. Where n has no divisors that
//! are near, the last iterations are a loop of their own ([`cut`]) and the others are in equal parts; the last
//! ones are what the reverse begins with, so nothing of them is computed again.

use super::copy::{Copier, fresh, rename};
use super::cut::{Halves, cut};
use super::light::bytes;
use super::{Again, Why};
use crate::attributes::Reshape;
use crate::block::{Block, Inst, Loop, OpInst, Sliced};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::{Function, Value};
use crate::ops;
use crate::shape::{Shape, Type};
use std::collections::{HashMap, HashSet};

/// Puts loops of a program in parts, and the loops over the iterations of a part again, `times` in all.
/// `whole` tells that iterations are to be computed again too, so that a part stacks no more than that takes.
pub(super) fn split(program: &mut Function, times: usize, whole: bool, again: &mut Vec<Again>) {
    let mut pass = Pass {
        types: std::mem::take(&mut program.values),
        whole,
        again,
    };
    pass.block(&mut program.body, times);
    program.values = pass.types;
}

struct Pass<'a> {
    types: Vec<Type>,
    whole: bool,
    again: &'a mut Vec<Again>,
}

/// Two loops that are split alike.
struct Pair {
    /// Where the loop is that stacks.
    forward: usize,
    /// Where the one is that reads the stacks.
    reader: usize,
    /// Stacks that are for the reader alone, each with the value that it is of.
    stacks: Vec<(Value, Sliced)>,
    parts: Parts,
}

/// A number of iterations in parts.
#[derive(Clone, Copy)]
struct Parts {
    /// How many parts there are, and how many iterations are in one.
    equal: [i64; 2],
    /// The iterations behind them.
    rest: i64,
}

/// A loop in parts, with what stands in front of it and behind it.
struct Parted {
    front: Vec<Inst>,
    outer: Loop,
    behind: Vec<Inst>,
}

impl Pass<'_> {
    fn block(&mut self, block: &mut Block, times: usize) {
        if times == 0 {
            return;
        }
        let mut done: HashSet<Value> = HashSet::new();
        while let Some(pair) = self.pair(block, &done) {
            let Some(pair) = self.without_rest(block, pair, &mut done) else {
                return;
            };
            let Some([forward, reader]) = self.parted(block, &pair) else {
                return;
            };
            done.extend(forward.outer.index());
            done.extend(reader.outer.index());
            for (at, parted) in [(pair.reader, reader), (pair.forward, forward)] {
                let insts = parted.front.into_iter();
                let insts = insts.chain([Inst::Loop(parted.outer)]).chain(parted.behind);
                block.insts.splice(at..=at, insts);
            }
        }
        for inst in &mut block.insts {
            if let Inst::Loop(l) = inst {
                let is_parted = l.index().is_some_and(|index| done.contains(&index));
                self.block(&mut l.body, times - usize::from(is_parted));
            }
        }
    }

    /// Two loops that take less in parts, of those that are not done.
    fn pair(&mut self, block: &Block, done: &HashSet<Value>) -> Option<Pair> {
        let mut uses: HashMap<Value, usize> = HashMap::new();
        block.each_use(&mut |v| *uses.entry(v).or_default() += 1);
        (0..block.insts.len()).find_map(|forward| {
            let Inst::Loop(l) = &block.insts[forward] else {
                return None;
            };
            if l.index().is_none_or(|index| done.contains(&index)) {
                return None;
            }
            // Those that one other loop alone reads.
            let mut readers: HashSet<usize> = HashSet::new();
            let mut stacks: Vec<(Value, Sliced)> = Vec::new();
            for (value, axis, result) in l.stacks() {
                let stack = Sliced {
                    value: result,
                    axis,
                };
                let reading = |(at, inst): (usize, &Inst)| match inst {
                    Inst::Loop(r) if r.trip == l.trip => {
                        let slices = r.sliced.iter().filter(|s| **s == stack).count();
                        (slices > 0).then_some((at, slices))
                    }
                    Inst::Loop(_) | Inst::Op(_) | Inst::Call(_) | Inst::PullbackCall(_) => None,
                };
                let found: Vec<(usize, usize)> =
                    block.insts.iter().enumerate().filter_map(reading).collect();
                if let [(at, slices)] = found[..]
                    && Some(value) != l.index()
                    && uses.get(&result) == Some(&slices)
                {
                    readers.insert(at);
                    stacks.push((value, stack));
                }
            }
            let mut readers = readers.into_iter();
            let (Some(reader), None) = (readers.next(), readers.next()) else {
                return None;
            };
            let parts = self.parts(l, &stacks)?;
            Some(Pair {
                forward,
                reader,
                stacks,
                parts,
            })
        })
    }

    /// Two loops whose iterations are in equal parts, with the rest of them as loops of their own.
    fn without_rest(
        &mut self,
        block: &mut Block,
        mut pair: Pair,
        done: &mut HashSet<Value>,
    ) -> Option<Pair> {
        if pair.parts.rest == 0 {
            return Some(pair);
        }
        let (Inst::Loop(forward), Inst::Loop(reader)) =
            (&block.insts[pair.forward], &block.insts[pair.reader])
        else {
            return None;
        };
        let at = pair.parts.equal.iter().product();
        let mut halves = Halves::new();
        let alone: HashSet<Value> = pair.stacks.iter().map(|(_, s)| s.value).collect();
        let first = cut(
            &mut self.types,
            forward,
            at,
            &|v| alone.contains(&v),
            &mut halves,
        )?;
        let second = cut(&mut self.types, reader, at, &|_| false, &mut halves)?;
        for (_, stack) in &mut pair.stacks {
            stack.value = halves.get(&stack.value)?[0];
        }
        for cut in [&first, &second] {
            if let Some(Inst::Loop(rest)) = cut.insts.get(cut.loops[1]) {
                done.extend(rest.index());
            }
        }
        let more = first.insts.len() - 1;
        let places = [pair.reader, pair.forward];
        pair.forward += first.loops[0];
        pair.reader += more + second.loops[0];
        for (at, cut) in places.into_iter().zip([second, first]) {
            block.insts.splice(at..=at, cut.insts);
        }
        pair.parts.rest = 0;
        Some(pair)
    }

    /// What parts are best; `None` if none take less.
    fn parts(&self, l: &Loop, stacks: &[(Value, Sliced)]) -> Option<Parts> {
        let trip = l.trip.as_constant()?;
        let total = |values: &mut dyn Iterator<Item = Value>| -> i128 {
            values.map(|v| bytes(&self.types, v) as i128).sum()
        };
        let begins = total(&mut l.carried_params().iter().copied());
        let stacked = total(&mut stacks.iter().map(|(v, _)| *v));
        let inside = match self.whole {
            true => begins.min(stacked),
            false => stacked,
        };
        // A part and the rest are never there together.
        let taken = |p: &Parts| {
            let [count, each] = p.equal.map(i128::from);
            begins * count + inside * each.max(i128::from(p.rest))
        };
        let each = (2..=trip / 2).take_while(|n| *n <= 1 << 20).map(|n| Parts {
            equal: [n, trip / n],
            rest: trip % n,
        });
        let (equal, unequal): (Vec<Parts>, Vec<Parts>) = each.partition(|p| p.rest == 0);
        let equal = equal.into_iter().min_by_key(taken);
        let unequal = unequal.into_iter().min_by_key(taken);
        let best = match (equal, unequal) {
            // Two loops in the place of one are twice the code: that has to be worth a quarter.
            (Some(equal), Some(unequal)) if 4 * taken(&unequal) < 3 * taken(&equal) => unequal,
            (Some(best), _) | (None, Some(best)) => best,
            (None, None) => return None,
        };
        (taken(&best) < inside * i128::from(trip)).then_some(best)
    }

    /// Both loops in parts.
    fn parted(&mut self, block: &Block, pair: &Pair) -> Option<[Parted; 2]> {
        let (Inst::Loop(forward), Inst::Loop(reader)) =
            (&block.insts[pair.forward], &block.insts[pair.reader])
        else {
            return None;
        };
        for (value, _) in &pair.stacks {
            // What an iteration is given, the loop hands on.
            let mut insts = forward.body.insts.iter();
            let inst = insts.find(|inst| inst.results().contains(value));
            let inst = inst.unwrap_or(&block.insts[pair.forward]);
            let count = pair.parts.equal.iter().product::<i64>();
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let size = bytes(&self.types, *value).saturating_mul(count);
            let again = Again::new(inst, *value, &self.types, size, Why::Part);
            self.again.push(again);
        }
        let alone: HashSet<Value> = pair.stacks.iter().map(|(_, s)| s.value).collect();
        let is_kept = |result: Value| !alone.contains(&result);
        let (mut first, inner) = self.in_parts(forward, pair.parts.equal, &is_kept, &|_| true)?;
        // What each part begins with.
        let mut begins = Vec::new();
        for param in first.outer.carried_params().to_vec() {
            begins.push(self.stack(&mut first.outer, param, 0)?);
        }
        let read = |s: &Sliced| is_kept(s.value);
        let (mut second, mut innermost) =
            self.in_parts(reader, pair.parts.equal, &|_| true, &read)?;
        let copies = self.part_again(&first.outer, &inner, &mut second.outer, (pair, &begins))?;
        // The innermost loop reads what its part has stacked.
        let own = reader.sliced.iter().zip(reader.slice_params());
        let own: Vec<(Sliced, Value)> = own
            .filter(|(s, _)| !read(s))
            .map(|(s, param)| (*s, *param))
            .collect();
        for (sliced, param) in own {
            let at = pair.stacks.iter().position(|(_, s)| *s == sliced)?;
            innermost.sliced.push(copies.1[at]);
            innermost.body.params.push(param);
        }
        second.outer.body.insts.push(Inst::Loop(copies.0));
        second.outer.body.insts.push(Inst::Loop(innermost));
        first.outer.body.insts.push(Inst::Loop(inner));
        Some([first, second])
    }

    /// A loop in parts, and the loop over the iterations of one, which is yet to be put in: with those of its
    /// stacks, and those of its slices, that are kept.
    fn in_parts(
        &mut self,
        l: &Loop,
        [parts, count]: [i64; 2],
        is_kept: &dyn Fn(Value) -> bool,
        is_read: &dyn Fn(&Sliced) -> bool,
    ) -> Option<(Parted, Loop)> {
        let mut front = Vec::new();
        let index = fresh(&mut self.types, Loop::index_type());
        let mut outer = Loop {
            trip: Dim::constant(parts),
            order: l.order,
            carried: l.carried.clone(),
            sliced: Vec::new(),
            body: Block::default(),
            stacked: Vec::new(),
            results: Vec::new(),
            location: l.location,
        };
        outer.body.params.push(index);
        let own = fresh(&mut self.types, Loop::index_type());
        let (insts, iteration) = self.iteration(l, [index, own], count)?;
        let mut inner = Loop {
            trip: Dim::constant(count),
            carried: Vec::new(),
            body: Block {
                params: vec![own],
                insts,
                results: Vec::new(),
            },
            ..outer.clone()
        };
        for param in l.carried_params() {
            let param = self.like(*param);
            outer.body.params.push(param);
            inner.carried.push(param);
        }
        inner.body.params.extend(l.carried_params());
        for (s, param) in l.sliced.iter().zip(l.slice_params()) {
            if is_read(s) {
                let (value, slice) = self.whole_in_parts(*s, [parts, count], &mut front)?;
                outer.sliced.push(Sliced {
                    value,
                    axis: s.axis,
                });
                outer.body.params.push(slice);
                inner.sliced.push(Sliced {
                    value: slice,
                    axis: s.axis,
                });
                inner.body.params.push(*param);
            }
        }
        let behind = self.results_in_parts(l, &mut outer, &mut inner, is_kept)?;
        let renamed: HashMap<Value, Value> = l.index().zip(iteration).into_iter().collect();
        let body = l.body.insts.iter().cloned();
        inner.body.insts.extend(body.map(|mut inst| {
            rename(&mut inst, &renamed);
            inst
        }));
        for v in &mut inner.body.results {
            *v = renamed.get(v).copied().unwrap_or(*v);
        }
        let parted = Parted {
            front,
            outer,
            behind,
        };
        Some((parted, inner))
    }

    /// What a loop in parts gives back: of its stacks those that are kept, which are made behind it.
    fn results_in_parts(
        &mut self,
        l: &Loop,
        outer: &mut Loop,
        inner: &mut Loop,
        is_kept: &dyn Fn(Value) -> bool,
    ) -> Option<Vec<Inst>> {
        let mut behind = Vec::new();
        let carried = l.carried.len();
        for (value, result) in l.body.results.iter().zip(&l.results).take(carried) {
            inner.body.results.push(*value);
            let of_part = self.like(*result);
            inner.results.push(of_part);
            outer.body.results.push(of_part);
            outer.results.push(*result);
        }
        for (value, axis, result) in l.stacks().filter(|(_, _, result)| is_kept(*result)) {
            let of_part = self.stack(inner, value, axis)?;
            outer.body.results.push(of_part.value);
            outer.stacked.push(axis);
            let ty = self.types[of_part.value.index()].stack(axis, outer.trip.clone())?;
            let whole = fresh(&mut self.types, ty);
            outer.results.push(whole);
            behind.push(self.reshape(whole, result));
        }
        Some(behind)
    }

    /// What computes the index of an iteration of `l` from that of its part and its own in that; nothing where
    /// nobody asks.
    fn iteration(
        &mut self,
        l: &Loop,
        [part, own]: [Value; 2],
        count: i64,
    ) -> Option<(Vec<Inst>, Option<Value>)> {
        let index = l.index()?;
        let mut used = false;
        l.body.each_use(&mut |v| used |= v == index);
        if !used {
            return Some((Vec::new(), None));
        }
        let mut b = Builder {
            values: std::mem::take(&mut self.types),
            insts: Vec::new(),
            location: l.location,
        };
        let made = b
            .constant(count as f64, DType::I32, Shape::scalar())
            .and_then(|count| b.op(ops::MUL, &[part, count], Vec::new()))
            .and_then(|first| b.op(ops::ADD, &[first, own], Vec::new()));
        self.types = b.values;
        Some((b.insts, Some(made.ok()?)))
    }

    /// A whole with its iterations in parts, made in `front`, and the slice of a part.
    fn whole_in_parts(
        &mut self,
        s: Sliced,
        [parts, count]: [i64; 2],
        front: &mut Vec<Inst>,
    ) -> Option<(Value, Value)> {
        let slice = self.types[s.value.index()].slice(s.axis)?;
        let slice = slice.stack(s.axis, Dim::constant(count))?;
        let ty = slice.stack(s.axis, Dim::constant(parts))?;
        let whole = fresh(&mut self.types, ty);
        front.push(self.reshape(s.value, whole));
        Some((whole, fresh(&mut self.types, slice)))
    }

    /// The iterations of a part once more, in the reader's loop over parts, with the stacks that are read.
    fn part_again(
        &mut self,
        outer: &Loop,
        inner: &Loop,
        reader: &mut Loop,
        (pair, begins): (&Pair, &[Sliced]),
    ) -> Option<(Loop, Vec<Sliced>)> {
        let mut inner = inner.clone();
        let mut stacks = Vec::new();
        for (value, stack) in &pair.stacks {
            stacks.push(self.stack(&mut inner, *value, stack.axis)?);
        }
        let mut renamed: HashMap<Value, Value> = HashMap::new();
        renamed.extend(outer.index().zip(reader.index()));
        let slices = outer.sliced.iter().zip(outer.slice_params());
        let carried = begins.iter().zip(outer.carried_params());
        for (whole, param) in carried.chain(slices) {
            let slice = self.like(*param);
            reader.sliced.push(*whole);
            reader.body.params.push(slice);
            renamed.insert(*param, slice);
        }
        let mut copier = Copier::new(&mut self.types);
        copier.renamed = renamed;
        let Inst::Loop(copy) = copier.copy(&Inst::Loop(inner)) else {
            return None;
        };
        for stack in &mut stacks {
            stack.value = *copier.renamed.get(&stack.value)?;
        }
        Some((copy, stacks))
    }

    /// Stacks a value of a loop's body.
    fn stack(&mut self, l: &mut Loop, value: Value, axis: usize) -> Option<Sliced> {
        let ty = self.types[value.index()].stack(axis, l.trip.clone())?;
        let stack = fresh(&mut self.types, ty);
        l.body.results.push(value);
        l.stacked.push(axis);
        l.results.push(stack);
        Some(Sliced { value: stack, axis })
    }

    fn like(&mut self, v: Value) -> Value {
        let ty = self.types[v.index()].clone();
        fresh(&mut self.types, ty)
    }

    /// `result`, which is `x` in other dims.
    fn reshape(&self, x: Value, result: Value) -> Inst {
        let shape = &self.types[result.index()].shape;
        Inst::Op(OpInst {
            op: ops::RESHAPE,
            operands: vec![x],
            attributes: Reshape { shape }.into(),
            result,
            location: None,
        })
    }
}
