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

mod class;
mod code;
mod contract;
mod memory;
mod nest;
mod scan;
mod scatter;
mod sort;
mod touch;
mod tree;

pub use class::Class;
pub use code::{Access, ArrayId, Code, Guard, Reg, RowReg, ScalarInst, ScalarKind, Store};
pub use contract::{Contract, Operand};
pub use memory::{Buffer, BufferId, Region, RegionId, RegionKind, Regions};
pub use nest::{Nest, RowArray, Stage};
pub use scan::Scan;
pub use scatter::Scatter;
pub use sort::Sort;
pub(crate) use touch::Touch;
pub use tree::{Binding, KernelId, Loop, Node, Part, Run, Schedule};

use sinew_ir::DType;

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
        self.class.parallel()
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
