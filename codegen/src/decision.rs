//! What the scheduler decided of values, and why.
//!
//! A decision is a value of these types from the place where it is made to the line of text that
//! [`crate::explain::decisions`] prints. Inside of the scheduler values have numbers, outside names.

use crate::cost::{MOST_PLACES, MOST_VALUES, PROLOGUE_BYTES, PROLOGUE_REGIONS, PROLOGUE_WORK};
use std::fmt::{self, Display, Formatter};

/// What was decided in a part of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartDecisions {
    /// The part's name.
    pub part: String,
    /// By value, in the order of the program; those of each stretch between loops together.
    pub decisions: Vec<Decision>,
}

/// What was decided of a value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Decision<V = String> {
    /// The value.
    pub value: V,
    /// What.
    pub choice: Choice<V>,
}

impl Decision {
    /// Whether it is about the fusion of a value with one of the same name.
    pub(crate) fn is_of_one_value(&self) -> bool {
        match &self.choice {
            Choice::Fused { with } => *with == self.value,
            Choice::NotFused { .. }
            | Choice::Stored(_)
            | Choice::ComputedAtUse
            | Choice::InBlocks { .. }
            | Choice::Kept { .. }
            | Choice::Repeated(_) => false,
        }
    }
}

impl<V> Decision<V> {
    /// The same of values named otherwise.
    pub(crate) fn map<W>(&self, name: impl Fn(&V) -> W) -> Decision<W> {
        Decision {
            value: name(&self.value),
            choice: match &self.choice {
                Choice::Fused { with } => Choice::Fused { with: name(with) },
                Choice::NotFused { with, why } => Choice::NotFused {
                    with: name(with),
                    why: *why,
                },
                Choice::Stored(why) => Choice::Stored(*why),
                Choice::ComputedAtUse => Choice::ComputedAtUse,
                Choice::InBlocks { with, blocks } => Choice::InBlocks {
                    with: name(with),
                    blocks: *blocks,
                },
                Choice::Kept { without, with } => Choice::Kept {
                    without: *without,
                    with: *with,
                },
                Choice::Repeated(why) => Choice::Repeated(*why),
            },
        }
    }
}

/// A choice of the scheduler.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Choice<V = String> {
    /// One kernel computes it and another value, which it reads or which reads what it reads.
    Fused {
        /// The other value.
        with: V,
    },
    /// Another kernel computes it than a value which it reads.
    NotFused {
        /// The other value.
        with: V,
        /// The reason.
        why: Obstacle,
    },
    /// It is stored where it might have been computed by whoever reads it.
    Stored(StoreReason),
    /// Contractions compute it where they multiply it.
    ComputedAtUse,
    /// The kernel of another value adds it up in blocks of its rows.
    InBlocks {
        /// The other value.
        with: V,
        /// How many blocks there are.
        blocks: usize,
    },
    /// A row array keeps it for later stages of its kernel. Prices are in additions, for an element of
    /// the row in all stages.
    Kept {
        /// The price of computing it again.
        without: usize,
        /// The price as it is.
        with: usize,
    },
    /// Several stages of its kernel compute it, each for itself.
    Repeated(RepeatReason),
}

/// Why one kernel does not compute two values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Obstacle {
    /// Scatters, concatenations, scans and the like have kernels of their own.
    Alone,
    /// A contraction reads each element of its operands many times.
    Contracted,
    /// One kernel is a contraction's and the other's spaces are rows.
    Kinds,
    /// The kernel has as many values as are of use.
    Full,
    /// A third kernel reads one and is read by the other.
    Order,
    /// The kernel would touch more regions than the target binds.
    Regions,
    /// The other value ends a chain that was cut.
    Cut,
    /// It reads the other value at another index than its own.
    OtherPlace,
    /// No space has the dims of both.
    Space,
    /// It covers some dims of the row only.
    PartOfRow,
    /// It is not dense along the rows of the kernel.
    AcrossRows,
    /// A few long rows would leave the machine idle.
    LongRows,
    /// A contraction's epilogue sees one element at a time.
    EpilogueReduces,
    /// It reduces other dims than the kernel's rows have.
    OtherRows,
}

impl Display for Obstacle {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Obstacle::Alone => "that has kernels of its own",
            Obstacle::Contracted => "a contraction reads each element many times",
            Obstacle::Kinds => "a contraction and rows are kernels of two kinds",
            Obstacle::Full => return write!(f, "one kernel has {MOST_VALUES} values at most"),
            Obstacle::Order => "another kernel must run between the two",
            Obstacle::Regions => "the kernel would touch more regions than a shader can bind",
            Obstacle::Cut => "a longer chain would make endless code",
            Obstacle::OtherPlace => "it is read at another index",
            Obstacle::Space => "they have no common space",
            Obstacle::PartOfRow => "it covers a part of the row only",
            Obstacle::AcrossRows => "its elements do not lie along the rows",
            Obstacle::LongRows => "a few long rows would leave the machine idle",
            Obstacle::EpilogueReduces => "an epilogue sees one element at a time",
            Obstacle::OtherRows => "it reduces other dims",
        })
    }
}

/// Why a value is stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StoreReason {
    /// It is dear or follows from a kernel, and is repeated many times.
    Broadcast,
    /// It ends a chain that is too long for one kernel.
    Chain,
    /// It is a part of a concatenation, written straight into its range.
    Part,
    /// Others read what lies at its place until the last kernel has run.
    Aside,
    /// No kernel can express its index where it is read.
    Index,
    /// A kernel reads it at too many places.
    Places,
    /// It is made of rows' results, one for each of its elements, and a reduction reads it.
    OfRows,
    /// It is sorted: keys are compared again and again.
    Sorted,
    /// A contraction reads it as it lies, in the order that is wanted.
    Ordered,
    /// A contraction would compute it again for each block: too much work.
    Work,
    /// A contraction would load more for it than the value itself.
    Bytes,
    /// A contraction would touch too many regions for it.
    Regions,
    /// It repeats a smaller value, which is loaded in fewer bytes.
    Repeats,
    /// It is not for contractions alone: others would compute it a second time.
    OtherReaders,
    /// A kernel that it reads stores it at the price of the store.
    OnTheWay,
}

impl Display for StoreReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoreReason::Broadcast => "before it is broadcast, not for each copy",
            StoreReason::Chain => "a longer chain would make endless code",
            StoreReason::Part => "in its range of a concatenation",
            StoreReason::Aside => "aside, since its place is read until the end",
            StoreReason::Index => "no kernel expresses its index where it is read",
            StoreReason::Places => {
                return write!(f, "a kernel reads it at more than {MOST_PLACES} places");
            }
            StoreReason::OfRows => "it is one element for each row of the kernel that makes it",
            StoreReason::Sorted => "sorting compares it again and again",
            StoreReason::Ordered => "in the order in which a contraction reads it",
            StoreReason::Work => {
                return write!(
                    f,
                    "a contraction would repeat more work than {PROLOGUE_WORK} additions"
                );
            }
            StoreReason::Bytes => {
                return write!(
                    f,
                    "a contraction would load more than {PROLOGUE_BYTES} times its bytes"
                );
            }
            StoreReason::Regions => {
                return write!(
                    f,
                    "a contraction would read more than {PROLOGUE_REGIONS} regions for it"
                );
            }
            StoreReason::Repeats => "a contraction would load more than what it repeats",
            StoreReason::OtherReaders => "it is read by more than contractions",
            StoreReason::OnTheWay => "the kernel of a value that it reads stores it on the way",
        })
    }
}

/// Why stages compute a value again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RepeatReason {
    /// A row array would cost as much or more.
    Cheap,
    /// The target has no room for a row of it.
    NoRoom,
}

impl Display for RepeatReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RepeatReason::Cheap => "that costs no more than a row array",
            RepeatReason::NoRoom => "a row of it is too long to be kept near",
        })
    }
}

impl<V: Display + PartialEq> Display for Decision<V> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = &self.value;
        match &self.choice {
            Choice::Fused { with } => write!(f, "{value} fused with {with}"),
            // An operation that is done in steps.
            Choice::NotFused { with, why } if with == value => {
                write!(f, "{value} takes more than one kernel: {why}")
            }
            Choice::NotFused { with, why } => write!(f, "{value} not fused with {with}: {why}"),
            Choice::Stored(why) => write!(f, "{value} stored: {why}"),
            Choice::ComputedAtUse => write!(f, "{value} computed where it is multiplied"),
            Choice::InBlocks { with, blocks } => write!(
                f,
                "{value} added up in {blocks} blocks of rows by the kernel of {with}"
            ),
            Choice::Kept { without, with } => write!(
                f,
                "{value} kept in a row array: {with} additions an element instead of {without}"
            ),
            Choice::Repeated(why) => write!(f, "{value} computed again in later stages: {why}"),
        }
    }
}
