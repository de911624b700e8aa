//! A schedule in phases for several threads.
//!
//! A run of a long kernel is cut into shares, one a thread at the most; a short one is whole, in one
//! thread's share of its phase. A run joins the phase before it unless it touches there what another share
//! writes, or writes what another touches: whose rows follow from the same rows go on without a barrier. A
//! loop whose turns keep to that stands in a phase as a whole; of any other the body is phases of its own,
//! in every turn. Where turns stand apart, and are more than a thread's, each thread has some of them, with all
//! that is in them, unless its kernels in pieces are estimated to take less time.
//!
//! What is shared, and whether anything is, follows from estimates ([`super::duration`]), never from the data
//! or the machine: a program is the same wherever it is compiled for as many threads.

use std::collections::HashMap;
use std::ops::Range;

use super::duration;
use super::phases::{Cut, Owner, Phase, Phases, Stage, Task};
use super::ready::Ready;
use super::touched::{Piece, Touched, pieces, whole};
use super::turns::turns_of;
use super::{MOST_THREADS, Options};
use crate::bounds::interval;
use crate::kernel::{Node, Run, Schedule};

impl Phases {
    /// Shares a schedule between as many threads as `options` have; none where that gains nothing.
    pub(super) fn of(schedule: &Schedule, kernels: &[Ready], options: &Options) -> Option<Phases> {
        if options.threads < 2 || options.threads > MOST_THREADS {
            return None;
        }
        let times: Vec<usize> = schedule.kernels.iter().map(duration::nanoseconds).collect();
        let mut planner = Planner {
            schedule,
            kernels,
            options,
            times,
            pieces: HashMap::new(),
            runs: Vec::new(),
            loops: Vec::new(),
            whole: false,
            in_turn: false,
            alone: 0,
            together: 0,
        };
        let stages = planner.sequence(&schedule.nodes, &mut Vec::new());
        let threads = stages.iter().map(Stage::shares).max().unwrap_or(1);
        // Tests share whatever can be.
        let gains = options.least_share == 0 || duration::gains(planner.alone, planner.together);
        (threads > 1 && gains).then_some(Phases {
            threads,
            stages,
            runs: planner.runs,
            loops: planner.loops,
        })
    }
}

/// A phase in the making.
#[derive(Default)]
pub(super) struct Open {
    phase: Phase,
    touched: Vec<Touched>,
    /// Nanoseconds of each share.
    loads: Vec<usize>,
}

impl Open {
    /// The shares that have to do with something, other than by themselves.
    pub(super) fn others(&self, touched: &[Touched], trips: &[usize]) -> Vec<usize> {
        let mut shares: Vec<usize> = Vec::new();
        for mine in &self.touched {
            for theirs in touched {
                shares.extend(mine.conflicts(theirs, trips).map(|(a, _)| a));
            }
        }
        shares.sort_unstable();
        shares.dedup();
        shares
    }

    pub(super) fn add(
        &mut self,
        task: Task,
        touched: Vec<Touched>,
        loads: impl Iterator<Item = (usize, usize)>,
    ) {
        self.phase.tasks.push(task);
        self.touched.extend(touched);
        for (share, time) in loads {
            if self.loads.len() <= share {
                self.loads.resize(share + 1, 0);
            }
            self.loads[share] = self.loads[share].saturating_add(time);
        }
        self.phase.shares = self.loads.len();
    }
}

/// The pieces of a kernel that is cut: of each share, what it touches.
type Pieces = HashMap<(u32, Option<Cut>), Vec<Vec<Piece>>>;

pub(super) struct Planner<'s> {
    pub(super) schedule: &'s Schedule,
    kernels: &'s [Ready],
    pub(super) options: &'s Options,
    /// Nanoseconds of a run of each kernel.
    times: Vec<usize>,
    pieces: Pieces,
    /// The runs so far.
    pub(super) runs: Vec<Option<Cut>>,
    /// The loops so far: in how many shares the turns of each are.
    pub(super) loops: Vec<usize>,
    /// Whether runs are whole: within turns of one share.
    pub(super) whole: bool,
    /// Whether what is looked at stands in loops whose turns stand apart and are not shared.
    pub(super) in_turn: bool,
    /// Nanoseconds of all so far on one thread, and in phases.
    alone: usize,
    together: usize,
}

/// A share number that no share has: of what one share does, whichever it will be.
const SOME: usize = usize::MAX;

impl Planner<'_> {
    /// The stages of nodes in loops with these trip counts, each of whose turns ends with a barrier.
    fn sequence(&mut self, nodes: &[Node], around: &mut Vec<usize>) -> Vec<Stage> {
        let mut stages = Vec::new();
        let mut open = Open::default();
        self.nodes(nodes, around, &mut open, &mut stages);
        self.close(&mut open, around, &mut stages);
        stages
    }

    fn nodes(
        &mut self,
        nodes: &[Node],
        around: &mut Vec<usize>,
        open: &mut Open,
        stages: &mut Vec<Stage>,
    ) {
        for node in nodes {
            match node {
                Node::Part(part) => self.nodes(&part.nodes, around, open, stages),
                Node::Run(run) => {
                    let number = self.number(run);
                    let mut cut = self.runs[number];
                    let mut touched = self.touched(run, cut, around, &[]);
                    let time = self.time(run);
                    self.count_alone(time, around);
                    if cut.is_none()
                        && let Some((along, pieces)) = self.along(run, &touched, open, around)
                    {
                        (cut, touched) = (Some(along), pieces);
                        self.runs[number] = cut;
                    }
                    match cut {
                        Some(cut) => {
                            if !open.others(&touched, around).is_empty() {
                                self.close(open, around, stages);
                            }
                            let each = time / cut.shares().max(1);
                            let loads = (0..cut.shares()).map(|share| (share, each));
                            open.add(Task::Run(number, Owner::Each(cut)), touched, loads);
                        }
                        None => {
                            let (share, touched) = self.one(touched, time, open, around, stages);
                            let task = Task::Run(number, Owner::One(share));
                            open.add(task, touched, [(share, time)].into_iter());
                        }
                    }
                }
                Node::Loop(l) => {
                    if let Some(cut) = self.by_turns(l) {
                        self.turns(l, cut, around, open, stages);
                        continue;
                    }
                    let (first, first_loop) = (self.runs.len(), self.loops.len());
                    self.loops.push(1);
                    let own_turns = !self.in_turn;
                    self.in_turn |= l.apart;
                    let mut inside = Inside::default();
                    let mut turns = turns_of(0..l.trip, &[l.trip]);
                    self.inside(&l.body, around, &mut turns, &mut inside);
                    self.in_turn = !own_turns;
                    let cut = self.runs[first..].iter().any(Option::is_some);
                    if !cut && !inside.shares_turns {
                        let time = inside.time.saturating_mul(l.trip);
                        self.count_alone(time, around);
                        if own_turns {
                            self.have_own_turns(&mut inside.touched);
                        }
                        let (share, touched) = self.one(inside.touched, time, open, around, stages);
                        let task = Task::Loop {
                            trip: l.trip,
                            body: inside.tasks,
                            owner: Some(share),
                            own_turns,
                        };
                        open.add(task, touched, [(share, time)].into_iter());
                        continue;
                    }
                    if !inside.shares_turns && inside.is_free(around) {
                        let time = inside.time.saturating_mul(l.trip);
                        self.count_alone(time, around);
                        if !open.others(&inside.touched, around).is_empty() {
                            self.close(open, around, stages);
                        }
                        let cuts = self.runs[first..].iter().flatten();
                        let shares = cuts.map(|cut| cut.shares()).max().unwrap_or(1);
                        let loads = (0..shares).map(|share| (share, time / shares));
                        let task = Task::Loop {
                            trip: l.trip,
                            body: inside.tasks,
                            owner: None,
                            own_turns: false,
                        };
                        open.add(task, inside.touched, loads);
                        continue;
                    }
                    self.close(open, around, stages);
                    self.runs.truncate(first);
                    self.loops.truncate(first_loop + 1);
                    around.push(l.trip);
                    self.in_turn |= l.apart;
                    let body = self.sequence(&l.body, around);
                    self.in_turn = !own_turns;
                    around.pop();
                    stages.push(Stage::Loop { trip: l.trip, body });
                }
            }
        }
    }

    /// Ends a phase.
    pub(super) fn close(&mut self, open: &mut Open, around: &[usize], stages: &mut Vec<Stage>) {
        let Open { phase, loads, .. } = std::mem::take(open);
        if phase.tasks.is_empty() {
            return;
        }
        let longest = loads.into_iter().max().unwrap_or(0);
        let time = duration::phase(longest).saturating_mul(turns(around));
        self.together = self.together.saturating_add(time);
        stages.push(Stage::Phase(phase));
    }

    pub(super) fn count_alone(&mut self, time: usize, around: &[usize]) {
        let time = time.saturating_mul(turns(around));
        self.alone = self.alone.saturating_add(time);
    }

    /// The share of the phase that what is not cut goes to, and what it touches there: that of what it has to
    /// do with; what is long, if it is free, the one that has least to do. A new phase begins if there are
    /// several that it has to do with.
    fn one(
        &mut self,
        mut touched: Vec<Touched>,
        time: usize,
        open: &mut Open,
        around: &[usize],
        stages: &mut Vec<Stage>,
    ) -> (usize, Vec<Touched>) {
        let others = open.others(&touched, around);
        let share = match others[..] {
            [only] => only,
            [] if time >= self.options.least_share.max(1) => {
                let loads = |share: &usize| open.loads.get(*share).copied().unwrap_or(0);
                (0..self.options.threads).min_by_key(loads).unwrap_or(0)
            }
            [] => 0,
            [_, _, ..] => {
                self.close(open, around, stages);
                0
            }
        };
        for (number, _) in touched.iter_mut().flat_map(|t| &mut t.shares) {
            *number = share;
        }
        (share, touched)
    }

    /// The number of the next run, whose cut is settled.
    fn number(&mut self, run: &Run) -> usize {
        let cut = self.cut(run);
        self.runs.push(cut);
        self.runs.len() - 1
    }

    pub(super) fn time(&self, run: &Run) -> usize {
        self.times.get(run.kernel.0 as usize).copied().unwrap_or(0)
    }

    /// How a run is cut, if it is.
    pub(super) fn cut(&self, run: &Run) -> Option<Cut> {
        if self.whole {
            return None;
        }
        let pays = match self.options.least_share {
            0 => usize::MAX,
            least => self.time(run) / least,
        };
        self.cut_in(run, self.options.threads.min(pays))
    }

    /// A run cut in so many shares at the most.
    fn cut_in(&self, run: &Run, most: usize) -> Option<Cut> {
        let ready = self.kernels.get(run.kernel.0 as usize)?;
        let (extent, grain) = (ready.split.extent, ready.split.grain.max(1));
        let grains = extent.div_ceil(grain);
        let step = grains.div_ceil(most.min(grains).max(1)) * grain;
        let cut = Cut { extent, step };
        (cut.shares() > 1).then_some(cut)
    }

    /// A run that is too short to gain by it is cut as the phase is, if it goes on without a barrier so and would
    /// not as a whole; with what its pieces touch.
    fn along(
        &mut self,
        run: &Run,
        whole: &[Touched],
        open: &Open,
        around: &[usize],
    ) -> Option<(Cut, Vec<Touched>)> {
        if open.others(whole, around).len() < 2 {
            return None;
        }
        let cut = self.cut_in(run, open.phase.shares)?;
        let pieces = self.touched(run, Some(cut), around, &[]);
        open.others(&pieces, around)
            .is_empty()
            .then_some((cut, pieces))
    }

    /// What a run in loops with the trip counts `around` touches, over these turns of the loops `inside` of them.
    fn touched(
        &mut self,
        run: &Run,
        cut: Option<Cut>,
        around: &[usize],
        inside: &[Range<usize>],
    ) -> Vec<Touched> {
        let schedule = self.schedule;
        let (Some(ready), Some(kernel)) = (
            self.kernels.get(run.kernel.0 as usize),
            schedule.kernel(run),
        ) else {
            return Vec::new();
        };
        let shares = (self.pieces.entry((run.kernel.0, cut))).or_insert_with(|| match cut {
            Some(cut) => (0..cut.shares())
                .map(|share| {
                    pieces(
                        &ready.kernel,
                        ready.by_columns(self.options),
                        cut.extent,
                        cut.piece(share),
                    )
                })
                .collect(),
            None => vec![whole(kernel)],
        });
        let mut out: Vec<Touched> = Vec::new();
        for (number, binding) in run.bindings.iter().enumerate() {
            let Some(buffer) = schedule.buffers.get(binding.buffer.0 as usize) else {
                continue;
            };
            let size = buffer.dtype.size().unwrap_or(8) as i64;
            let (moves, moves_inside) = binding
                .steps
                .split_at(around.len().min(binding.steps.len()));
            let first = inside.iter().zip(moves_inside);
            let first = first.fold(binding.offset, |at, (turns, step)| {
                at.saturating_add(step.saturating_mul(turns.start as i64))
            });
            let counts: Vec<usize> = inside.iter().map(Range::len).collect();
            let moved = interval(&counts, first, moves_inside).flatten();
            let (low, high) = moved.unwrap_or((0, buffer.elements as i64));
            for written in [false, true] {
                let mut of_slot = Touched {
                    region: buffer.region,
                    whole: (i64::MAX, i64::MIN),
                    shares: Vec::new(),
                    steps: moves.iter().map(|step| step * size).collect(),
                    written,
                    own: false,
                };
                for (share, pieces) in shares.iter().enumerate() {
                    for piece in pieces {
                        if piece.slot.0 as usize != number || piece.written != written {
                            continue;
                        }
                        let start = buffer.offset as i64;
                        let bytes = (
                            start + (low + piece.elements.0) * size,
                            start + (high + piece.elements.1 + 1) * size,
                        );
                        let whole = &mut of_slot.whole;
                        *whole = (whole.0.min(bytes.0), whole.1.max(bytes.1));
                        let share = if cut.is_some() { share } else { SOME };
                        of_slot.shares.push((share, bytes));
                    }
                }
                if !of_slot.shares.is_empty() {
                    out.push(of_slot);
                }
            }
        }
        out
    }

    /// What stands in a loop, whose turns are the last of `trips`.
    pub(super) fn inside(
        &mut self,
        nodes: &[Node],
        around: &[usize],
        trips: &mut Vec<Range<usize>>,
        out: &mut Inside,
    ) {
        for node in nodes {
            match node {
                Node::Part(part) => self.inside(&part.nodes, around, trips, out),
                Node::Run(run) => {
                    let number = self.number(run);
                    let cut = self.runs[number];
                    out.touched.extend(self.touched(run, cut, around, trips));
                    out.time = out.time.saturating_add(self.time(run));
                    let owner = cut.map_or(Owner::Around, Owner::Each);
                    out.tasks.push(Task::Run(number, owner));
                }
                Node::Loop(l) => {
                    let mut inner = Inside::default();
                    out.shares_turns |= self.by_turns(l).is_some();
                    self.loops.push(1);
                    trips.push(0..l.trip);
                    self.inside(&l.body, around, trips, &mut inner);
                    trips.pop();
                    out.shares_turns |= inner.shares_turns;
                    out.touched.append(&mut inner.touched);
                    out.time = (out.time).saturating_add(inner.time.saturating_mul(l.trip));
                    out.tasks.push(Task::Loop {
                        trip: l.trip,
                        body: inner.tasks,
                        owner: None,
                        own_turns: false,
                    });
                }
            }
        }
    }
}

/// What stands in a loop.
#[derive(Default)]
pub(super) struct Inside {
    pub(super) tasks: Vec<Task>,
    pub(super) touched: Vec<Touched>,
    /// Nanoseconds of a turn on one thread.
    pub(super) time: usize,
    /// Whether some loop in it has turns that are worth sharing.
    shares_turns: bool,
}

impl Inside {
    /// Whether no share ever touches what another does, so that shares go through all turns by themselves. What
    /// is not cut has no share here.
    fn is_free(&self, around: &[usize]) -> bool {
        let mut touched = self.touched.iter();
        touched
            .clone()
            .all(|t| t.shares.iter().all(|(share, _)| *share != SOME))
            && touched.all(|a| {
                let mut others = self.touched.iter();
                others.all(|b| a.conflicts(b, around).next().is_none())
            })
    }
}

fn turns(around: &[usize]) -> usize {
    around.iter().fold(1, |n, trip| n.saturating_mul(*trip))
}
