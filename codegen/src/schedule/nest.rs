//! From expressions over a space to a nest: stages, row registers, order of dims.

use super::affine::Affine;
use super::eval::{Bound, Eval, Expr, ExprKind, Ref};
use super::graph::Id;
use crate::kernel::{
    Access, Code, Guard, Nest, Reg, RowReg, ScalarInst, ScalarKind, SlotId, Stage, Store,
};
use sinew_ir::{DType, Reduction};
use std::collections::{BTreeMap, BTreeSet};

/// A store of an expression.
pub(crate) struct Stored {
    pub buffer: usize,
    pub at: Affine,
    pub value: Ref,
}

/// A reduction of an expression over the row.
pub(crate) struct Reduced {
    pub id: Id,
    pub kind: Reduction,
    pub dtype: DType,
    pub value: Ref,
}

fn number(i: usize) -> u32 {
    u32::try_from(i).expect("fewer than 2^32 instructions fit in memory")
}

/// Dims of a space in another order: `order[new]` is the old dim.
pub(crate) fn strides(at: &Affine, order: &[usize]) -> Vec<i64> {
    order.iter().map(|d| at.stride(*d)).collect()
}

/// An access into a buffer as it is being made: its number stands where a slot's will.
pub(crate) fn access(buffer: usize, at: &Affine, guards: &[Bound], order: &[usize]) -> Access {
    Access {
        slot: SlotId(u32::try_from(buffer).unwrap_or(u32::MAX)),
        offset: at.offset,
        strides: strides(at, order),
        guards: guards
            .iter()
            .map(|g| Guard {
                offset: g.value.offset,
                strides: strides(&g.value, order),
                extent: g.extent,
            })
            .collect(),
    }
}

/// What a code writer asks for each expression: a register of another stage, or none.
type Given<'a> = dyn Fn(Ref) -> Option<ScalarKind> + 'a;

/// The code that computes `wanted`; `given` expressions are not computed but read. Those for which
/// `early` holds come first.
pub(crate) fn code(
    exprs: &[Expr],
    wanted: &[Ref],
    order: &[usize],
    given: &Given,
    early: &dyn Fn(Ref) -> bool,
) -> (Code, BTreeMap<Ref, Reg>) {
    let mut seen = BTreeSet::new();
    let mut open: Vec<Ref> = wanted.to_vec();
    while let Some(r) = open.pop() {
        if seen.insert(r) && given(r).is_none() {
            open.extend(operands(&exprs[r].kind));
        }
    }
    let mut list: Vec<Ref> = seen.into_iter().collect();
    list.sort_by_key(|r| (!early(*r), *r));
    let mut regs = BTreeMap::new();
    let mut out = Code::default();
    for r in list {
        let expr = &exprs[r];
        let reg = |r: &Ref| -> Reg { regs[r] };
        let kind = given(r).unwrap_or_else(|| match &expr.kind {
            ExprKind::Load { buffer, at, guards } => {
                ScalarKind::Load(access(*buffer, at, guards, order))
            }
            ExprKind::Gather {
                buffer,
                at,
                guards,
                index,
                extent,
                stride,
            } => ScalarKind::Gather {
                access: access(*buffer, at, guards, order),
                index: reg(index),
                extent: *extent,
                stride: *stride,
            },
            ExprKind::Const(bits) => ScalarKind::Const(f64::from_bits(*bits)),
            ExprKind::Index(at) => ScalarKind::Index {
                offset: at.offset,
                strides: strides(at, order),
            },
            ExprKind::Root(_) => ScalarKind::Accumulator,
            ExprKind::Apply(scalar, operands) => {
                ScalarKind::Apply(*scalar, operands.iter().map(reg).collect())
            }
        });
        regs.insert(r, Reg(number(out.insts.len())));
        out.insts.push(ScalarInst {
            kind,
            dtype: expr.dtype,
        });
    }
    (out, regs)
}

pub(crate) fn operands(kind: &ExprKind) -> Vec<Ref> {
    match kind {
        ExprKind::Load { .. } | ExprKind::Const(_) | ExprKind::Index(_) | ExprKind::Root(_) => {
            Vec::new()
        }
        ExprKind::Gather { index, .. } => vec![*index],
        ExprKind::Apply(_, operands) => operands.clone(),
    }
}

/// Whether each expression depends on one of the dims.
pub(crate) fn depends(exprs: &[Expr], dims: &dyn Fn(usize) -> bool, on_roots: bool) -> Vec<bool> {
    let moves = |at: &Affine| (0..at.strides.len()).any(|d| at.stride(d) != 0 && dims(d));
    let guarded = |guards: &[Bound]| guards.iter().any(|g| moves(&g.value));
    let mut out: Vec<bool> = Vec::with_capacity(exprs.len());
    for expr in exprs {
        let depends = match &expr.kind {
            ExprKind::Load { at, guards, .. } => moves(at) || guarded(guards),
            ExprKind::Gather {
                at, guards, index, ..
            } => moves(at) || guarded(guards) || out[*index],
            ExprKind::Const(_) => false,
            ExprKind::Index(at) => moves(at),
            ExprKind::Root(_) => on_roots,
            ExprKind::Apply(_, operands) => operands.iter().any(|r| out[*r]),
        };
        out.push(depends);
    }
    out
}

/// The order of the outer dims: by the first store's strides, the densest last.
pub(crate) fn by_stride(at: &Affine, dims: &mut [usize]) {
    dims.sort_by_key(|d| std::cmp::Reverse(at.stride(*d).unsigned_abs()));
}

struct Levels<'a> {
    eval: &'a Eval<'a>,
    roots: BTreeMap<Id, Ref>,
    memo: Vec<Option<usize>>,
}

impl Levels<'_> {
    /// How many reductions one after the other an expression needs.
    fn depth(&mut self, r: Ref) -> usize {
        if let Some(level) = self.memo[r] {
            return level;
        }
        let level = match &self.eval.exprs[r].kind {
            ExprKind::Root(id) => match self.roots.get(id).copied() {
                Some(value) => 1 + self.depth(value),
                None => 0,
            },
            kind => operands(kind)
                .into_iter()
                .map(|o| self.depth(o))
                .max()
                .unwrap_or(0),
        };
        self.memo[r] = Some(level);
        level
    }
}

/// Makes the nest. Not merged yet.
pub(crate) fn nest(eval: &Eval, inner: &[bool], reduced: &[Reduced], stores: &[Stored]) -> Nest {
    let n = eval.space.len();
    let mut outer: Vec<usize> = (0..n).filter(|d| !inner[*d]).collect();
    let row: Vec<usize> = (0..n).filter(|d| inner[*d]).collect();
    if let Some(first) = stores.first() {
        by_stride(&first.at, &mut outer);
    }
    let order: Vec<usize> = outer.iter().chain(&row).copied().collect();
    let extents = |dims: &[usize]| dims.iter().map(|d| eval.space[*d]).collect::<Vec<_>>();
    let store = |s: &Stored, regs: &BTreeMap<Ref, Reg>| Store {
        access: access(s.buffer, &s.at, &[], &order),
        value: regs[&s.value],
    };
    if row.is_empty() {
        let moves = depends(&eval.exprs, &|_| true, true);
        let wanted: Vec<Ref> = stores.iter().map(|s| s.value).collect();
        let (mut code, regs) = code(&eval.exprs, &wanted, &order, &|_| None, &|r| !moves[r]);
        code.stores = stores.iter().map(|s| store(s, &regs)).collect();
        return Nest {
            outer: extents(&outer),
            inner: Vec::new(),
            stages: vec![Stage::Row {
                code,
                sets: Vec::new(),
            }],
            rows: Vec::new(),
        };
    }
    let varies = depends(&eval.exprs, &|d| inner[d], false);
    let mut levels = Levels {
        eval,
        roots: reduced.iter().map(|r| (r.id, r.value)).collect(),
        memo: vec![None; eval.exprs.len()],
    };
    let along = |s: &Stored| row.iter().any(|d| s.at.stride(*d) != 0);
    let mut rows: Vec<DType> = Vec::new();
    let mut row_of: BTreeMap<Ref, RowReg> = BTreeMap::new();
    let new_row = |dtype: DType, rows: &mut Vec<DType>| {
        rows.push(dtype);
        RowReg(number(rows.len() - 1))
    };
    let mut root_row: BTreeMap<Id, RowReg> = BTreeMap::new();
    for r in reduced {
        root_row.insert(r.id, new_row(r.dtype, &mut rows));
    }
    // What the elements' codes want of the rows: the first row-wide expressions below theirs.
    let mut row_wanted: BTreeSet<Ref> = BTreeSet::new();
    {
        let mut seen = BTreeSet::new();
        let each = reduced.iter().map(|r| r.value);
        let stored = stores.iter().filter(|s| along(s)).map(|s| s.value);
        let mut open: Vec<Ref> = each.chain(stored).collect();
        while let Some(r) = open.pop() {
            if !seen.insert(r) {
                continue;
            }
            match (&eval.exprs[r].kind, varies[r]) {
                (ExprKind::Const(_) | ExprKind::Root(_), _) => {}
                (_, false) => {
                    row_wanted.insert(r);
                }
                (kind, true) => open.extend(operands(kind)),
            }
        }
    }
    let mut last = 0;
    for r in row_wanted.iter().copied() {
        last = last.max(levels.depth(r));
    }
    for r in reduced.iter().map(|r| r.value) {
        last = last.max(levels.depth(r));
    }
    for s in stores {
        last = last.max(levels.depth(s.value));
    }
    let mut stages = Vec::new();
    for level in 0..=last {
        // Row stage: row-wide values of this level, for elements or for the row's stores.
        let sets: Vec<Ref> = row_wanted
            .iter()
            .copied()
            .filter(|r| levels.depth(*r) == level)
            .collect();
        let stored: Vec<&Stored> = stores
            .iter()
            .filter(|s| !along(s) && levels.depth(s.value) == level)
            .collect();
        if !sets.is_empty() || !stored.is_empty() {
            let wanted: Vec<Ref> = sets
                .iter()
                .copied()
                .chain(stored.iter().map(|s| s.value))
                .collect();
            let given = |r: Ref| given_row(eval, r, &row_of, &root_row);
            let (mut code, regs) = code(&eval.exprs, &wanted, &order, &given, &|_| false);
            code.stores = stored.iter().map(|s| store(s, &regs)).collect();
            let mut pairs = Vec::new();
            for r in sets {
                let row = new_row(eval.exprs[r].dtype, &mut rows);
                pairs.push((row, regs[&r]));
                row_of.insert(r, row);
            }
            stages.push(Stage::Row { code, sets: pairs });
        }
        let reduces: Vec<&Reduced> = reduced
            .iter()
            .filter(|r| levels.depth(r.value) == level)
            .collect();
        let stored: Vec<&Stored> = stores
            .iter()
            .filter(|s| along(s) && levels.depth(s.value) == level)
            .collect();
        if !reduces.is_empty() || !stored.is_empty() {
            let wanted: Vec<Ref> = reduces
                .iter()
                .map(|r| r.value)
                .chain(stored.iter().map(|s| s.value))
                .collect();
            let given = |r: Ref| given_row(eval, r, &row_of, &root_row);
            let (mut code, regs) = code(&eval.exprs, &wanted, &order, &given, &|r| !varies[r]);
            code.stores = stored.iter().map(|s| store(s, &regs)).collect();
            let reduces = reduces
                .iter()
                .map(|r| (root_row[&r.id], r.kind, regs[&r.value]))
                .collect();
            stages.push(Stage::Each { code, reduces });
        }
    }
    Nest {
        outer: extents(&outer),
        inner: extents(&row),
        stages,
        rows,
    }
}

fn given_row(
    eval: &Eval,
    r: Ref,
    row_of: &BTreeMap<Ref, RowReg>,
    root_row: &BTreeMap<Id, RowReg>,
) -> Option<ScalarKind> {
    if let Some(row) = row_of.get(&r) {
        return Some(ScalarKind::Row(*row));
    }
    match &eval.exprs[r].kind {
        ExprKind::Root(id) => root_row.get(id).map(|row| ScalarKind::Row(*row)),
        ExprKind::Load { .. }
        | ExprKind::Gather { .. }
        | ExprKind::Const(_)
        | ExprKind::Index(_)
        | ExprKind::Apply(..) => None,
    }
}
