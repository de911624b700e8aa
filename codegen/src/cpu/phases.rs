//! How threads share a step: its runs in phases, between which all threads wait for each other.
//!
//! A run of a long kernel is cut into shares, one a thread at the most; a short one is whole, in one
//! thread's share of its phase. Within a phase each share does what is its own in the order of the
//! schedule. So a run joins the phase before it unless it touches there what another share writes, or
//! writes what another touches: whose rows follow from the same rows go on without a barrier. A loop whose
//! turns keep to that stands in a phase as a whole; of any other the body is phases of its own, in every
//! turn.
//!
//! What is shared, and whether anything is, follows from estimates ([`crate::cost`]), never from the data
//! or the machine: a program is the same wherever it is compiled for as many threads.

use std::collections::HashMap;
use std::ops::Range;

use super::Options;
use super::driver::Ready;
use crate::bounds::interval;
use crate::cost;
use crate::explain::{OnThreads, Threads};
use crate::kernel::{Class, Kernel, Node, RegionId, Run, Schedule, SlotId};

/// The phases of a step.
#[derive(Debug)]
pub(super) struct Phases {
    /// The most shares of a phase: more threads would have nothing to do.
    pub threads: usize,
    /// What threads do, one after the other.
    pub stages: Vec<Stage>,
    /// Of each run, as the schedule has them in order, how it is shared.
    runs: Vec<Option<Cut>>,
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

    fn piece(self, share: usize) -> Range<usize> {
        let at = |share: usize| share.saturating_mul(self.step).min(self.extent);
        at(share)..at(share + 1)
    }
}

impl Phases {
    /// Shares a schedule between as many threads as `options` have; none where that gains nothing.
    pub(super) fn of(schedule: &Schedule, kernels: &[Ready], options: &Options) -> Option<Phases> {
        if options.threads < 2 || options.threads > super::MOST_THREADS {
            return None;
        }
        let times: Vec<usize> = schedule.kernels.iter().map(cost::nanoseconds).collect();
        let mut planner = Planner {
            schedule,
            kernels,
            options,
            times,
            pieces: HashMap::new(),
            runs: Vec::new(),
            alone: 0,
            together: 0,
        };
        let stages = planner.sequence(&schedule.nodes, &mut Vec::new());
        let shares = |stage: &Stage| most_shares(stage);
        let threads = stages.iter().map(shares).max().unwrap_or(1);
        // Tests share whatever can be.
        let gains = options.least_share == 0 || cost::gains(planner.alone, planner.together);
        (threads > 1 && gains).then_some(Phases {
            threads,
            stages,
            runs: planner.runs,
        })
    }

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
                Task::Loop { body, .. } => body.first().and_then(first_run),
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
        }
    }
}

fn most_shares(stage: &Stage) -> usize {
    match stage {
        Stage::Phase(phase) => phase.shares,
        Stage::Loop { body, .. } => body.iter().map(most_shares).max().unwrap_or(1),
    }
}

/// What a piece of a kernel touches of a slot: first and last element.
#[derive(Clone, Copy, Debug)]
struct Piece {
    slot: SlotId,
    elements: (i64, i64),
    written: bool,
}

/// What shares touch of a region, of which some range of bytes is touched.
struct Touched {
    region: RegionId,
    /// Of all shares together: the first byte and the one behind the last, in the first turns.
    whole: (i64, i64),
    /// Of each share.
    shares: Vec<(usize, (i64, i64))>,
    /// Bytes further for each turn of the loops around the phase.
    steps: Vec<i64>,
    written: bool,
}

/// Whether ranges meet in some turn of loops in which they move apart by so much.
fn meet(a: (i64, i64), b: (i64, i64), (low, high): (i64, i64)) -> bool {
    a.0.saturating_add(low) < b.1 && b.0 < a.1.saturating_add(high)
}

impl Touched {
    /// Which shares of `other` touch what other shares of this do, one of which writes: pairs of shares.
    fn conflicts<'a>(
        &'a self,
        other: &'a Touched,
        trips: &[usize],
    ) -> impl Iterator<Item = (usize, usize)> + 'a {
        let apart: Vec<i64> = (self.steps.iter().zip(&other.steps))
            .map(|(x, y)| x.saturating_sub(*y))
            .collect();
        let anywhere = (i64::MIN / 4, i64::MAX / 4);
        let apart = interval(trips, 0, &apart).flatten().unwrap_or(anywhere);
        let may = self.region == other.region
            && (self.written || other.written)
            && meet(self.whole, other.whole, apart);
        let mine = self.shares.iter().filter(move |_| may);
        mine.flat_map(move |(a, range)| {
            let theirs = other.shares.iter();
            let theirs = theirs.filter(move |(b, other)| a != b && meet(*range, *other, apart));
            theirs.map(|(b, _)| (*a, *b))
        })
    }
}

/// A phase in the making.
#[derive(Default)]
struct Open {
    phase: Phase,
    touched: Vec<Touched>,
    /// Nanoseconds of each share.
    loads: Vec<usize>,
}

impl Open {
    /// The shares that have to do with something, other than by themselves.
    fn others(&self, touched: &[Touched], trips: &[usize]) -> Vec<usize> {
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

    fn add(
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

struct Planner<'s> {
    schedule: &'s Schedule,
    kernels: &'s [Ready],
    options: &'s Options,
    /// Nanoseconds of a run of each kernel.
    times: Vec<usize>,
    pieces: Pieces,
    /// The runs so far.
    runs: Vec<Option<Cut>>,
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
                    let cut = self.runs[number];
                    let touched = self.touched(run, cut, around, &[]);
                    let time = self.time(run);
                    self.count_alone(time, around);
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
                    let first = self.runs.len();
                    let mut inside = Inside::default();
                    self.inside(&l.body, around, &mut vec![l.trip], &mut inside);
                    let cut = self.runs[first..].iter().any(Option::is_some);
                    if !cut {
                        let time = inside.time.saturating_mul(l.trip);
                        self.count_alone(time, around);
                        let (share, touched) = self.one(inside.touched, time, open, around, stages);
                        let task = Task::Loop {
                            trip: l.trip,
                            body: inside.tasks,
                            owner: Some(share),
                        };
                        open.add(task, touched, [(share, time)].into_iter());
                        continue;
                    }
                    if inside.is_free(around) {
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
                        };
                        open.add(task, inside.touched, loads);
                        continue;
                    }
                    self.close(open, around, stages);
                    self.runs.truncate(first);
                    around.push(l.trip);
                    let body = self.sequence(&l.body, around);
                    around.pop();
                    stages.push(Stage::Loop { trip: l.trip, body });
                }
            }
        }
    }

    /// Ends a phase.
    fn close(&mut self, open: &mut Open, around: &[usize], stages: &mut Vec<Stage>) {
        let Open { phase, loads, .. } = std::mem::take(open);
        if phase.tasks.is_empty() {
            return;
        }
        let longest = loads.into_iter().max().unwrap_or(0);
        let time = cost::phase(longest).saturating_mul(turns(around));
        self.together = self.together.saturating_add(time);
        stages.push(Stage::Phase(phase));
    }

    fn count_alone(&mut self, time: usize, around: &[usize]) {
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

    fn time(&self, run: &Run) -> usize {
        self.times.get(run.kernel.0 as usize).copied().unwrap_or(0)
    }

    /// How a run is cut, if it is.
    fn cut(&self, run: &Run) -> Option<Cut> {
        let ready = self.kernels.get(run.kernel.0 as usize)?;
        let (extent, grain) = (ready.split.extent, ready.split.grain.max(1));
        let grains = extent.div_ceil(grain);
        let pays = match self.options.least_share {
            0 => usize::MAX,
            least => self.time(run) / least,
        };
        let shares = self.options.threads.min(grains).min(pays);
        let step = grains.div_ceil(shares.max(1)) * grain;
        let cut = Cut { extent, step };
        (cut.shares() > 1).then_some(cut)
    }

    /// What a run in loops with the trip counts `around` touches, over all turns of the loops `inside` of them.
    fn touched(
        &mut self,
        run: &Run,
        cut: Option<Cut>,
        around: &[usize],
        inside: &[usize],
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
                .map(|share| pieces(&ready.kernel, ready.by_columns(), cut, share))
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
            let moved = interval(inside, binding.offset, moves_inside).flatten();
            let (low, high) = moved.unwrap_or((0, buffer.elements as i64));
            for written in [false, true] {
                let mut of_slot = Touched {
                    region: buffer.region,
                    whole: (i64::MAX, i64::MIN),
                    shares: Vec::new(),
                    steps: moves.iter().map(|step| step * size).collect(),
                    written,
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

    /// What stands in a loop, whose trip count is the last of `trips`.
    fn inside(
        &mut self,
        nodes: &[Node],
        around: &[usize],
        trips: &mut Vec<usize>,
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
                    trips.push(l.trip);
                    self.inside(&l.body, around, trips, &mut inner);
                    trips.pop();
                    out.touched.append(&mut inner.touched);
                    out.time = (out.time).saturating_add(inner.time.saturating_mul(l.trip));
                    out.tasks.push(Task::Loop {
                        trip: l.trip,
                        body: inner.tasks,
                        owner: None,
                    });
                }
            }
        }
    }
}

/// What stands in a loop.
#[derive(Default)]
struct Inside {
    tasks: Vec<Task>,
    touched: Vec<Touched>,
    /// Nanoseconds of a turn on one thread.
    time: usize,
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

/// What a kernel touches.
fn whole(kernel: &Kernel) -> Vec<Piece> {
    let piece = |(number, slot): (usize, &crate::kernel::Slot)| {
        let piece = |written| Piece {
            slot: SlotId(u32::try_from(number).unwrap_or(u32::MAX)),
            elements: (0, slot.elements as i64 - 1),
            written,
        };
        let (reads, writes) = (slot.usage.reads(), slot.usage.writes());
        [reads.then(|| piece(false)), writes.then(|| piece(true))]
    };
    let slots = kernel.slots.iter().enumerate();
    slots.flat_map(piece).flatten().collect()
}

/// What a share of a kernel touches, which is cut along the first dim of its space, or of its columns.
fn pieces(kernel: &Kernel, by_columns: bool, cut: Cut, share: usize) -> Vec<Piece> {
    let places = cut.piece(share);
    let mut out: Vec<Piece> = Vec::new();
    for (body, touch) in kernel.class.touches_by_body() {
        let dim = cut_dim(&kernel.class, by_columns, body);
        let touch = match dim.and_then(|dim| Some((dim, *touch.space.get(dim)?))) {
            // The dim may be the first of several that the loop goes through as one.
            Some((dim, extent)) => {
                let rest = (cut.extent / extent.max(1)).max(1);
                let end = places.end.div_ceil(rest).min(extent);
                touch.between(dim, (places.start / rest).min(end)..end)
            }
            None => touch,
        };
        let Some(elements) = touch.range() else {
            continue;
        };
        let slot = touch.access.slot;
        let same = |p: &&mut Piece| p.slot == slot && p.written == touch.stores;
        match out.iter_mut().find(same) {
            Some(piece) => {
                let (low, high) = piece.elements;
                piece.elements = (low.min(elements.0), high.max(elements.1));
            }
            None => out.push(Piece {
                slot,
                elements,
                // What is added to is read as well.
                written: touch.stores,
            }),
        }
    }
    out
}

/// The dim of a body's space along which a kernel is cut.
fn cut_dim(class: &Class, by_columns: bool, body: Option<usize>) -> Option<usize> {
    match class {
        Class::Nest(_) | Class::Scatter(_) | Class::Scan(_) | Class::Sort(_) => Some(0),
        Class::Contract(c) if !c.batch.is_empty() => Some(0),
        // Of the left operand, the right one, and the results.
        Class::Contract(c) => match (body, by_columns) {
            (Some(0) | Some(2), false) => Some(0),
            (Some(1), true) => Some(c.k.len()),
            (Some(2), true) => Some(c.m.len()),
            (Some(_), _) | (None, _) => None,
        },
    }
}
