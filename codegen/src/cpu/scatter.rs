//! Scatters: additions at computed indices, one after the other, in the order of the program.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData};
use sinew_ir::DType;

use super::EmitError;
use super::frame::Frame;
use super::index::Index;
use super::lanes::Lanes;
use super::scalar::Context;
use crate::kernel::Scatter;

/// Emits a scatter.
pub(super) fn scatter(f: &mut Frame<'_>, scatter: &Scatter) -> Result<(), EmitError> {
    let dims: Vec<(usize, usize)> = scatter.outer.iter().copied().enumerate().collect();
    let updates = [(scatter.outer.len(), scatter.updates)];
    let mut index = vec![Index::at(0); dims.len() + 1];
    let dtype = f.dtype(scatter.target.slot);
    let size = f.bytes(dtype)?;
    f.loops_of_share(&dims, &mut index, &mut |f, index, _| {
        f.loops(&updates, index, Vec::new(), &mut |f, index, _| {
            let registers = f.code(&scatter.code, index, Lanes::ONE, Context::default())?;
            let at = f.clamped(registers[scatter.index.0 as usize], scatter.extent);
            let far = f.scaled(at, scatter.stride * size);
            let (address, offset) = f.address(&scatter.target, index)?;
            let address = f.b.ins().iadd(address, far);
            let old = f.load_at(&scatter.target, address, offset)?;
            let update = registers[scatter.update.0 as usize];
            let new = match dtype {
                DType::F32 | DType::F64 => f.b.ins().fadd(old, update),
                DType::I32 | DType::U32 => f.b.ins().iadd(old, update),
                DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
                    return Err(f.unsupported(format!("a scatter of {dtype}")));
                }
            };
            // In range: the index is clamped to the extent that the verifier proved to be there.
            let flags = MemFlagsData::trusted();
            f.b.ins().store(flags, new, address, offset);
            Ok(Vec::new())
        })
    })
}
