//! Nests as loops: which dim the lanes run along, and the stages of a row.
//!
//! Lanes run along the innermost row dim (a row is reduced lane by lane, then across), or along an
//! outer dim (each lane is a row of its own: maps, and reductions of leading axes). Reductions are
//! in `reduce`.

use sinew_ir::{DType, Reduction};

use super::EmitError;
use super::frame::{Frame, Index};
use super::lanes::Lanes;
use super::scalar::{Context, RowValue};
use crate::kernel::{Access, Code, Nest, Reg, RowReg, ScalarKind, Stage};

/// Where the lanes are.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Vectorization {
    /// Nowhere.
    Scalar,
    /// Along the last inner dim.
    Inner(usize),
    /// Along an outer dim, which is made the innermost of the outer loops.
    Outer(usize, usize),
}

/// Emits a nest.
pub(super) fn nest(f: &mut Frame<'_>, nest: &Nest) -> Result<(), EmitError> {
    let mut index = vec![Index::at(0); nest.outer.len() + nest.inner.len()];
    let dims: Vec<(usize, usize)> = nest.outer.iter().copied().enumerate().collect();
    match vectorize(f, nest) {
        Vectorization::Scalar => f.loops(&dims, &mut index, Vec::new(), &mut |f, index, _| {
            row(f, nest, index, &Shape::new(Lanes::ONE, 1, None))?;
            Ok(Vec::new())
        })?,
        Vectorization::Inner(count) => {
            f.loops(&dims, &mut index, Vec::new(), &mut |f, index, _| {
                row(f, nest, index, &Shape::new(Lanes::ONE, 1, Some(count)))?;
                Ok(Vec::new())
            })?
        }
        Vectorization::Outer(dim, count) => {
            let rest: Vec<(usize, usize)> = dims.into_iter().filter(|&(d, _)| d != dim).collect();
            f.loops(&rest, &mut index, Vec::new(), &mut |f, index, _| {
                along(f, nest, index, dim, count)?;
                Ok(Vec::new())
            })?
        }
    };
    Ok(())
}

/// The rows along a vectorised outer dim: groups of vectors, single vectors, the tail.
fn along(
    f: &mut Frame<'_>,
    nest: &Nest,
    index: &mut Vec<Index>,
    dim: usize,
    count: usize,
) -> Result<(), EmitError> {
    let extent = nest.outer[dim] as i64;
    let full = Lanes {
        count,
        active: count,
        dim,
    };
    let copies = outer_copies(nest, extent / count as i64);
    let mut from = 0;
    for copies in [copies, 1] {
        let step = (count * copies) as i64;
        let to = from + (extent - from) / step * step;
        f.repeat(from, to, step, Vec::new(), &mut |f, i, _| {
            index[dim] = i;
            row(f, nest, index, &Shape::new(full, copies, None))?;
            Ok(Vec::new())
        })?;
        from = to;
    }
    if from < extent {
        index[dim] = Index::at(from);
        let tail = Lanes {
            active: (extent - from) as usize,
            ..full
        };
        row(f, nest, index, &Shape::new(tail, 1, None))?;
    }
    Ok(())
}

/// How a row is run.
struct Shape {
    /// The lanes of row stages, and of the others unless `inner` is set.
    lanes: Lanes,
    /// Vectors of rows that are run in lockstep.
    copies: usize,
    /// Lanes along the last inner dim.
    inner: Option<usize>,
}

impl Shape {
    fn new(lanes: Lanes, copies: usize, inner: Option<usize>) -> Shape {
        Shape {
            lanes,
            copies,
            inner,
        }
    }

    /// The index of a copy.
    fn index(&self, index: &[Index], copy: usize) -> Vec<Index> {
        let mut index = index.to_vec();
        if let Some(i) = index.get_mut(self.lanes.dim) {
            *i = i.plus((copy * self.lanes.count) as i64);
        }
        index
    }
}

/// The stages of a row, or of several in lockstep.
fn row(
    f: &mut Frame<'_>,
    nest: &Nest,
    index: &mut Vec<Index>,
    shape: &Shape,
) -> Result<(), EmitError> {
    let mut rows = vec![vec![None; nest.rows.len()]; shape.copies];
    for stage in &nest.stages {
        match stage {
            Stage::Row { code, sets } => {
                for (copy, rows) in rows.iter_mut().enumerate() {
                    let index = shape.index(index, copy);
                    let context = Context {
                        rows,
                        accumulator: None,
                    };
                    let registers = f.code(code, &index, shape.lanes, context)?;
                    f.stores(code, &registers, &index, shape.lanes)?;
                    for (row, reg) in sets {
                        rows[row.0 as usize] = Some(RowValue {
                            value: registers[reg.0 as usize],
                            lanes: shape.lanes.count,
                        });
                    }
                }
            }
            Stage::Each { code, reduces } => match shape.inner {
                None => each(f, nest, index, shape, code, reduces, &mut rows)?,
                Some(count) => each_vector(f, nest, index, count, code, reduces, &mut rows[0])?,
            },
        }
    }
    Ok(())
}

/// A stage over the row's elements one by one, in each lane and copy.
fn each(
    f: &mut Frame<'_>,
    nest: &Nest,
    index: &mut Vec<Index>,
    shape: &Shape,
    code: &Code,
    reduces: &[(RowReg, Reduction, Reg)],
    rows: &mut [Vec<Option<RowValue>>],
) -> Result<(), EmitError> {
    let reductions = f.reductions(nest, code, reduces);
    let mut carried = Vec::new();
    for _ in 0..shape.copies {
        for r in &reductions {
            carried.extend(f.start(r, shape.lanes)?);
        }
    }
    let dims = inner_dims(nest);
    let snapshot = rows.to_vec();
    let done = f.loops(&dims, index, carried, &mut |f, index, carried| {
        let mut next = Vec::with_capacity(carried.len());
        let mut carried = carried;
        for (copy, rows) in snapshot.iter().enumerate() {
            let index = shape.index(index, copy);
            let context = Context {
                rows,
                accumulator: None,
            };
            let registers = f.code(code, &index, shape.lanes, context)?;
            f.stores(code, &registers, &index, shape.lanes)?;
            for r in &reductions {
                let (mine, rest) = carried.split_at(r.state());
                carried = rest;
                let value = registers[r.reg.0 as usize];
                next.extend(f.step(r, mine, value, &index, shape.lanes)?);
            }
        }
        Ok(next)
    })?;
    let mut done = &done[..];
    for rows in rows {
        for r in &reductions {
            let (mine, rest) = done.split_at(r.state());
            done = rest;
            rows[r.row.0 as usize] = Some(RowValue {
                value: f.result(r, mine, shape.lanes)?,
                lanes: shape.lanes.count,
            });
        }
    }
    Ok(())
}

/// A stage over the row with the lanes along its last dim.
fn each_vector(
    f: &mut Frame<'_>,
    nest: &Nest,
    index: &mut Vec<Index>,
    count: usize,
    code: &Code,
    reduces: &[(RowReg, Reduction, Reg)],
    rows: &mut [Option<RowValue>],
) -> Result<(), EmitError> {
    let reductions = f.reductions(nest, code, reduces);
    let mut dims = inner_dims(nest);
    let (dim, extent) = dims
        .pop()
        .ok_or_else(|| f.unsupported("lanes along a row without dims"))?;
    let full = Lanes {
        count,
        active: count,
        dim,
    };
    let extent = extent as i64;
    let copies = inner_copies(code, reduces, extent / count as i64);
    let mut carried = Vec::new();
    for _ in 0..copies {
        for r in &reductions {
            carried.extend(f.start(r, full)?);
        }
    }
    let snapshot = rows.to_vec();
    let context = Context {
        rows: &snapshot,
        accumulator: None,
    };
    let done = f.loops(&dims, index, carried, &mut |f, index, carried| {
        let mut carried = carried.to_vec();
        let mut from = 0;
        let mut run = |f: &mut Frame<'_>, i: Index, carried: &[_], copies: usize, lanes: Lanes| {
            let mut next = carried.to_vec();
            let mut at = 0;
            for copy in 0..copies {
                index[dim] = i.plus((copy * count) as i64);
                let registers = f.code(code, index, lanes, context)?;
                f.stores(code, &registers, index, lanes)?;
                for r in &reductions {
                    let to = at + r.state();
                    let value = f.masked(r, registers[r.reg.0 as usize], lanes)?;
                    let new = f.step(r, &carried[at..to], value, index, lanes)?;
                    next[at..to].copy_from_slice(&new);
                    at = to;
                }
            }
            Ok(next)
        };
        for copies in [copies, 1] {
            let step = (count * copies) as i64;
            let to = from + (extent - from) / step * step;
            carried = f.repeat(from, to, step, carried, &mut |f, i, carried| {
                run(f, i, carried, copies, full)
            })?;
            from = to;
        }
        if from < extent {
            let tail = Lanes {
                active: (extent - from) as usize,
                ..full
            };
            carried = run(f, Index::at(from), &carried, 1, tail)?;
        }
        Ok(carried)
    })?;
    let each: usize = reductions.iter().map(super::reduce::Reduce::state).sum();
    let mut at = 0;
    for r in &reductions {
        let mut total = done[at..at + r.state()].to_vec();
        for copy in 1..copies {
            let from = copy * each + at;
            let more = done[from..from + r.state()].to_vec();
            total = f.merge(r, &total, &more, full)?;
        }
        at += r.state();
        let total = f.across(r, &total, full)?;
        rows[r.row.0 as usize] = Some(RowValue {
            value: f.result(r, &total, Lanes::ONE)?,
            lanes: 1,
        });
    }
    Ok(())
}

/// The inner dims with their numbers in the space.
fn inner_dims(nest: &Nest) -> Vec<(usize, usize)> {
    let first = nest.outer.len();
    nest.inner
        .iter()
        .enumerate()
        .map(|(d, &extent)| (first + d, extent))
        .collect()
}

/// Vectors reduced side by side, so that additions do not wait for each other: where a turn of the
/// loop is short.
fn inner_copies(code: &Code, reduces: &[(RowReg, Reduction, Reg)], vectors: i64) -> usize {
    if reduces.is_empty() || vectors < 8 || work(code) > 12.0 {
        1
    } else {
        4
    }
}

/// Vectors of rows run in lockstep, where rows are reduced: so that whole cache lines are used.
fn outer_copies(nest: &Nest, vectors: i64) -> usize {
    let mut reduces = false;
    let mut total = 0.0;
    for stage in &nest.stages {
        match stage {
            Stage::Row { code, .. } => total += work(code),
            Stage::Each { code, reduces: r } => {
                total += work(code);
                reduces |= !r.is_empty();
            }
        }
    }
    if reduces && vectors >= 4 && total <= 24.0 {
        4
    } else {
        1
    }
}

/// The cheapest place for the lanes.
fn vectorize(f: &Frame<'_>, nest: &Nest) -> Vectorization {
    let mut best = (cost(nest, Vectorization::Scalar), Vectorization::Scalar);
    let Some(count) = nest_width(f, nest) else {
        return Vectorization::Scalar;
    };
    let mut ways: Vec<Vectorization> = (0..nest.outer.len())
        .map(|d| Vectorization::Outer(d, count))
        .collect();
    if !nest.inner.is_empty() {
        ways.push(Vectorization::Inner(count));
    }
    for way in ways {
        let cost = cost(nest, way);
        // Later dims are nearer in memory.
        if cost <= best.0 {
            best = (cost, way);
        }
    }
    best.1
}

/// Lanes of a vector that holds any register of these codes, and `others`; none where element sizes
/// differ or vectors are not wanted.
pub(super) fn width(f: &Frame<'_>, codes: &[&Code], others: &[DType]) -> Option<usize> {
    if !f.options.vectors {
        return None;
    }
    let mut wide = false;
    let mut narrow = false;
    let mut see = |dtype: DType, memory: bool| match dtype {
        DType::F64 => wide = true,
        DType::Bool => narrow |= memory,
        DType::Float | DType::F32 | DType::I32 | DType::U32 => narrow = true,
    };
    for &dtype in others {
        see(dtype, false);
    }
    for code in codes {
        for inst in &code.insts {
            match &inst.kind {
                ScalarKind::Load(_) => see(inst.dtype, true),
                ScalarKind::Gather { .. } | ScalarKind::Index { .. } => {
                    see(DType::I32, false);
                    see(inst.dtype, true);
                }
                ScalarKind::Const(_)
                | ScalarKind::Row(_)
                | ScalarKind::Accumulator
                | ScalarKind::Apply(..) => see(inst.dtype, false),
            }
        }
        for store in &code.stores {
            see(f.dtype(store.access.slot), true);
        }
    }
    match (wide, narrow) {
        (true, true) => None,
        (true, false) => Some(2),
        (false, _) => Some(4),
    }
}

/// [`width`] of a nest.
fn nest_width(f: &Frame<'_>, nest: &Nest) -> Option<usize> {
    let mut others = nest.rows.clone();
    let mut codes = Vec::new();
    for stage in &nest.stages {
        match stage {
            Stage::Row { code, .. } => codes.push(code),
            Stage::Each { code, reduces } => {
                codes.push(code);
                for (_, reduction, _) in reduces {
                    if reduction.is_place() {
                        others.push(DType::I32);
                    }
                }
            }
        }
    }
    width(f, &codes, &others)
}

/// An estimate of the time, in arithmetic instructions.
fn cost(nest: &Nest, way: Vectorization) -> f64 {
    let rows: f64 = nest.outer.iter().map(|&e| e as f64).product();
    let elements: f64 = nest.inner.iter().map(|&e| e as f64).product();
    let vectors =
        |extent: usize, count: usize| extent.div_ceil(count) as f64 / (extent.max(1)) as f64;
    let last = nest.outer.len() + nest.inner.len().saturating_sub(1);
    let mut total = 0.0;
    for stage in &nest.stages {
        let (code, turns, row, reduces) = match stage {
            Stage::Row { code, .. } => (code, rows, true, 0),
            Stage::Each { code, reduces } => (code, rows * elements, false, reduces.len()),
        };
        total += match way {
            Vectorization::Inner(count) if !row => {
                let share = vectors(nest.inner.last().copied().unwrap_or(1), count);
                turns * share * (work(code) + traffic(code, Some((last, count))))
                    + rows * (reduces * (2 * count + 10)) as f64
            }
            Vectorization::Scalar | Vectorization::Inner(_) => {
                turns * (work(code) + traffic(code, None))
            }
            Vectorization::Outer(dim, count) => {
                let share = vectors(nest.outer[dim], count);
                turns * share * (work(code) + traffic(code, Some((dim, count))))
            }
        };
    }
    total
}

/// The arithmetic of a code.
pub(super) fn work(code: &Code) -> f64 {
    code.insts
        .iter()
        .map(|inst| match &inst.kind {
            ScalarKind::Apply(op, _) => op.def().work as f64,
            ScalarKind::Load(_)
            | ScalarKind::Gather { .. }
            | ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Accumulator => 0.0,
        })
        .sum()
}

/// The loads and stores of a code, with lanes along a dim.
pub(super) fn traffic(code: &Code, lanes: Option<(usize, usize)>) -> f64 {
    let one = |access: &Access| match lanes {
        None => 1.0,
        Some((dim, count)) => match access.strides.get(dim).copied().unwrap_or(0) {
            0 | 1 if access.guards.is_empty() => 1.0,
            0 if access
                .guards
                .iter()
                .all(|g| g.strides.get(dim).copied().unwrap_or(0) == 0) =>
            {
                2.0
            }
            _ => 1.5 * count as f64,
        },
    };
    let mut total: f64 = code.stores.iter().map(|s| one(&s.access)).sum();
    for inst in &code.insts {
        total += match &inst.kind {
            ScalarKind::Load(access) => one(access),
            ScalarKind::Gather { .. } => lanes.map_or(4.0, |(_, count)| 5.0 * count as f64),
            ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => 0.0,
        };
    }
    total
}
