//! Programs that do slice by slice what is large only in between: attention, whose weights for each head are of as
//! many rows as columns, but made of little and summed up to little.
//!
//! A product of batches with more elements than its operands begins a region ([`region`]): with it, all that makes
//! and uses values as large, as long as each slice along the product's batches depends on slices alone. A region
//! becomes a nest of loops over these slices ([`nest`]), in whose body such values have the size of one.
//!
//! What a reverse part uses of a region's large values is not kept for it: where they follow from the product, the
//! reverse computes them again, slice by slice too ([`stacks`] for those that loops stack, levels of a region in one
//! block).
//!
//! Within a slice, rows that see the columns up to their own are in ranges, each with the columns that its last row
//! sees ([`triangle`], [`ranges`]).
//!
//! Results are the same but for the order of sums in products, which schedules choose by their sizes.

mod axes;
mod nest;
mod ranges;
mod region;
mod stacks;
mod triangle;

use crate::block::{Block, Inst, OpInst};
use crate::builder::Builder;
use crate::dead;
use crate::function::{Function, Value};
use crate::op::OpError;
use axes::is_light;
use nest::{Nester, Work};
pub use region::Worth;
use region::{Finder, Region};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Does a program's attention, and what is like it, slice by slice; whether there is any.
///
/// # Errors
/// An op that its entry refuses on a slice.
pub fn slicewise(program: &mut Function, worth: Worth) -> Result<bool, OpError> {
    let mut definitions = HashMap::new();
    program.body.each_inst(&mut |inst| {
        if let Inst::Op(op) = inst {
            definitions.insert(op.result, op.clone());
        }
    });
    let mut pass = Pass {
        builder: Builder {
            values: std::mem::take(&mut program.values),
            ..Builder::default()
        },
        definitions,
        worth,
        any: false,
    };
    pass.stacks(&mut program.body);
    if pass.any {
        program.values = std::mem::take(&mut pass.builder.values);
        dead::eliminate(program);
        pass.builder.values = std::mem::take(&mut program.values);
    }
    let done = pass.block(&mut program.body);
    program.values = pass.builder.values;
    if pass.any {
        dead::eliminate(program);
        program.compact();
    }
    done.map(|()| pass.any)
}

struct Pass {
    builder: Builder,
    definitions: HashMap<Value, OpInst>,
    worth: Worth,
    any: bool,
}

impl Pass {
    /// Computes in loops again what others stack for them.
    fn stacks(&mut self, block: &mut Block) {
        self.any |= stacks::compute_again(&mut self.builder.values, block, self.worth);
        for inst in &mut block.insts {
            if let Inst::Loop(l) = inst {
                self.stacks(&mut l.body);
            }
        }
    }

    /// Does the regions of a block in slices, and those of the blocks in it.
    fn block(&mut self, block: &mut Block) -> Result<(), OpError> {
        let none = HashSet::new();
        while let Some(region) = Finder::new(&self.builder.values, block, &none, self.worth).first()
        {
            let Some(insts) = self.in_slices(block, &region)? else {
                break;
            };
            block.insts = insts;
            self.any = true;
        }
        for inst in &mut block.insts {
            if let Inst::Loop(l) = inst {
                self.block(&mut l.body)?;
            }
        }
        Ok(())
    }

    /// The instructions of a block with a region as loops; none if these would wait for each other.
    fn in_slices(&mut self, block: &Block, region: &Region) -> Result<Option<Vec<Inst>>, OpError> {
        let levels = Levels::of(block, region);
        let mut units: Vec<Unit> = Vec::new();
        let mut given: HashSet<Value> = HashSet::new();
        for level in levels.list() {
            let work = levels.work(level, |v| self.elements(v));
            let Some(last) = levels.members(level).last() else {
                continue;
            };
            if work.outputs.is_empty() {
                continue;
            }
            given.extend(&work.outputs);
            let location = block.insts.get(last).and_then(Inst::location);
            let mut nester = Nester {
                builder: &mut self.builder,
                definitions: &mut self.definitions,
                rows: self.worth.rows,
                location,
            };
            nester.nest(work, &region.parts)?;
            units.push(Unit {
                place: last,
                insts: std::mem::take(&mut self.builder.insts),
            });
        }
        for (place, inst) in block.insts.iter().enumerate() {
            let goes = region.insts.contains(&place)
                && inst
                    .op()
                    .is_none_or(|op| !is_light(op) || given.contains(&op.result));
            if !goes {
                units.push(Unit {
                    place,
                    insts: vec![inst.clone()],
                });
            }
        }
        Ok(in_order(units))
    }

    fn elements(&self, v: Value) -> usize {
        let extents = self.builder.type_of(v).shape.extents();
        extents.map_or(0, |e| e.iter().product())
    }
}

/// Instructions that stay together, and where they would stand in the block.
struct Unit {
    place: usize,
    insts: Vec<Inst>,
}

/// Units one after the other, each behind what it uses, as near to their places as that allows; none if that
/// cannot be.
fn in_order(mut units: Vec<Unit>) -> Option<Vec<Inst>> {
    units.sort_by_key(|unit| unit.place);
    let mut maker: HashMap<Value, usize> = HashMap::new();
    for (number, unit) in units.iter().enumerate() {
        for inst in &unit.insts {
            inst.each_result(&mut |v| {
                maker.insert(v, number);
            });
        }
    }
    let mut waits: Vec<usize> = vec![0; units.len()];
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
    for (number, unit) in units.iter().enumerate() {
        let mut from: BTreeSet<usize> = BTreeSet::new();
        for inst in &unit.insts {
            inst.each_operand(&mut |v| from.extend(maker.get(&v)));
        }
        from.remove(&number);
        waits[number] = from.len();
        from.into_iter().for_each(|f| users[f].push(number));
    }
    let mut ready: BTreeSet<usize> = (0..units.len()).filter(|n| waits[*n] == 0).collect();
    let mut out = Vec::new();
    let mut done = 0;
    while let Some(number) = ready.pop_first() {
        done += 1;
        out.append(&mut units[number].insts);
        for user in &users[number] {
            waits[*user] -= 1;
            if waits[*user] == 0 {
                ready.insert(*user);
            }
        }
    }
    (done == units.len()).then_some(out)
}

/// Which of a region's instructions are one nest of loops: those behind what follows from another nest are a
/// nest of their own.
struct Levels<'a> {
    block: &'a Block,
    region: &'a Region,
    /// The instruction that makes a value.
    made: HashMap<Value, usize>,
    /// The level of each instruction of the region.
    levels: BTreeMap<usize, usize>,
}

impl<'a> Levels<'a> {
    fn of(block: &'a Block, region: &'a Region) -> Levels<'a> {
        let mut made = HashMap::new();
        let mut all: Vec<usize> = Vec::with_capacity(block.insts.len());
        let mut levels = BTreeMap::new();
        for (at, inst) in block.insts.iter().enumerate() {
            let inside = region.insts.contains(&at);
            let mut level = 0;
            inst.each_operand(&mut |v| {
                if let Some(from) = made.get(&v) {
                    let leaves = !inside && region.insts.contains(from);
                    level = level.max(all[*from] + usize::from(leaves));
                }
            });
            all.push(level);
            if inside {
                levels.insert(at, level);
            }
            inst.each_result(&mut |v| {
                made.insert(v, at);
            });
        }
        Levels {
            block,
            region,
            made,
            levels,
        }
    }

    fn list(&self) -> BTreeSet<usize> {
        self.levels.values().copied().collect()
    }

    fn members(&self, level: usize) -> impl DoubleEndedIterator<Item = usize> {
        let members = self.levels.iter().filter(move |(_, l)| **l == level);
        members.map(|(at, _)| *at)
    }

    fn op(&self, at: usize) -> Option<&'a OpInst> {
        self.block.insts.get(at).and_then(Inst::op)
    }

    /// The instruction of the region that makes a value.
    fn maker(&self, v: Value) -> Option<usize> {
        let from = self.made.get(&v).copied();
        from.filter(|f| self.region.insts.contains(f))
    }

    /// The instructions that a level does: its own, and those that make again what it needs of large values from
    /// others.
    fn done(&self, level: usize, elements: &dyn Fn(Value) -> usize) -> BTreeSet<usize> {
        let mut done: BTreeSet<usize> = BTreeSet::new();
        let mut open: Vec<usize> = self.members(level).collect();
        while let Some(at) = open.pop() {
            if !done.insert(at) {
                continue;
            }
            for operand in self.op(at).map_or(&[][..], |op| &op.operands) {
                if let Some(from) = self.maker(*operand)
                    && (self.levels.get(&from) == Some(&level)
                        || self.is_made_again(from, elements))
                {
                    open.push(from);
                }
            }
        }
        done
    }

    /// Whether another level makes the result of an instruction again.
    fn is_made_again(&self, at: usize, elements: &dyn Fn(Value) -> usize) -> bool {
        self.op(at).is_some_and(|op| {
            let large = elements(op.result) >= self.region.large;
            is_light(op) || large && self.region.products.contains(&op.result)
        })
    }

    /// What a level does.
    fn work(&self, level: usize, elements: impl Fn(Value) -> usize) -> Work {
        let done = self.done(level, &elements);
        // What is used of the level's results by others.
        let mut used: HashSet<Value> = self.block.results.iter().copied().collect();
        for (at, inst) in self.block.insts.iter().enumerate() {
            if !self.region.insts.contains(&at) {
                inst.each_operand(&mut |v| {
                    used.insert(v);
                });
            }
        }
        for other in self.list().into_iter().filter(|l| *l != level) {
            let done = self.done(other, &elements);
            for op in done.iter().filter_map(|at| self.op(*at)) {
                let given = op.operands.iter().filter(|v| {
                    let from = self.maker(**v);
                    from.is_some_and(|f| !done.contains(&f))
                });
                used.extend(given);
            }
        }
        let mut outputs = Vec::new();
        for at in self.members(level).rev() {
            let Some(op) = self.op(at) else { continue };
            if !used.contains(&op.result) {
                continue;
            }
            let of = op.operands.first().map_or(0, |v| elements(*v));
            match is_light(op) && elements(op.result) > of {
                // It is made again outside.
                true => used.extend(&op.operands),
                false => outputs.push(op.result),
            }
        }
        outputs.reverse();
        Work {
            ops: done.iter().filter_map(|at| self.op(*at)).cloned().collect(),
            axes: self.region.axes.clone(),
            outputs,
        }
    }
}
