//! Scatters: additions at computed indices, one after the other, in the order of the program. Where what is added lies
//! side by side in memory, and an index is that of all of it, vectors of it are added at once.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use sinew_ir::DType;

use super::frame::Frame;
use super::index::Index;
use super::lanes::{Lanes, shifted};
use super::scalar::Context;
use super::share::SplitLoop;
use super::vectorize::width;
use super::{EmitError, Options};
use crate::kernel::{Code, Reg, Scatter, Slot};

/// Vectors that are added at an index: so that it is read and clamped for many elements.
const COPIES: usize = 8;

/// The code of a scatter, in two parts.
struct Parts<'s> {
    scatter: &'s Scatter,
    index: (Code, Reg),
    update: (Code, Reg),
}

/// Emits a scatter.
pub(super) fn scatter(f: &mut Frame<'_>, scatter: &Scatter) -> Result<(), EmitError> {
    let mut index = vec![Index::at(0); scatter.outer.len() + 1];
    let dims: Vec<(usize, usize)> = scatter.outer.iter().copied().enumerate().collect();
    let parts = Parts {
        scatter,
        index: scatter.code.part(scatter.index),
        update: scatter.code.part(scatter.update),
    };
    let Some(lanes) = lanes(&f.kernel.slots, scatter, f.options) else {
        return f.loops_of_share(&dims, &mut index, &mut |f, index, _| {
            parts.add(f, index, Lanes::ONE, 1)?;
            Ok(Vec::new())
        });
    };
    let others = dims.into_iter().filter(|&(d, _)| d != lanes.dim);
    let others: Vec<(usize, usize)> = others.collect();
    f.loops_of_share(&others, &mut index, &mut |f, index, _| {
        let extent = scatter.outer[lanes.dim];
        f.vectors(extent, (lanes, COPIES), &mut |f, i, lanes, copies| {
            index[lanes.dim] = i;
            parts.add(f, index, lanes, copies)
        })?;
        Ok(Vec::new())
    })
}

/// The loop of a scatter that calls split.
pub(super) fn split_loop(slots: &[Slot], scatter: &Scatter, options: &Options) -> SplitLoop {
    let split = SplitLoop::over(&scatter.outer);
    match lanes(slots, scatter, options) {
        Some(lanes) if lanes.dim == 0 => SplitLoop {
            grain: lanes.count * COPIES,
            ..split
        },
        Some(_) | None => split,
    }
}

/// The dim along which the target and what is added lie side by side, at one index, if vectors are worth it.
fn lanes(slots: &[Slot], scatter: &Scatter, options: &Options) -> Option<Lanes> {
    let dim = scatter.outer.len().checked_sub(1)?;
    let dtype = slots.get(scatter.target.slot.0 as usize)?.dtype;
    let (update, _) = scatter.code.part(scatter.update);
    let (index, _) = scatter.code.part(scatter.index);
    let count = width(slots, options, &[&update], &[dtype])?;
    let dense = scatter.target.strides.get(dim) == Some(&1);
    let pays = dense && !index.moves_along(dim) && 2 * scatter.outer[dim] >= count;
    pays.then(|| Lanes::along(dim, count, options))
}

impl Parts<'_> {
    /// All updates of some vectors side by side, or of one element.
    fn add(
        &self,
        f: &mut Frame<'_>,
        index: &[Index],
        lanes: Lanes,
        copies: usize,
    ) -> Result<(), EmitError> {
        let scatter = self.scatter;
        let dtype = f.dtype(scatter.target.slot);
        let size = f.bytes(dtype)?;
        let mut index = index.to_vec();
        let axis = scatter.outer.len();
        let updates = scatter.updates as i64;
        f.repeat(0, updates, 1, Vec::new(), &mut |f, i, _| {
            index[axis] = i;
            let at = value(f, &self.index, &index, Lanes::ONE)?;
            let at = f.clamped(at, scatter.extent);
            let far = f.scaled(at, scatter.stride * size);
            for copy in 0..copies {
                let index = shifted(&index, lanes, copy * lanes.count);
                let update = value(f, &self.update, &index, lanes)?;
                let (address, offset) = f.address(&scatter.target, &index)?;
                let address = f.b.ins().iadd(address, far);
                let ty = f.ty(dtype, lanes)?;
                // In range: the index is clamped to the extent that the verifier proved to be there.
                let flags = MemFlagsData::new().with_notrap();
                let old = f.load_lanes(ty, flags, address, offset, lanes);
                let new = match dtype {
                    DType::F32 | DType::F64 => f.b.ins().fadd(old, update),
                    DType::I32 | DType::U32 => f.b.ins().iadd(old, update),
                    DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
                        return Err(f.unsupported(format!("a scatter of {dtype}")));
                    }
                };
                f.store_lanes(new, address, offset, lanes);
            }
            Ok(Vec::new())
        })?;
        Ok(())
    }
}

/// What a part of a code computes.
fn value(
    f: &mut Frame<'_>,
    (code, of): &(Code, Reg),
    index: &[Index],
    lanes: Lanes,
) -> Result<Value, EmitError> {
    let registers = f.code(code, index, lanes, Context::default())?;
    registers
        .get(of.0 as usize)
        .copied()
        .ok_or_else(|| f.unsupported("a scatter of nothing"))
}
