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

mod memory;
mod tree;

pub use memory::{Buffer, BufferId, Region, RegionId, RegionKind, Regions};
pub use tree::{Binding, KernelId, Loop, Node, Part, Run, Schedule};

use sinew_ir::{DType, Reduction, Scalar};

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

impl Kernel {
    /// The extent of its parallel axis, whose bounds a call is given: the first dim of its space. What it
    /// does at two indices of that axis never meets, and neither needs the other.
    pub fn parallel(&self) -> usize {
        let first = match &self.class {
            Class::Nest(n) => n.outer.first(),
            Class::Contract(c) => c.batch.first().or(c.m.first()),
            Class::Scatter(s) => s.outer.first(),
            Class::Scan(s) => s.outer.first(),
            Class::Sort(s) => s.outer.first(),
        };
        first.copied().unwrap_or(1)
    }
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
    /// A value that runs along rows.
    Scan(Scan),
    /// The order of the elements of rows.
    Sort(Sort),
}

/// Loops over `outer`, in each of which stages run one after the other over `inner` (the row).
///
/// With `inner` empty there is one element a row and there is one `Stage::Row`. Different outer
/// indices are independent of each other. Code that does not depend on the inner index stands in row
/// stages, its results in row registers. What several stages need of each element stands in row arrays
/// where that is cheaper than computing it again.
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
    /// Values that a stage computes for every element of the row and later stages read again. They
    /// last for one row, near whoever runs it.
    pub arrays: Vec<RowArray>,
}

impl Nest {
    /// The element type of a row array; none where the register is not there.
    pub fn array_dtype(&self, array: RowArray) -> Option<DType> {
        let (Stage::Row { code, .. } | Stage::Each { code, .. }) = self.stages.get(array.stage)?;
        let inst = code.insts.get(array.value.0 as usize)?;
        Some(inst.dtype)
    }
}

/// A row array: one element for each of the row, written by one stage, of the written register's
/// type (numbers only). It holds nothing when a row begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowArray {
    /// The stage that writes it, an index into [`Nest::stages`]: one that runs for every element.
    pub stage: usize,
    /// The register of that stage whose value is kept.
    pub value: Reg,
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

/// An index into [`Nest::arrays`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ArrayId(pub u32);

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
    /// The element of a row array at the current index, in a stage behind the one that writes it.
    Element(ArrayId),
    /// The contraction's accumulated sum for this element (epilogues only), or the running value of a
    /// scan before it.
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
            | ScalarKind::Element(_)
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

/// `value = start; for i in 0..extent { value = code(outer, i, value) }` for each outer index: the code
/// reads the running value as its accumulator, makes the next one, and stores what it makes of it.
/// Outer indices never meet, so they may run in parallel.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Extents of the dims around the axis.
    pub outer: Vec<usize>,
    /// Number of steps along the axis, at least 1.
    pub extent: usize,
    /// The running value before the first step.
    pub start: f64,
    /// A step, over the space `outer.., extent`; holds the stores.
    pub code: Code,
    /// The register with the next running value.
    pub next: Reg,
}

impl Scan {
    /// The space of a step's code.
    pub fn space(&self) -> Vec<usize> {
        [&self.outer[..], &[self.extent]].concat()
    }

    /// The type of the running value; none if its register is not there.
    pub fn dtype(&self) -> Option<DType> {
        let inst = self.code.insts.get(self.next.0 as usize);
        inst.map(|inst| inst.dtype)
    }
}

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
