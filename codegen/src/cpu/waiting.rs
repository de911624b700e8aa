//! Sums of a part of a contracted dim, which wait in memory for the parts behind it: in their destination, if they are
//! stored there as they are, else in scratch.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};

use super::EmitError;
use super::contract::{destination, finish};
use super::frame::Frame;
use super::index::Index;
use super::lanes::Lanes;
use super::own_tile::last_dims;
use super::tiling::Tiling;
use crate::kernel::Contract;

/// Where sums wait for the next part that have no other place: an address, of those at `index`.
fn room(
    f: &mut Frame<'_>,
    c: &Contract,
    tiling: &Tiling,
    index: &[Index],
) -> Result<Value, EmitError> {
    let ([right, left, _], [_, n]) = (tiling.scratch(c), tiling.extents);
    let (row, column) = last_dims(c);
    let size = f.bytes(c.dtype)?;
    let place = [index[row], index[column]];
    let far = f.affine((right + left) as i64, &[n as i64 * size, size], &place);
    let scratch = f.scratch();
    Ok(f.b.ins().iadd(scratch, far))
}

/// Has the sums at `index` wait for the next part: in their destination, if they are stored as they are.
pub(super) fn put(
    f: &mut Frame<'_>,
    c: &Contract,
    tiling: &Tiling,
    index: &[Index],
    (lanes, sum): (Lanes, Value),
) -> Result<(), EmitError> {
    if destination(c).is_some() {
        return finish(f, &c.epilogue, index, lanes, sum);
    }
    let at = room(f, c, tiling, index)?;
    f.store_lanes(sum, at, 0, lanes);
    Ok(())
}

/// The sums that wait at `index`.
pub(super) fn taken(
    f: &mut Frame<'_>,
    c: &Contract,
    tiling: &Tiling,
    index: &[Index],
    lanes: Lanes,
) -> Result<Value, EmitError> {
    if let Some(access) = destination(c) {
        return f.load(access, index, lanes);
    }
    let at = room(f, c, tiling, index)?;
    let ty = f.ty(c.dtype, lanes)?;
    let flags = MemFlagsData::new().with_notrap();
    Ok(f.load_lanes(ty, flags, at, 0, lanes))
}
