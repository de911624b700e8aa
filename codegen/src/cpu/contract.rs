//! Contractions: which axis the lanes run along, which kernel computes the sums, and the epilogue.
//!
//! Own tiles (`own_tile`) apply the epilogue before anything is stored. Where the host has wider
//! vectors and products have several dims, `product` computes blocks and calls the kernel back for
//! operands that are computed and for the epilogue (`block`). The choice is made in [`choose_blocking`],
//! nowhere else.

use cranelift_codegen::ir::{StackSlotData, StackSlotKind, Value};
use sinew_ir::DType;

use super::blocking::{BlockedProduct, Shape, Source};
use super::frame::Frame;
use super::index::Index;
use super::lanes::Lanes;
use super::own_tile::tiles;
use super::scalar::Context;
use super::share::SplitLoop;
use super::tiling::{Tiling, tile_rows};
use super::vectorize::{traffic, width, work};
use super::{Contraction, EmitError, Options, block};
use crate::kernel::{Access, Code, Contract, Operand, ScalarKind, Slot};
use crate::schedule::{merge_group, visit_code};

/// Multiplications below which a product is not worth a call.
const SMALL: usize = 2048;

/// The contraction with its columns along the vectors: where the results lie side by side, unless rows of pixels that
/// are too short for vectors do so, and channels fill them.
pub(super) fn oriented(slots: &[Slot], c: &Contract, options: &Options) -> Contract {
    let by_memory = oriented_by_memory(c);
    if options.contraction == Contraction::Library || own_tiles_win(slots, &by_memory, options) {
        return by_memory;
    }
    let other = turned(&by_memory);
    match channels_win(slots, &other, options) {
        true => other,
        false => by_memory,
    }
}

fn oriented_by_memory(c: &Contract) -> Contract {
    let (rank, m, n) = (c.batch.len(), c.m.len(), c.n.len());
    let rows = favour(c, rank + m - 1, &c.lhs, rank + m - 1);
    let columns = favour(c, rank + m + n - 1, &c.rhs, rank + c.k.len() + n - 1);
    let [rows_extent, columns_extent, _] = c.extents();
    // An axis of one element fills one lane.
    if rows_extent == 1 || (columns >= rows && columns_extent > 1) {
        return c.clone();
    }
    turned(c)
}

/// The same contraction with rows and columns exchanged.
fn turned(c: &Contract) -> Contract {
    let rank = c.batch.len();
    let mut turned = Contract {
        m: c.n.clone(),
        n: c.m.clone(),
        lhs: c.rhs.clone(),
        rhs: c.lhs.clone(),
        ..c.clone()
    };
    for (code, first) in [
        (&mut turned.lhs.code, c.k.len()),
        (&mut turned.rhs.code, c.m.len()),
        (&mut turned.epilogue, c.m.len()),
    ] {
        visit_code(code, &mut |strides| strides[rank..].rotate_left(first));
    }
    turned
}

/// How well the lanes run along a dim of the result, which is `axis` of `operand`.
fn favour(c: &Contract, dim: usize, operand: &Operand, axis: usize) -> i64 {
    let stores = c.epilogue.stores.iter();
    let stores = stores.filter(|s| s.access.strides.get(dim) == Some(&1));
    let stores = stores.count() as i64;
    4 * stores + 2 * dense(&c.epilogue, dim) + dense(&operand.code, axis).min(1)
}

/// The loads of a code that are dense along a dim.
fn dense(code: &Code, dim: usize) -> i64 {
    let along = |kind: &ScalarKind| match kind {
        ScalarKind::Load(access) => access.strides.get(dim) == Some(&1),
        ScalarKind::Gather { .. }
        | ScalarKind::Const(_)
        | ScalarKind::Index { .. }
        | ScalarKind::Row(_)
        | ScalarKind::Element(_)
        | ScalarKind::Accumulator
        | ScalarKind::Apply(..) => false,
    };
    code.insts.iter().filter(|i| along(&i.kind)).count() as i64
}

/// A code of a contraction over batch, rows and columns, in which what it walks as one dim is one.
pub(super) struct Walked {
    pub code: Code,
    /// Its dims behind the batch.
    pub rows: Dims,
    /// Its dims behind the rows.
    pub columns: Dims,
}

/// Neighbouring dims of a space, walked by their row-major number.
#[derive(Clone, Debug)]
pub(super) struct Dims {
    pub first: usize,
    pub extents: Vec<usize>,
}

impl Dims {
    /// How many elements there are.
    pub fn count(&self) -> usize {
        self.extents.iter().product()
    }

    /// The dim that lanes may run along, if there is one only.
    pub fn only(&self) -> Option<usize> {
        (self.extents.len() == 1).then_some(self.first)
    }

    /// Sets the indices of the element with a number.
    pub fn set(&self, f: &mut Frame<'_>, index: &mut [Index], number: Index) {
        match &self.extents[..] {
            [_] => index[self.first] = number,
            extents => {
                let digits = f.digits(number, extents);
                index[self.first..self.first + extents.len()].copy_from_slice(&digits);
            }
        }
    }
}

impl Walked {
    pub fn new(code: &Code, batch: usize, rows: &[usize], columns: &[usize]) -> Walked {
        let mut code = code.clone();
        let mut group = |first: usize, extents: &[usize]| {
            let mut extents = extents.to_vec();
            if extents.len() > 1 {
                merge_group(first, &mut extents, &mut |f| visit_code(&mut code, f));
            }
            Dims { first, extents }
        };
        let rows = group(batch, rows);
        let columns = group(batch + rows.extents.len(), columns);
        Walked {
            code,
            rows,
            columns,
        }
    }

    /// An index of its space, of which `batch` is known.
    pub fn index(&self, batch: &[Index]) -> Vec<Index> {
        let mut index = batch.to_vec();
        index.resize(
            self.columns.first + self.columns.extents.len(),
            Index::at(0),
        );
        index
    }
}

/// The blocking of a contraction that the tiles of `product` compute; none for own tiles.
///
/// This is the cost model: own tiles start without a call and fuse the epilogue in registers. Those of 128 bits
/// reach 52 GFLOP/s where AVX-512 reaches 200.
pub(super) fn choose_blocking(
    slots: &[Slot],
    c: &Contract,
    options: &Options,
) -> Option<BlockedProduct> {
    let [rows, columns, depth] = c.extents();
    let small = rows.saturating_mul(columns).saturating_mul(depth) < SMALL;
    match options.contraction {
        Contraction::Own => return None,
        Contraction::Auto if small || own_tiles_win(slots, c, options) => return None,
        Contraction::Auto | Contraction::Library => {}
    }
    let rank = c.batch.len();
    // What is computed is computed along the dim its loads are densest along.
    let lanes = natural(c.dtype, options);
    let price = |walked: &Walked, dims: &Dims| {
        let Some(dim) = dims.only() else {
            return work(&walked.code) + traffic(&walked.code, None);
        };
        let extent = dims.count();
        let turns = extent.div_ceil(lanes) as f64 / extent.max(1) as f64;
        turns * (work(&walked.code) + traffic(&walked.code, Some((dim, lanes))))
    };
    let source = |operand: &Operand, rows: &[usize], columns: &[usize]| match operand.access() {
        Some(access) => {
            let strides = &access.strides[rank..];
            let (rows, columns) = strides.split_at(rows.len());
            Ok((rows.to_vec(), columns.to_vec()))
        }
        None => {
            let walked = Walked::new(&operand.code, rank, rows, columns);
            Err([&walked.rows, &walked.columns].map(|dims| price(&walked, dims)))
        }
    };
    let a = match source(&c.lhs, &c.m, &c.k) {
        Ok((rows, steps)) => Source::Stored(rows, steps),
        Err([rows, steps]) => Source::Kernel {
            along_k: steps <= rows,
        },
    };
    let b = match source(&c.rhs, &c.k, &c.n) {
        Ok((steps, columns)) => Source::Stored(steps, columns),
        Err([steps, columns]) => Source::Kernel {
            along_k: steps < columns,
        },
    };
    let direct = destination(c).map(|out| {
        let (rows, columns) = out.strides[rank..].split_at(c.m.len());
        [rows.to_vec(), columns.to_vec()]
    });
    let shape = Shape {
        extents: [&c.m, &c.n, &c.k],
        a,
        b,
        direct,
    };
    match c.dtype {
        DType::F32 => BlockedProduct::new::<f32>(options, shape),
        DType::F64 => BlockedProduct::new::<f64>(options, shape),
        DType::Float | DType::F16 | DType::Bf16 | DType::I32 | DType::U32 | DType::Bool => None,
    }
}

/// Steps from which on own tiles would read a panel past the caches, if they do not add up in parts.
const LONG: usize = 8192;

/// Steps up to which blocks and panels of tiles compiled ahead cost more than they give, where own tiles do without.
const SHORT: usize = 128;

/// Sums from which on a tile has as many as additions take to be ready.
const ENOUGH: usize = 8;

/// Whether lanes fill most of the vectors along a dim: five sixths, or three quarters of short sums.
fn fills(extent: usize, count: usize, steps: usize) -> bool {
    let lanes = extent.next_multiple_of(count);
    6 * extent >= 5 * lanes || (4 * extent >= 3 * lanes && steps <= SHORT)
}

/// Whether own tiles whose rows are pixels, of several dims, and whose columns are channels compute a convolution
/// faster than tiles compiled ahead.
fn channels_win(slots: &[Slot], c: &Contract, options: &Options) -> bool {
    let wide = options.vector_bytes().is_some_and(|bytes| bytes > 16);
    let [_, n, steps] = c.extents();
    let stored = c.lhs.access().is_some() && c.rhs.access().is_some();
    let enough = (ENOUGH * ENOUGH..=LONG).contains(&steps);
    if !wide || !stored || !enough || c.m.len() == 1 || c.n.len() > 1 {
        return false;
    }
    let tiling = Tiling::of(slots, c, options);
    let count = tiling.lanes.count;
    let rows = tile_rows(tiling.extents[0], options);
    count > 1 && fills(n, count, steps) && rows * tiling.vectors.min(n.div_ceil(count)) >= ENOUGH
}

/// Whether own tiles of wide vectors compute a contraction faster than those compiled ahead. They do where they are cut
/// along one dim of rows, of columns and of steps; of several dims, which are a convolution's pixels, where the last of
/// them fills vectors, or channels do.
fn own_tiles_win(slots: &[Slot], c: &Contract, options: &Options) -> bool {
    if c.m.len() > 1 {
        return channels_win(slots, c, options);
    }
    let wide = options.vector_bytes().is_some_and(|bytes| bytes > 16);
    let tiling = Tiling::of(slots, c, options);
    let [_, _, steps] = c.extents();
    let short = steps <= LONG || tiling.depth.is_some();
    if !wide || !short {
        return false;
    }
    if c.n.len() == 1 && c.k.len() == 1 {
        return true;
    }
    let ([_, n], count) = (tiling.extents, tiling.lanes.count);
    count > 1 && fills(n, count, steps) && c.rhs.access().is_some()
}

/// Where sums are stored, if that is all the epilogue does.
pub(super) fn destination(c: &Contract) -> Option<&Access> {
    match (&c.epilogue.insts[..], &c.epilogue.stores[..]) {
        ([inst], [store]) => match inst.kind {
            ScalarKind::Accumulator => Some(&store.access),
            ScalarKind::Load(_)
            | ScalarKind::Gather { .. }
            | ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Element(_)
            | ScalarKind::Apply(..) => None,
        },
        _ => None,
    }
}

/// All but the last of the rows' dims or the columns', which own tiles cover, with the number of the first.
pub(super) fn outer_dims(first: usize, extents: &[usize]) -> Vec<(usize, usize)> {
    let outer = extents.iter().rev().skip(1).rev();
    outer.enumerate().map(|(d, e)| (first + d, *e)).collect()
}

/// Emits an oriented contraction.
pub(super) fn contract(
    f: &mut Frame<'_>,
    c: &Contract,
    blocked: Option<&BlockedProduct>,
) -> Result<(), EmitError> {
    let dims: Vec<(usize, usize)> = c.batch.iter().copied().enumerate().collect();
    let mut index = vec![Index::at(0); c.space().len()];
    match blocked {
        None => {
            let dims = [dims, outer_dims(c.batch.len() + c.m.len(), &c.n)].concat();
            f.loops_of_share(&dims, &mut index, &mut |f, index, _| {
                tiles(f, c, index)?;
                Ok(Vec::new())
            })
        }
        Some(blocked) => block::called(f, c, blocked, &dims, &mut index),
    }
}

/// The loop of an oriented contraction that calls split: that over the first dim of the batch, or over the
/// rows, or the columns, where there is no batch.
pub(super) fn split_loop(
    slots: &[Slot],
    c: &Contract,
    blocked: Option<&BlockedProduct>,
    options: &Options,
) -> SplitLoop {
    if !c.batch.is_empty() {
        return SplitLoop::over(&c.batch);
    }
    match blocked {
        // Tiles and panels stay whole.
        Some(blocked) if blocked.by_columns => SplitLoop {
            extent: blocked.n,
            grain: blocked.wide,
        },
        Some(blocked) => SplitLoop {
            extent: blocked.m,
            grain: blocked.rows,
        },
        None => Tiling::of(slots, c, options).split_loop(c, options),
    }
}

/// Elements of a type in a vector.
fn natural(dtype: DType, options: &Options) -> usize {
    let bytes = options.vector_bytes().unwrap_or(16);
    match dtype {
        DType::F64 => bytes / 8,
        DType::Float
        | DType::F32
        | DType::F16
        | DType::Bf16
        | DType::I32
        | DType::U32
        | DType::Bool => bytes / 4,
    }
}

/// The lanes, along a dim, of codes that take or give elements of a type.
pub(super) fn lanes(
    slots: &[Slot],
    options: &Options,
    (codes, dtype): (&[&Code], DType),
    dim: usize,
) -> Lanes {
    match width(slots, options, codes, &[dtype]) {
        Some(count) if count == natural(dtype, options) => Lanes::along(dim, count, options),
        Some(_) | None => Lanes::ONE,
    }
}

/// The epilogue on one register of sums.
pub(super) fn finish(
    f: &mut Frame<'_>,
    epilogue: &Code,
    index: &[Index],
    lanes: Lanes,
    sum: Value,
) -> Result<(), EmitError> {
    let context = Context {
        accumulator: Some(sum),
        ..Context::default()
    };
    let registers = f.code(epilogue, index, lanes, context)?;
    f.stores(epilogue, &registers, index, lanes)
}

impl Frame<'_> {
    /// Bytes on the stack, aligned to a vector.
    pub(super) fn slot(&mut self, bytes: usize) -> cranelift_codegen::ir::StackSlot {
        self.b.create_sized_stack_slot(StackSlotData::new(
            StackSlotKind::ExplicitSlot,
            bytes as u32,
            4,
        ))
    }
}
