//! Which kernels an opaque value takes: made in `movement` and `line`, one after the other.

use super::ScheduleError;
use super::definition::Opaque;
use super::emit::{Emitter, MadeOf};
use super::eval::Home;
use super::graph::{Def, Id};

impl Emitter<'_> {
    /// The kernels of an opaque value, for each of its homes.
    pub(super) fn opaque_kernels(&self, id: Id) -> Result<MadeOf, ScheduleError> {
        let (mut all, mut reads) = (Vec::new(), Vec::new());
        if let Def::Opaque(opaque) = &self.storage.graph.nodes[id].def {
            for home in self.storage.homes(id) {
                for (made, read) in self.opaque_kernels_at(id, opaque, &home)? {
                    all.extend(made);
                    reads.extend(read);
                }
            }
        }
        reads.sort_unstable();
        reads.dedup();
        Ok((all, reads))
    }

    /// The kernels, one after the other, that compute an opaque value at a home.
    fn opaque_kernels_at(
        &self,
        id: Id,
        opaque: &Opaque,
        home: &Home,
    ) -> Result<Vec<MadeOf>, ScheduleError> {
        Ok(match opaque {
            Opaque::Concat { parts, axis } => self.concat(parts, *axis, home)?,
            Opaque::Spread { x, axis, low, step } => {
                let mut spread = home.clone();
                spread.offset += low * home.strides[*axis];
                spread.strides[*axis] *= step;
                vec![self.fill(id, home), self.map(*x, &spread, None)?]
            }
            Opaque::Scatter {
                base,
                indices,
                updates,
                axis,
            } => vec![
                self.map(*base, home, None)?,
                self.scatter(id, *indices, *updates, *axis, home)?,
            ],
            Opaque::Scan {
                operands,
                axis,
                reverse,
                kind,
            } => vec![self.scan(id, (operands, *kind), (*axis, *reverse), home)?],
            Opaque::Sort {
                x,
                axis,
                descending,
            } => vec![self.sort(id, *x, (*axis, *descending), home)],
        })
    }
}
