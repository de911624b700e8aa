//! The end of a tile: its sums wait for the next part, or the epilogue is applied to them.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};

use super::EmitError;
use super::contract::finish;
use super::frame::Frame;
use super::index::Index;
use super::lanes::Lanes;
use super::own_tile::last_dims;
use super::tile_panel::Steps;
use super::tiling::Tiling;
use super::vectorize::work;
use super::waiting::Waiting;
use crate::kernel::Contract;

/// What tiles add up at a time, of how much.
pub(super) struct Part<'t> {
    pub tiling: &'t Tiling,
    /// The first column of the block.
    pub columns: Index,
    pub steps: Steps,
    /// Whether sums begin with it: else those of the parts before wait in memory.
    pub begins: bool,
    /// Whether sums end with it: else they wait for the parts behind.
    pub ends: bool,
}

impl<'t> Part<'t> {
    pub(super) fn waiting(&self) -> Waiting<'t> {
        Waiting {
            tiling: self.tiling,
            start: self.columns,
        }
    }

    /// Sums at `index` with those of the parts before.
    fn with_earlier(
        &self,
        f: &mut Frame<'_>,
        c: &Contract,
        index: &[Index],
        (lanes, sum): (Lanes, Value),
    ) -> Result<Value, EmitError> {
        if self.begins {
            return Ok(sum);
        }
        let earlier = self.waiting().taken(f, c, index, lanes)?;
        Ok(f.b.ins().fadd(earlier, sum))
    }
}

/// Ends the tile whose sums begin at `index`, some vectors for each row.
pub(super) fn end(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &[Index],
    part: &Part<'_>,
    (sums, vectors): (Vec<Value>, &[Lanes]),
) -> Result<(), EmitError> {
    let mut index = index.to_vec();
    let index = &mut index[..];
    let (row_dim, column_dim) = last_dims(c);
    let (i, start) = (index[row_dim], index[column_dim]);
    let Some(full) = vectors.first().map(|lanes| Lanes {
        active: lanes.count,
        ..*lanes
    }) else {
        return Ok(());
    };
    let rows = sums.len() / vectors.len();
    let columns = |vector: usize| start.plus((vector * full.count) as i64);
    if !part.ends {
        for (at, sum) in sums.into_iter().enumerate() {
            let (row, v) = (at / vectors.len(), at % vectors.len());
            (index[row_dim], index[column_dim]) = (i.plus(row as i64), columns(v));
            let sum = part.with_earlier(f, c, index, (vectors[v], sum))?;
            part.waiting().put(f, c, index, (vectors[v], sum))?;
        }
        return Ok(());
    }
    if let Some(lanes) = part.tiling.turned {
        return finish_turned(f, c, index, (&sums, vectors), lanes);
    }
    // A long epilogue is written once, in a loop over the sums in memory.
    if c.epilogue.insts.len() <= 8 && work(&c.epilogue) <= 8.0 || rows == 1 {
        for (row, sums) in sums.chunks(vectors.len()).enumerate() {
            index[row_dim] = i.plus(row as i64);
            for (v, (sum, lanes)) in sums.iter().zip(vectors).enumerate() {
                index[column_dim] = columns(v);
                let sum = part.with_earlier(f, c, index, (*lanes, *sum))?;
                finish(f, &c.epilogue, index, *lanes, sum)?;
            }
        }
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
            let sum = part.with_earlier(f, c, index, (*lanes, sum))?;
            finish(f, &c.epilogue, index, *lanes, sum)?;
        }
        Ok(Vec::new())
    })?;
    Ok(())
}

/// The epilogue of a tile that begins at `index`, along its rows: squares of sums are turned in registers, and a loop over
/// the columns takes them from memory.
fn finish_turned(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    (sums, vectors): (&[Value], &[Lanes]),
    along: Lanes,
) -> Result<(), EmitError> {
    let (row_dim, column_dim) = last_dims(c);
    let (row, column) = (index[row_dim], index[column_dim]);
    let (rows, count) = (sums.len() / vectors.len().max(1), along.count);
    let ty = f.ty(c.dtype, along)?;
    let zero = f.constant(0.0, c.dtype, along)?;
    let squares = rows.div_ceil(count);
    let slot = f.slot(squares * vectors.len() * count * along.bytes);
    let of_a_column = squares * along.bytes;
    for square in 0..squares {
        for v in 0..vectors.len() {
            let of = |row: usize| sums.get((square * count + row) * vectors.len() + v);
            let square_rows: Vec<Value> = (0..count)
                .map(|row| of(row).copied().unwrap_or(zero))
                .collect();
            for (lane, value) in f.transposed(&square_rows).into_iter().enumerate() {
                let at = (v * count + lane) * of_a_column + square * along.bytes;
                f.b.ins().stack_store(types::I64, value, slot, at as i32);
            }
        }
    }
    let base = f.b.ins().stack_addr(types::I64, slot, 0);
    let columns: usize = vectors.iter().map(|lanes| lanes.active).sum();
    f.repeat(0, columns as i64, 1, Vec::new(), &mut |f, number, _| {
        let at = f.affine(0, &[of_a_column as i64], &[number]);
        let at = f.b.ins().iadd(base, at);
        index[column_dim] = f.further(column, number);
        for square in 0..squares {
            let offset = (square * along.bytes) as i32;
            let sum = f.b.ins().load(ty, MemFlagsData::trusted(), at, offset);
            index[row_dim] = row.plus((square * count) as i64);
            let lanes = Lanes {
                active: count.min(rows - square * count),
                ..along
            };
            finish(f, &c.epilogue, index, lanes, sum)?;
        }
        Ok(Vec::new())
    })?;
    Ok(())
}
