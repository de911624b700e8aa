//! Contractions.

use cranelift_codegen::ir::InstBuilder;

use super::EmitError;
use super::frame::{Frame, Index};
use super::lanes::Lanes;
use super::scalar::Context;
use crate::kernel::Contract;

/// Emits a contraction.
pub(super) fn contract(f: &mut Frame<'_>, c: &Contract) -> Result<(), EmitError> {
    let dims: Vec<(usize, usize)> = c
        .batch
        .iter()
        .copied()
        .chain([c.m, c.n])
        .enumerate()
        .collect();
    let rank = c.batch.len();
    let mut index = vec![Index::at(0); dims.len()];
    f.loops(&dims, &mut index, Vec::new(), &mut |f, index, _| {
        let zero = f.constant(0.0, c.dtype, Lanes::ONE)?;
        let (i, j) = (index[rank], index[rank + 1]);
        let batch = index[..rank].to_vec();
        let place =
            |a: Index, b: Index| -> Vec<Index> { batch.iter().copied().chain([a, b]).collect() };
        let sum = f.repeat(0, c.k as i64, 1, vec![zero], &mut |f, k, carried| {
            let x = f.load(&c.lhs, &place(i, k), Lanes::ONE)?;
            let y = f.load(&c.rhs, &place(k, j), Lanes::ONE)?;
            let product = f.b.ins().fmul(x, y);
            Ok(vec![f.b.ins().fadd(carried[0], product)])
        })?;
        let context = Context {
            rows: &[],
            accumulator: Some(sum[0]),
        };
        let registers = f.code(&c.epilogue, index, Lanes::ONE, context)?;
        f.stores(&c.epilogue, &registers, index, Lanes::ONE)?;
        Ok(Vec::new())
    })?;
    Ok(())
}
