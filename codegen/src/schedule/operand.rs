//! Operands of contractions: read as they lie, computed where they are used, or stored first.
//!
//! The choice is made in [`Storage::operand`] by the rule of `against_prologue`, nowhere else.

use super::affine::Affine;
use super::eval::{Bound, Eval, Expr, ExprKind, Need, Ref};
use super::graph::{Def, Id};
use super::probe::{Closed, MustStore, Probe, dims, split_dim};
use super::storage::Storage;
use crate::cost::{MOST_PLACES, PROLOGUE_BYTES, PROLOGUE_REGIONS, PROLOGUE_WORK};
use crate::decision::StoreReason;
use std::collections::BTreeSet;

/// An operand's element as an expression over the operand's own axes: a load, or a prologue.
pub(crate) struct OperandExpr {
    pub exprs: Vec<Expr>,
    pub value: Ref,
    /// The leaves it reads.
    pub reads: Vec<Id>,
}

impl Storage {
    /// The operand of a contraction over its last `contracted` axes; else the value to store first.
    pub fn operand(&self, operand: Id, contracted: usize) -> Result<OperandExpr, MustStore> {
        let store = |value: Id, why: StoreReason| MustStore { value, why };
        // Through views to what they are of: a value in memory, or one that is computed.
        let mut base = operand;
        while !self.is_leaf(base) {
            match self.graph.nodes[base].def.viewed() {
                Some(x) => base = x,
                None => break,
            }
        }
        let found = self.expressed(operand);
        if self.is_leaf(base) {
            let found = found.ok_or(store(operand, StoreReason::Index))?;
            // A view that repeats nothing can be stored by the kernel of the value that it is of, in the
            // order in which the contraction reads it best.
            let ordered = self.kernel[base]
                && self.graph.elements(operand) <= self.graph.elements(base)
                && !found.is_one_dim(&self.graph.nodes[operand].shape, contracted);
            return match found.is_plain() && !ordered {
                true => Ok(found),
                false => Err(store(operand, StoreReason::Ordered)),
            };
        }
        let found = found.ok_or(store(base, StoreReason::Index))?;
        match self.against_prologue(operand, base, &found) {
            None => Ok(found),
            Some(why) => Err(store(base, why)),
        }
    }

    /// The operand's expression, where every index in it is affine in the operand's axes.
    fn expressed(&self, operand: Id) -> Option<OperandExpr> {
        let shape = &self.graph.nodes[operand].shape;
        let scope = Closed {
            storage: self,
            top: usize::MAX,
        };
        let (mut base, mut space) = dims(shape);
        // The dims of the space that each axis became.
        let mut parts: Vec<usize> = space.iter().map(|_| 1).collect();
        loop {
            let mut eval = Eval::new(&self.graph, &scope, &space).with_most_places(MOST_PLACES);
            match eval.eval(operand, &base, &[]) {
                Ok(value) => {
                    let reads = eval.reads.iter().map(|(id, _)| *id).collect();
                    let mut exprs = eval.exprs;
                    for expr in &mut exprs {
                        map_indices(expr, &mut |at| joined(at, shape, &space, &parts))?;
                    }
                    return Some(OperandExpr {
                        exprs,
                        value,
                        reads,
                    });
                }
                Err(Need::Store(_) | Need::Share(_)) => return None,
                Err(Need::Split { dim, inner }) => {
                    let mut at = 0;
                    for part in &mut parts {
                        if dim < at + *part {
                            *part += 1;
                            break;
                        }
                        at += *part;
                    }
                    split_dim(&mut base, &mut space, dim, inner);
                }
            }
        }
    }

    /// Why an operand is stored rather than computed where it is used; `base` is the value that would
    /// be stored. It is computed if it is the cast of a half in memory, which takes half the bytes; or if
    /// - nobody but contractions reads it: another reader would compute it a second time or store it;
    /// - it does not follow from what a kernel computes element by element: that kernel stores it at
    ///   the price of the store, and each of its contractions reads it once;
    /// - it is cheap: [`PROLOGUE_WORK`] at most, nothing transcendental;
    /// - it does not repeat a smaller value: that is stored in fewer bytes than any load of it;
    /// - its loads are not [`PROLOGUE_BYTES`] times the value, and of [`PROLOGUE_REGIONS`] regions at
    ///   most.
    fn against_prologue(&self, operand: Id, base: Id, found: &OperandExpr) -> Option<StoreReason> {
        if self.narrow(base).is_some_and(|half| self.is_leaf(half)) {
            return None;
        }
        let size = |id: Id| self.graph.nodes[id].dtype.size().unwrap_or(8);
        let elements = self.graph.elements(operand);
        let loads = found.reads.iter().collect::<BTreeSet<_>>();
        let bytes: usize = loads
            .iter()
            .map(|leaf| self.graph.elements(**leaf).min(elements) * size(**leaf))
            .sum();
        let regions: BTreeSet<_> = loads
            .iter()
            .map(|leaf| self.region(&self.home_of(**leaf)))
            .collect();
        let work: usize = found
            .exprs
            .iter()
            .map(|expr| match &expr.kind {
                ExprKind::Apply(scalar, _) => self.target.compute(*scalar),
                ExprKind::Load { .. }
                | ExprKind::Gather { .. }
                | ExprKind::Const(_)
                | ExprKind::Index(_)
                | ExprKind::Root(_) => 0,
            })
            .sum();
        if work > PROLOGUE_WORK {
            Some(StoreReason::Work)
        } else if !loads.is_empty() && elements > self.graph.elements(base) {
            Some(StoreReason::Repeats)
        } else if bytes > PROLOGUE_BYTES * elements * size(operand) {
            Some(StoreReason::Bytes)
        } else if regions.len() > PROLOGUE_REGIONS {
            Some(StoreReason::Regions)
        } else if !self.only_contracted(base) {
            Some(StoreReason::OtherReaders)
        } else if self.can_ride_on_what_it_reads(base) {
            Some(StoreReason::OnTheWay)
        } else {
            None
        }
    }

    /// Whether all that a value is read for is contractions, through views or not.
    fn only_contracted(&self, id: Id) -> bool {
        !self.graph.results.contains(&id)
            && self.graph.users[id].iter().all(|user| {
                let def = &self.graph.nodes[*user].def;
                matches!(def, Def::Contract { .. })
                    || (def.viewed().is_some()
                        && !self.kernel[*user]
                        && self.only_contracted(*user))
            })
    }

    /// Whether a kernel that a value reads could store it as well: it runs over the same elements, or
    /// over rows of them that lie along the value's.
    fn can_ride_on_what_it_reads(&self, id: Id) -> bool {
        let shape = &self.graph.nodes[id].shape;
        let Ok(Probe { base, reads }) = self.read_value(id, usize::MAX, shape) else {
            return false;
        };
        let Some(last) = (0..shape.len()).rev().find(|d| shape[*d] != 1) else {
            return false;
        };
        let size = self.graph.elements(id);
        reads.iter().any(|(leaf, index)| {
            let Some(index) = index.as_ref().filter(|_| self.kernel[*leaf]) else {
                return false;
            };
            let has_own_kernels = matches!(self.graph.nodes[*leaf].def, Def::Opaque(_));
            let own = index
                .iter()
                .all(|at| at == &Affine::default() || base.contains(at));
            let rows = self.is_row_value(*leaf) && !index.contains(&base[last]);
            own && !has_own_kernels && (rows || self.graph.elements(*leaf) == size)
        })
    }
}

impl OperandExpr {
    /// Whether it is a load and nothing else.
    pub fn is_plain(&self) -> bool {
        match &self.exprs[self.value].kind {
            ExprKind::Load { guards, .. } => guards.is_empty(),
            ExprKind::Gather { .. }
            | ExprKind::Const(_)
            | ExprKind::Index(_)
            | ExprKind::Root(_)
            | ExprKind::Apply(..) => false,
        }
    }

    /// Whether a plain load walks its last `count` axes as one.
    fn is_one_dim(&self, shape: &[usize], count: usize) -> bool {
        let ExprKind::Load { at, .. } = &self.exprs[self.value].kind else {
            return false;
        };
        let axes: Vec<usize> = (shape.len() - count..shape.len())
            .filter(|d| shape[*d] != 1)
            .collect();
        axes.windows(2)
            .all(|pair| at.stride(pair[0]) == at.stride(pair[1]) * shape[pair[1]] as i64)
    }

    /// The same over a space in which `axes[d]` is the index of the operand's axis `d`.
    pub fn over(mut self, axes: &[Affine]) -> OperandExpr {
        for expr in &mut self.exprs {
            let there = map_indices(expr, &mut |at| {
                let mut out = Affine::constant(at.offset);
                for (d, index) in axes.iter().enumerate() {
                    out.add_scaled(index, at.stride(d));
                }
                Some(out)
            });
            debug_assert!(there.is_some(), "every index is affine in the axes");
        }
        self
    }
}

/// Replaces every affine function in an expression.
fn map_indices(expr: &mut Expr, f: &mut dyn FnMut(&Affine) -> Option<Affine>) -> Option<()> {
    let mut guarded = |at: &mut Affine, guards: &mut Vec<Bound>| {
        *at = f(at)?;
        for guard in guards {
            guard.value = f(&guard.value)?;
        }
        Some(())
    };
    match &mut expr.kind {
        ExprKind::Load { at, guards, .. } | ExprKind::Gather { at, guards, .. } => {
            guarded(at, guards)
        }
        ExprKind::Index(at) => guarded(at, &mut Vec::new()),
        ExprKind::Const(_) | ExprKind::Root(_) | ExprKind::Apply(..) => Some(()),
    }
}

/// A function over a space as a function over the axes of `shape`. Each axis of more than one element was
/// split into `parts` dims of the space, which follow one another. None where it is not affine in an axis.
fn joined(at: &Affine, shape: &[usize], space: &[usize], parts: &[usize]) -> Option<Affine> {
    let mut out = Affine::constant(at.offset);
    let (mut d, mut part) = (0, parts.iter());
    for (axis, _) in shape.iter().enumerate().filter(|(_, e)| **e != 1) {
        let end = d + part.next()?;
        for k in d..end - 1 {
            if at.stride(k) != at.stride(k + 1) * space[k + 1] as i64 {
                return None;
            }
        }
        out.add_scaled(&Affine::dim(axis), at.stride(end - 1));
        d = end;
    }
    Some(out)
}
