//! A schedule: runs of kernels over places in memory, in loops and in the named parts of a step.

use std::ops::Range;

use super::{Buffer, BufferId, Kernel, Region, RegionId, RegionKind, Regions};

/// A compiled program, before emission: runs of kernels over buffers with known places.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The regions, one of which is the arena.
    pub regions: Vec<Region>,
    /// Every buffer.
    pub buffers: Vec<Buffer>,
    /// The kernels, each once.
    pub kernels: Vec<Kernel>,
    /// What runs, in order.
    pub nodes: Vec<Node>,
}

/// A node of a schedule's tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A kernel at a place.
    Run(Run),
    /// Nodes that run again and again.
    Loop(Loop),
    /// Nodes with a name of their own.
    Part(Part),
}

/// A run of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Which kernel.
    pub kernel: KernelId,
    /// Where each of its slots lies.
    pub bindings: Vec<Binding>,
    /// Where the kernel's parallel axis ([`Kernel::parallel`]) is cut into shares, rising; one share
    /// without any. Each share is a call of the kernel by itself, and all of them in any order, or side by
    /// side, do what one call for the whole axis does. So they cover it, and none meets another.
    pub cuts: Vec<usize>,
    /// The values it computes for others, by their names in the program (`%12`, `m.hidden.w`).
    pub values: Vec<String>,
}

/// Where a slot lies in one run: a range of a buffer, of the slot's element type and as many elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// The buffer.
    pub buffer: BufferId,
    /// Elements from the buffer's start in the first turn of every loop around the run.
    pub offset: i64,
    /// Elements further for each turn of the loops around the run, the outermost first.
    pub steps: Vec<i64>,
}

impl Run {
    /// The bounds `lo..hi` of each share of the kernel's parallel axis.
    pub fn shares(&self, kernel: &Kernel) -> Vec<Range<usize>> {
        let starts = [0].into_iter().chain(self.cuts.iter().copied());
        let ends = self.cuts.iter().copied().chain([kernel.parallel()]);
        starts.zip(ends).map(|(lo, hi)| lo..hi).collect()
    }
}

impl Binding {
    /// Elements from the buffer's start, in a turn of each loop around the run.
    pub fn at(&self, turns: &[usize]) -> i64 {
        let moved = self.steps.iter().zip(turns);
        self.offset + moved.map(|(s, t)| s * *t as i64).sum::<i64>()
    }
}

/// Nodes that run `trip` times, one turn after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// How often; at least once.
    pub trip: usize,
    /// Whether its turns stand apart: no turn touches what another one writes, but for memory of a turn
    /// ([`RegionKind::Turn`]), so that they may run in any order, and side by side. In such a loop others of
    /// the kind stand only as all that a turn does: together they are one [nest](Loop::nest).
    pub apart: bool,
    /// What runs in each turn.
    pub body: Vec<Node>,
}

impl Loop {
    /// This loop, whose turns stand apart, and those of the kind that are all that its turns do, from the outside
    /// in. A turn of all of them together is a turn of the last.
    pub fn nest(&self) -> Vec<&Loop> {
        let mut out = vec![self];
        let mut last = self;
        while let [Node::Loop(inner)] = &last.body[..]
            && inner.apart
        {
            out.push(inner);
            last = inner;
        }
        out
    }
}

/// A part of a step that can be run by itself (see [`Schedule::part`]): something else may stand
/// between it and the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its name, which no other part of the schedule has.
    pub name: String,
    /// What it runs.
    pub nodes: Vec<Node>,
}

/// An index into [`Schedule::kernels`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KernelId(pub u32);

/// Calls `f` on every run as it is written.
fn each_run_mut(nodes: &mut [Node], f: &mut dyn FnMut(&mut Run)) {
    for node in nodes {
        match node {
            Node::Run(run) => f(run),
            Node::Loop(l) => each_run_mut(&mut l.body, f),
            Node::Part(part) => each_run_mut(&mut part.nodes, f),
        }
    }
}

impl Schedule {
    /// A schedule without kernels over these regions.
    pub fn new(regions: Regions) -> Schedule {
        Schedule {
            regions: regions.list(),
            buffers: Vec::new(),
            kernels: Vec::new(),
            nodes: Vec::new(),
        }
    }

    /// The runs as they are written, those in loops once.
    pub fn runs(&self) -> Vec<&Run> {
        fn collect<'a>(nodes: &'a [Node], out: &mut Vec<&'a Run>) {
            for node in nodes {
                match node {
                    Node::Run(run) => out.push(run),
                    Node::Loop(l) => collect(&l.body, out),
                    Node::Part(part) => collect(&part.nodes, out),
                }
            }
        }
        let mut out = Vec::new();
        collect(&self.nodes, &mut out);
        out
    }

    /// Calls `f` for each run as often as it runs, in order, with the turn of each loop around it.
    ///
    /// # Errors
    /// The first one of `f`.
    pub fn each_run<'a, E, F>(&'a self, f: &mut F) -> Result<(), E>
    where
        F: FnMut(&'a Run, &[usize]) -> Result<(), E>,
    {
        fn walk<'a, E, F>(nodes: &'a [Node], turns: &mut Vec<usize>, f: &mut F) -> Result<(), E>
        where
            F: FnMut(&'a Run, &[usize]) -> Result<(), E>,
        {
            for node in nodes {
                match node {
                    Node::Run(run) => f(run, turns)?,
                    Node::Part(part) => walk(&part.nodes, turns, f)?,
                    Node::Loop(l) => {
                        for turn in 0..l.trip {
                            turns.push(turn);
                            walk(&l.body, turns, f)?;
                            turns.pop();
                        }
                    }
                }
            }
            Ok(())
        }
        walk(&self.nodes, &mut Vec::new(), f)
    }

    /// A part of the step as a schedule of its own, over the same regions. What earlier parts leave in
    /// outputs is state to it.
    pub fn part(&self, name: &str) -> Option<Schedule> {
        let found = self.nodes.iter().find_map(|node| match node {
            Node::Part(part) if part.name == name => Some(part),
            Node::Part(_) | Node::Run(_) | Node::Loop(_) => None,
        })?;
        let mut out = Schedule {
            nodes: vec![Node::Part(found.clone())],
            ..self.clone()
        };
        for region in &mut out.regions {
            if region.kind == RegionKind::Output {
                region.kind = RegionKind::State;
            }
        }
        // Only the kernels that it runs.
        let mut kept: Vec<KernelId> = out.runs().iter().map(|run| run.kernel).collect();
        kept.sort_unstable();
        kept.dedup();
        let kernels = kept.iter().filter_map(|id| self.kernels.get(id.0 as usize));
        out.kernels = kernels.cloned().collect();
        each_run_mut(&mut out.nodes, &mut |run| {
            let at = kept.iter().position(|id| *id == run.kernel);
            run.kernel = KernelId(at.and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX));
        });
        Some(out)
    }

    /// The kernel of a run.
    pub fn kernel(&self, run: &Run) -> Option<&Kernel> {
        self.kernels.get(run.kernel.0 as usize)
    }

    /// The arena; the first one, where the verifier would find two.
    pub fn arena(&self) -> Option<RegionId> {
        self.find(|region| region.kind == RegionKind::Arena)
    }

    /// The region of a name.
    pub fn region(&self, name: &str) -> Option<RegionId> {
        self.find(|region| region.name == name)
    }

    fn find(&self, is: impl Fn(&Region) -> bool) -> Option<RegionId> {
        let at = self.regions.iter().position(is)?;
        u32::try_from(at).ok().map(RegionId)
    }
}
