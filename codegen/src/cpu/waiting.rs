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

/// Where sums of a block of columns, the first of which is `start`, wait for the next part.
#[derive(Clone, Copy)]
pub(super) struct Waiting<'t> {
    pub tiling: &'t Tiling,
    pub start: Index,
}

impl Waiting<'_> {
    /// In scratch, where they have no other place: an address, of those at `index`.
    fn room(self, f: &mut Frame<'_>, c: &Contract, index: &[Index]) -> Result<Value, EmitError> {
        let [right, left, _] = self.tiling.scratch(c);
        let (row, column) = last_dims(c);
        let size = f.bytes(c.dtype)?;
        let place = [index[row], index[column], self.start];
        let strides = [self.tiling.block_columns() as i64 * size, size, -size];
        let far = f.affine((right + left) as i64, &strides, &place);
        let scratch = f.scratch();
        Ok(f.b.ins().iadd(scratch, far))
    }

    /// Has the sums at `index` wait for the next part: in their destination, if they are stored as they are.
    pub(super) fn put(
        self,
        f: &mut Frame<'_>,
        c: &Contract,
        index: &[Index],
        (lanes, sum): (Lanes, Value),
    ) -> Result<(), EmitError> {
        if destination(c).is_some() {
            return finish(f, &c.epilogue, index, lanes, sum);
        }
        let at = self.room(f, c, index)?;
        f.store_lanes(sum, at, 0, lanes);
        Ok(())
    }

    /// The sums that wait at `index`.
    pub(super) fn taken(
        self,
        f: &mut Frame<'_>,
        c: &Contract,
        index: &[Index],
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        if let Some(access) = destination(c) {
            return f.load(access, index, lanes);
        }
        let at = self.room(f, c, index)?;
        let ty = f.ty(c.dtype, lanes)?;
        let flags = MemFlagsData::new().with_notrap();
        Ok(f.load_lanes(ty, flags, at, 0, lanes))
    }

    /// Has the lines of the sums that wait at `index` brought to the caches.
    pub(super) fn bring(
        self,
        f: &mut Frame<'_>,
        c: &Contract,
        index: &[Index],
    ) -> Result<(), EmitError> {
        let at = match destination(c) {
            Some(access) => {
                let (at, offset) = f.address(access, index)?;
                f.b.ins().iadd_imm_s(at, i64::from(offset))
            }
            None => self.room(f, c, index)?,
        };
        f.bring_to_write(at);
        Ok(())
    }
}
