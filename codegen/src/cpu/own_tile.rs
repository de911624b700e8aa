//! Own tiles of contractions: sums of some rows and vectors in registers, and the epilogue before
//! anything is stored. Operands that are computed are so in registers, as they are multiplied.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};

use super::ahead::ahead;
use super::block::{Area, Run};
use super::contract::{Walked, outer_dims};
use super::frame::Frame;
use super::index::Index;
use super::lanes::Lanes;
use super::scalar::Context;
use super::tile_end::{Part, end};
use super::tile_panel::{Panel, Side, Steps};
use super::tiling::{Left, Packing, Split, Tiling, tile_rows};
use super::{EmitError, block};
use crate::kernel::{Contract, Operand};

/// Rows of the result with where tiles find the left operand's.
struct Rows {
    start: Index,
    count: usize,
    left: Option<LeftRows>,
}

/// The left operand's elements of some rows that were written for tiles, by their bytes from a base.
#[derive(Clone, Copy)]
struct LeftRows {
    base: Value,
    /// Whether those of a tile are a panel: else each row lies by itself.
    panels: bool,
}

/// Columns of the result with the panels of the right operand, if those of all of them were written.
struct Columns {
    start: Index,
    count: usize,
    panels: Option<Value>,
}

/// The last of the rows' dims and of the columns' in the epilogue's space, which own tiles cover.
pub(super) fn last_dims(c: &Contract) -> (usize, usize) {
    let last = c.batch.len() + c.m.len() - 1;
    (last, last + c.n.len())
}

/// One element of the batch, and of all but the last dims of rows and columns, by own tiles: in blocks of columns if
/// there are such. Where several vectors of columns need a row of the left operand that is computed, it is computed
/// once, to the stack.
pub(super) fn tiles(f: &mut Frame<'_>, c: &Contract, index: &mut [Index]) -> Result<(), EmitError> {
    let tiling = Tiling::of(&f.kernel.slots, c, f.options);
    let [_, n] = tiling.extents;
    let Some(block) = tiling.block else {
        return parts(f, c, index, (&tiling, Index::at(0), n));
    };
    let is_split = tiling.split == Split::Columns;
    f.pieces(n, block, is_split, &mut |f, start, count| {
        parts(f, c, index, (&tiling, start, count))
    })
}

/// Some columns, part by part if sums come in such.
fn parts(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    (tiling, start, count): (&Tiling, Index, usize),
) -> Result<(), EmitError> {
    let [_, _, all] = c.extents();
    let mut part = |f: &mut Frame<'_>, steps: Steps, [begins, ends]: [bool; 2]| {
        let part = Part {
            tiling,
            columns: start,
            steps,
            begins,
            ends,
        };
        block(f, c, index, (&part, start, count))
    };
    let Some(depth) = tiling.depth.filter(|depth| *depth < all) else {
        let whole = Steps {
            start: Index::at(0),
            extents: c.k.clone(),
        };
        return part(f, whole, [true, true]);
    };
    let some = |start: Index, count: usize| Steps {
        start,
        extents: vec![count],
    };
    part(f, some(Index::at(0), depth), [true, false])?;
    let last = (all - 1) / depth * depth;
    let (first, step) = (depth as i64, depth as i64);
    f.repeat(first, last as i64, step, Vec::new(), &mut |f, start, _| {
        part(f, some(start, depth), [false, false])?;
        Ok(Vec::new())
    })?;
    part(f, some(Index::at(last as i64), all - last), [false, true])
}

/// A part of some columns, whose panels are written first if groups of rows read them again.
fn block(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    (part, start, count): (&Part<'_>, Index, usize),
) -> Result<(), EmitError> {
    let tiling = part.tiling;
    let mut columns = Columns {
        start,
        count,
        panels: None,
    };
    if tiling.together {
        let base = f.scratch();
        f.pieces(count, tiling.panel(), false, &mut |f, j, some| {
            let vectors = vectors(tiling, some);
            let panel = right_panel(f, c, part, (base, j), &vectors)?;
            index[last_dims(c).1] = f.further(start, j);
            write_right(f, c, part, index, (panel, &vectors))
        })?;
        columns.panels = Some(base);
    }
    groups(f, c, index, (part, &columns))
}

/// The rows of some columns, in groups if there are such.
fn groups(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    (part, of): (&Part<'_>, &Columns),
) -> Result<(), EmitError> {
    let tiling = part.tiling;
    let [m, _] = tiling.extents;
    let Some(group) = tiling.group else {
        let all = Rows {
            start: Index::at(0),
            count: m,
            left: None,
        };
        return columns(f, c, index, (part, &all, of));
    };
    let is_split = tiling.split == Split::Rows;
    let slot = match tiling.left {
        Left::Computed => Some(f.slot(group * row_bytes(f, c)? as usize)),
        Left::InPlace | Left::Panels(_) => None,
    };
    f.pieces(m, group, is_split, &mut |f, start, count| {
        let left = match (tiling.left, slot) {
            (Left::Panels(packing), _) => {
                Some(left_panels(f, c, index, (part, packing), (start, count))?)
            }
            (_, Some(slot)) => {
                let base = f.b.ins().stack_addr(types::I64, slot, 0);
                Some(computed(f, c, index, base, (start, count))?)
            }
            (Left::InPlace | Left::Computed, None) => None,
        };
        let rows = Rows { start, count, left };
        columns(f, c, index, (part, &rows, of))
    })
}

/// Bytes of a row of the left operand.
fn row_bytes(f: &Frame<'_>, c: &Contract) -> Result<i64, EmitError> {
    Ok(c.extents()[2] as i64 * f.bytes(c.dtype)?)
}

/// Computes some rows of the left operand, one behind the other.
fn computed(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &[Index],
    base: Value,
    (start, count): (Index, usize),
) -> Result<LeftRows, EmitError> {
    let rank = c.batch.len();
    let row = row_bytes(f, c)?;
    let left = Walked::new(&c.lhs.code, rank, &c.m, &c.k);
    let number = |f: &mut Frame<'_>, n: i64| f.b.ins().iconst(types::I64, n);
    let ends = [start, start.plus(count as i64)].map(|at| f.affine(0, &[1], &[at]));
    let area = Area {
        base,
        pitch: number(f, row),
        rows: ends,
        columns: [0, c.extents()[2]].map(|at| number(f, at as i64)),
    };
    let run = Run::new(f, c.dtype, &left, false)?;
    block::compute(f, run, &left, c.lhs.value, &area, &index[..rank])?;
    Ok(LeftRows {
        base,
        panels: false,
    })
}

/// Writes the left operand of some rows in panels, behind those of the right one.
fn left_panels(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &[Index],
    (part, packing): (&Part<'_>, Packing),
    (start, count): (Index, usize),
) -> Result<LeftRows, EmitError> {
    let tiling = part.tiling;
    let [right, _, _] = tiling.scratch(c);
    let scratch = f.scratch();
    let base = f.b.ins().iadd_imm_s(scratch, right as i64);
    let size = f.bytes(c.dtype)?;
    let row = part.steps.count() as i64 * size;
    let rank = c.batch.len();
    f.pieces(
        count,
        tile_rows(count, f.options),
        false,
        &mut |f, i, some| {
            let mut place = index[..rank].to_vec();
            place.push(f.further(start, i));
            place.resize(rank + 1 + c.k.len(), Index::at(0));
            let far = f.affine(0, &[row], &[i]);
            let panel = Panel {
                base: f.b.ins().iadd(base, far),
                pitch: some as i64 * size,
            };
            let vectors = vectors(tiling, some);
            let side = (Side::left(c), &part.steps);
            panel.write(f, side, (packing, false), &place, &vectors)
        },
    )?;
    Ok(LeftRows { base, panels: true })
}

/// So many neighbours in vectors.
fn vectors(tiling: &Tiling, some: usize) -> Vec<Lanes> {
    let full = tiling.lanes;
    let vector = |start: usize| Lanes {
        active: full.count.min(some - start),
        ..full
    };
    (0..some).step_by(full.count).map(vector).collect()
}

/// Where the panel of some vectors lies: so many columns behind those at `base`.
fn right_panel(
    f: &mut Frame<'_>,
    c: &Contract,
    part: &Part<'_>,
    (base, behind): (Value, Index),
    vectors: &[Lanes],
) -> Result<Panel, EmitError> {
    // A panel's bytes over its columns: what columns have, since lanes fill their vectors.
    let column = part.steps.count() as i64 * f.bytes(c.dtype)?;
    let far = f.affine(0, &[column], &[behind]);
    Ok(Panel {
        base: f.b.ins().iadd(base, far),
        pitch: (vectors.len() * part.tiling.lanes.bytes) as i64,
    })
}

/// Writes the panel of the columns at `index`.
fn write_right(
    f: &mut Frame<'_>,
    c: &Contract,
    part: &Part<'_>,
    index: &[Index],
    (panel, vectors): (Panel, &[Lanes]),
) -> Result<(), EmitError> {
    let Some(packing) = part.tiling.right else {
        return Ok(());
    };
    let (batch, sides) = index.split_at(c.batch.len());
    let across = &sides[c.m.len()..];
    let place = [batch, &vec![Index::at(0); c.k.len()], across].concat();
    let side = (Side::right(c), &part.steps);
    panel.write(f, side, (packing, true), &place, vectors)
}

/// Columns of some vectors, in each the rows in tiles.
fn columns(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    (part, rows, of): (&Part<'_>, &Rows, &Columns),
) -> Result<(), EmitError> {
    let tiling = part.tiling;
    let (_, dim) = last_dims(c);
    let is_split = tiling.split == Split::Columns && tiling.block.is_none();
    f.pieces(of.count, tiling.panel(), is_split, &mut |f, j, some| {
        index[dim] = f.further(of.start, j);
        let vectors = vectors(tiling, some);
        let right = match (of.panels, tiling.right) {
            (Some(base), _) => Some(right_panel(f, c, part, (base, j), &vectors)?),
            (None, Some(_)) => {
                let base = f.scratch();
                let panel = right_panel(f, c, part, (base, Index::at(0)), &vectors)?;
                write_right(f, c, part, index, (panel, &vectors))?;
                Some(panel)
            }
            (None, None) => None,
        };
        let is_split = tiling.split == Split::Rows && tiling.group.is_none();
        let high = tile_rows(rows.count, f.options);
        let mut index = index.to_vec();
        let outer = outer_dims(c.batch.len(), &c.m);
        f.loops_of_share(&outer, &mut index, &mut |f, index, _| {
            f.pieces(rows.count, high, is_split, &mut |f, i, count| {
                tile(f, c, index, (part, rows, right), (i, count), &vectors)
            })?;
            Ok(Vec::new())
        })
    })
}

/// One tile, some rows further than the first of `of`: the sums in registers, then the epilogue.
fn tile(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    (part, of, right): (&Part<'_>, &Rows, Option<Panel>),
    (first, rows): (Index, usize),
    vectors: &[Lanes],
) -> Result<(), EmitError> {
    let (rank, (row_dim, column_dim)) = (c.batch.len(), last_dims(c));
    let Some(&first_vector) = vectors.first() else {
        return Ok(());
    };
    let full = Lanes {
        active: first_vector.count,
        ..first_vector
    };
    let start = index[column_dim];
    let columns = |vector: usize| start.plus((vector * full.count) as i64);
    let i = f.further(of.start, first);
    let size = f.bytes(c.dtype)?;
    let row_bytes = part.steps.count() as i64 * size;
    // From a step to the next, and from a row of the tile to the next.
    let left = of.left.map(|left| match left.panels {
        true => (left.base, rows as i64 * size, size),
        false => (left.base, size, row_bytes),
    });
    let scalar = f.ty(c.dtype, Lanes::ONE)?;
    let (batch, sides) = index.split_at(rank);
    let (up, across) = sides.split_at(c.m.len());
    let (batch, mut up, across) = (batch.to_vec(), up.to_vec(), across.to_vec());
    let last = rank + c.k.len() + c.n.len() - 1;
    let zero = f.constant(0.0, c.dtype, full)?;
    let extents = &part.steps.extents;
    let dims: Vec<(usize, usize)> = extents.iter().copied().enumerate().collect();
    let mut depth = vec![Index::at(0); dims.len()];
    let sums = vec![zero; rows * vectors.len()];
    let ahead = match right {
        Some(panel) => {
            let tiles = (of.count.div_ceil(rows), first, rows);
            let behind = (vectors.len() * full.count, tiles);
            ahead(f, c, part.tiling, (panel, &part.steps), index, behind)?
        }
        None => None,
    };
    if !part.begins && full.is_wide() {
        f.repeat(0, rows as i64, 1, Vec::new(), &mut |f, row, _| {
            index[row_dim] = f.further(i, row);
            for v in 0..vectors.len() {
                index[column_dim] = columns(v);
                part.waiting().bring(f, c, index)?;
            }
            Ok(Vec::new())
        })?;
    }
    let sums = f.loops(&dims, &mut depth, sums, &mut |f, local, sums| {
        if let Some(ahead) = ahead {
            ahead.bring(f, local[0]);
        }
        let k = &part.steps.place(f, local)[..];
        let right = match right {
            Some(panel) => panel.read(f, (c.dtype, &part.steps), local, vectors)?,
            None => {
                let mut place = [&batch[..], k, &across].concat();
                let mut right = Vec::with_capacity(vectors.len());
                for (v, lanes) in vectors.iter().enumerate() {
                    place[last] = columns(v);
                    let along = Lanes {
                        dim: last,
                        ..*lanes
                    };
                    right.push(operand(f, &c.rhs, &place, along)?);
                }
                right
            }
        };
        let mut next = Vec::with_capacity(sums.len());
        let column = left.map(|(base, step, row)| {
            let at = f.affine(0, &[row_bytes, step], &[first, local[0]]);
            (f.b.ins().iadd(base, at), row)
        });
        for (row, sums) in sums.chunks(vectors.len()).enumerate() {
            let left = match column {
                Some((at, between)) => {
                    let offset = (row as i64 * between) as i32;
                    f.b.ins().load(scalar, MemFlagsData::trusted(), at, offset)
                }
                None => {
                    up[row_dim - rank] = i.plus(row as i64);
                    operand(f, &c.lhs, &[&batch[..], &up, k].concat(), Lanes::ONE)?
                }
            };
            let left = f.splat(left, c.dtype, full)?;
            for (sum, right) in sums.iter().zip(&right) {
                next.push(f.multiply_add(left, *right, *sum));
            }
        }
        Ok(next)
    })?;
    (index[row_dim], index[column_dim]) = (i, start);
    end(f, c, index, part, (sums, vectors))
}

/// Elements of an operand.
pub(super) fn operand(
    f: &mut Frame<'_>,
    operand: &Operand,
    index: &[Index],
    lanes: Lanes,
) -> Result<Value, EmitError> {
    let registers = f.code(&operand.code, index, lanes, Context::default())?;
    Ok(registers[operand.value.0 as usize])
}
