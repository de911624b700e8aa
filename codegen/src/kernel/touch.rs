//! What a kernel reads and writes: its accesses, each over its own space.

use super::class::{LoopBody, volume};
use super::{Access, ScalarKind};
use crate::bounds::range;

/// One access of a kernel.
#[derive(Clone, Debug)]
pub(crate) struct Touch {
    /// Where, over `space`.
    pub access: Access,
    /// The space it runs over; a computed index is one more dim of it, the last.
    pub space: Vec<usize>,
    /// Whether it reads.
    pub loads: bool,
    /// Whether it writes.
    pub stores: bool,
    /// A load or store at the index itself, not a gathered or scattered or contracted one.
    pub plain: bool,
    /// The stage of a nest.
    pub stage: usize,
    /// How often it is done.
    pub times: usize,
}

impl Touch {
    /// First and last element of the slot, inclusive; none where it touches nothing (or leaves 64
    /// bits, which the verifier refuses).
    pub fn range(&self) -> Option<(i64, i64)> {
        range(&self.space, &self.access).flatten()
    }
}

impl Access {
    /// The access over a space with one more dim, the last: the index that is computed.
    pub(super) fn with_computed_index(&self, stride: i64) -> Access {
        let mut access = self.clone();
        access.strides.push(stride);
        for guard in &mut access.guards {
            guard.strides.push(0);
        }
        access
    }
}

impl LoopBody<'_> {
    /// Adds the accesses of the code, in order.
    pub(super) fn add_touches(&self, out: &mut Vec<Touch>) {
        let touch = |access: &Access, store: bool| Touch {
            access: access.clone(),
            space: self.space.clone(),
            loads: !store,
            stores: store,
            plain: self.pointwise,
            stage: self.stage,
            times: volume(&self.space),
        };
        for inst in &self.code.insts {
            match &inst.kind {
                ScalarKind::Load(access) => out.push(touch(access, false)),
                ScalarKind::Gather {
                    access,
                    extent,
                    stride,
                    ..
                } => {
                    let mut gather = touch(&access.with_computed_index(*stride), false);
                    gather.space.push(*extent);
                    gather.plain = false;
                    out.push(gather);
                }
                ScalarKind::Const(_)
                | ScalarKind::Index { .. }
                | ScalarKind::Row(_)
                | ScalarKind::Element(_)
                | ScalarKind::Accumulator
                | ScalarKind::Apply(..) => {}
            }
        }
        for store in &self.code.stores {
            let mut touch = touch(&store.access, true);
            // The sums of a block have one place for all of its rows.
            if let (true, Some(step)) = (store.adds, self.step) {
                touch.space[step] = 1;
            }
            out.push(touch);
        }
    }
}
