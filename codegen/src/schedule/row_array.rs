//! Which values a nest's stages keep in row arrays, and which each of them computes again.
//!
//! A value that several stages need is kept where storing it once and loading it in the later stages
//! costs less than computing it there, by the prices of [`Target`]. What a kept value is made of need
//! not be computed again either, so values are chosen one after the other, the one that saves most
//! first, each on top of those before.

use super::eval::{Expr, ExprKind, Ref};
use super::nest::operands;
use crate::cost::{Home, Target};
use sinew_ir::DType;

/// More arrays than this are not looked for: each takes a pass over the nest's expressions.
const MOST_ARRAYS: usize = 8;

/// The stages of a nest that run for every element, as far as the choice depends on them.
pub(super) struct Stages<'a> {
    pub exprs: &'a [Expr],
    /// Whether each expression differs along the row. What does not is in row registers.
    pub varies: &'a [bool],
    /// What each stage must have, in order.
    pub wanted: &'a [Vec<Ref>],
    /// Elements of a row.
    pub length: usize,
    pub target: Target,
}

/// A value that is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Kept {
    pub value: Ref,
    /// The first stage that computes it, an index into [`Stages::wanted`].
    pub stage: usize,
    /// What the stages pay in all for an element of the row without it, and with it.
    pub prices: [usize; 2],
}

impl Stages<'_> {
    /// The values to keep, those of earlier stages first.
    pub(super) fn choose(&self) -> Vec<Kept> {
        if self.wanted.len() < 2 {
            return Vec::new();
        }
        let candidates = self.candidates();
        let mut chosen: Vec<(Ref, [usize; 2])> = Vec::new();
        let mut price = self.price(&[]);
        let mut bytes = 0;
        while chosen.len() < MOST_ARRAYS {
            let mut kept: Vec<Ref> = chosen.iter().map(|(value, _)| *value).collect();
            let mut best: Option<(usize, Ref)> = None;
            for &value in &candidates {
                if kept.contains(&value) || self.home(bytes + self.bytes(value)).is_none() {
                    continue;
                }
                kept.push(value);
                let with = self.price(&kept);
                kept.pop();
                if with < best.map_or(price, |(least, _)| least) {
                    best = Some((with, value));
                }
            }
            let Some((with, value)) = best else {
                break;
            };
            bytes += self.bytes(value);
            chosen.push((value, [price, with]));
            price = with;
        }
        // One that a later choice made useless is no longer read.
        let kept: Vec<Ref> = chosen.iter().map(|(value, _)| *value).collect();
        let read = self.walk(&kept).1;
        let mut out: Vec<Kept> = Vec::new();
        for (value, prices) in chosen {
            if let Some(stage) = read[value] {
                out.push(Kept {
                    value,
                    stage,
                    prices,
                });
            }
        }
        out.sort_by_key(|k| (k.stage, k.value));
        out
    }

    /// Bytes of a value's array.
    fn bytes(&self, value: Ref) -> usize {
        let size = self.exprs[value].dtype.size().unwrap_or(8);
        self.length.saturating_mul(size)
    }

    /// Where arrays of so many bytes in all live; none where the target has no room.
    fn home(&self, bytes: usize) -> Option<Home> {
        self.target.row_home(bytes)
    }

    /// Values that several stages compute and that may be worth an array: those of which a stage needs
    /// something that it alone computes, and those that are dear by themselves.
    fn candidates(&self) -> Vec<Ref> {
        let sets: Vec<Vec<bool>> = self.wanted.iter().map(|w| self.computed(w)).collect();
        let shared = |r: Ref| sets.iter().filter(|set| set[r]).count() > 1;
        let mut frontier = vec![false; self.exprs.len()];
        for (set, wanted) in sets.iter().zip(self.wanted) {
            for r in wanted {
                frontier[*r] = true;
            }
            for (r, expr) in self.exprs.iter().enumerate() {
                if set[r] && !shared(r) {
                    for operand in operands(&expr.kind) {
                        frontier[operand] = true;
                    }
                }
            }
        }
        let number = |dtype: DType| match dtype {
            DType::F32 | DType::F64 | DType::I32 | DType::U32 => true,
            DType::Bool | DType::Float => false,
        };
        let candidate = |r: &Ref| {
            let expr = &self.exprs[*r];
            let computed = match &expr.kind {
                ExprKind::Apply(scalar, _) => frontier[*r] || self.target.is_dear(*scalar),
                ExprKind::Gather { .. } => frontier[*r],
                ExprKind::Load { .. }
                | ExprKind::Const(_)
                | ExprKind::Index(_)
                | ExprKind::Root(_) => false,
            };
            computed && shared(*r) && number(expr.dtype)
        };
        (0..self.exprs.len()).filter(candidate).collect()
    }

    /// What a stage computes that differs along the row, nothing being kept.
    fn computed(&self, wanted: &[Ref]) -> Vec<bool> {
        let mut set = vec![false; self.exprs.len()];
        let mut open = wanted.to_vec();
        while let Some(r) = open.pop() {
            if self.varies[r] && !set[r] {
                set[r] = true;
                open.extend(operands(&self.exprs[r].kind));
            }
        }
        set
    }

    /// What all stages cost for an element of the row, with these values kept.
    fn price(&self, kept: &[Ref]) -> usize {
        self.walk(kept).0
    }

    /// The price, and for each value that is kept and read the stage that writes it.
    fn walk(&self, kept: &[Ref]) -> (usize, Vec<Option<usize>>) {
        let bytes = kept.iter().map(|r| self.bytes(*r)).sum();
        let home = self.home(bytes).unwrap_or(Home::Buffer);
        let mut price = 0;
        let mut written: Vec<Option<usize>> = vec![None; self.exprs.len()];
        let mut read = vec![false; self.exprs.len()];
        for (stage, wanted) in self.wanted.iter().enumerate() {
            let mut seen = vec![false; self.exprs.len()];
            let mut open = wanted.clone();
            while let Some(r) = open.pop() {
                if !self.varies[r] || std::mem::replace(&mut seen[r], true) {
                    continue;
                }
                if written[r].is_some_and(|writer| writer < stage) {
                    price += self.target.load(home);
                    read[r] = true;
                    continue;
                }
                price += self.compute(r);
                open.extend(operands(&self.exprs[r].kind));
            }
            for r in kept {
                if seen[*r] && written[*r].is_none() {
                    price += self.target.store(home);
                    written[*r] = Some(stage);
                }
            }
        }
        let writer = |(r, stage): (Ref, Option<usize>)| stage.filter(|_| read[r]);
        let writers = written.into_iter().enumerate().map(writer).collect();
        (price, writers)
    }

    /// The price of an expression, its operands being there.
    fn compute(&self, r: Ref) -> usize {
        match &self.exprs[r].kind {
            ExprKind::Apply(scalar, _) => self.target.compute(*scalar),
            // An earlier stage has brought the row near.
            ExprKind::Load { guards, .. } if guards.is_empty() => self.target.load(Home::Near),
            ExprKind::Load { .. } => self.target.guarded_load(),
            ExprKind::Gather { .. } => self.target.gather(),
            ExprKind::Index(_) => 1,
            ExprKind::Const(_) | ExprKind::Root(_) => 0,
        }
    }
}
