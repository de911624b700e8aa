//! What each thread of a step has for itself: scratch, and memory of a turn. That of all threads lies one behind the
//! other, in the order of their numbers.

use super::Options;
use super::phases::Phases;
use super::ready::Ready;
use crate::kernel::{Region, RegionKind};

/// What is one thread's ends where that of the next begins: no two of them on one line of the cache, nor on two
/// that processors fetch together.
const GRAIN: usize = 128;

/// How much each thread has, and how many there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    threads: usize,
    /// Bytes of scratch.
    scratch: usize,
}

impl Own {
    /// That of kernels which threads share in phases, if they do.
    pub fn of(kernels: &[Ready], phases: Option<&Phases>, options: &Options) -> Own {
        let each = kernels.iter().map(|k| k.scratch_bytes(options));
        Own {
            threads: phases.map_or(1, |phases| phases.threads),
            scratch: each.max().unwrap_or(0),
        }
    }

    /// From one of them to the next, if each has so many bytes.
    fn step(self, bytes: usize) -> usize {
        match self.threads {
            1 => bytes,
            _ => bytes.checked_next_multiple_of(GRAIN).unwrap_or(usize::MAX),
        }
    }

    /// How far the scratch of a thread lies behind that of the one before.
    pub fn scratch_step(self) -> usize {
        self.step(self.scratch)
    }

    /// Bytes of scratch of all threads.
    pub fn scratch_bytes(self) -> usize {
        self.scratch_step().saturating_mul(self.threads)
    }

    /// How far a thread's memory of a turn lies behind that of the one before; none of what all threads share.
    pub fn turn_step(self, region: &Region) -> Option<usize> {
        match region.kind {
            RegionKind::Turn => Some(self.step(region.bytes)),
            RegionKind::Arena | RegionKind::Input | RegionKind::State | RegionKind::Output => None,
        }
    }

    /// Bytes of a region: of memory of a turn each thread has as many as the schedule says.
    pub fn region_bytes(self, region: &Region) -> usize {
        match self.turn_step(region) {
            Some(step) => {
                let others = step.saturating_mul(self.threads - 1);
                others.saturating_add(region.bytes)
            }
            None => region.bytes,
        }
    }
}
