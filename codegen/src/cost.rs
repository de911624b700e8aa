//! What kernels and instructions cost, in counts: what [`crate::explain`] prints, and the prices and
//! limits by which the scheduler chooses. No other place of the scheduler has numbers of its own.
//!
//! Prices are in additions, for one element. A value is kept, stored or computed again, whichever is
//! cheapest on the [`Target`]; functions that are series are dear ([`TRANSCENDENTAL`]).

use crate::kernel::Kernel;
use sinew_ir::Scalar;
pub use sinew_ir::scalar::TRANSCENDENTAL;
use std::collections::BTreeMap;

/// What kernels are made for, as far as choices depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The host's processors, which run rows one after the other, or a few in lockstep.
    Cpu,
    /// Shaders, within the limits that every device has.
    Gpu,
}

/// Where an element lies while it is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Home {
    /// In the nearest cache, or in an invocation's own memory.
    Near,
    /// In a cache that is private to a processor, behind the nearest.
    Middle,
    /// In a buffer.
    Buffer,
}

/// Bytes that row arrays may take of a processor's nearest cache: what a row reads and writes must
/// have room beside them.
const NEAR_BYTES: usize = 32 << 10;
/// Bytes that they may take of the next one.
const MIDDLE_BYTES: usize = 512 << 10;
/// Bytes of variables that every implementation of WGSL lets a function have.
pub(crate) const FUNCTION_BYTES: usize = 8 << 10;

/// Rows of more elements than this are long: where few of them run beside each other, one would run
/// where the whole machine could.
const LONG_ROW: usize = 4096;
/// As many rows keep a machine busy, however long they are.
const ENOUGH_ROWS: usize = 64;
/// Rows that are added up in blocks are at least so long, so that vectors lie along them, and blocks have
/// at least so many rows, so that adding up the blocks is little beside.
const LEAST_BLOCK_ROW: usize = 64;
const LEAST_BLOCK_ROWS: usize = 8;
/// Regions that a shader can bind on every device. An epilogue joins operands within these; on the
/// CPU too, where each takes a register.
const BINDINGS: usize = 8;

/// A reduction of more elements than this is done in two steps: the rounding of one long sum in f32
/// grows with its length, and a few rows would leave a machine idle.
pub(crate) const LONG_REDUCTION: usize = 4096;
/// Scatters of at most this many updates along their axis are computed as comparisons per element:
/// two instructions each, where a kernel of its own would be as long as its start takes.
pub(crate) const COMPARED_UPDATES: usize = 4;
/// More values than this in one kernel gain nothing.
pub(crate) const MOST_VALUES: usize = 32;
/// Longer chains of inlined values are cut: they would make endless code.
pub(crate) const LONGEST_CHAIN: usize = 96;
/// A value that a kernel reads at more places than this is stored. Stencils of five points fit.
pub(crate) const MOST_PLACES: usize = 5;
/// A value is stored before it is broadcast to so many places or more, if it is dear or follows from
/// a kernel.
const MANY_COPIES: usize = 8;

/// Work a prologue may be: a store and a load. It is repeated for every block of the other operand,
/// some ten times in the products that are large, so nothing transcendental is.
pub(crate) const PROLOGUE_WORK: usize = 10;
/// A prologue may load so many times the bytes that the stored value would have.
pub(crate) const PROLOGUE_BYTES: usize = 2;
/// Regions that a prologue may read: two of them, an epilogue and the results must fit in the
/// bindings of a shader.
pub(crate) const PROLOGUE_REGIONS: usize = 3;

impl Target {
    /// The price of a scalar instruction.
    pub(crate) fn compute(self, scalar: Scalar) -> usize {
        scalar.def().work
    }

    /// Whether a scalar instruction alone is worth storing its result.
    pub(crate) fn is_dear(self, scalar: Scalar) -> bool {
        self.compute(scalar) >= TRANSCENDENTAL
    }

    /// The price of a load.
    pub(crate) fn load(self, home: Home) -> usize {
        match (self, home) {
            (Target::Cpu, Home::Near) => 1,
            (Target::Cpu, Home::Middle) => 3,
            (Target::Cpu, Home::Buffer) => 4,
            (Target::Gpu, Home::Near | Home::Middle) => 2,
            (Target::Gpu, Home::Buffer) => 8,
        }
    }

    /// The price of a store.
    pub(crate) fn store(self, home: Home) -> usize {
        match (self, home) {
            (Target::Cpu, Home::Near) => 2,
            (Target::Cpu, Home::Middle) => 4,
            (Target::Cpu, Home::Buffer) => 6,
            (Target::Gpu, Home::Near | Home::Middle) => 2,
            (Target::Gpu, Home::Buffer) => 8,
        }
    }

    /// The price of a load under a condition: vectors fall apart there, invocations do not.
    pub(crate) fn guarded_load(self) -> usize {
        match self {
            Target::Cpu => 3,
            Target::Gpu => 3,
        }
    }

    /// The price of a load at a computed index.
    pub(crate) fn gather(self) -> usize {
        match self {
            Target::Cpu => 5,
            Target::Gpu => self.load(Home::Buffer),
        }
    }

    /// Where row arrays of so many bytes a row live; none where the target has no room for them.
    pub(crate) fn row_home(self, bytes: usize) -> Option<Home> {
        match self {
            Target::Cpu if bytes <= NEAR_BYTES => Some(Home::Near),
            Target::Cpu if bytes <= MIDDLE_BYTES => Some(Home::Middle),
            Target::Gpu if bytes <= FUNCTION_BYTES => Some(Home::Near),
            Target::Cpu | Target::Gpu => None,
        }
    }

    /// Whether stages over rows leave no machine idle: rows are short, or there are many.
    pub(crate) fn fills_machine(self, rows: usize, length: usize) -> bool {
        length <= LONG_ROW || rows >= ENOUGH_ROWS
    }

    /// How many rows make a block, where sums over rows are added up in blocks: `rows` in all, of `length`
    /// elements, cut along a dim of this extent. There are blocks enough to keep a machine busy. None where
    /// that does not pay: on a GPU a block would run where the whole machine could.
    pub(crate) fn rows_of_a_block(
        self,
        rows: usize,
        extent: usize,
        length: usize,
    ) -> Option<usize> {
        match self {
            Target::Cpu => {}
            Target::Gpu => return None,
        }
        let most = extent.min(rows / ENOUGH_ROWS);
        let steps = (LEAST_BLOCK_ROWS..=most)
            .rev()
            .find(|n| extent.is_multiple_of(*n));
        steps.filter(|_| length >= LEAST_BLOCK_ROW)
    }

    /// Whether several of its workers may run turns of a loop side by side, each with memory of its own. Shaders
    /// run turn by turn, and have few bindings for one region more.
    pub(crate) fn shares_turns(self) -> bool {
        match self {
            Target::Cpu => true,
            Target::Gpu => false,
        }
    }

    /// Regions that one kernel may touch.
    pub(crate) fn most_regions(self) -> usize {
        BINDINGS
    }

    /// Whether so many elements that become `copies` are worth storing before, where they are dear.
    pub(crate) fn is_spread_widely(self, elements: usize, copies: usize) -> bool {
        elements.saturating_mul(MANY_COPIES) <= copies
    }
}

/// What a kernel costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// Distinct bytes it reads.
    pub read: usize,
    /// Distinct bytes it writes.
    pub written: usize,
    /// Floating-point operations, a transcendental function counted as [`TRANSCENDENTAL`].
    pub flops: usize,
}

/// The cost of a run of a kernel.
pub fn cost(kernel: &Kernel) -> Cost {
    let mut cost = Cost {
        flops: kernel.class.flops(),
        ..Cost::default()
    };
    // The widest access of each slot counts.
    let mut bytes: BTreeMap<(u32, bool), usize> = BTreeMap::new();
    for touch in kernel.class.touches() {
        let Some(slot) = kernel.slots.get(touch.access.slot.0 as usize) else {
            continue;
        };
        let most = touch.times.min(slot.elements) * slot.dtype.size().unwrap_or(8);
        for (done, store) in [(touch.loads, false), (touch.stores, true)] {
            if done {
                let entry = bytes.entry((touch.access.slot.0, store)).or_insert(0);
                *entry = (*entry).max(most);
            }
        }
    }
    for ((_, store), n) in bytes {
        match store {
            true => cost.written += n,
            false => cost.read += n,
        }
    }
    cost
}
