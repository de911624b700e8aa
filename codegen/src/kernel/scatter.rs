//! Scatters: additions at computed indices.

use super::class::{LoopBody, Structure, in_words, volume};
use super::{Access, Code, Reg, Touch};

/// `target[outer, clamp(index[outer, j])] += update[outer, j]` for j in order; the target already
/// holds its base. Outer indices never meet, so they may run in parallel.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    /// Extents of the dims around the axis.
    pub outer: Vec<usize>,
    /// Number of updates along the axis.
    pub updates: usize,
    /// The target's extent along the axis, at least 1.
    pub extent: usize,
    /// The target's place for index 0, over `outer..` (and stride 0 for the updates' dim).
    pub target: Access,
    /// Elements between neighbours of the target along the axis.
    pub stride: i64,
    /// Computes index and update over the space `outer.., updates`; no stores.
    pub code: Code,
    /// The register with the index, an i32.
    pub index: Reg,
    /// The register with the update.
    pub update: Reg,
}

impl Scatter {
    /// The space of its code.
    pub fn space(&self) -> Vec<usize> {
        [&self.outer[..], &[self.updates]].concat()
    }
}

impl Structure for Scatter {
    fn word(&self) -> &'static str {
        "scatter"
    }

    fn space_in_words(&self) -> String {
        let (outer, updates, extent) = (in_words(&self.outer), self.updates, self.extent);
        format!("scatter {outer} x {updates} into {extent}")
    }

    fn parallel(&self) -> Option<usize> {
        self.outer.first().copied()
    }

    fn loop_bodies(&self) -> Vec<LoopBody<'_>> {
        vec![LoopBody {
            code: &self.code,
            space: self.space(),
            stage: 0,
            pointwise: true,
            step: None,
        }]
    }

    /// Its target, wherever the index is.
    fn own_touches(&self) -> Vec<Touch> {
        let mut space = self.space();
        let times = volume(&space);
        space.push(self.extent);
        vec![Touch {
            access: self.target.with_computed_index(self.stride),
            space,
            loads: true,
            stores: true,
            plain: false,
            stage: 0,
            times,
        }]
    }

    /// An addition for each update.
    fn own_flops(&self) -> usize {
        volume(&self.space())
    }

    fn accesses_mut(&mut self) -> Vec<&mut Access> {
        let mut all = self.code.accesses_mut();
        all.push(&mut self.target);
        all
    }
}
