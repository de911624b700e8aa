//! Contractions: which axis the lanes run along, which kernel computes the sums, and the epilogue.
//!
//! Own tiles keep 12 rows of one 128-bit vector in registers and apply the epilogue before anything
//! is stored. Where the host has wider vectors, `product` computes blocks and calls the kernel back
//! for the epilogue. The choice is made in [`plan`], nowhere else.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, Value, types,
};
use sinew_ir::DType;
use std::mem::offset_of;

use super::frame::{Frame, Index};
use super::lanes::Lanes;
use super::nest::{width, work};
use super::product::{Block, Call, Plan};
use super::scalar::Context;
use super::{Contraction, EmitError, Options};
use crate::kernel::{Access, Code, Contract, ScalarKind};

/// Rows of an own tile: with the right operand's vector and a broadcast they fill 14 of x86's 16
/// vector registers, and measured best (91% of what 128 bits can do).
const ROWS: usize = 12;

/// Multiplications below which a product is not worth a call.
const SMALL: usize = 2048;

/// The contraction with its columns along the vectors: where the results lie side by side.
pub(super) fn oriented(c: &Contract) -> Contract {
    let rank = c.batch.len();
    let rows = favour(c, rank, &c.lhs, rank);
    let columns = favour(c, rank + 1, &c.rhs, rank + 1);
    // An axis of one element fills one lane.
    if c.m == 1 || (columns >= rows && c.n > 1) {
        return c.clone();
    }
    let swap = |access: &Access| {
        let mut access = access.clone();
        access.strides.swap(rank, rank + 1);
        for guard in &mut access.guards {
            guard.strides.swap(rank, rank + 1);
        }
        access
    };
    let mut epilogue = c.epilogue.clone();
    for inst in &mut epilogue.insts {
        match &mut inst.kind {
            ScalarKind::Load(access) | ScalarKind::Gather { access, .. } => *access = swap(access),
            ScalarKind::Index { strides, .. } => strides.swap(rank, rank + 1),
            ScalarKind::Const(_)
            | ScalarKind::Row(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => {}
        }
    }
    for store in &mut epilogue.stores {
        store.access = swap(&store.access);
    }
    Contract {
        batch: c.batch.clone(),
        m: c.n,
        n: c.m,
        k: c.k,
        dtype: c.dtype,
        lhs: swap(&c.rhs),
        rhs: swap(&c.lhs),
        epilogue,
    }
}

/// How well the lanes run along a dim of the result, which is `axis` of `operand`.
fn favour(c: &Contract, dim: usize, operand: &Access, axis: usize) -> i64 {
    let along = |access: &Access, dim: usize| access.strides.get(dim) == Some(&1);
    let stores = c.epilogue.stores.iter();
    let stores = stores.filter(|s| along(&s.access, dim)).count() as i64;
    let mut loads = 0;
    for inst in &c.epilogue.insts {
        match &inst.kind {
            ScalarKind::Load(access) => loads += i64::from(along(access, dim)),
            ScalarKind::Gather { .. }
            | ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => {}
        }
    }
    4 * stores + 2 * loads + i64::from(along(operand, axis))
}

/// The blocking of a contraction that the tiles of `product` compute; none for own tiles.
///
/// This is the cost model: own tiles reach 52 GFLOP/s where AVX-512 reaches 200, but start without a
/// call and fuse the epilogue in registers.
pub(super) fn plan(c: &Contract, options: &Options) -> Option<Plan> {
    let small = c.m * c.n * c.k < SMALL;
    match options.contraction {
        Contraction::Own => return None,
        Contraction::Auto if small => return None,
        Contraction::Auto | Contraction::Library => {}
    }
    if !c.lhs.guards.is_empty() || !c.rhs.guards.is_empty() {
        return None;
    }
    let rank = c.batch.len();
    // An axis of one element has neighbours wherever one likes.
    let stride = |access: &Access, dim: usize, extent: usize| {
        if extent == 1 {
            1
        } else {
            access.strides[dim] as isize
        }
    };
    let extents = [c.m, c.n, c.k];
    let lhs = (stride(&c.lhs, rank, c.m), c.lhs.strides[rank + 1] as isize);
    let rhs = (c.rhs.strides[rank] as isize, stride(&c.rhs, rank + 1, c.n));
    let direct = destination(c)
        .filter(|out| stride(out, rank + 1, c.n) == 1)
        .map(|out| out.strides[rank] as isize);
    match c.dtype {
        DType::F32 => Plan::new::<f32>(extents, lhs, rhs, direct),
        DType::F64 => Plan::new::<f64>(extents, lhs, rhs, direct),
        DType::Float | DType::I32 | DType::U32 | DType::Bool => None,
    }
}

/// Where sums are stored, if that is all the epilogue does.
fn destination(c: &Contract) -> Option<&Access> {
    match (&c.epilogue.insts[..], &c.epilogue.stores[..]) {
        ([inst], [store]) => match inst.kind {
            ScalarKind::Accumulator => Some(&store.access),
            ScalarKind::Load(_)
            | ScalarKind::Gather { .. }
            | ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Apply(..) => None,
        },
        _ => None,
    }
}

/// Emits an oriented contraction.
pub(super) fn contract(
    f: &mut Frame<'_>,
    c: &Contract,
    plan: Option<&Plan>,
) -> Result<(), EmitError> {
    let dims: Vec<(usize, usize)> = c.batch.iter().copied().enumerate().collect();
    let mut index = vec![Index::at(0); c.batch.len() + 2];
    match plan {
        None => {
            f.loops(&dims, &mut index, Vec::new(), &mut |f, index, _| {
                tiles(f, c, index)?;
                Ok(Vec::new())
            })?;
            Ok(())
        }
        Some(plan) => called(f, c, plan, &dims, &mut index),
    }
}

/// The lanes of the epilogue, and so of own tiles.
fn lanes(f: &Frame<'_>, c: &Contract) -> Lanes {
    let natural = match c.dtype {
        DType::F64 => 2,
        DType::Float | DType::F32 | DType::I32 | DType::U32 | DType::Bool => 4,
    };
    match width(f, &[&c.epilogue], &[c.dtype]) {
        Some(count) if count == natural => Lanes {
            count,
            active: count,
            dim: c.batch.len() + 1,
        },
        Some(_) | None => Lanes::ONE,
    }
}

/// One element of the batch by own tiles: columns of vectors, in each the rows in tiles.
fn tiles(f: &mut Frame<'_>, c: &Contract, index: &mut [Index]) -> Result<(), EmitError> {
    let full = lanes(f, c);
    let (rank, n) = (c.batch.len(), c.n as i64);
    let whole = n / full.count as i64 * full.count as i64;
    f.repeat(0, whole, full.count as i64, Vec::new(), &mut |f, j, _| {
        index[rank + 1] = j;
        column(f, c, index, full)?;
        Ok(Vec::new())
    })?;
    if whole < n {
        index[rank + 1] = Index::at(whole);
        let active = (n - whole) as usize;
        column(f, c, index, Lanes { active, ..full })?;
    }
    Ok(())
}

/// All rows of one vector of columns.
fn column(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    lanes: Lanes,
) -> Result<(), EmitError> {
    let rank = c.batch.len();
    let m = c.m as i64;
    let rows = c.m.div_ceil(c.m.div_ceil(ROWS).max(1)).max(1);
    let whole = m / rows as i64 * rows as i64;
    f.repeat(0, whole, rows as i64, Vec::new(), &mut |f, i, _| {
        index[rank] = i;
        tile(f, c, index, rows, lanes)?;
        Ok(Vec::new())
    })?;
    if whole < m {
        index[rank] = Index::at(whole);
        tile(f, c, index, (m - whole) as usize, lanes)?;
    }
    Ok(())
}

/// One tile: the sums in registers, then the epilogue.
fn tile(
    f: &mut Frame<'_>,
    c: &Contract,
    index: &mut [Index],
    rows: usize,
    lanes: Lanes,
) -> Result<(), EmitError> {
    let rank = c.batch.len();
    let (i, j) = (index[rank], index[rank + 1]);
    let batch = index[..rank].to_vec();
    let place =
        |a: Index, b: Index| -> Vec<Index> { batch.iter().copied().chain([a, b]).collect() };
    let zero = f.constant(0.0, c.dtype, lanes)?;
    let sums = f.repeat(0, c.k as i64, 1, vec![zero; rows], &mut |f, k, sums| {
        let right = f.load(&c.rhs, &place(k, j), lanes)?;
        let mut next = Vec::with_capacity(rows);
        for (row, &sum) in sums.iter().enumerate() {
            let left = f.load(&c.lhs, &place(i.plus(row as i64), k), Lanes::ONE)?;
            let left = f.splat(left, c.dtype, lanes)?;
            next.push(f.multiply_add(left, right, sum));
        }
        Ok(next)
    })?;
    // A long epilogue is written once, in a loop over the sums in memory.
    if c.epilogue.insts.len() <= 8 && work(&c.epilogue) <= 8.0 || rows == 1 {
        for (row, &sum) in sums.iter().enumerate() {
            index[rank] = i.plus(row as i64);
            finish(f, &c.epilogue, index, lanes, sum)?;
        }
        index[rank] = i;
        return Ok(());
    }
    let ty = f.ty(c.dtype, lanes)?;
    let slot = f.slot(rows * 16);
    for (row, &sum) in sums.iter().enumerate() {
        f.b.ins()
            .stack_store(types::I64, sum, slot, row as i32 * 16);
    }
    let base = f.b.ins().stack_addr(types::I64, slot, 0);
    f.repeat(0, rows as i64, 1, Vec::new(), &mut |f, row, _| {
        let at = f.affine(0, &[16], &[row]);
        let at = f.b.ins().iadd(base, at);
        let sum = f.b.ins().load(ty, MemFlagsData::trusted(), at, 0);
        index[rank] = f.further(i, row);
        finish(f, &c.epilogue, index, lanes, sum)?;
        Ok(Vec::new())
    })?;
    index[rank] = i;
    Ok(())
}

/// The epilogue on one register of sums.
fn finish(
    f: &mut Frame<'_>,
    epilogue: &Code,
    index: &[Index],
    lanes: Lanes,
    sum: Value,
) -> Result<(), EmitError> {
    let context = Context {
        rows: &[],
        accumulator: Some(sum),
    };
    let registers = f.code(epilogue, index, lanes, context)?;
    f.stores(epilogue, &registers, index, lanes)
}

/// A call of `product` for each element of the batch; called back, the epilogue on a block.
fn called(
    f: &mut Frame<'_>,
    c: &Contract,
    plan: &Plan,
    dims: &[(usize, usize)],
    index: &mut Vec<Index>,
) -> Result<(), EmitError> {
    let rank = dims.len();
    if plan.is_direct() {
        return calls(f, c, plan, dims, index);
    }
    let products = f.b.create_block();
    let epilogue = f.b.create_block();
    let block = f.block;
    f.b.ins().brif(block, epilogue, &[], products, &[]);
    f.b.switch_to_block(products);
    f.scoped(|f| calls(f, c, plan, dims, index))?;
    f.b.ins().return_(&[]);
    f.b.switch_to_block(epilogue);

    let field = |f: &mut Frame<'_>, offset: usize| {
        let flags = MemFlagsData::trusted().with_readonly().with_can_move();
        f.b.ins().load(types::I64, flags, block, offset as i32)
    };
    let sums = field(f, offset_of!(Block, sums));
    let pitch = field(f, offset_of!(Block, pitch));
    let first = field(f, offset_of!(Block, rows));
    let end = field(f, offset_of!(Block, rows) + 8);
    let left = field(f, offset_of!(Block, columns));
    let right = field(f, offset_of!(Block, columns) + 8);
    let batch = field(f, offset_of!(Block, batch));
    for (d, index) in index.iter_mut().enumerate().take(rank) {
        let flags = MemFlagsData::trusted().with_readonly().with_can_move();
        let at = f.b.ins().load(types::I64, flags, batch, d as i32 * 8);
        *index = Index {
            base: Some(at),
            add: 0,
        };
    }
    let full = lanes(f, c);
    let count = full.count as i64;
    let columns = f.b.ins().isub(right, left);
    let whole = f.b.ins().band_imm_s(columns, -count);
    let whole = f.b.ins().iadd(left, whole);
    let copies = if work(&c.epilogue) <= 8.0 { 4 } else { 1 };
    let unrolled = f.b.ins().band_imm_s(columns, -count * copies);
    let unrolled = f.b.ins().iadd(left, unrolled);
    let ty = f.ty(c.dtype, full)?;
    let size = f.bytes(c.dtype)?;
    f.repeat_between(first, end, 1, Vec::new(), &mut |f, i, _| {
        index[rank] = i;
        let row = f.affine(0, &[1], &[i]);
        let row = f.b.ins().isub(row, first);
        let row = f.b.ins().imul(row, pitch);
        let row = f.b.ins().iadd(sums, row);
        // Sums are scratch of this thread: nobody writes them while the kernel reads.
        let flags = MemFlagsData::new()
            .with_notrap()
            .with_readonly()
            .with_can_move();
        let mut from = left;
        for (copies, to) in [(copies, unrolled), (1, whole)] {
            let step = count * copies;
            f.repeat_between(from, to, step, Vec::new(), &mut |f, j, _| {
                let column = f.affine(0, &[1], &[j]);
                let column = f.b.ins().isub(column, left);
                let far = f.scaled(column, size);
                let at = f.b.ins().iadd(row, far);
                for copy in 0..copies {
                    index[rank + 1] = j.plus(copy * count);
                    let sum = f.b.ins().load(ty, flags, at, (copy * count * size) as i32);
                    finish(f, &c.epilogue, index, full, sum)?;
                }
                Ok(Vec::new())
            })?;
            from = to;
        }
        let active = c.n % full.count;
        if active > 0 {
            // Only the last block of columns has a tail.
            let tail = f.b.create_block();
            let done = f.b.create_block();
            let some = f.b.ins().icmp(IntCC::SignedLessThan, whole, right);
            f.b.ins().brif(some, tail, &[], done, &[]);
            f.b.switch_to_block(tail);
            f.scoped(|f| {
                let start = (c.n - active) as i64;
                index[rank + 1] = Index::at(start);
                let place = f.b.ins().iconst(types::I64, start);
                let column = f.b.ins().isub(place, left);
                let far = f.scaled(column, size);
                let at = f.b.ins().iadd(row, far);
                let lanes = Lanes { active, ..full };
                let sum = f.load_lanes(ty, flags, at, 0, lanes);
                finish(f, &c.epilogue, index, lanes, sum)
            })?;
            f.b.ins().jump(done, &[]);
            f.b.switch_to_block(done);
        }
        Ok(Vec::new())
    })?;
    Ok(())
}

/// The calls, one an element of the batch.
fn calls(
    f: &mut Frame<'_>,
    c: &Contract,
    plan: &Plan,
    dims: &[(usize, usize)],
    index: &mut Vec<Index>,
) -> Result<(), EmitError> {
    let rank = dims.len();
    let slot = f.slot(size_of::<Call>() + 8 * rank);
    let shim = match c.dtype {
        DType::F64 => Plan::shim::<f64>(),
        DType::Float | DType::F32 | DType::I32 | DType::U32 | DType::Bool => Plan::shim::<f32>(),
    };
    let out = if plan.is_direct() {
        destination(c)
    } else {
        None
    };
    f.loops(dims, index, Vec::new(), &mut |f, index, _| {
        let (table, itself) = (f.table, f.itself);
        let put = |f: &mut Frame<'_>, value: Value, offset: usize| {
            f.b.ins()
                .stack_store(types::I64, value, slot, offset as i32);
        };
        put(f, table, offset_of!(Call, table));
        put(f, itself, offset_of!(Call, kernel));
        for (access, offset) in [
            (Some(&c.lhs), offset_of!(Call, lhs)),
            (Some(&c.rhs), offset_of!(Call, rhs)),
            (out, offset_of!(Call, out)),
        ] {
            let Some(access) = access else {
                continue;
            };
            let (address, constant) = f.address(access, index)?;
            let address = f.b.ins().iadd_imm_s(address, i64::from(constant));
            put(f, address, offset);
        }
        let batch =
            f.b.ins()
                .stack_addr(types::I64, slot, size_of::<Call>() as i32);
        put(f, batch, offset_of!(Call, batch));
        for (d, place) in index.iter().enumerate().take(rank) {
            let place = f.affine(0, &[1], &[*place]);
            put(f, place, size_of::<Call>() + 8 * d);
        }
        let plan =
            f.b.ins()
                .iconst(types::I64, std::ptr::from_ref(plan) as i64);
        let call = f.b.ins().stack_addr(types::I64, slot, 0);
        f.call(shim, &[plan, call], None);
        Ok(Vec::new())
    })?;
    Ok(())
}

impl Frame<'_> {
    /// Bytes on the stack, aligned to a vector.
    fn slot(&mut self, bytes: usize) -> cranelift_codegen::ir::StackSlot {
        self.b.create_sized_stack_slot(StackSlotData::new(
            StackSlotKind::ExplicitSlot,
            bytes as u32,
            4,
        ))
    }

    /// An index moved on by another.
    fn further(&mut self, from: Index, by: Index) -> Index {
        let base = match (from.base, by.base) {
            (Some(a), Some(b)) => Some(self.b.ins().iadd(a, b)),
            (a, b) => a.or(b),
        };
        Index {
            base,
            add: from.add + by.add,
        }
    }
}
