//! Which values a nest's stages keep in row arrays, and which each of them computes again.
//!
//! A value that several stages need is kept where storing it once and loading it in the later stages
//! costs less than computing it there, by the prices of [`Target`]. What a kept value is made of need
//! not be computed again either, so values are chosen one after the other, the one that saves most
//! first, each on top of those before.

use super::eval::{Expr, ExprKind, Ref};
use super::nest::operands;
use crate::cost::{Home, Target};
use crate::decision::RepeatReason;
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
    /// What all stages cost for an element of the row without its array.
    pub without: usize,
    /// The same with it.
    pub with: usize,
}

/// What is kept and what is not.
#[derive(Default)]
pub(super) struct Chosen {
    /// The values to keep, those of earlier stages first.
    pub kept: Vec<Kept>,
    /// Values that several stages compute.
    pub repeated: Vec<(Ref, RepeatReason)>,
}

/// What the stages do when some values are kept.
struct Walk {
    /// What all stages cost for an element of the row.
    price: usize,
    /// For each value that is kept and read, the stage that writes it.
    writers: Vec<Option<usize>>,
    /// How many stages compute each value.
    computed: Vec<usize>,
}

impl Stages<'_> {
    /// Chooses the values to keep.
    pub(super) fn choose(&self) -> Chosen {
        if self.wanted.len() < 2 {
            return Chosen::default();
        }
        let candidates = self.candidates();
        let mut kept: Vec<Ref> = Vec::new();
        let mut prices = vec![self.walk(&[]).price];
        let mut bytes = 0;
        while kept.len() < MOST_ARRAYS {
            let price = prices[kept.len()];
            let mut best: Option<(usize, Ref)> = None;
            for &value in &candidates {
                if kept.contains(&value) || self.home(bytes + self.bytes(value)).is_none() {
                    continue;
                }
                kept.push(value);
                let with = self.walk(&kept).price;
                kept.pop();
                if with < best.map_or(price, |(least, _)| least) {
                    best = Some((with, value));
                }
            }
            let Some((with, value)) = best else {
                break;
            };
            bytes += self.bytes(value);
            kept.push(value);
            prices.push(with);
        }
        let walk = self.walk(&kept);
        let mut chosen = Chosen::default();
        for (value, price) in kept.iter().zip(prices.windows(2)) {
            // A later choice may have made an array useless: then no stage reads it.
            if let Some(stage) = walk.writers[*value] {
                chosen.kept.push(Kept {
                    value: *value,
                    stage,
                    without: price[0],
                    with: price[1],
                });
            }
        }
        chosen.kept.sort_by_key(|k| (k.stage, k.value));
        for value in candidates {
            if walk.computed[value] > 1 {
                let why = match self.home(bytes + self.bytes(value)) {
                    Some(_) => RepeatReason::Cheap,
                    None => RepeatReason::NoRoom,
                };
                chosen.repeated.push((value, why));
            }
        }
        chosen
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

    /// Values that several stages compute and that may be worth an array: what a stage makes something of
    /// that no other stage computes, and what is dear by itself.
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
            DType::F32 | DType::F64 | DType::F16 | DType::Bf16 | DType::I32 | DType::U32 => true,
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

    /// What differs along the row and a stage computes if nothing is kept.
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

    /// What the stages do with these values kept.
    fn walk(&self, kept: &[Ref]) -> Walk {
        let bytes = kept.iter().map(|r| self.bytes(*r)).sum();
        let home = self.home(bytes).unwrap_or(Home::Buffer);
        let mut price = 0;
        let mut written: Vec<Option<usize>> = vec![None; self.exprs.len()];
        let mut read = vec![false; self.exprs.len()];
        let mut computed = vec![0; self.exprs.len()];
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
                computed[r] += 1;
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
        Walk {
            price,
            writers: written.into_iter().enumerate().map(writer).collect(),
            computed,
        }
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
