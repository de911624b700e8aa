//! What tiles have brought to the caches while they add up: a line of memory a step, of the right operand of the tiles
//! behind them. Processors see by themselves what is read line by line, but not where the next panel begins, nor
//! rows that are pages apart.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::EmitError;
use super::frame::Frame;
use super::index::Index;
use super::tile_panel::{Panel, Side, Steps};
use super::tiling::{Packing, Tiling};
use crate::kernel::{Access, Contract};

/// Bytes of a line of the cache.
const LINE: i64 = 64;

/// What a tile has brought, if it is worth it: one of so many over a panel of so many columns from `index` on, that
/// begins at a row of its group and is `high` rows. Cranelift has no instruction for it.
pub(super) fn ahead(
    f: &mut Frame<'_>,
    c: &Contract,
    tiling: &Tiling,
    (panel, steps): (Panel, &Steps),
    index: &[Index],
    (columns, (tiles, row, high)): (usize, (usize, Index, usize)),
) -> Result<Option<Ahead>, EmitError> {
    if !tiling.lanes.is_wide() {
        return Ok(None);
    }
    if tiling.together {
        let of = (panel, steps.count());
        return Ok(Some(Ahead::panel(f, of, (row, high), tiles)));
    }
    match (tiling.right, c.rhs.access(), &c.k[..]) {
        (Some(Packing::Along), Some(access), [_]) => {
            let (step, column) = Side::right(c).strides(access);
            if column != 1 {
                return Ok(None);
            }
            let step = step * f.bytes(f.dtype(access.slot))?;
            let (batch, sides) = index.split_at(c.batch.len());
            let mut place = [batch, &[steps.start], &sides[c.m.len()..]].concat();
            if let Some(last) = place.last_mut() {
                *last = last.plus(columns as i64);
            }
            Ahead::rows(f, access, &place, step, (row, high)).map(Some)
        }
        (Some(Packing::Along | Packing::Turned) | None, _, _) => Ok(None),
    }
}

/// Where the lines are that a tile has brought.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    /// That of its first step.
    first: Value,
    /// Bytes from the line of a step to that of the next.
    far: Value,
}

impl Ahead {
    /// Of so many tiles over a panel of so many steps, that `high` rows begin at `row`: its part of the panel
    /// behind, which all of them bring.
    fn panel(
        f: &mut Frame<'_>,
        (panel, steps): (Panel, usize),
        (row, high): (Index, usize),
        tiles: usize,
    ) -> Ahead {
        let steps = steps as i64;
        let far = (panel.pitch as usize / tiles.max(1)).max(1);
        let far = far.next_power_of_two() as i64;
        // Tiles begin at multiples of their height.
        let number = f.affine(0, &[1], &[row]);
        let part = f.scaled(number, steps * far / high.max(1) as i64);
        let behind = f.b.ins().iadd_imm_s(panel.base, steps * panel.pitch);
        Ahead {
            first: f.b.ins().iadd(behind, part),
            far: f.b.ins().iconst(types::I64, far),
        }
    }

    /// Of a panel whose elements lie from `place` on, in rows that are so many bytes apart: the first two tiles bring a
    /// line of each row, the others none.
    fn rows(
        f: &mut Frame<'_>,
        access: &Access,
        place: &[Index],
        far: i64,
        (row, high): (Index, usize),
    ) -> Result<Ahead, EmitError> {
        let (base, offset) = f.address(access, place)?;
        let base = f.b.ins().iadd_imm_s(base, i64::from(offset));
        let row = f.affine(0, &[1], &[row]);
        let either = |f: &mut Frame<'_>, below: usize, [yes, no]: [i64; 2]| {
            let below = f.b.ins().iconst(types::I64, below as i64);
            let is = f.b.ins().icmp(IntCC::SignedLessThan, row, below);
            let [yes, no] = [yes, no].map(|n| f.b.ins().iconst(types::I64, n));
            f.b.ins().select(is, yes, no)
        };
        let line = either(f, high, [0, LINE]);
        Ok(Ahead {
            first: f.b.ins().iadd(base, line),
            far: either(f, 2 * high, [far, 0]),
        })
    }

    /// Has the line of a step brought.
    pub(super) fn bring(self, f: &mut Frame<'_>, step: Index) {
        let step = f.affine(0, &[1], &[step]);
        let far = f.b.ins().imul(step, self.far);
        let line = f.b.ins().iadd(self.first, far);
        f.bring(line);
    }
}
