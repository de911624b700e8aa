//! Scans: a running value a row, rows side by side in the lanes where they lie side by side in memory.

use super::frame::Frame;
use super::index::Index;
use super::lanes::{Lanes, shifted};
use super::scalar::Context;
use super::share::SplitLoop;
use super::vectorize::{traffic, width, work};
use super::{EmitError, Options};
use crate::kernel::{Scan, Slot};

/// Vectors of rows in lockstep: so that whole lines of the cache are used, and additions do not wait for
/// each other.
const COPIES: usize = 4;

/// Emits a scan.
pub(super) fn scan(f: &mut Frame<'_>, scan: &Scan) -> Result<(), EmitError> {
    let mut index = vec![Index::at(0); scan.outer.len() + 1];
    let dims: Vec<(usize, usize)> = scan.outer.iter().copied().enumerate().collect();
    let Some(lanes) = lanes(&f.kernel.slots, scan, f.options) else {
        return f.loops_of_share(&dims, &mut index, &mut |f, index, _| {
            rows(f, scan, index, Lanes::ONE, 1)?;
            Ok(Vec::new())
        });
    };
    let others = dims.into_iter().filter(|&(d, _)| d != lanes.dim);
    let others: Vec<(usize, usize)> = others.collect();
    f.loops_of_share(&others, &mut index, &mut |f, index, _| {
        let extent = scan.outer[lanes.dim];
        f.vectors(extent, (lanes, COPIES), &mut |f, i, lanes, copies| {
            index[lanes.dim] = i;
            rows(f, scan, index, lanes, copies)
        })?;
        Ok(Vec::new())
    })
}

/// The loop of a scan that calls split.
pub(super) fn split_loop(slots: &[Slot], scan: &Scan, options: &Options) -> SplitLoop {
    let split = SplitLoop::over(&scan.outer);
    match lanes(slots, scan, options) {
        Some(lanes) if lanes.dim == 0 => SplitLoop {
            grain: lanes.count * COPIES,
            ..split
        },
        Some(_) | None => split,
    }
}

/// The dim of the rows that lie side by side, if vectors are worth it.
fn lanes(slots: &[Slot], scan: &Scan, options: &Options) -> Option<Lanes> {
    let dim = scan.outer.len().checked_sub(1)?;
    let count = width(slots, options, &[&scan.code], &[])?;
    let price = |lanes| work(&scan.code) + traffic(&scan.code, lanes);
    let vectors = scan.outer[dim].div_ceil(count) as f64 / scan.outer[dim] as f64;
    (price(Some((dim, count))) * vectors <= price(None)).then(|| Lanes::along(dim, count, options))
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
