//! Nests as loops: which dim the lanes run along, and the stages of a row.
//!
//! Lanes run along a dim of the row (a row is reduced lane by lane, then across), or along an
//! outer dim (each lane is a row of its own: maps, and reductions of leading axes). Reductions are
//! in `reduce`.

use cranelift_codegen::ir::Value;
use sinew_ir::Reduction;

use super::array::{Arrays, Layout, Row};
use super::cuts::cuts;
use super::frame::{Carried, Frame};
use super::index::Index;
use super::lanes::Lanes;
use super::reduce::Reduce;
use super::scalar::{Context, Registers, RowValue};
use super::share::SplitLoop;
use super::vectorize::{Vectorization, inner_copies, vectorize};
use super::{EmitError, Options};
use crate::kernel::{Code, Nest, Reg, RowReg, Slot, Stage};

/// Emits a nest.
pub(super) fn nest(f: &mut Frame<'_>, nest: &Nest) -> Result<(), EmitError> {
    let way = vectorize(&f.kernel.slots, nest, f.options);
    f.cuts = cuts(nest, way.dim());
    let arrays = Arrays::new(f, nest, Layout::new(nest, way.rows()), way.dim());
    let rows = Rows { nest, arrays };
    let mut index = vec![Index::at(0); nest.outer.len() + nest.inner.len()];
    let dims: Vec<(usize, usize)> = nest.parallel_dims().iter().copied().enumerate().collect();
    match way {
        Vectorization::Scalar => f.loops_of_share(&dims, &mut index, &mut |f, index, _| {
            rows.block(f, index, &Shape::new(Lanes::ONE, 1, None))?;
            Ok(Vec::new())
        })?,
        Vectorization::Inner { dim, count } => {
            let inner = Lanes::along(dim, count, f.options);
            f.loops_of_share(&dims, &mut index, &mut |f, index, _| {
                rows.block(f, index, &Shape::new(Lanes::ONE, 1, Some(inner)))?;
                Ok(Vec::new())
            })?
        }
        Vectorization::Outer { dim, count, copies } => {
            let rest: Vec<(usize, usize)> = dims.into_iter().filter(|&(d, _)| d != dim).collect();
            let full = Lanes::along(dim, count, f.options);
            f.loops_of_share(&rest, &mut index, &mut |f, index, _| {
                rows.along(f, index, full, copies)?;
                Ok(Vec::new())
            })?
        }
    };
    Ok(())
}

/// The loop of a nest that calls split.
pub(super) fn split_loop(slots: &[Slot], nest: &Nest, options: &Options) -> SplitLoop {
    match vectorize(slots, nest, options) {
        Vectorization::Outer {
            dim: 0,
            count,
            copies,
        } => SplitLoop {
            extent: nest.outer[0],
            grain: count * copies,
        },
        Vectorization::Outer { .. } | Vectorization::Inner { .. } | Vectorization::Scalar => {
            SplitLoop::over(nest.parallel_dims())
        }
    }
}

/// Bytes of scratch that a nest needs: for its row arrays.
pub(super) fn scratch_bytes(slots: &[Slot], nest: &Nest, options: &Options) -> usize {
    Layout::new(nest, vectorize(slots, nest, options).rows()).bytes()
}

/// How a row is run.
struct Shape {
    /// The lanes of row stages, and of the others unless `inner` is set.
    lanes: Lanes,
    /// Vectors of rows that are run in lockstep.
    copies: usize,
    /// Lanes along an inner dim.
    inner: Option<Lanes>,
}

impl Shape {
    fn new(lanes: Lanes, copies: usize, inner: Option<Lanes>) -> Shape {
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

/// A stage that runs for every element.
#[derive(Clone, Copy)]
struct Each<'n> {
    /// Its number.
    stage: usize,
    code: &'n Code,
    reduces: &'n [(RowReg, Reduction, Reg)],
}

/// The rows of a nest.
struct Rows<'n> {
    nest: &'n Nest,
    arrays: Arrays,
}

impl Rows<'_> {
    /// The rows along a vectorised outer dim: groups of vectors, single vectors, the tail.
    fn along(
        &self,
        f: &mut Frame<'_>,
        index: &mut Vec<Index>,
        full: Lanes,
        copies: usize,
    ) -> Result<(), EmitError> {
        let dim = full.dim;
        let extent = self.nest.outer[dim];
        f.vectors(extent, (full, copies), &mut |f, i, lanes, copies| {
            index[dim] = i;
            self.row(f, index, &Shape::new(lanes, copies, None))
        })
    }

    /// A row; where stores add, the rows of a block, whose sums begin with zeros.
    fn block(
        &self,
        f: &mut Frame<'_>,
        index: &mut Vec<Index>,
        shape: &Shape,
    ) -> Result<(), EmitError> {
        let (Some(step), Some(zeros)) = (self.nest.step(), self.nest.first_sums()) else {
            return self.row(f, index, shape);
        };
        let each = Each {
            stage: self.nest.stages.len(),
            code: &zeros,
            reduces: &[],
        };
        index[step] = Index::at(0);
        let mut rows = [vec![None; self.nest.rows.len()]];
        self.each_of_row(f, index, shape, each, &mut rows)?;
        let steps = [(step, self.nest.outer[step])];
        f.loops(&steps, index, Vec::new(), &mut |f, index, _| {
            self.row(f, index, shape)?;
            Ok(Vec::new())
        })?;
        Ok(())
    }

    /// The stages of a row, or of several in lockstep.
    fn row(
        &self,
        f: &mut Frame<'_>,
        index: &mut Vec<Index>,
        shape: &Shape,
    ) -> Result<(), EmitError> {
        let mut rows = vec![vec![None; self.nest.rows.len()]; shape.copies];
        for (stage, kind) in self.nest.stages.iter().enumerate() {
            match kind {
                Stage::Row { code, sets } => {
                    for (copy, rows) in rows.iter_mut().enumerate() {
                        let index = shape.index(index, copy);
                        let context = Context {
                            rows,
                            ..Context::default()
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
                Stage::Each { code, reduces } => {
                    let each = Each {
                        stage,
                        code,
                        reduces,
                    };
                    self.each_of_row(f, index, shape, each, &mut rows)?;
                }
            }
        }
        Ok(())
    }

    /// A stage that runs for every element of the row, or of several in lockstep.
    fn each_of_row(
        &self,
        f: &mut Frame<'_>,
        index: &mut Vec<Index>,
        shape: &Shape,
        each: Each<'_>,
        rows: &mut [Vec<Option<RowValue>>],
    ) -> Result<(), EmitError> {
        match shape.inner {
            None => self.each(f, index, shape, each, rows),
            Some(full) => self.each_vector(f, index, full, each, &mut rows[0]),
        }
    }

    /// Emits the code of a stage at one element (or vector of them): registers, what is stored, what
    /// is kept in row arrays.
    fn element(
        &self,
        f: &mut Frame<'_>,
        each: Each<'_>,
        index: &[Index],
        lanes: Lanes,
        (rows, copy): (&[Option<RowValue>], usize),
    ) -> Result<Registers, EmitError> {
        let row = Some(Row {
            arrays: &self.arrays,
            copy,
        });
        let context = Context {
            rows,
            row,
            accumulator: None,
        };
        let registers = f.code(each.code, index, lanes, context)?;
        f.stores(each.code, &registers, index, lanes)?;
        for (id, array) in self.nest.arrays.iter().enumerate() {
            if array.stage == each.stage {
                let value = registers[array.value.0 as usize];
                f.store_kept(row, id, value, index, lanes)?;
            }
        }
        Ok(registers)
    }

    /// A stage over the row's elements one by one, in each lane and copy.
    fn each(
        &self,
        f: &mut Frame<'_>,
        index: &mut Vec<Index>,
        shape: &Shape,
        each: Each<'_>,
        rows: &mut [Vec<Option<RowValue>>],
    ) -> Result<(), EmitError> {
        let reductions = f.reductions(self.nest, each.code, each.reduces);
        let mut carried = Vec::new();
        for _ in 0..shape.copies {
            for r in &reductions {
                carried.extend(f.start(r, shape.lanes)?);
            }
        }
        let dims = inner_dims(self.nest);
        let snapshot = rows.to_vec();
        let done = f.loops(&dims, index, carried, &mut |f, index, carried| {
            let mut next = Vec::with_capacity(carried.len());
            let mut carried = carried;
            for (copy, rows) in snapshot.iter().enumerate() {
                let index = shape.index(index, copy);
                let registers = self.element(f, each, &index, shape.lanes, (rows, copy))?;
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

    /// A stage over the row with the lanes along one of its dims, the innermost loop.
    fn each_vector(
        &self,
        f: &mut Frame<'_>,
        index: &mut Vec<Index>,
        full: Lanes,
        each: Each<'_>,
        rows: &mut [Option<RowValue>],
    ) -> Result<(), EmitError> {
        let reductions = f.reductions(self.nest, each.code, each.reduces);
        let mut dims = inner_dims(self.nest);
        let at = dims.iter().position(|(dim, _)| *dim == full.dim);
        let at = at.ok_or_else(|| f.unsupported("lanes along no dim of the row"))?;
        let (dim, extent) = dims.remove(at);
        let count = full.count;
        let copies = inner_copies(each.code, each.reduces, (extent / count) as i64);
        let mut carried = Vec::new();
        for _ in 0..copies {
            for r in &reductions {
                carried.extend(f.start(r, full)?);
            }
        }
        let snapshot = rows.to_vec();
        let done = f.loops(&dims, index, carried, &mut |f, index, carried| {
            let mut carried = carried.to_vec();
            let mut vectors = |f: &mut Frame<'_>, i: Index, carried: &[Value], lanes: &[Lanes]| {
                self.vectors(
                    f,
                    each,
                    &reductions,
                    (index, i),
                    lanes,
                    (&snapshot, carried),
                )
            };
            for [mut from, end] in f.parts(dim, extent) {
                for copies in [copies, 1] {
                    let step = (count * copies) as i64;
                    let to = from + (end - from) / step * step;
                    carried = f.repeat(from, to, step, carried, &mut |f, i, carried| {
                        vectors(f, i, carried, &vec![full; copies])
                    })?;
                    from = to;
                }
                if from < end {
                    let tail = Lanes {
                        active: (end - from) as usize,
                        ..full
                    };
                    carried = vectors(f, Index::at(from), &carried, &[tail])?;
                }
            }
            Ok(carried)
        })?;
        let each: usize = reductions.iter().map(Reduce::state).sum();
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

    /// Some vectors of the row from element `i` of its last dim on, each with its part of the reductions.
    fn vectors(
        &self,
        f: &mut Frame<'_>,
        each: Each<'_>,
        reductions: &[Reduce],
        (index, i): (&mut [Index], Index),
        vectors: &[Lanes],
        (rows, carried): (&[Option<RowValue>], &[Value]),
    ) -> Carried {
        let mut next = carried.to_vec();
        let mut at = 0;
        for (copy, lanes) in vectors.iter().enumerate() {
            index[lanes.dim] = i.plus((copy * lanes.count) as i64);
            let registers = self.element(f, each, index, *lanes, (rows, 0))?;
            for r in reductions {
                let to = at + r.state();
                let value = f.masked(r, registers[r.reg.0 as usize], *lanes)?;
                let new = f.step(r, &carried[at..to], value, index, *lanes)?;
                next[at..to].copy_from_slice(&new);
                at = to;
            }
        }
        Ok(next)
    }
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
