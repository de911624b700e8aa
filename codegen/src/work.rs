//! What each run of a schedule is, where it stands, and what it costs: what times of runs are told with.

use crate::cost::{Cost, cost};
use crate::kernel::{Kernel, Node, Run, Schedule};
use std::time::Duration;

/// A run of a schedule.
#[derive(Clone, Debug)]
pub struct Work<'s> {
    /// The run.
    pub run: &'s Run,
    /// Its kernel.
    pub kernel: &'s Kernel,
    /// What its kernel is: `map` (element by element), `nest` (rows, with sums and the like), `contract` (products),
    /// `scatter`, `scan` or `sort`.
    pub class: &'static str,
    /// What it runs over, in words.
    pub space: String,
    /// The number of the part of the schedule that it stands in.
    pub part: usize,
    /// How often it runs, in the loops around it.
    pub times: usize,
    /// What it costs each time.
    pub cost: Cost,
}

/// How long a run took, as a clock was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lap {
    /// How often the clock was told of it: once for each share that was run, in each turn of the loops around it.
    pub times: u64,
    /// How long that took, on all threads together.
    pub time: Duration,
    /// How long it took the thread that took longest.
    pub longest: Duration,
}

impl Lap {
    /// Adds a time of one thread.
    pub fn add(&mut self, time: Duration) {
        self.times += 1;
        self.time += time;
        self.longest += time;
    }

    /// Puts what another thread took for its part of the same to what this one did.
    pub fn beside(self, other: Lap) -> Lap {
        Lap {
            times: self.times + other.times,
            time: self.time + other.time,
            longest: self.longest.max(other.longest),
        }
    }

    /// Puts what came after to it.
    pub fn then(self, other: Lap) -> Lap {
        Lap {
            times: self.times + other.times,
            time: self.time + other.time,
            longest: self.longest + other.longest,
        }
    }
}

/// The runs of a schedule, in the order of [`Schedule::runs`].
pub fn works(schedule: &Schedule) -> Vec<Work<'_>> {
    let mut out = Vec::new();
    for (part, node) in schedule.nodes.iter().enumerate() {
        collect(schedule, std::slice::from_ref(node), (part, 1), &mut out);
    }
    out
}

fn collect<'s>(
    schedule: &'s Schedule,
    nodes: &'s [Node],
    (part, times): (usize, usize),
    out: &mut Vec<Work<'s>>,
) {
    for node in nodes {
        match node {
            Node::Part(inner) => collect(schedule, &inner.nodes, (part, times), out),
            Node::Loop(l) => {
                let inside = (part, times.saturating_mul(l.trip));
                collect(schedule, &l.body, inside, out);
            }
            Node::Run(run) => out.extend(schedule.kernel(run).map(|kernel| Work {
                run,
                kernel,
                class: kernel.class.word(),
                space: kernel.class.space_in_words(),
                part,
                times,
                cost: cost(kernel),
            })),
        }
    }
}
