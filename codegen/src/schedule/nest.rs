//! From expressions over a space to a nest: stages, row registers, order of dims.

use super::affine::Affine;
use super::eval::{Bound, Eval, Expr, ExprKind, Ref};
use super::graph::Id;
use super::row_array::{self, Kept};
use crate::cost::Target;
use crate::decision::Choice;
use crate::kernel::{
    Access, ArrayId, Code, Guard, Nest, Reg, RowArray, RowReg, ScalarInst, ScalarKind, SlotId,
    Stage, Store,
};
use sinew_ir::{DType, Reduction};
use std::collections::{BTreeMap, BTreeSet};

/// A store of an expression.
pub(crate) struct Stored {
    pub buffer: usize,
    pub at: Affine,
    pub value: Ref,
    /// Whether it adds to the sums of a block of rows.
    pub adds: bool,
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

/// For an expression that an earlier stage has computed, the instruction that reads it; else none.
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

/// Finds the longest sequence of reductions, each of which needs the one before, that an expression needs.
struct Depth<'a> {
    exprs: &'a [Expr],
    /// What each reduction reduces.
    roots: BTreeMap<Id, Ref>,
    memo: Vec<Option<usize>>,
}

impl Depth<'_> {
    fn reductions(&mut self, r: Ref) -> usize {
        if let Some(depth) = self.memo[r] {
            return depth;
        }
        let depth = match &self.exprs[r].kind {
            ExprKind::Root(id) => match self.roots.get(id).copied() {
                Some(value) => 1 + self.reductions(value),
                None => 0,
            },
            kind => operands(kind)
                .into_iter()
                .map(|o| self.reductions(o))
                .max()
                .unwrap_or(0),
        };
        self.memo[r] = Some(depth);
        depth
    }
}

/// A nest to be made: expressions over a space, what is reduced and what is stored.
pub(crate) struct NestSource<'a> {
    pub eval: &'a Eval<'a>,
    /// Which dims of the space are the row's.
    pub inner: &'a [bool],
    /// The dim of a block's rows, where stores add.
    pub step: Option<usize>,
    pub reduced: &'a [Reduced],
    pub stores: &'a [Stored],
    pub target: Target,
}

/// Makes the nest, and says of values that several of its stages need whether it keeps them. Dims are
/// not merged yet.
pub(crate) fn nest(source: &NestSource) -> (Nest, Vec<(Ref, Choice<Id>)>) {
    let (eval, inner) = (source.eval, source.inner);
    let dims = 0..eval.space.len();
    let mut outer: Vec<usize> = dims.clone().filter(|d| !inner[*d]).collect();
    let row: Vec<usize> = dims.filter(|d| inner[*d]).collect();
    if row.is_empty() {
        return (map(eval, source.stores), Vec::new());
    }
    if let Some(first) = source.stores.first() {
        by_stride(&first.at, &mut outer);
    }
    // The rows of a block follow one another.
    outer.sort_by_key(|d| source.step == Some(*d));
    let order: Vec<usize> = outer.iter().chain(&row).copied().collect();
    let extents = |dims: &[usize]| dims.iter().map(|d| eval.space[*d]).collect::<Vec<_>>();
    let mut rows = Rows::new(source, order);
    let row = extents(&row);
    let length = row.iter().fold(1, |n: usize, e| n.saturating_mul(*e));
    let choices = rows.choose_arrays(length);
    rows.make_stages();
    let nest = Nest {
        outer: extents(&outer),
        inner: row,
        stages: rows.stages,
        rows: rows.dtypes,
        arrays: rows.arrays,
    };
    (nest, choices)
}

/// A nest without rows: one element at a time. Dims are not merged yet.
pub(crate) fn map(eval: &Eval, stores: &[Stored]) -> Nest {
    let mut order: Vec<usize> = (0..eval.space.len()).collect();
    if let Some(first) = stores.first() {
        by_stride(&first.at, &mut order);
    }
    let moves = depends(&eval.exprs, &|_| true, true);
    let wanted: Vec<Ref> = stores.iter().map(|s| s.value).collect();
    let (mut code, regs) = code(&eval.exprs, &wanted, &order, &|_| None, &|r| !moves[r]);
    code.stores = stores.iter().map(|s| store(s, &regs, &order)).collect();
    Nest {
        outer: order.iter().map(|d| eval.space[*d]).collect(),
        inner: Vec::new(),
        stages: vec![Stage::Row {
            code,
            sets: Vec::new(),
        }],
        rows: Vec::new(),
        arrays: Vec::new(),
    }
}

fn store(s: &Stored, regs: &BTreeMap<Ref, Reg>, order: &[usize]) -> Store {
    Store {
        access: access(s.buffer, &s.at, &[], order),
        value: regs[&s.value],
        adds: s.adds,
    }
}

/// What one level of a row computes. What is on level `n` needs the results of `n` reductions that follow
/// from each other, so levels run one after the other.
#[derive(Default)]
struct Level<'a> {
    /// Values of the whole row that elements or the row's stores need.
    sets: Vec<Ref>,
    /// Stores of one element a row.
    row_stores: Vec<&'a Stored>,
    reduces: Vec<&'a Reduced>,
    /// Stores of every element.
    stores: Vec<&'a Stored>,
}

impl Level<'_> {
    /// What its code for every element must have.
    fn wanted(&self) -> Vec<Ref> {
        let reduced = self.reduces.iter().map(|r| r.value);
        reduced.chain(self.stores.iter().map(|s| s.value)).collect()
    }
}

/// The stages of a row in the making.
struct Rows<'a> {
    exprs: &'a [Expr],
    order: Vec<usize>,
    target: Target,
    /// Whether each expression differs along the row.
    varies: Vec<bool>,
    levels: Vec<Level<'a>>,
    stages: Vec<Stage>,
    /// Types of the row registers.
    dtypes: Vec<DType>,
    /// The row register of a value that does not differ along the row.
    row_of: BTreeMap<Ref, RowReg>,
    /// The row register of each reduction.
    root_row: BTreeMap<Id, RowReg>,
    /// Values to keep, each with the number of the stage that writes it, stages for every element counted.
    kept: Vec<Kept>,
    /// The row array of each kept value that is written.
    array_of: BTreeMap<Ref, ArrayId>,
    arrays: Vec<RowArray>,
}

impl<'a> Rows<'a> {
    fn new(source: &NestSource<'a>, order: Vec<usize>) -> Rows<'a> {
        let exprs: &[Expr] = &source.eval.exprs;
        let mut rows = Rows {
            exprs,
            order,
            target: source.target,
            varies: depends(exprs, &|d| source.inner[d], false),
            levels: Vec::new(),
            stages: Vec::new(),
            dtypes: Vec::new(),
            row_of: BTreeMap::new(),
            root_row: BTreeMap::new(),
            kept: Vec::new(),
            array_of: BTreeMap::new(),
            arrays: Vec::new(),
        };
        for r in source.reduced {
            let row = rows.new_row(r.dtype);
            rows.root_row.insert(r.id, row);
        }
        let along =
            |s: &Stored| (0..source.inner.len()).any(|d| source.inner[d] && s.at.stride(d) != 0);
        let (stores, row_stores): (Vec<&Stored>, Vec<&Stored>) =
            source.stores.iter().partition(|s| along(s));
        let sets = rows.row_wanted(source.reduced, &stores);
        let mut depth = Depth {
            exprs,
            roots: source.reduced.iter().map(|r| (r.id, r.value)).collect(),
            memo: vec![None; exprs.len()],
        };
        let levels = &mut rows.levels;
        for r in sets {
            level(levels, depth.reductions(r)).sets.push(r);
        }
        for r in source.reduced {
            level(levels, depth.reductions(r.value)).reduces.push(r);
        }
        for s in stores {
            level(levels, depth.reductions(s.value)).stores.push(s);
        }
        for s in row_stores {
            level(levels, depth.reductions(s.value)).row_stores.push(s);
        }
        rows
    }

    fn new_row(&mut self, dtype: DType) -> RowReg {
        self.dtypes.push(dtype);
        RowReg(number(self.dtypes.len() - 1))
    }

    /// What the code for every element needs of the code for the whole row: the greatest expressions in
    /// it that do not differ along the row.
    fn row_wanted(&self, reduced: &[Reduced], stores: &[&Stored]) -> BTreeSet<Ref> {
        let mut wanted = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let each = reduced.iter().map(|r| r.value);
        let mut open: Vec<Ref> = each.chain(stores.iter().map(|s| s.value)).collect();
        while let Some(r) = open.pop() {
            if !seen.insert(r) {
                continue;
            }
            match (&self.exprs[r].kind, self.varies[r]) {
                (ExprKind::Const(_) | ExprKind::Root(_), _) => {}
                (_, false) => {
                    wanted.insert(r);
                }
                (kind, true) => open.extend(operands(kind)),
            }
        }
        wanted
    }

    /// Chooses what later stages read of earlier ones instead of computing it again.
    fn choose_arrays(&mut self, length: usize) -> Vec<(Ref, Choice<Id>)> {
        let wanted = self.levels.iter().map(Level::wanted);
        let wanted: Vec<Vec<Ref>> = wanted.filter(|w| !w.is_empty()).collect();
        let chosen = row_array::Stages {
            exprs: self.exprs,
            varies: &self.varies,
            wanted: &wanted,
            length,
            target: self.target,
        }
        .choose();
        let mut choices = Vec::new();
        for k in &chosen.kept {
            let (without, with) = (k.without, k.with);
            choices.push((k.value, Choice::Kept { without, with }));
        }
        let repeated = chosen.repeated.into_iter();
        choices.extend(repeated.map(|(value, why)| (value, Choice::Repeated(why))));
        self.kept = chosen.kept;
        choices
    }

    /// Makes the stages of all levels.
    fn make_stages(&mut self) {
        let mut each = 0;
        for level in std::mem::take(&mut self.levels) {
            if !level.sets.is_empty() || !level.row_stores.is_empty() {
                self.row_stage(&level);
            }
            let wanted = level.wanted();
            if !wanted.is_empty() {
                self.each_stage(&level, wanted, each);
                each += 1;
            }
        }
    }

    fn row_stage(&mut self, level: &Level) {
        let stored = level.row_stores.iter().map(|s| s.value);
        let wanted: Vec<Ref> = level.sets.iter().copied().chain(stored).collect();
        let given = |r: Ref| self.given(r);
        let (mut code, regs) = code(self.exprs, &wanted, &self.order, &given, &|_| false);
        let stores = level.row_stores.iter();
        code.stores = stores.map(|s| store(s, &regs, &self.order)).collect();
        let mut sets = Vec::new();
        for r in &level.sets {
            let row = self.new_row(self.exprs[*r].dtype);
            sets.push((row, regs[r]));
            self.row_of.insert(*r, row);
        }
        self.stages.push(Stage::Row { code, sets });
    }

    /// A stage that runs for every element, the one of number `each` among such stages.
    fn each_stage(&mut self, level: &Level, wanted: Vec<Ref>, each: usize) {
        let given = |r: Ref| self.given(r);
        let early = |r: Ref| !self.varies[r];
        let (mut code, regs) = code(self.exprs, &wanted, &self.order, &given, &early);
        let stores = level.stores.iter();
        code.stores = stores.map(|s| store(s, &regs, &self.order)).collect();
        let reduces = level.reduces.iter();
        let reduces = reduces.map(|r| (self.root_row[&r.id], r.kind, regs[&r.value]));
        let reduces = reduces.collect();
        for kept in self.kept.iter().filter(|k| k.stage == each) {
            let id = ArrayId(number(self.arrays.len()));
            self.array_of.insert(kept.value, id);
            self.arrays.push(RowArray {
                stage: self.stages.len(),
                value: regs[&kept.value],
            });
        }
        self.stages.push(Stage::Each { code, reduces });
    }

    /// Where an expression's value is, if a stage before has computed it.
    fn given(&self, r: Ref) -> Option<ScalarKind> {
        if let Some(row) = self.row_of.get(&r) {
            return Some(ScalarKind::Row(*row));
        }
        if let Some(array) = self.array_of.get(&r) {
            return Some(ScalarKind::Element(*array));
        }
        match &self.exprs[r].kind {
            ExprKind::Root(id) => self.root_row.get(id).map(|row| ScalarKind::Row(*row)),
            ExprKind::Load { .. }
            | ExprKind::Gather { .. }
            | ExprKind::Const(_)
            | ExprKind::Index(_)
            | ExprKind::Apply(..) => None,
        }
    }
}

/// The level of a number.
fn level<'l, 'a>(levels: &'l mut Vec<Level<'a>>, number: usize) -> &'l mut Level<'a> {
    if levels.len() <= number {
        levels.resize_with(number + 1, Level::default);
    }
    &mut levels[number]
}
