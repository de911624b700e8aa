//! The forward part of a block in halves: what the first half computes and the reverse part uses is computed
//! again, behind what the reverse part does with the second half. Halves are halved likewise.
//!
//! With n halvings in each other at most about n values that lead from half to half are kept, and all values
//! of one part in 2^n; each halving computes half of the forward part once more.

use super::copy::{Copier, rename};
use super::light::{Views, bytes};
use super::{Again, Why};
use crate::block::Inst;
use crate::function::Value;
use crate::shape::Type;
use std::collections::{HashMap, HashSet};

/// Halves instructions of which the first `forward` are the forward part. What goes out of the block stays as
/// it is.
pub(super) struct Bisector<'a> {
    pub types: &'a mut Vec<Type>,
    /// What the block gives back.
    pub out: &'a HashSet<Value>,
    /// What is computed again.
    pub again: &'a mut Vec<Again>,
}

/// The values of a forward part, as they are used.
struct Uses {
    views: Views,
    /// Where each value is defined.
    at: HashMap<Value, usize>,
    /// The last use in the forward part.
    last: HashMap<Value, usize>,
    /// The first use in the reverse part.
    late: HashMap<Value, usize>,
}

impl Uses {
    fn of(insts: &[Inst], forward: usize) -> Uses {
        let views = Views::among(&insts[..forward]);
        let (mut at, mut last, mut late) = (HashMap::new(), HashMap::new(), HashMap::new());
        for (i, inst) in insts.iter().enumerate() {
            inst.each_operand(&mut |v| {
                views.each_base(v, &mut |base| {
                    match i < forward {
                        true => *last.entry(base).or_insert(i) = i,
                        false => {
                            late.entry(base).or_insert(i);
                        }
                    };
                });
            });
            if i < forward {
                inst.each_result(&mut |v| {
                    at.insert(v, i);
                });
            }
        }
        late.retain(|v, _| at.contains_key(v));
        Uses {
            views,
            at,
            last,
            late,
        }
    }

    /// Whether a value that is no view is made in front of `mid` and used by none of the forward part
    /// behind it.
    fn ends(&self, v: Value, mid: usize) -> bool {
        let last = self.last.get(&v).copied().unwrap_or(0);
        !self.views.is_view(v) && self.at.get(&v).is_some_and(|at| *at < mid) && last < mid
    }
}

impl Bisector<'_> {
    pub fn halve(&mut self, mut insts: Vec<Inst>, forward: usize, depth: usize) -> Vec<Inst> {
        if depth == 0 || forward < 2 {
            return insts;
        }
        let uses = Uses::of(&insts, forward);
        let Some(mid) = self.middle(&uses, forward, depth - 1) else {
            return insts;
        };
        let dropped: Vec<Value> = {
            let late = uses.late.keys().copied();
            let mut dropped: Vec<Value> =
                late.filter(|v| self.is_dropped(&uses, *v, mid)).collect();
            dropped.sort_unstable();
            dropped
        };
        let Some(first_use) = dropped.iter().map(|v| uses.late[v]).min() else {
            return insts;
        };
        let computed = self.computed_again(&uses, &insts, (mid, forward), &dropped);
        let (mut copies, barriers, renamed) = self.copies(&uses, &insts[..mid], &computed);
        for v in &dropped {
            if let Some(inst) = insts.get(uses.at[v]) {
                let size = bytes(self.types, *v);
                self.again
                    .push(Again::new(inst, *v, self.types, size, Why::Half));
            }
        }
        let mut back = insts.split_off(first_use);
        back.iter_mut().for_each(|inst| rename(inst, &renamed));
        let second = insts.split_off(mid);
        let count = copies.len();
        copies.extend(back);
        let copies = self.halve(copies, count, depth - 1);
        let mut rest = second;
        let behind = rest.len();
        rest.extend(barriers);
        rest.extend(copies);
        debug_assert!(
            forward - mid <= behind,
            "the second half ends in front of its reverse"
        );
        let rest = self.halve(rest, forward - mid, depth - 1);
        insts.extend(rest);
        insts
    }

    fn is_dropped(&self, uses: &Uses, v: Value, mid: usize) -> bool {
        uses.ends(v, mid) && !self.out.contains(&v)
    }

    /// Where the two halves keep the fewest bytes: of the second what its reverse uses, and what leads to it
    /// from the first; of the first, what its reverse uses. Both are halved `more` times, so what leads from
    /// one to the other weighs the more. `None` if it is no less than without halves.
    fn middle(&self, uses: &Uses, forward: usize, more: usize) -> Option<usize> {
        let mut whole = 0usize;
        // Bytes that cross a place, that the first half has, and that the second has: differences.
        let mut crossing = vec![0i128; forward + 2];
        let mut first = vec![0i128; forward + 2];
        let mut second = vec![0i128; forward + 2];
        for (v, at) in &uses.at {
            if uses.views.is_view(*v) || self.out.contains(v) {
                continue;
            }
            let size = bytes(self.types, *v);
            let end = uses.last.get(v).copied().unwrap_or(*at).max(*at);
            crossing[at + 1] += size as i128;
            crossing[end + 1] -= size as i128;
            if uses.late.contains_key(v) {
                whole = whole.saturating_add(size);
                first[end + 1] += size as i128;
                second[0] += size as i128;
                second[at + 1] -= size as i128;
            }
        }
        let (mut c, mut a, mut b) = (0, 0, 0);
        let mut best: Option<(i128, usize)> = None;
        for mid in 0..forward {
            c += crossing[mid];
            a += first[mid];
            b += second[mid];
            let kept = a.max((c << more) + b);
            if mid > 0 && a > 0 && best.is_none_or(|(least, _)| kept < least) {
                best = Some((kept, mid));
            }
        }
        let (kept, mid) = best?;
        (kept < (whole as i128) << more).then_some(mid)
    }

    /// All values of the first half that are computed again: what is dropped, views of it that the reverse
    /// uses, and what they are made of down to what is kept.
    fn computed_again(
        &self,
        uses: &Uses,
        insts: &[Inst],
        (mid, forward): (usize, usize),
        dropped: &[Value],
    ) -> HashSet<Value> {
        let is_again = |v: Value| match uses.views.is_view(v) {
            true => {
                let mut again = false;
                uses.views
                    .each_base(v, &mut |base| again |= self.is_dropped(uses, base, mid));
                again
            }
            false => self.is_dropped(uses, v, mid),
        };
        let mut open: Vec<Value> = dropped.to_vec();
        for inst in &insts[forward..] {
            inst.each_operand(&mut |v| {
                if uses.at.get(&v).is_some_and(|at| *at < mid) && is_again(v) {
                    open.push(v);
                }
            });
        }
        let mut computed = HashSet::new();
        while let Some(v) = open.pop() {
            if computed.insert(v) {
                insts[uses.at[&v]].each_operand(&mut |operand| {
                    if uses.at.contains_key(&operand) && is_again(operand) {
                        open.push(operand);
                    }
                });
            }
        }
        computed
    }

    /// Copies of what computes values, behind barriers of what they are computed from.
    fn copies(
        &mut self,
        uses: &Uses,
        first: &[Inst],
        computed: &HashSet<Value>,
    ) -> (Vec<Inst>, Vec<Inst>, HashMap<Value, Value>) {
        let mut copier = Copier::new(self.types);
        let (mut copies, mut barriers) = (Vec::new(), Vec::new());
        let mut behind: HashMap<Value, Value> = HashMap::new();
        for inst in first {
            if !inst.results().iter().any(|v| computed.contains(v)) {
                continue;
            }
            let mut copy = copier.copy(inst);
            if let (Inst::Op(copy), Inst::Op(original)) = (&mut copy, inst) {
                for (now, v) in copy.operands.iter_mut().zip(&original.operands) {
                    let mut is_made = false;
                    uses.views.each_base(*v, &mut |_| is_made = true);
                    // Constants are made wherever they are needed.
                    if now == v && is_made {
                        *now = *behind.entry(*v).or_insert_with(|| {
                            let barrier = copier.barrier(*v);
                            let result = barrier.result;
                            barriers.push(Inst::Op(barrier));
                            result
                        });
                    }
                }
            }
            copies.push(copy);
        }
        (copies, barriers, copier.renamed)
    }
}
