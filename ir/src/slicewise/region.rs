//! Regions: the instructions around a product of batches that work slice by slice, whose values are large only
//! in between.

use super::axes::{Cut, Need, is_light, need, result_axis};
use crate::attributes::DotAxes;
use crate::block::{Block, Inst, OpInst};
use crate::function::Value;
use crate::shape::Type;
use std::collections::{BTreeSet, HashMap, HashSet};

/// What is worth being done slice by slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Worth {
    /// A product whose result has fewer bytes is left as it is: caches hold it.
    pub bytes: usize,
    /// A slice of it has no fewer elements, so that what it costs to begin one does not matter.
    pub slice: usize,
    /// Where rows see the columns up to their own, a range of rows has no fewer of them.
    pub rows: usize,
}

impl Default for Worth {
    /// As measured on CPUs.
    fn default() -> Worth {
        Worth {
            bytes: 1 << 20,
            slice: 1 << 12,
            rows: 64,
        }
    }
}

/// Views through which it is looked for what makes a value.
const DEPTH: usize = 64;

/// Instructions of a block that can be done slice by slice.
#[derive(Debug)]
pub(super) struct Region {
    /// How many slices there are along each of its axes.
    pub parts: Vec<usize>,
    /// Which instructions of the block.
    pub insts: BTreeSet<usize>,
    /// Where the axes are in each of their results.
    pub axes: HashMap<Value, Vec<usize>>,
    /// Those of them that follow from the product.
    pub products: HashSet<Value>,
    /// A value of so many elements is one that is not to be kept.
    pub large: usize,
}

/// Looks for regions in a block.
pub(super) struct Finder<'a> {
    types: &'a [Type],
    block: &'a Block,
    /// The instruction that makes a value.
    made: HashMap<Value, usize>,
    /// The instructions that use a value.
    users: HashMap<Value, Vec<usize>>,
    /// Results of the block that it may do without.
    dropped: &'a HashSet<Value>,
    worth: Worth,
}

impl<'a> Finder<'a> {
    pub fn new(
        types: &'a [Type],
        block: &'a Block,
        dropped: &'a HashSet<Value>,
        worth: Worth,
    ) -> Finder<'a> {
        let mut made = HashMap::new();
        let mut users: HashMap<Value, Vec<usize>> = HashMap::new();
        for (at, inst) in block.insts.iter().enumerate() {
            inst.each_result(&mut |v| {
                made.insert(v, at);
            });
            inst.each_operand(&mut |v| {
                let users = users.entry(v).or_default();
                if users.last() != Some(&at) {
                    users.push(at);
                }
            });
        }
        Finder {
            types,
            block,
            made,
            users,
            dropped,
            worth,
        }
    }

    /// The regions, which have no instruction in common.
    pub fn regions(&self) -> Vec<Region> {
        let mut out: Vec<Region> = Vec::new();
        for at in 0..self.block.insts.len() {
            let taken = |at: &usize| out.iter().any(|r| r.insts.contains(at));
            if !taken(&at)
                && let Some(region) = self.around(at)
                && !region.insts.iter().any(taken)
            {
                out.push(region);
            }
        }
        out
    }

    /// The first one.
    pub fn first(&self) -> Option<Region> {
        (0..self.block.insts.len()).find_map(|at| self.around(at))
    }

    fn op(&self, at: usize) -> Option<&'a OpInst> {
        self.block.insts.get(at).and_then(Inst::op)
    }

    fn elements(&self, v: Value) -> usize {
        let extents = self.types.get(v.index()).and_then(|t| t.shape.extents());
        extents.map_or(0, |e| e.iter().product())
    }

    /// The slices of a product of batches with more elements than its operands.
    fn slices(&self, op: &OpInst) -> Option<Vec<usize>> {
        if !op.op.kind.is_contraction() {
            return None;
        }
        let ty = self.types.get(op.result.index())?;
        let extents = ty.shape.extents()?;
        let batch = DotAxes::from_attributes(&op.attributes).ok()?.batch_x.len();
        let parts = extents.get(..batch)?.to_vec();
        let elements: usize = extents.iter().product();
        let slices: usize = parts.iter().product();
        let given: usize = op.operands.iter().map(|v| self.elements(*v)).sum();
        let pays = slices > 1
            && elements > given
            && elements / slices >= self.worth.slice
            && ty.bytes()? >= self.worth.bytes;
        pays.then_some(parts)
    }

    /// The region around a product: along as many of its batches as go through all of it, the first ones, or along
    /// one.
    fn around(&self, at: usize) -> Option<Region> {
        let seed = self.op(at)?;
        let slices = self.slices(seed)?.into_iter().enumerate();
        let axes: Vec<(usize, usize)> = slices.filter(|(_, n)| *n > 1).collect();
        let first = (1..=axes.len()).rev().filter_map(|count| axes.get(..count));
        let mut ways = first.chain(axes.chunks(1).skip(1));
        ways.find_map(|axes| self.along(at, seed, axes))
    }

    /// The region around a product along some of its axes, each with its extent.
    fn along(&self, at: usize, seed: &OpInst, axes: &[(usize, usize)]) -> Option<Region> {
        let (axes, parts) = axes.iter().copied().unzip();
        let mut region = Region {
            parts,
            insts: BTreeSet::new(),
            axes: HashMap::from([(seed.result, axes)]),
            products: HashSet::new(),
            large: self.elements(seed.result),
        };
        self.grow(&mut region, vec![(at, true)])?;
        self.join_between(&mut region)?;
        self.join_behind(&mut region);
        Some(region)
    }

    /// Adds instructions with all that makes large values for them, and all that uses those that follow from the
    /// product, as which some are given; none if some of that is not done slice by slice.
    fn grow(&self, region: &mut Region, mut open: Vec<(usize, bool)>) -> Option<()> {
        while let Some((at, follows)) = open.pop() {
            let op = self.op(at)?;
            let new = region.insts.insert(at);
            if new {
                let axes = region.axes.get(&op.result)?.clone();
                for (k, operand) in op.operands.iter().enumerate() {
                    let cuts: Vec<Cut> = region.cuts(&axes).collect();
                    let needs: Vec<Need> =
                        cuts.iter().map(|c| need(self.types, op, k, *c)).collect();
                    self.makers(region, *operand, &needs, &mut open, DEPTH)?;
                }
            }
            if !follows || !region.products.insert(op.result) || !self.is_large(region, op.result) {
                continue;
            }
            if self.block.results.contains(&op.result) && !self.dropped.contains(&op.result) {
                return None;
            }
            for user in self.users.get(&op.result).into_iter().flatten() {
                self.follow(region, op.result, *user)?;
                open.push((*user, true));
            }
        }
        Some(())
    }

    /// Adds what makes a large operand, of which a slice needs what `needs` says.
    fn makers(
        &self,
        region: &mut Region,
        operand: Value,
        needs: &[Need],
        open: &mut Vec<(usize, bool)>,
        depth: usize,
    ) -> Option<()> {
        if needs.contains(&Need::Mixed) || depth == 0 {
            return None;
        }
        let parts: Option<Vec<usize>> = (needs.iter())
            .map(|need| match need {
                Need::Part(axis) => Some(*axis),
                Need::Whole | Need::Mixed => None,
            })
            .collect();
        if region.axes.contains_key(&operand) {
            return region.agree(operand, parts?);
        }
        let maker = self.made.get(&operand);
        let maker = maker.filter(|_| self.is_large(region, operand));
        let Some(maker) = maker else { return Some(()) };
        let op = self.op(*maker)?;
        if !is_light(op) {
            region.agree(operand, parts?)?;
            open.push((*maker, false));
            return Some(());
        }
        for (k, x) in op.operands.iter().enumerate() {
            let through = needs
                .iter()
                .zip(&region.parts)
                .map(|(need, parts)| match need {
                    Need::Part(axis) => {
                        let cut = Cut {
                            axis: *axis,
                            parts: *parts,
                        };
                        self::need(self.types, op, k, cut)
                    }
                    Need::Whole | Need::Mixed => *need,
                });
            let through: Vec<Need> = through.collect();
            self.makers(region, *x, &through, open, depth - 1)?;
        }
        Some(())
    }

    fn is_large(&self, region: &Region, v: Value) -> bool {
        self.elements(v) >= region.large
    }

    /// Where the axes of a value are in the result of an instruction that uses it.
    fn follow(&self, region: &mut Region, value: Value, user: usize) -> Option<()> {
        let op = self.op(user)?;
        let axes = region.axes.get(&value)?.clone();
        for k in (0..op.operands.len()).filter(|k| op.operands[*k] == value) {
            let found = region
                .cuts(&axes)
                .map(|c| result_axis(self.types, op, k, c));
            let found = found.collect::<Option<Vec<usize>>>()?;
            region.agree(op.result, found)?;
        }
        Some(())
    }

    /// Adds what follows from results of the region, slice by slice, and leads back into it; no products, which are
    /// better done as a whole.
    fn join_between(&self, region: &mut Region) -> Option<()> {
        let mut behind: HashSet<usize> = HashSet::new();
        for at in 0..self.block.insts.len() {
            let inst = &self.block.insts[at];
            let from = |v: &Value| {
                let from = self.made.get(v);
                from.is_some_and(|f| behind.contains(f) || region.insts.contains(f))
            };
            if !region.insts.contains(&at) && inst.operands().iter().any(from) {
                behind.insert(at);
            }
        }
        let mut before: HashSet<usize> = HashSet::new();
        for at in (0..self.block.insts.len()).rev() {
            if region.insts.contains(&at) || before.contains(&at) {
                let makers = self.block.insts[at].operands();
                before.extend(makers.iter().filter_map(|v| self.made.get(v)));
            }
        }
        let mut between: Vec<usize> = behind.intersection(&before).copied().collect();
        between.sort_unstable();
        for at in between {
            let Some(op) = self.op(at).filter(|op| !op.op.kind.is_contraction()) else {
                continue;
            };
            let known = |v: &Value| region.axes.contains_key(v);
            let inside: Vec<Value> = op.operands.iter().copied().filter(known).collect();
            // What is behind the region and not in it keeps it out.
            let mut outside = op.operands.iter().filter(|v| !inside.contains(v));
            let stays = outside.all(|v| self.made.get(v).is_none_or(|f| !behind.contains(f)))
                && inside.iter().all(|v| self.follow(region, *v, at).is_some());
            match stays && region.axes.contains_key(&op.result) {
                true => self.grow(region, vec![(at, true)])?,
                false => _ = region.axes.remove(&op.result),
            }
        }
        Some(())
    }

    /// Adds other orders and other dims of what the region gives, where nobody asks for it as it is.
    fn join_behind(&self, region: &mut Region) {
        let mut open: Vec<usize> = region.insts.iter().copied().collect();
        while let Some(at) = open.pop() {
            let Some(op) = self.op(at) else { continue };
            let users = self.users.get(&op.result).map_or(&[][..], Vec::as_slice);
            if let [user] = users
                && !region.insts.contains(user)
                && !self.block.results.contains(&op.result)
                && let Some(view) = self.op(*user)
                && is_light(view)
                && self.elements(view.result) == self.elements(op.result)
                && self.follow(region, op.result, *user).is_some()
            {
                region.insts.insert(*user);
                open.push(*user);
            }
        }
    }
}

impl Region {
    pub fn cuts(&self, axes: &[usize]) -> impl Iterator<Item = Cut> {
        let cuts = axes.iter().zip(&self.parts);
        cuts.map(|(axis, parts)| Cut {
            axis: *axis,
            parts: *parts,
        })
    }

    /// Notes where the axes are in a value; none if they were found elsewhere.
    fn agree(&mut self, v: Value, axes: Vec<usize>) -> Option<()> {
        (*self.axes.entry(v).or_insert_with(|| axes.clone()) == axes).then_some(())
    }
}
