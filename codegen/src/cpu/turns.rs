//! Loops whose turns stand apart, shared by turns: each share has a range of them, with whole kernels and without a
//! barrier inside, in memory of a turn that is its thread's own.
//!
//! Loops that are all that each other's turns do are a nest, whose turns are numbered together: turns of two loops of
//! 2 and 6 turns go to four threads by threes.

use std::ops::Range;

use super::duration;
use super::partition::{Inside, Open, Planner};
use super::phases::{Cut, Stage, Task};
use super::touched::Touched;
use crate::kernel::{Loop, Node, RegionKind};

impl Planner<'_> {
    /// How the turns of a loop are shared, with those of its nest, if they are: each share at least as long as shares
    /// are, and the longest no longer than its kernels in pieces would take.
    pub(super) fn by_turns(&self, l: &Loop) -> Option<Cut> {
        if !l.apart || self.in_turn || self.whole {
            return None;
        }
        let nest = l.nest();
        let turns = nest.iter().fold(1usize, |n, l| n.saturating_mul(l.trip));
        let (turn, in_pieces) = self.times(&nest.last()?.body);
        let pays = match self.options.least_share {
            0 => usize::MAX,
            least => turn.saturating_mul(turns) / least,
        };
        let most = self.options.threads.min(pays).min(turns).max(1);
        let cut = Cut {
            extent: turns,
            step: turns.div_ceil(most),
        };
        let longest = turn.saturating_mul(cut.step);
        let pays = longest <= in_pieces.saturating_mul(turns);
        (cut.shares() > 1 && pays).then_some(cut)
    }

    /// Nanoseconds that nodes take one thread, and several with runs in pieces.
    fn times(&self, nodes: &[Node]) -> (usize, usize) {
        let mut out = (0usize, 0usize);
        for node in nodes {
            let (alone, in_pieces) = match node {
                Node::Part(part) => self.times(&part.nodes),
                Node::Loop(l) => {
                    let (alone, in_pieces) = self.times(&l.body);
                    (
                        alone.saturating_mul(l.trip),
                        in_pieces.saturating_mul(l.trip),
                    )
                }
                Node::Run(run) => {
                    let time = self.time(run);
                    let in_pieces = self
                        .cut(run)
                        .map_or(time, |cut| duration::phase(time / cut.shares().max(1)));
                    (time, in_pieces)
                }
            };
            out = (out.0.saturating_add(alone), out.1.saturating_add(in_pieces));
        }
        out
    }

    /// A loop whose turns are shared.
    pub(super) fn turns(
        &mut self,
        l: &Loop,
        cut: Cut,
        around: &[usize],
        open: &mut Open,
        stages: &mut Vec<Stage>,
    ) {
        let nest = l.nest();
        let trips: Vec<usize> = nest.iter().map(|l| l.trip).collect();
        let body = nest.last().map_or(&l.body, |last| &last.body);
        self.loops.push(cut.shares());
        self.loops.extend(trips.iter().skip(1).map(|_| 1));
        let first = (self.runs.len(), self.loops.len());
        self.whole = true;
        let mut whole = Inside::default();
        for share in 0..cut.shares() {
            self.runs.truncate(first.0);
            self.loops.truncate(first.1);
            let mut inside = Inside::default();
            let mut turns = turns_of(cut.piece(share), &trips);
            self.inside(body, around, &mut turns, &mut inside);
            for (number, _) in inside.touched.iter_mut().flat_map(|t| &mut t.shares) {
                *number = share;
            }
            match share {
                0 => whole = inside,
                // All shares touch the same slots.
                _ => (whole.touched.iter_mut().zip(inside.touched)).for_each(|(a, b)| a.add(b)),
            }
        }
        self.whole = false;
        self.have_own_turns(&mut whole.touched);
        self.count_alone(whole.time.saturating_mul(cut.extent), around);
        if !open.others(&whole.touched, around).is_empty() {
            self.close(open, around, stages);
        }
        let time = |share: usize| whole.time.saturating_mul(cut.piece(share).len());
        let loads = (0..cut.shares()).map(|share| (share, time(share)));
        let task = Task::Turns {
            trips,
            cut,
            body: whole.tasks,
        };
        open.add(task, whole.touched, loads);
    }

    /// What is touched of memory of a turn is that of whoever runs it.
    pub(super) fn have_own_turns(&self, touched: &mut [Touched]) {
        for touched in touched {
            let region = self.schedule.regions.get(touched.region.0 as usize);
            touched.own = region.is_some_and(|region| region.kind == RegionKind::Turn);
        }
    }
}

/// The turns of each loop of a nest in which some of the nest's turns, one at least, lie.
pub(super) fn turns_of(turns: Range<usize>, trips: &[usize]) -> Vec<Range<usize>> {
    let (mut first, mut last) = (turns.start, turns.end.saturating_sub(1));
    let mut out = Vec::new();
    for trip in trips.iter().rev() {
        let trip = (*trip).max(1);
        out.push(match first / trip == last / trip {
            true => first % trip..last % trip + 1,
            false => 0..trip,
        });
        (first, last) = (first / trip, last / trip);
    }
    out.reverse();
    out
}
