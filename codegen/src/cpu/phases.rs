//! How threads share a step: its runs in phases, between which all threads wait for each other.
//!
//! Within a phase each share does what is its own in the order of the schedule. A phase is a stretch of the
//! schedule; loops stand around phases, or within one. [`super::partition`] makes them, and
//! [`super::together`] the code.

use std::ops::Range;

use crate::explain::{OnThreads, Threads};

/// The phases of a step.
#[derive(Debug)]
pub(super) struct Phases {
    /// The most shares of a phase: more threads would have nothing to do.
    pub threads: usize,
    /// What threads do, one after the other.
    pub stages: Vec<Stage>,
    /// Of each run, as the schedule has them in order, how it is shared.
    pub runs: Vec<Option<Cut>>,
    /// Of each loop, likewise in order, how many shares its turns are, or those of the nest that it begins; one
    /// where they are not shared.
    pub loops: Vec<usize>,
}

/// What all threads go through together.
#[derive(Debug)]
pub(super) enum Stage {
    /// Shares side by side.
    Phase(Phase),
    /// Stages again and again.
    Loop {
        /// How often.
        trip: usize,
        /// In each turn.
        body: Vec<Stage>,
    },
}

/// Shares that run side by side.
#[derive(Debug, Default)]
pub(super) struct Phase {
    /// How many.
    pub shares: usize,
    /// What they do, in this order.
    pub tasks: Vec<Task>,
}

/// A part of what shares do.
#[derive(Debug)]
pub(super) enum Task {
    /// A run, by its number in the schedule.
    Run(usize, Owner),
    /// A loop.
    Loop {
        /// How often.
        trip: usize,
        /// In each turn.
        body: Vec<Task>,
        /// The share that it belongs to with all that is in it, if it belongs to one.
        owner: Option<usize>,
        /// Whether whoever runs it has its own memory of turns there: all turns in it are that thread's alone.
        own_turns: bool,
    },
    /// Loops whose turns stand apart, by turns: whoever runs some has its own memory for them.
    Turns {
        /// How often each turns, from the outside in: all that a turn does is the next loop.
        trips: Vec<usize>,
        /// Which of all their turns are whose.
        cut: Cut,
        /// In each turn of the last: all of it the share's that has the turn.
        body: Vec<Task>,
    },
}

/// Which shares a run belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    /// One, as a whole.
    One(usize),
    /// The one that the loop around it belongs to.
    Around,
    /// The first of a phase, in pieces.
    Each(Cut),
}

/// A loop in even pieces, the last of which may be shorter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Cut {
    /// The loop's length, in the emitter's count.
    pub extent: usize,
    /// That of a piece.
    pub step: usize,
}

impl Cut {
    /// How many pieces there are.
    pub fn shares(self) -> usize {
        self.extent.div_ceil(self.step.max(1))
    }

    /// Where a piece lies.
    pub fn piece(self, share: usize) -> Range<usize> {
        let at = |share: usize| share.saturating_mul(self.step).min(self.extent);
        at(share)..at(share + 1)
    }
}

impl Phases {
    /// Whether a run is shared.
    pub(super) fn cuts(&self, run: usize) -> bool {
        self.runs.get(run).is_some_and(Option::is_some)
    }

    /// How each run is shared and where barriers stand, for people.
    pub(super) fn explained(&self) -> Threads {
        fn first_runs(stages: &[Stage], out: &mut Vec<usize>) {
            for stage in stages {
                match stage {
                    Stage::Phase(phase) => out.extend(phase.tasks.first().and_then(first_run)),
                    Stage::Loop { body, .. } => first_runs(body, out),
                }
            }
        }
        fn first_run(task: &Task) -> Option<usize> {
            match task {
                Task::Run(number, _) => Some(*number),
                Task::Loop { body, .. } | Task::Turns { body, .. } => {
                    body.first().and_then(first_run)
                }
            }
        }
        let shares = |cut: &Option<Cut>| OnThreads {
            shares: cut.map_or(1, Cut::shares),
            barrier: false,
        };
        let mut runs: Vec<OnThreads> = self.runs.iter().map(shares).collect();
        let mut first = Vec::new();
        first_runs(&self.stages, &mut first);
        // No barrier stands in front of all.
        for number in first.into_iter().filter(|number| *number > 0) {
            if let Some(run) = runs.get_mut(number) {
                run.barrier = true;
            }
        }
        Threads {
            count: self.threads,
            runs,
            loops: self.loops.clone(),
        }
    }
}

impl Stage {
    /// The most shares of a phase in it.
    pub fn shares(&self) -> usize {
        match self {
            Stage::Phase(phase) => phase.shares,
            Stage::Loop { body, .. } => body.iter().map(Stage::shares).max().unwrap_or(1),
        }
    }
}
