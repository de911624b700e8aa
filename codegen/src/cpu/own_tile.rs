//! Own tiles of contractions: sums of some rows and vectors in registers, and the epilogue before
//! anything is stored. Operands that are computed are so in registers, as they are multiplied.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};

use super::block::{Area, Run};
use super::contract::{Walked, finish, lanes};
use super::frame::Frame;
use super::index::{Index, sum};
use super::lanes::Lanes;
use super::right_panel::{Packing, Panel, packing, panel_bytes};
use super::scalar::Context;
use super::vectorize::work;
use super::{EmitError, Options, Vectors, block};
use crate::kernel::{Contract, Operand, Slot};

/// Sums that a tile has at most.
struct Most {
    rows: usize,
    /// Vectors of columns.
    vectors: usize,
}

impl Most {
    /// What registers have room for, beside the right operand's vectors and a broadcast: of 16 of x86's 14
    /// for one vector, which measured best for 128 bits (91% of what they can do), 15 for two of 256 bits; 31
    /// of the 32 that 512 bits have.
    fn of(options: &Options) -> Most {
        let (rows, vectors) = match options.used_vectors() {
            Vectors::None | Vectors::Bits128 => (12, 1),
            Vectors::Bits256 => (6, 2),
            Vectors::Bits512 => (14, 2),
        };
        Most { rows, vectors }
    }
}

/// Bytes of the stack for rows of a left operand that is computed.
const STACK: usize = 32_768;

/// Whether own tiles split the rows, which no loop around them does.
fn rows_are_split(c: &Contract) -> bool {
    c.batch.is_empty() && c.m.len() == 1
}

/// Rows of the result with what is known of the left operand's.
struct Rows {
    start: Index,
    count: usize,
    /// Where the computed rows lie, one after the other.
    left: Option<Value>,
    /// The right operand of the columns at hand, if it is in a panel.
    right: Option<Panel>,
}

/// The last of the rows' dims and of the columns' in the epilogue's space, which own tiles cover.
fn last_dims(c: &Contract) -> (usize, usize) {
    let last = c.batch.len() + c.m.len() - 1;
    (last, last + c.n.len())
}

/// The extents of these dims.
pub(super) fn last_extents(c: &Contract) -> (usize, usize) {
    let last = |dims: &[usize]| dims.last().copied().unwrap_or(1);
    (last(&c.m), last(&c.n))
}

/// One element of the batch, and of all but the last dims of rows and columns, by own tiles. Where
/// several vectors of columns need a row of the left operand that is computed, it is computed once, to
/// the stack.
pub(super) fn tiles(f: &mut Frame<'_>, c: &Contract, index: &mut [Index]) -> Result<(), EmitError> {
    let rank = c.batch.len();
    let (m, _) = last_extents(c);
    let full = tile_lanes(&f.kernel.slots, c, f.options);
    let depth = c.extents()[2];
    let row = depth * f.bytes(c.dtype)? as usize;
    let Some(group) = left_group(&f.kernel.slots, c, f.options) else {
        let all = Rows {
            start: Index::at(0),
            count: m,
            left: None,
            right: None,
        };
        return columns(f, c, index, &all, full);
    };
    let slot = f.slot(group * row);
    let left = Walked::new(&c.lhs.code, rank, &c.m, &c.k);
    let mut some = |f: &mut Frame<'_>, start: Index, count: usize| {
        let base = f.b.ins().stack_addr(types::I64, slot, 0);
        let number = |f: &mut Frame<'_>, n: usize| f.b.ins().iconst(types::I64, n as i64);
        let ends = [start, start.plus(count as i64)].map(|at| f.affine(0, &[1], &[at]));
        let area = Area {
            base,
            pitch: number(f, row),
            rows: ends,
            columns: [0, depth].map(|at| number(f, at)),
        };
        let batch = &index[..rank];
        let run = Run::new(f, c.dtype, &left, false)?;
        block::compute(f, run, &left, c.lhs.value, &area, batch)?;
        let rows = Rows {
            start,
            count,
            left: Some(base),
            right: None,
        };
        columns(f, c, index, &rows, full)
    };
    f.pieces(m, group, rows_are_split(c), &mut some)
}

/// The lanes of own tiles, along the last dim of the columns.
fn tile_lanes(slots: &[Slot], c: &Contract, options: &Options) -> Lanes {
    let (_, column) = last_dims(c);
    lanes(
        slots,
        options,
        (&[&c.epilogue, &c.rhs.code], c.dtype),
        column,
    )
}

/// Rows of a left operand that are computed together, to the stack; none where they are computed as
/// tiles multiply them, or not at all.
pub(super) fn left_group(slots: &[Slot], c: &Contract, options: &Options) -> Option<usize> {
    let (m, n) = last_extents(c);
    let one = c.m.len() == 1 && c.k.len() == 1;
    if c.lhs.access().is_some() || !one || n <= tile_lanes(slots, c, options).count {
        return None;
    }
    let row = c.extents()[2] * c.dtype.size()?;
    let tile = tile_rows(m, options);
    let group = (STACK / row.max(1) / tile * tile).min(m);
    (row > 0 && group > 0).then_some(group)
}

/// How the right operand comes into panels, if it does. Rows that are computed together come in groups, each
/// of which would need the panels anew.
fn right_packing(slots: &[Slot], c: &Contract, options: &Options) -> Option<Packing> {
    let (m, _) = last_extents(c);
    let rows = left_group(slots, c, options).unwrap_or(m);
    let tiles = rows.div_ceil(tile_rows(rows, options));
    let vectors = Most::of(options).vectors;
    packing(c, options, (tiles, vectors, tile_lanes(slots, c, options)))
}

/// Bytes of scratch that own tiles need: for a panel.
pub(super) fn scratch_bytes(slots: &[Slot], c: &Contract, options: &Options) -> usize {
    let vectors = Most::of(options).vectors;
    match right_packing(slots, c, options) {
        Some(_) => panel_bytes(c, vectors, tile_lanes(slots, c, options)),
        None => 0,
    }
}

/// Rows of a tile, as even as can be.
pub(super) fn tile_rows(m: usize, options: &Options) -> usize {
    m.div_ceil(m.div_ceil(Most::of(options).rows).max(1)).max(1)
}

/// Columns of some vectors, in each the rows in tiles.
fn columns(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    rows: &Rows,
    full: Lanes,
) -> Result<(), EmitError> {
    let (_, dim) = last_dims(c);
    let n = last_extents(c).1 as i64;
    let vectors = vec![full; Most::of(f.options).vectors];
    let step = (vectors.len() * full.count) as i64;
    let whole = n / step * step;
    f.repeat(0, whole, step, Vec::new(), &mut |f, j, _| {
        index[dim] = j;
        column(f, c, index, rows, &vectors)?;
        Ok(Vec::new())
    })?;
    if whole < n {
        index[dim] = Index::at(whole);
        let starts = (whole as usize..n as usize).step_by(full.count);
        let vector = |start: usize| Lanes {
            active: full.count.min(n as usize - start),
            ..full
        };
        column(
            f,
            c,
            index,
            rows,
            &starts.map(vector).collect::<Vec<Lanes>>(),
        )?;
    }
    Ok(())
}

/// The rows of some vectors of columns.
fn column(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    rows: &Rows,
    vectors: &[Lanes],
) -> Result<(), EmitError> {
    let high = tile_rows(rows.count, f.options);
    let mut rows = rows;
    let packed;
    if let Some(packing) = right_packing(&f.kernel.slots, c, f.options) {
        let (batch, sides) = index.split_at(c.batch.len());
        let across = &sides[c.m.len()..];
        let place = [batch, &vec![Index::at(0); c.k.len()], across].concat();
        let panel = Panel::write(f, c, packing, &place, vectors)?;
        packed = Rows {
            right: Some(panel),
            ..*rows
        };
        rows = &packed;
    }
    // Rows that were computed together are those of a share already.
    let is_split = rows_are_split(c) && rows.left.is_none();
    f.pieces(rows.count, high, is_split, &mut |f, i, count| {
        tile(f, c, index, rows, (i, count), vectors)
    })
}

/// One tile, from a row of `of` on: the sums in registers, then the epilogue.
fn tile(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    tile: &Rows,
    (first, rows): (Index, usize),
    vectors: &[Lanes],
) -> Result<(), EmitError> {
    let (rank, (row_dim, column_dim)) = (c.batch.len(), last_dims(c));
    let full = tile_lanes(&f.kernel.slots, c, f.options);
    let start = index[column_dim];
    let columns = |vector: usize| start.plus((vector * full.count) as i64);
    let i = f.further(tile.start, first);
    let size = f.bytes(c.dtype)?;
    let pitch = c.extents()[2] as i64 * size;
    let scalar = f.ty(c.dtype, Lanes::ONE)?;
    let (batch, sides) = index.split_at(rank);
    let (up, across) = sides.split_at(c.m.len());
    let (batch, mut up, across) = (batch.to_vec(), up.to_vec(), across.to_vec());
    let last = rank + c.k.len() + c.n.len() - 1;
    let zero = f.constant(0.0, c.dtype, full)?;
    let dims: Vec<(usize, usize)> = c.k.iter().copied().enumerate().collect();
    let mut depth = vec![Index::at(0); dims.len()];
    let zeros = vec![zero; rows * vectors.len()];
    let sums = f.loops(&dims, &mut depth, zeros, &mut |f, k, sums| {
        let right = match tile.right {
            Some(panel) => panel.read(f, c, k, vectors)?,
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
        let column = tile.left.map(|base| {
            let at = f.affine(0, &[pitch, size], &[first, k[0]]);
            f.b.ins().iadd(base, at)
        });
        for (row, sums) in sums.chunks(vectors.len()).enumerate() {
            let left = match column {
                Some(at) => {
                    let offset = (row as i64 * pitch) as i32;
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
    // A long epilogue is written once, in a loop over the sums in memory.
    if c.epilogue.insts.len() <= 8 && work(&c.epilogue) <= 8.0 || rows == 1 {
        for (row, sums) in sums.chunks(vectors.len()).enumerate() {
            index[row_dim] = i.plus(row as i64);
            for (v, (sum, lanes)) in sums.iter().zip(vectors).enumerate() {
                index[column_dim] = columns(v);
                finish(f, &c.epilogue, index, *lanes, *sum)?;
            }
        }
        (index[row_dim], index[column_dim]) = (i, start);
        return Ok(());
    }
    let ty = f.ty(c.dtype, full)?;
    let bytes = full.bytes;
    let slot = f.slot(sums.len() * bytes);
    for (at, &sum) in sums.iter().enumerate() {
        f.b.ins()
            .stack_store(types::I64, sum, slot, (at * bytes) as i32);
    }
    let base = f.b.ins().stack_addr(types::I64, slot, 0);
    f.repeat(0, rows as i64, 1, Vec::new(), &mut |f, row, _| {
        let at = f.affine(0, &[(vectors.len() * bytes) as i64], &[row]);
        let at = f.b.ins().iadd(base, at);
        index[row_dim] = f.further(i, row);
        for (v, lanes) in vectors.iter().enumerate() {
            let offset = (v * bytes) as i32;
            let sum = f.b.ins().load(ty, MemFlagsData::trusted(), at, offset);
            index[column_dim] = columns(v);
            finish(f, &c.epilogue, index, *lanes, sum)?;
        }
        Ok(Vec::new())
    })?;
    (index[row_dim], index[column_dim]) = (i, start);
    Ok(())
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

impl Frame<'_> {
    /// An index moved on by another.
    fn further(&mut self, from: Index, by: Index) -> Index {
        let index = match (from.base, by.base) {
            (Some(a), Some(b)) => {
                let (from, by) = (from.plus(-from.add).span(), by.plus(-by.add).span());
                Index::counter(self.b.ins().iadd(a, b), sum(from, by))
            }
            (Some(_), None) => return from.plus(by.add),
            (None, _) => return by.plus(from.add),
        };
        index.plus(from.add + by.add)
    }
}
