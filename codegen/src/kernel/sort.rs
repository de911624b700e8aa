//! Sorts: the order of the elements of rows.

use super::class::{LoopBody, Structure, in_words, volume};
use super::{Access, Touch};

/// `indices[outer, ..]` as they sort `keys[outer, ..]`: equal keys in the order of their indices, zeros
/// equal, NaN equal to itself and greater than all else. Outer indices never meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// Extents of the dims around the axis.
    pub outer: Vec<usize>,
    /// Number of elements along the axis, at least 1 and no more than an i32 counts.
    pub extent: usize,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// The keys over the space `outer.., extent`, never guarded, of a number's type.
    pub keys: Access,
    /// Where the indices go, over the same space: never guarded, i32.
    pub indices: Access,
}

impl Sort {
    /// The space of its accesses.
    pub fn space(&self) -> Vec<usize> {
        [&self.outer[..], &[self.extent]].concat()
    }

    /// About how many comparisons a row takes: `n log2 n`.
    pub fn comparisons(&self) -> usize {
        let steps = usize::BITS - self.extent.saturating_sub(1).leading_zeros();
        self.extent.saturating_mul(steps as usize)
    }
}

impl Structure for Sort {
    fn word(&self) -> &'static str {
        "sort"
    }

    fn space_in_words(&self) -> String {
        format!("sort {} x {}", in_words(&self.outer), self.extent)
    }

    fn parallel(&self) -> Option<usize> {
        self.outer.first().copied()
    }

    fn loop_bodies(&self) -> Vec<LoopBody<'_>> {
        Vec::new()
    }

    /// Keys are read and indices written in an order that only the data tell.
    fn own_touches(&self) -> Vec<Touch> {
        let space = self.space();
        let touch = |access: &Access, stores: bool| Touch {
            access: access.clone(),
            space: space.clone(),
            loads: !stores,
            stores,
            plain: false,
            stage: 0,
            times: volume(&space),
        };
        vec![touch(&self.keys, false), touch(&self.indices, true)]
    }

    /// A comparison is one.
    fn own_flops(&self) -> usize {
        volume(&self.outer).saturating_mul(self.comparisons())
    }

    fn accesses_mut(&mut self) -> Vec<&mut Access> {
        vec![&mut self.keys, &mut self.indices]
    }
}
