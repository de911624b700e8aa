//! Kernel IR: what the scheduler makes of a program and what every emitter reads.
//!
//! A kernel is a function: an iteration space of known extents plus scalar code, whose affine accesses
//! reach into slots. It is compiled once and run at many places: a run binds each slot to a range of a
//! buffer, a buffer is a range of a region. A schedule is a tree: runs, loops over runs whose bindings
//! move with the turn, and the named parts of a step.
//!
//! What emitters may rely on, held by [`crate::verify::verify`]:
//! - Every access stays inside its slot wherever its guards hold, every slot inside its buffer in each
//!   turn, every buffer inside its region.
//! - Two slots of a run share memory only where the kernel writes neither.
//! - No kernel has an empty parallel space: extents of `outer`, `batch`, `m`, `n` and `updates` are
//!   at least 1. Extents of `inner` and `k` may be 0; then reductions give their value over nothing.
//! - A plain map has `inner` empty and exactly one `Stage::Row`.
//! - Loads of one run of a [`Code`] come before its stores. A kernel may store over what it loads
//!   only at the same place (same slot, same strides, no later stage loads it): update in
//!   place is safe in any order and any vector width.
//! - Two stores of a kernel never meet, and a store is injective over its space.
//!
//! What the scheduler does besides, and emitters profit from without relying on it: neighbouring dims
//! that every access could merge are merged, dims of extent 1 are gone, so most maps have one dim (or
//! none: scalars); the last outer dim is the one along which the first store is densest.

use sinew_ir::{DType, Reduction, Scalar};

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
    /// What runs in each turn.
    pub body: Vec<Node>,
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

/// Memory that the runtime supplies as one base address.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its name, which no other region of the schedule has (`arena`, `params`, `adam.m`, `input x`).
    pub name: String,
    /// Its size.
    pub bytes: usize,
    /// What its bytes are before and after a run.
    pub kind: RegionKind,
}

/// What a region's bytes are before and after a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RegionKind {
    /// Memory between kernels, whose size the memory plan settles: means nothing before and after.
    Arena,
    /// Values that are only read: arguments.
    Input,
    /// Values that are read and may be written: parameters, an optimizer's state.
    State,
    /// Means nothing before the run: results. What is read of it was written in the same run.
    Output,
}

impl RegionKind {
    /// Whether kernels may write the region.
    pub fn is_written(self) -> bool {
        match self {
            RegionKind::Arena | RegionKind::State | RegionKind::Output => true,
            RegionKind::Input => false,
        }
    }

    /// Whether the region holds values when a run begins.
    pub fn is_filled(self) -> bool {
        match self {
            RegionKind::Input | RegionKind::State => true,
            RegionKind::Arena | RegionKind::Output => false,
        }
    }

    /// Its name in text form.
    pub fn name(self) -> &'static str {
        match self {
            RegionKind::Arena => "arena",
            RegionKind::Input => "input",
            RegionKind::State => "state",
            RegionKind::Output => "output",
        }
    }
}

/// The regions of a schedule as they are laid out: the arena, then what is added. Whoever adds a
/// region keeps its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Regions(Vec<Region>);

impl Default for Regions {
    fn default() -> Regions {
        Regions::new()
    }
}

impl Regions {
    /// The arena alone.
    pub fn new() -> Regions {
        Regions(vec![Region {
            name: "arena".into(),
            bytes: 0,
            kind: RegionKind::Arena,
        }])
    }

    /// Adds a region.
    pub fn add(&mut self, name: impl Into<String>, bytes: usize, kind: RegionKind) -> RegionId {
        self.0.push(Region {
            name: name.into(),
            bytes,
            kind,
        });
        RegionId(u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX))
    }

    /// The regions, each at the index that its id holds.
    pub fn list(self) -> Vec<Region> {
        self.0
    }
}

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

/// An index into [`Schedule::regions`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RegionId(pub u32);

/// A tensor's place: a range of a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// What it holds, for people (`%7`, `m.hidden.w`).
    pub name: String,
    /// Where.
    pub region: RegionId,
    /// First byte in the region; a multiple of 256 except for views of packed regions, which are
    /// multiples of the element size.
    pub offset: usize,
    /// Element type: never `Float`; `Bool` is a 32-bit 0 or 1.
    pub dtype: DType,
    /// Number of elements.
    pub elements: usize,
}

/// An index into [`Schedule::buffers`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BufferId(pub u32);

/// One kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// A name that says what it does (`contract_3_add_select`): letters, digits and `_`; unique in
    /// the schedule, the same whenever the program is.
    pub name: String,
    /// What it reads and writes, given by each run.
    pub slots: Vec<Slot>,
    /// What it does.
    pub class: Class,
}

/// A kernel's parameter: elements that it reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Element type: never `Float`; `Bool` is a 32-bit 0 or 1.
    pub dtype: DType,
    /// Number of elements.
    pub elements: usize,
    /// What the kernel does with them.
    pub usage: SlotUse,
}

/// What a kernel does with the elements of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotUse {
    /// It only loads.
    Read,
    /// It only stores.
    Write,
    /// It loads and stores.
    Update,
}

impl SlotUse {
    /// Whether the kernel loads from the slot.
    pub fn reads(self) -> bool {
        match self {
            SlotUse::Read | SlotUse::Update => true,
            SlotUse::Write => false,
        }
    }

    /// Whether the kernel stores in the slot.
    pub fn writes(self) -> bool {
        match self {
            SlotUse::Write | SlotUse::Update => true,
            SlotUse::Read => false,
        }
    }

    /// Its name in text form.
    pub fn name(self) -> &'static str {
        match self {
            SlotUse::Read => "read",
            SlotUse::Write => "write",
            SlotUse::Update => "update",
        }
    }
}

/// An index into [`Kernel::slots`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SlotId(pub u32);

/// The kernel classes.
#[derive(Clone, Debug, PartialEq)]
pub enum Class {
    /// Maps and row reductions.
    Nest(Nest),
    /// A contraction of two operands with prologues and an epilogue.
    Contract(Contract),
    /// Additions at computed indices.
    Scatter(Scatter),
}

/// Loops over `outer`, in each of which stages run one after the other over `inner` (the row).
///
/// With `inner` empty there is one element a row and there is one `Stage::Row`. Different outer
/// indices are independent of each other. Code that does not depend on the inner index stands in row
/// stages, its results in row registers.
#[derive(Clone, Debug, PartialEq)]
pub struct Nest {
    /// Extents of the parallel dims. Space dims are numbered `outer` first, then `inner`.
    pub outer: Vec<usize>,
    /// Extents of the row's dims.
    pub inner: Vec<usize>,
    /// What happens in each row, in order.
    pub stages: Vec<Stage>,
    /// Element types of the row registers: set by a row stage or by a reduction, once, before use.
    pub rows: Vec<DType>,
}

/// A part of a nest.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Runs once a row; its accesses have stride 0 along the inner dims.
    Row {
        /// The code.
        code: Code,
        /// Row registers it sets.
        sets: Vec<(RowReg, Reg)>,
    },
    /// Runs for every element of the row.
    Each {
        /// The code.
        code: Code,
        /// Reductions of registers over the row, into row registers. The index of an `ArgMax` is the
        /// row-major index in `inner`, as i32.
        reduces: Vec<(RowReg, Reduction, Reg)>,
    },
}

/// Straight-line scalar code.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Code {
    /// The instructions; instruction `i` defines `Reg(i)`.
    pub insts: Vec<ScalarInst>,
    /// What is stored at the end.
    pub stores: Vec<Store>,
}

/// A register: the instruction that defines it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reg(pub u32);

/// A row register: an index into [`Nest::rows`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowReg(pub u32);

/// A scalar instruction with the element type it defines.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarInst {
    /// What it computes.
    pub kind: ScalarKind,
    /// The type of the result.
    pub dtype: DType,
}

/// What a scalar instruction computes.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalarKind {
    /// The element of a slot at the current index. With guards: zero where one fails.
    Load(Access),
    /// The element at a computed index: `access` plus `clamp(index, 0, extent - 1) * stride`; zero
    /// where a guard of the access fails.
    Gather {
        /// The place for index 0.
        access: Access,
        /// An i32.
        index: Reg,
        /// The axis's extent, at least 1.
        extent: usize,
        /// Elements between neighbours.
        stride: i64,
    },
    /// A constant of the instruction's type (a bool is 0 or 1).
    Const(f64),
    /// `offset + sum(strides[d] * index[d])` over the space's dims, an i32.
    Index {
        /// Constant part.
        offset: i64,
        /// One a space dim.
        strides: Vec<i64>,
    },
    /// A row register's value.
    Row(RowReg),
    /// The contraction's accumulated sum for this element (epilogues only).
    Accumulator,
    /// A scalar instruction; operand types as [`Scalar`] says.
    Apply(Scalar, Vec<Reg>),
}

/// An affine place in a slot: element `offset + sum(strides[d] * index[d])`.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The slot.
    pub slot: SlotId,
    /// Elements from its start.
    pub offset: i64,
    /// One a space dim, in elements.
    pub strides: Vec<i64>,
    /// Conditions under which the element is there at all (padding); empty: always.
    pub guards: Vec<Guard>,
}

/// Holds where `0 <= value < extent`, value being `offset + sum(strides[d] * index[d])`.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// Constant part.
    pub offset: i64,
    /// One a space dim.
    pub strides: Vec<i64>,
    /// Upper end, exclusive.
    pub extent: i64,
}

/// A store of a register.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    /// Where; injective over the space (in a row stage: stride 0 along `inner`, injective over
    /// `outer`), never guarded. Of the value's own element type.
    pub access: Access,
    /// What.
    pub value: Reg,
}

/// `accumulator[b.., i.., j..] = sum_k.. lhs[b.., i.., k..] * rhs[b.., k.., j..]`, then the epilogue on
/// each element.
///
/// A matrix product has one dim each for rows, columns and the sum. A convolution has several: its
/// operand is read through windows, and no access walks the window's dims as one with the others.
/// There is at least one dim each, of extent 1 where there would be none.
///
/// Float types only; f32 accumulates in f32, f64 in f64. A sum over nothing is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// Extents of the batch dims.
    pub batch: Vec<usize>,
    /// Extents of the dims that are the left operand's and the result's: its rows.
    pub m: Vec<usize>,
    /// Extents of the dims that are the right operand's and the result's: its columns.
    pub n: Vec<usize>,
    /// Extents of the contracted dims.
    pub k: Vec<usize>,
    /// F32 or F64.
    pub dtype: DType,
    /// The left operand over the dims `batch.., m.., k..`.
    pub lhs: Operand,
    /// The right operand over the dims `batch.., k.., n..`.
    pub rhs: Operand,
    /// Runs for each element of the space `batch.., m.., n..`; holds the stores.
    pub epilogue: Code,
}

impl Contract {
    /// The space of the left operand's code: `batch.., m.., k..`.
    pub fn lhs_space(&self) -> Vec<usize> {
        [&self.batch[..], &self.m, &self.k].concat()
    }

    /// The space of the right operand's code: `batch.., k.., n..`.
    pub fn rhs_space(&self) -> Vec<usize> {
        [&self.batch[..], &self.k, &self.n].concat()
    }

    /// The space of the epilogue's code: `batch.., m.., n..`.
    pub fn space(&self) -> Vec<usize> {
        [&self.batch[..], &self.m, &self.n].concat()
    }

    /// Rows, columns and terms of a sum: the products of `m`, `n` and `k`.
    pub fn extents(&self) -> [usize; 3] {
        [&self.m, &self.n, &self.k].map(|dims| dims.iter().product())
    }
}

/// A side of a contraction: its elements as they lie, or computed from others where they are used
/// (a prologue).
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// Computes an element; no stores, no row registers, no accumulator.
    pub code: Code,
    /// The element, of the contraction's type.
    pub value: Reg,
}

impl Operand {
    /// Elements as they lie.
    pub fn plain(access: Access, dtype: DType) -> Operand {
        let load = ScalarInst {
            kind: ScalarKind::Load(access),
            dtype,
        };
        Operand {
            code: Code {
                insts: vec![load],
                stores: Vec::new(),
            },
            value: Reg(0),
        }
    }

    /// Where the elements lie; none if they are computed or guarded.
    pub fn access(&self) -> Option<&Access> {
        let [inst] = &self.code.insts[..] else {
            return None;
        };
        match &inst.kind {
            ScalarKind::Load(access) => access.guards.is_empty().then_some(access),
            ScalarKind::Gather { .. }
            | ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => None,
        }
    }
}

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
