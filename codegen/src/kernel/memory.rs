//! Memory as schedules name it: regions that the runtime supplies, and the buffers in them.

use sinew_ir::DType;

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
    /// Memory of one turn of loops whose turns stand apart ([`Loop::nest`](super::Loop::nest)), of a size that its own
    /// plan settles: means nothing before and after a turn. Whoever runs turns side by side has one for each.
    Turn,
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
            RegionKind::Arena | RegionKind::Turn | RegionKind::State | RegionKind::Output => true,
            RegionKind::Input => false,
        }
    }

    /// Whether the scheduler settles its size, by a plan of what lives when.
    pub fn is_planned(self) -> bool {
        match self {
            RegionKind::Arena | RegionKind::Turn => true,
            RegionKind::Input | RegionKind::State | RegionKind::Output => false,
        }
    }

    /// Whether the region holds values when a run begins.
    pub fn is_filled(self) -> bool {
        match self {
            RegionKind::Input | RegionKind::State => true,
            RegionKind::Arena | RegionKind::Turn | RegionKind::Output => false,
        }
    }

    /// Its name in text form.
    pub fn name(self) -> &'static str {
        match self {
            RegionKind::Arena => "arena",
            RegionKind::Turn => "turn",
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

/// An index into [`Schedule::regions`](super::Schedule::regions).
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

/// An index into [`Schedule::buffers`](super::Schedule::buffers).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BufferId(pub u32);
