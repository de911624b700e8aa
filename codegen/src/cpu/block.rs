//! Contractions over the tiles of `product`: the calls, and the blocks that the kernel is called back
//! for, which are sums to finish and operands to compute.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use sinew_ir::DType;
use std::mem::offset_of;

use super::EmitError;
use super::blocking::{BlockDim, BlockedProduct};
use super::contract::{Dims, Walked, destination, finish, lanes};
use super::frame::Frame;
use super::index::Index;
use super::lanes::Lanes;
use super::product::{Block, Call, Part};
use super::scalar::Context;
use super::shim::Shim;
use super::vectorize::work;
use crate::kernel::{Contract, Reg};

/// A call of `product` for each element of the batch; called back, a block.
pub(super) fn called(
    f: &mut Frame<'_>,
    c: &Contract,
    blocked: &BlockedProduct,
    dims: &[(usize, usize)],
    index: &mut Vec<Index>,
) -> Result<(), EmitError> {
    let rank = dims.len();
    if !blocked.calls_back() {
        return calls(f, c, blocked, dims, index);
    }
    let (left, right) = blocked.computed();
    let split = f.bounds.is_some() && rank == 0;
    let products = f.b.create_block();
    let back = f.b.create_block();
    let block = f.block;
    f.b.ins().brif(block, back, &[], products, &[]);
    f.b.switch_to_block(products);
    f.scoped(|f| calls(f, c, blocked, dims, index))?;
    f.b.ins().return_(&[]);
    f.b.switch_to_block(back);

    let area = Area::new(f);
    let batch = field(f, offset_of!(Block, batch));
    for (d, index) in index.iter_mut().enumerate().take(rank) {
        let flags = MemFlagsData::trusted().with_readonly().with_can_move();
        let at = f.b.ins().load(types::I64, flags, batch, d as i32 * 8);
        *index = Index::counter(at, None);
    }
    let part = field(f, offset_of!(Block, part));
    let batch = &index[..rank];
    let left = left.map(|along_k| (Part::Left, &c.lhs, [&c.m, &c.k], !along_k));
    let right = right.map(|along_k| (Part::Right, &c.rhs, [&c.k, &c.n], along_k));
    for (which, operand, [rows, columns], turned) in [left, right].into_iter().flatten() {
        let here = f.b.create_block();
        let next = f.b.create_block();
        let it = f.b.ins().icmp_imm_s(IntCC::Equal, part, which as i64);
        f.b.ins().brif(it, here, &[], next, &[]);
        f.b.switch_to_block(here);
        let walked = Walked::new(&operand.code, rank, rows, columns);
        let along = match (which, turned) {
            (Part::Left, true) => BlockDim::Rows,
            (Part::Right, false) => BlockDim::Columns,
            (Part::Left, false) | (Part::Right, true) | (Part::Epilogue, _) => BlockDim::Steps,
        };
        let run = Run::new(f, c.dtype, &walked, turned)?.in_blocks(blocked, along, split);
        f.scoped(|f| compute(f, run, &walked, operand.value, &area, batch))?;
        f.b.ins().return_(&[]);
        f.b.switch_to_block(next);
    }
    if blocked.is_direct() {
        return Ok(());
    }
    let epilogue = Walked::new(&c.epilogue, rank, &c.m, &c.n);
    let run = Run::new(f, c.dtype, &epilogue, false)?.in_blocks(blocked, BlockDim::Columns, split);
    // Sums are scratch of this thread: nobody writes them while the kernel reads.
    let flags = MemFlagsData::new()
        .with_notrap()
        .with_readonly()
        .with_can_move();
    let mut index = epilogue.index(batch);
    area.each(f, &mut index, &run, &mut |f, index, (at, offset), lanes| {
        let ty = f.ty(c.dtype, lanes)?;
        let sum = f.load_lanes(ty, flags, at, offset, lanes);
        finish(f, &epilogue.code, index, lanes, sum)
    })
}

/// Vectors a turn, for the loop's own instructions not to outweigh the code.
fn copies(work: f64) -> i64 {
    if work <= 8.0 { 4 } else { 1 }
}

/// Writes a block of an operand to scratch.
pub(super) fn compute(
    f: &mut Frame<'_>,
    run: Run<'_>,
    side: &Walked,
    value: Reg,
    area: &Area,
    batch: &[Index],
) -> Result<(), EmitError> {
    let mut index = side.index(batch);
    area.each(f, &mut index, &run, &mut |f, index, (at, offset), lanes| {
        let registers = f.code(&side.code, index, lanes, Context::default())?;
        f.store_lanes(registers[value.0 as usize], at, offset, lanes);
        Ok(())
    })
}

/// A field of the block that the kernel is called back with.
fn field(f: &mut Frame<'_>, offset: usize) -> Value {
    let flags = MemFlagsData::trusted().with_readonly().with_can_move();
    let block = f.block;
    f.b.ins().load(types::I64, flags, block, offset as i32)
}

/// A block in scratch: where it is and what of the space it is.
pub(super) struct Area {
    /// The address of its first element.
    pub base: Value,
    /// Bytes between rows.
    pub pitch: Value,
    /// First row and the row behind the last.
    pub rows: [Value; 2],
    /// First column and the column behind the last; the lanes run along them.
    pub columns: [Value; 2],
}

/// How a block is run over.
pub(super) struct Run<'c> {
    /// The dims of the space that are the block's rows.
    rows: &'c Dims,
    /// Those that are its columns.
    columns: &'c Dims,
    /// Bytes of an element.
    size: i64,
    /// The lanes, along the columns.
    lanes: Lanes,
    /// Vectors a turn.
    copies: i64,
    /// Whether no block but the last ends within a vector.
    vectors: bool,
    /// Columns that are never in several blocks.
    together: usize,
}

impl<'c> Run<'c> {
    /// Of a block of all columns; of a turned one the rows are the columns.
    pub fn new(
        f: &Frame<'_>,
        dtype: DType,
        walked: &'c Walked,
        turned: bool,
    ) -> Result<Run<'c>, EmitError> {
        let (rows, columns) = match turned {
            false => (&walked.rows, &walked.columns),
            true => (&walked.columns, &walked.rows),
        };
        Ok(Run {
            rows,
            columns,
            size: f.bytes(dtype)?,
            // Lanes across the ends of runs would be single elements anyway.
            lanes: match columns.only() {
                Some(dim) => lanes(&f.kernel.slots, f.options, (&[&walked.code], dtype), dim),
                None => Lanes::ONE,
            },
            copies: copies(work(&walked.code)),
            vectors: true,
            together: usize::MAX,
        })
    }

    /// Of blocks as they are cut along the columns.
    fn in_blocks(self, blocked: &BlockedProduct, columns: BlockDim, split: bool) -> Run<'c> {
        let whole = match columns {
            // Calls split them at any tile.
            BlockDim::Rows => !split || blocked.by_columns,
            // A panel has them, or none of them are split.
            BlockDim::Columns | BlockDim::Steps => true,
        };
        let even = whole || blocked.rows.is_multiple_of(self.lanes.count);
        Run {
            vectors: even && blocked.begins_at_vectors(columns, self.lanes.count),
            together: if whole { blocked.together(columns) } else { 0 },
            ..self
        }
    }
}

/// Code for the elements at an index, whose scratch is at an address and an offset.
type Each<'b, 'a> =
    dyn FnMut(&mut Frame<'a>, &[Index], (Value, i32), Lanes) -> Result<(), EmitError> + 'b;

impl Area {
    fn new(f: &mut Frame<'_>) -> Area {
        Area {
            base: field(f, offset_of!(Block, base)),
            pitch: field(f, offset_of!(Block, pitch)),
            rows: [0, 8].map(|half| field(f, offset_of!(Block, rows) + half)),
            columns: [0, 8].map(|half| field(f, offset_of!(Block, columns) + half)),
        }
    }

    /// Runs code over the block, row by row.
    fn each<'a>(
        &self,
        f: &mut Frame<'a>,
        index: &mut [Index],
        run: &Run<'_>,
        each: &mut Each<'_, 'a>,
    ) -> Result<(), EmitError> {
        let (count, [left, right]) = (run.lanes.count as i64, self.columns);
        let columns = f.b.ins().isub(right, left);
        // Where whole vectors end, those in groups and all.
        let ends = [run.copies, 1].map(|copies| {
            let some = f.b.ins().band_imm_s(columns, -count * copies);
            f.b.ins().iadd(left, some)
        });
        let [first, end] = self.rows;
        f.repeat_between(first, end, 1, Vec::new(), &mut |f, i, _| {
            run.rows.set(f, index, i);
            let row = f.affine(0, &[1], &[i]);
            let row = f.b.ins().isub(row, first);
            let row = f.b.ins().imul(row, self.pitch);
            let row = f.b.ins().iadd(self.base, row);
            let columns = run.columns.count();
            match columns as i64 <= 4 * count && columns <= run.together {
                true => few_columns(f, index, run, row, each)?,
                false => self.columns(f, index, run, (row, ends), each)?,
            }
            Ok(Vec::new())
        })?;
        Ok(())
    }

    /// The columns of a row: groups of vectors, single vectors, what is left.
    fn columns<'a>(
        &self,
        f: &mut Frame<'a>,
        index: &mut [Index],
        run: &Run<'_>,
        (row, [unrolled, whole]): (Value, [Value; 2]),
        each: &mut Each<'_, 'a>,
    ) -> Result<(), EmitError> {
        let (count, [left, right]) = (run.lanes.count as i64, self.columns);
        let mut from = left;
        for (copies, to) in [(run.copies, unrolled), (1, whole)] {
            let step = count * copies;
            f.repeat_between(from, to, step, Vec::new(), &mut |f, j, _| {
                let at = self.place(f, run, row, j);
                for copy in 0..copies {
                    run.columns.set(f, index, j.plus(copy * count));
                    let offset = copy * count * run.size;
                    each(f, index, (at, offset as i32), run.lanes)?;
                }
                Ok(Vec::new())
            })?;
            from = to;
        }
        let active = run.columns.count() % run.lanes.count;
        if !run.vectors {
            f.repeat_between(whole, right, 1, Vec::new(), &mut |f, j, _| {
                let at = self.place(f, run, row, j);
                run.columns.set(f, index, j);
                each(f, index, (at, 0), Lanes::ONE)?;
                Ok(Vec::new())
            })?;
        } else if active > 0 {
            // Only the last block of columns has a tail.
            let tail = f.b.create_block();
            let done = f.b.create_block();
            let some = f.b.ins().icmp(IntCC::SignedLessThan, whole, right);
            f.b.ins().brif(some, tail, &[], done, &[]);
            f.b.switch_to_block(tail);
            f.scoped(|f| {
                let start = Index::at((run.columns.count() - active) as i64);
                run.columns.set(f, index, start);
                let at = self.place(f, run, row, start);
                let lanes = Lanes {
                    active,
                    ..run.lanes
                };
                each(f, index, (at, 0), lanes)
            })?;
            f.b.ins().jump(done, &[]);
            f.b.switch_to_block(done);
        }
        Ok(())
    }

    /// Where a column of a row lies.
    fn place(&self, f: &mut Frame<'_>, run: &Run<'_>, row: Value, column: Index) -> Value {
        let column = f.affine(0, &[1], &[column]);
        let column = f.b.ins().isub(column, self.columns[0]);
        let far = f.scaled(column, run.size);
        f.b.ins().iadd(row, far)
    }
}

/// The columns of a row that are so few that they are never in several blocks: straight code.
fn few_columns<'a>(
    f: &mut Frame<'a>,
    index: &mut [Index],
    run: &Run<'_>,
    row: Value,
    each: &mut Each<'_, 'a>,
) -> Result<(), EmitError> {
    let extent = run.columns.count();
    for start in (0..extent).step_by(run.lanes.count) {
        run.columns.set(f, index, Index::at(start as i64));
        let lanes = Lanes {
            active: run.lanes.active.min(extent - start),
            ..run.lanes
        };
        let offset = (start as i64 * run.size) as i32;
        each(f, index, (row, offset), lanes)?;
    }
    Ok(())
}

/// The calls, one an element of the batch.
fn calls(
    f: &mut Frame<'_>,
    c: &Contract,
    blocked: &BlockedProduct,
    dims: &[(usize, usize)],
    index: &mut Vec<Index>,
) -> Result<(), EmitError> {
    let rank = dims.len();
    let slot = f.slot(size_of::<Call>() + 8 * rank);
    let shim = match c.dtype {
        DType::F64 => Shim::ProductF64,
        DType::Float
        | DType::F32
        | DType::F16
        | DType::Bf16
        | DType::I32
        | DType::U32
        | DType::Bool => Shim::ProductF32,
    };
    let out = if blocked.is_direct() {
        destination(c)
    } else {
        None
    };
    let bounds = f.bounds.filter(|_| rank == 0);
    f.loops_of_share(dims, index, &mut |f, index, _| {
        let (table, itself) = (f.table, f.itself());
        let put = |f: &mut Frame<'_>, value: Value, offset: usize| {
            f.b.ins()
                .stack_store(types::I64, value, slot, offset as i32);
        };
        put(f, table, offset_of!(Call, table));
        put(f, itself, offset_of!(Call, kernel));
        for (access, offset) in [
            (c.lhs.access(), offset_of!(Call, lhs)),
            (c.rhs.access(), offset_of!(Call, rhs)),
            (out, offset_of!(Call, out)),
        ] {
            let address = match access {
                Some(access) => {
                    let (address, constant) = f.address(access, index)?;
                    f.b.ins().iadd_imm_s(address, i64::from(constant))
                }
                None => f.b.ins().iconst(types::I64, 0),
            };
            put(f, address, offset);
        }
        // Without a batch, rows or columns are what calls split.
        let all = |f: &mut Frame<'_>, extent: usize| {
            [0, extent].map(|at| f.b.ins().iconst(types::I64, at as i64))
        };
        let [rows, columns] = match (bounds, blocked.by_columns) {
            (Some(columns), true) => [all(f, blocked.m), columns],
            (Some(rows), false) => [rows, all(f, blocked.n)],
            (None, _) => [blocked.m, blocked.n].map(|extent| all(f, extent)),
        };
        for (range, offset) in [
            (rows, offset_of!(Call, rows)),
            (columns, offset_of!(Call, columns)),
        ] {
            for (at, value) in range.into_iter().enumerate() {
                put(f, value, offset + 8 * at);
            }
        }
        let batch =
            f.b.ins()
                .stack_addr(types::I64, slot, size_of::<Call>() as i32);
        put(f, batch, offset_of!(Call, batch));
        for (d, place) in index.iter().enumerate().take(rank) {
            let place = f.affine(0, &[1], &[*place]);
            put(f, place, size_of::<Call>() + 8 * d);
        }
        let blocked = f.symbol(&BlockedProduct::symbol(&f.kernel.name));
        let call = f.b.ins().stack_addr(types::I64, slot, 0);
        f.call(shim, &[blocked, call]);
        Ok(Vec::new())
    })
}
