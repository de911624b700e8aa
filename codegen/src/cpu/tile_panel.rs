//! Panels of operands for own tiles: the elements under some vectors of columns, or over a tile's rows, in the
//! order in which tiles read them, in scratch. Written once for all that read them.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use sinew_ir::DType;

use super::EmitError;
use super::frame::Frame;
use super::index::Index;
use super::lanes::Lanes;
use super::own_tile::operand;
use super::tiling::Packing;
use crate::kernel::{Access, Contract, Operand};

/// The part of a contraction's steps that tiles add up at a time: all of them, or some of its only dim.
#[derive(Clone)]
pub(super) struct Steps {
    /// The first, along the last of the contracted dims.
    pub start: Index,
    /// The extents of the contracted dims.
    pub extents: Vec<usize>,
}

impl Steps {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.extents.iter().product()
    }

    /// A place in the operands' spaces, of one in these.
    pub(super) fn place(&self, f: &mut Frame<'_>, steps: &[Index]) -> Vec<Index> {
        let mut place = steps.to_vec();
        if let Some(last) = place.last_mut() {
            *last = f.further(self.start, *last);
        }
        place
    }
}

/// An operand with the dims of its space: the contracted ones, and the last of its rows or columns, along which
/// the vectors of a panel run.
#[derive(Clone, Copy)]
pub(super) struct Side<'c> {
    operand: &'c Operand,
    /// The first of the contracted dims and the one behind the last.
    steps: [usize; 2],
    along: usize,
}

impl<'c> Side<'c> {
    /// The left operand: rows, then steps.
    pub(super) fn left(c: &'c Contract) -> Side<'c> {
        let first = c.batch.len() + c.m.len();
        Side {
            operand: &c.lhs,
            steps: [first, first + c.k.len()],
            along: first - 1,
        }
    }

    /// The right operand: steps, then columns.
    pub(super) fn right(c: &'c Contract) -> Side<'c> {
        let steps = [c.batch.len(), c.batch.len() + c.k.len()];
        Side {
            operand: &c.rhs,
            steps,
            along: steps[1] + c.n.len() - 1,
        }
    }

    /// Elements from one place to the next of what lies in memory: along the last of the contracted dims, and
    /// along the rows or columns.
    pub(super) fn strides(self, access: &Access) -> (i64, i64) {
        let at = |d: usize| access.strides.get(d).copied().unwrap_or(0);
        (at(self.steps[1] - 1), at(self.along))
    }
}

/// Bytes of a panel of so many steps.
pub(super) fn panel_bytes(steps: usize, pitch: usize) -> usize {
    steps.saturating_mul(pitch)
}

/// A panel in scratch.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    pub base: Value,
    /// Bytes of a step.
    pub pitch: i64,
}

impl Panel {
    /// Writes the panel of some vectors from `place` on, an index of the operand's space. Lanes of these that do
    /// not count are written where `padded` says so, and else take no room.
    pub(super) fn write(
        self,
        f: &mut Frame<'_>,
        (side, steps): (Side<'_>, &Steps),
        (packing, padded): (Packing, bool),
        place: &[Index],
        vectors: &[Lanes],
    ) -> Result<(), EmitError> {
        let stored = |lanes: Lanes| if padded { full(lanes) } else { lanes };
        match (packing, side.operand.access()) {
            (Packing::Turned, Some(access)) => {
                for (v, lanes) in vectors.iter().enumerate() {
                    let stored = stored(*lanes);
                    self.write_turned(f, (side, steps), access, place, (v, *lanes, stored))?;
                }
                Ok(())
            }
            (Packing::Along | Packing::Turned, _) => {
                self.write_along(f, (side, steps), place, vectors, &stored)
            }
        }
    }

    fn write_along(
        self,
        f: &mut Frame<'_>,
        (side, steps): (Side<'_>, &Steps),
        place: &[Index],
        vectors: &[Lanes],
        stored: &dyn Fn(Lanes) -> Lanes,
    ) -> Result<(), EmitError> {
        let dims: Vec<(usize, usize)> = steps.extents.iter().copied().enumerate().collect();
        let mut local = vec![Index::at(0); dims.len()];
        f.loops(&dims, &mut local, Vec::new(), &mut |f, local, _| {
            let at = self.step(f, steps, local);
            let there = steps.place(f, local);
            for (v, lanes) in vectors.iter().enumerate() {
                let mut place = place.to_vec();
                place[side.steps[0]..side.steps[1]].copy_from_slice(&there);
                place[side.along] = place[side.along].plus((v * lanes.count) as i64);
                let along = Lanes {
                    dim: side.along,
                    ..*lanes
                };
                let value = operand(f, side.operand, &place, along)?;
                f.store_lanes(value, at, (v * lanes.bytes) as i32, stored(*lanes));
            }
            Ok(Vec::new())
        })?;
        Ok(())
    }

    /// One vector: so many steps of each of its places are a vector in memory; as many of those are a square.
    fn write_turned(
        self,
        f: &mut Frame<'_>,
        (side, steps): (Side<'_>, &Steps),
        access: &Access,
        place: &[Index],
        (v, lanes, stored): (usize, Lanes, Lanes),
    ) -> Result<(), EmitError> {
        let (all, count) = (steps.count(), lanes.count);
        let zero = f.constant(0.0, f.dtype(access.slot), full(lanes))?;
        let square = |f: &mut Frame<'_>, step: Index, some: usize| {
            let along = Lanes {
                active: some,
                dim: side.steps[0],
                ..lanes
            };
            let there = f.further(steps.start, step);
            let mut places = vec![zero; count];
            for (number, value) in places.iter_mut().enumerate().take(lanes.active) {
                let mut place = place.to_vec();
                place[side.steps[0]] = there;
                place[side.along] = place[side.along].plus((v * count + number) as i64);
                *value = f.load(access, &place, along)?;
            }
            let turned = f.transposed(&places);
            let at = self.step(f, steps, &[step]);
            for (row, value) in turned.into_iter().enumerate().take(some) {
                let offset = row as i64 * self.pitch + (v * lanes.bytes) as i64;
                f.store_lanes(value, at, offset as i32, stored);
            }
            Ok::<(), EmitError>(())
        };
        let whole = all / count * count;
        f.repeat(0, whole as i64, count as i64, Vec::new(), &mut |f, i, _| {
            square(f, i, count)?;
            Ok(Vec::new())
        })?;
        match whole < all {
            true => square(f, Index::at(whole as i64), all - whole),
            false => Ok(()),
        }
    }

    /// The address of a step, by its index along each of the contracted dims.
    fn step(self, f: &mut Frame<'_>, steps: &Steps, local: &[Index]) -> Value {
        let mut strides = vec![0; local.len()];
        let mut stride = self.pitch;
        for (s, extent) in strides.iter_mut().zip(&steps.extents).rev() {
            *s = stride;
            stride *= *extent as i64;
        }
        let far = f.affine(0, &strides, local);
        f.b.ins().iadd(self.base, far)
    }

    /// The elements of a step, in whole vectors.
    pub(super) fn read(
        self,
        f: &mut Frame<'_>,
        (dtype, steps): (DType, &Steps),
        local: &[Index],
        vectors: &[Lanes],
    ) -> Result<Vec<Value>, EmitError> {
        let at = self.step(f, steps, local);
        let flags = MemFlagsData::new().with_notrap();
        let mut read = Vec::with_capacity(vectors.len());
        for (v, lanes) in vectors.iter().enumerate() {
            let whole = full(*lanes);
            let ty = f.ty(dtype, whole)?;
            read.push(f.load_lanes(ty, flags, at, (v * lanes.bytes) as i32, whole));
        }
        Ok(read)
    }
}

/// All lanes.
fn full(lanes: Lanes) -> Lanes {
    Lanes {
        active: lanes.count,
        ..lanes
    }
}
