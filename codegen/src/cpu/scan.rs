//! Scans: a running value a row, rows side by side in the lanes where they lie side by side in memory.

use super::EmitError;
use super::frame::{Frame, Index};
use super::lanes::{Lanes, shifted};
use super::scalar::Context;
use super::vectorize::{traffic, width, work};
use crate::kernel::Scan;

/// Vectors of rows in lockstep: so that whole lines of the cache are used, and additions do not wait for
/// each other.
const COPIES: usize = 4;

/// Emits a scan.
pub(super) fn scan(f: &mut Frame<'_>, scan: &Scan) -> Result<(), EmitError> {
    let mut index = vec![Index::at(0); scan.outer.len() + 1];
    let dims: Vec<(usize, usize)> = scan.outer.iter().copied().enumerate().collect();
    let Some(lanes) = lanes(f, scan) else {
        f.loops(&dims, &mut index, Vec::new(), &mut |f, index, _| {
            rows(f, scan, index, Lanes::ONE, 1)?;
            Ok(Vec::new())
        })?;
        return Ok(());
    };
    let others = dims.into_iter().filter(|&(d, _)| d != lanes.dim);
    let others: Vec<(usize, usize)> = others.collect();
    f.loops(&others, &mut index, Vec::new(), &mut |f, index, _| {
        let extent = scan.outer[lanes.dim] as i64;
        let mut from = 0;
        for copies in [COPIES, 1] {
            let step = (lanes.count * copies) as i64;
            let to = from + (extent - from) / step * step;
            f.repeat(from, to, step, Vec::new(), &mut |f, i, _| {
                index[lanes.dim] = i;
                rows(f, scan, index, lanes, copies)?;
                Ok(Vec::new())
            })?;
            from = to;
        }
        if from < extent {
            index[lanes.dim] = Index::at(from);
            let tail = Lanes {
                active: (extent - from) as usize,
                ..lanes
            };
            rows(f, scan, index, tail, 1)?;
        }
        Ok(Vec::new())
    })?;
    Ok(())
}

/// The dim of the rows that lie side by side, if vectors are worth it.
fn lanes(f: &Frame<'_>, scan: &Scan) -> Option<Lanes> {
    let dim = scan.outer.len().checked_sub(1)?;
    let count = width(&f.kernel.slots, f.options, &[&scan.code], &[])?;
    let price = |lanes| work(&scan.code) + traffic(&scan.code, lanes);
    let vectors = scan.outer[dim].div_ceil(count) as f64 / scan.outer[dim] as f64;
    (price(Some((dim, count))) * vectors <= price(None)).then_some(Lanes {
        count,
        active: count,
        dim,
    })
}

/// The steps of a row a lane, of several vectors of rows in lockstep.
fn rows(
    f: &mut Frame<'_>,
    scan: &Scan,
    index: &mut [Index],
    lanes: Lanes,
    copies: usize,
) -> Result<(), EmitError> {
    let axis = scan.outer.len();
    let dtype = scan.dtype();
    let dtype = dtype.ok_or_else(|| f.unsupported("a scan without a running value"))?;
    let start = f.constant(scan.start, dtype, lanes)?;
    let extent = scan.extent as i64;
    f.repeat(0, extent, 1, vec![start; copies], &mut |f, i, running| {
        index[axis] = i;
        let mut next = Vec::with_capacity(copies);
        for (copy, value) in running.iter().enumerate() {
            let index = shifted(index, lanes, copy * lanes.count);
            let context = Context {
                accumulator: Some(*value),
                ..Context::default()
            };
            let registers = f.code(&scan.code, &index, lanes, context)?;
            f.stores(&scan.code, &registers, &index, lanes)?;
            next.push(registers[scan.next.0 as usize]);
        }
        Ok(next)
    })?;
    Ok(())
}
