//! Panels of a right operand for own tiles: its elements under some vectors of columns, in the order in which
//! tiles read them, in scratch. Written once for all rows.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};

use super::frame::Frame;
use super::index::Index;
use super::lanes::Lanes;
use super::own_tile::operand;
use super::{EmitError, Options};
use crate::kernel::{Access, Contract};

/// How a panel is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    /// Vector by vector, along the columns.
    Along,
    /// In squares that are transposed in registers: neighbours in memory follow each other along the
    /// contracted dim.
    Turned,
}

/// The most bytes of a panel.
const MOST: usize = 4 << 20;
/// Bytes from the first element of a column to its last, from which on a panel is read faster than the
/// operand: its lines fall on the same places of caches, and on as many pages as there are steps.
const FAR: usize = 4 << 20;

/// Whether own tiles of a contraction read the right operand from a panel, for so many tiles of rows and
/// vectors of `full` lanes.
pub(super) fn packing(
    c: &Contract,
    options: &Options,
    (tiles, vectors, full): (usize, usize, Lanes),
) -> Option<Packing> {
    let [_, _, steps] = c.extents();
    let size = c.dtype.size()?;
    let fits = panel_bytes(c, vectors, full) <= MOST;
    if full.count == 1 || !fits || steps == 0 {
        return None;
    }
    let again = tiles > 1;
    let Some(access) = c.rhs.access() else {
        return again.then_some(Packing::Along);
    };
    let (step, column) = strides(c, access);
    let wide = options.vector_bytes().is_some_and(|bytes| bytes > 16);
    match (step, column) {
        (_, 0 | 1) => {
            let reach = (step.unsigned_abs() as usize).saturating_mul(steps * size);
            (tiles > 4 && reach >= FAR).then_some(Packing::Along)
        }
        (1, _) if wide && c.k.len() == 1 => Some(Packing::Turned),
        (_, _) => again.then_some(Packing::Along),
    }
}

/// Elements from one place to the next of a right operand in memory: along the last of the contracted dims and
/// of the columns.
fn strides(c: &Contract, access: &Access) -> (i64, i64) {
    let rank = c.batch.len();
    let at = |d: usize| access.strides.get(d).copied().unwrap_or(0);
    (
        at(rank + c.k.len() - 1),
        at(rank + c.k.len() + c.n.len() - 1),
    )
}

/// Bytes of a panel of some vectors.
pub(super) fn panel_bytes(c: &Contract, vectors: usize, full: Lanes) -> usize {
    let [_, _, steps] = c.extents();
    steps.saturating_mul(vectors * full.bytes)
}

/// A panel in scratch.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    base: Value,
    /// Bytes of a step.
    pitch: i64,
}

impl Panel {
    /// Writes the panel of the columns from those at `place` on, an index of the right operand's space.
    pub(super) fn write(
        f: &mut Frame<'_>,
        c: &Contract,
        packing: Packing,
        place: &[Index],
        vectors: &[Lanes],
    ) -> Result<Panel, EmitError> {
        let bytes = vectors.first().map_or(0, |v| v.bytes);
        let panel = Panel {
            base: f.scratch(),
            pitch: (vectors.len() * bytes) as i64,
        };
        match (packing, c.rhs.access()) {
            (Packing::Turned, Some(access)) => {
                for (v, lanes) in vectors.iter().enumerate() {
                    panel.write_turned(f, c, access, place, (v, *lanes))?;
                }
            }
            (Packing::Along | Packing::Turned, _) => panel.write_along(f, c, place, vectors)?,
        }
        Ok(panel)
    }

    fn write_along(
        self,
        f: &mut Frame<'_>,
        c: &Contract,
        place: &[Index],
        vectors: &[Lanes],
    ) -> Result<(), EmitError> {
        let rank = c.batch.len();
        let dims: Vec<(usize, usize)> = c.k.iter().copied().enumerate().collect();
        let mut steps = vec![Index::at(0); dims.len()];
        f.loops(&dims, &mut steps, Vec::new(), &mut |f, steps, _| {
            let at = self.step(f, c, steps);
            for (v, lanes) in vectors.iter().enumerate() {
                let mut place = place.to_vec();
                place[rank..rank + steps.len()].copy_from_slice(steps);
                let last = place.len() - 1;
                place[last] = place[last].plus((v * lanes.count) as i64);
                let along = Lanes {
                    dim: last,
                    ..*lanes
                };
                let value = operand(f, &c.rhs, &place, along)?;
                let whole = full(*lanes);
                f.store_lanes(value, at, (v * lanes.bytes) as i32, whole);
            }
            Ok(Vec::new())
        })?;
        Ok(())
    }

    /// One vector of columns: so many steps of each column are a vector in memory; as many of those are
    /// a square.
    fn write_turned(
        self,
        f: &mut Frame<'_>,
        c: &Contract,
        access: &Access,
        place: &[Index],
        (v, lanes): (usize, Lanes),
    ) -> Result<(), EmitError> {
        let (rank, last) = (c.batch.len(), place.len() - 1);
        let [_, _, steps] = c.extents();
        let count = lanes.count;
        let zero = f.constant(0.0, c.dtype, full(lanes))?;
        let square = |f: &mut Frame<'_>, step: Index, some: usize| {
            let along = Lanes {
                active: some,
                dim: rank,
                ..lanes
            };
            let mut columns = vec![zero; count];
            for (column, value) in columns.iter_mut().enumerate().take(lanes.active) {
                let mut place = place.to_vec();
                place[rank] = step;
                place[last] = place[last].plus((v * count + column) as i64);
                *value = f.load(access, &place, along)?;
            }
            let turned = f.transposed(&columns);
            let at = self.step(f, c, &[step]);
            for (row, value) in turned.into_iter().enumerate().take(some) {
                let offset = row as i64 * self.pitch + (v * lanes.bytes) as i64;
                f.store_lanes(value, at, offset as i32, full(lanes));
            }
            Ok::<(), EmitError>(())
        };
        let whole = steps / count * count;
        f.repeat(0, whole as i64, count as i64, Vec::new(), &mut |f, i, _| {
            square(f, i, count)?;
            Ok(Vec::new())
        })?;
        match whole < steps {
            true => square(f, Index::at(whole as i64), steps - whole),
            false => Ok(()),
        }
    }

    /// The address of a step, by its index along each of the contracted dims.
    fn step(self, f: &mut Frame<'_>, c: &Contract, steps: &[Index]) -> Value {
        let mut strides = vec![0; steps.len()];
        let mut stride = self.pitch;
        for (s, extent) in strides.iter_mut().zip(&c.k).rev() {
            *s = stride;
            stride *= *extent as i64;
        }
        let far = f.affine(0, &strides, steps);
        f.b.ins().iadd(self.base, far)
    }

    /// The elements of a step.
    pub(super) fn read(
        self,
        f: &mut Frame<'_>,
        c: &Contract,
        steps: &[Index],
        vectors: &[Lanes],
    ) -> Result<Vec<Value>, EmitError> {
        let at = self.step(f, c, steps);
        let flags = MemFlagsData::new().with_notrap();
        let mut read = Vec::with_capacity(vectors.len());
        for (v, lanes) in vectors.iter().enumerate() {
            let whole = full(*lanes);
            let ty = f.ty(c.dtype, whole)?;
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
