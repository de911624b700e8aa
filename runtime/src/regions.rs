//! The regions of a program: what each is to the runtime, and its memory in a run.

use crate::backend::Slot;
use crate::engine::Input;
use crate::error::{Error, Result};
use crate::groups::MAX_STATES;
use crate::key;
use crate::layout::Section;
use crate::probes::Patched;
use crate::room;
use sinew_codegen::kernel::{self, RegionId, RegionKind};
use sinew_codegen::schedule::RegionOffset;
use sinew_ir::{Function, ParamKind, Type};
use std::cell::Cell;

/// The most results of a function. A program that gives gradients too may have more.
pub(crate) const MAX_RESULTS: usize = 8;

/// The most that is kept of a parameter: an update rule's states, and a moving average.
const KEPT: usize = MAX_STATES + 1;

/// Slots of so many regions lie where the call is: more of them ask for memory, once a thread.
const FEW: usize = 24;

thread_local! {
    /// Room for more.
    static MANY: Cell<Vec<Slot<'static>>> = const { Cell::new(Vec::new()) };
}

/// What a region of a program is to the runtime. The order in a schedule says nothing: memory finds
/// its region by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Values between kernels.
    Arena,
    /// Memory of one turn of loops whose turns stand apart, once for each thread; a region that the scheduler adds
    /// behind the others.
    Turn,
    /// What kernels of the CPU need while they run; a region beside those of the schedule.
    Scratch,
    /// The leaves of a model that lie in a section.
    Leaves(usize, Section),
    /// Gradients, in the layout of the trained parameters.
    Gradients,
    /// Sums of gradients, likewise.
    Accumulated,
    /// The numbers that a step is told.
    Numbers,
    /// The numbers that a step tells.
    Report,
    /// The key of a run.
    Key,
    /// One of the optimizer's, in the layout of the trained parameters.
    State(usize),
    /// A result of the function.
    Result(usize),
    /// An argument of the function.
    Argument(usize),
}

impl Role {
    const fn index(self) -> usize {
        match self {
            Role::Arena => 0,
            Role::Scratch => 1,
            Role::Gradients => 2,
            Role::Numbers => 3,
            Role::Report => 4,
            Role::Key => 5,
            Role::Accumulated => 6,
            Role::Turn => 7,
            Role::State(i) => 8 + i,
            // There may be any number of these: the first of all kinds come first.
            Role::Leaves(i, Section::Trained) => 8 + KEPT + 4 * i,
            Role::Leaves(i, Section::Fixed) => 9 + KEPT + 4 * i,
            Role::Result(i) => 10 + KEPT + 4 * i,
            Role::Argument(i) => 11 + KEPT + 4 * i,
        }
    }
}

/// Regions in the making, as they are laid out for a program.
#[derive(Debug)]
pub(crate) struct Regions {
    roles: Vec<Role>,
    regions: kernel::Regions,
}

impl Regions {
    /// No region but the arena, whose size is the scheduler's to say.
    pub fn new() -> Regions {
        Regions {
            roles: vec![Role::Arena],
            regions: kernel::Regions::new(),
        }
    }

    /// Adds a region.
    pub fn add(
        &mut self,
        role: Role,
        name: impl Into<String>,
        bytes: usize,
        kind: RegionKind,
    ) -> RegionId {
        self.roles.push(role);
        self.regions.add(name, bytes, kind)
    }

    /// Adds a region for each argument: its bound type's row-major elements.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn add_arguments(
        &mut self,
        inputs: &[Input],
        program: &Function,
    ) -> Result<Vec<RegionOffset>> {
        let place = |(i, input): (usize, &Input)| {
            let bytes = bytes_of(&input.name, &program.values[input.param])?;
            // A space, so that no argument is called like another region.
            let name = format!("input {}", input.name);
            let region = self.add(Role::Argument(i), name, bytes, RegionKind::Input);
            Ok(RegionOffset { region, offset: 0 })
        };
        inputs.iter().enumerate().map(place).collect()
    }

    /// Adds a region for each value that a run gives in the place of the program's, behind `inputs`
    /// arguments: where each lies, and what it is.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn add_patched(
        &mut self,
        inputs: usize,
        names: &[String],
        program: &Function,
    ) -> Result<Vec<(RegionOffset, Patched)>> {
        let params = program.params.iter().enumerate();
        let params = params
            .filter(|(_, p)| p.kind == ParamKind::Input)
            .skip(inputs);
        let place = |(i, (name, (param, _))): (usize, (&String, (usize, _)))| {
            let ty = &program.values[param];
            let bytes = bytes_of(name, ty)?;
            let region = self.add(
                Role::Argument(inputs + i),
                format!("patch {name}"),
                bytes,
                RegionKind::Input,
            );
            let patched = Patched {
                name: name.clone(),
                dtype: ty.dtype,
                extents: ty.shape.extents().unwrap_or_default(),
            };
            Ok((RegionOffset { region, offset: 0 }, patched))
        };
        names.iter().zip(params).enumerate().map(place).collect()
    }

    /// Adds a region for the run's key, if the program has it.
    pub fn add_key(&mut self, program: &Function) -> Option<RegionOffset> {
        let mut params = program.params.iter();
        params.find(|p| p.kind == ParamKind::Key)?;
        let region = self.add(Role::Key, "run key", key::BYTES, RegionKind::Input);
        Some(RegionOffset { region, offset: 0 })
    }

    /// The regions, and the role of each.
    pub fn finish(self) -> (Vec<Role>, kernel::Regions) {
        (self.roles, self.regions)
    }
}

/// Bytes of a bound tensor; the name is for the error.
///
/// # Errors
/// [`Error::TooLarge`].
pub(crate) fn bytes_of(name: &str, ty: &Type) -> Result<usize> {
    ty.bytes().ok_or_else(|| Error::TooLarge {
        tensor: name.into(),
        shape: format!("({})", ty.shape),
    })
}

/// Where the region of each role stands in a program.
#[derive(Debug)]
pub(crate) struct Order {
    /// By [`Role::index`].
    places: Vec<Option<usize>>,
    count: usize,
}

impl Order {
    /// That of regions with these roles.
    pub fn of(roles: &[Role]) -> Order {
        let mut places = Vec::new();
        for (place, role) in roles.iter().enumerate() {
            let index = role.index();
            places.resize(places.len().max(index + 1), None);
            places[index] = Some(place);
        }
        Order {
            places,
            count: roles.len(),
        }
    }

    /// The place of a role; none if the program has no such region.
    pub fn place(&self, role: Role) -> Option<usize> {
        self.places.get(role.index()).copied().flatten()
    }
}

/// The memory of a run's regions, in the order of the program.
pub(crate) struct Table<'a> {
    order: &'a Order,
    few: [Slot<'a>; FEW],
    /// All of them, once there are many.
    many: Vec<Slot<'a>>,
}

impl<'a> Table<'a> {
    /// Nothing yet, for a program.
    pub fn new(order: &'a Order) -> Table<'a> {
        let mut table = Table {
            order,
            few: [const { Slot::EMPTY }; FEW],
            many: Vec::new(),
        };
        if order.count > FEW {
            table.many = room::taken(&MANY);
            table.many.resize_with(order.count, || Slot::EMPTY);
        }
        table
    }

    fn slots(&mut self) -> &mut [Slot<'a>] {
        match self.few.get_mut(..self.order.count) {
            Some(few) => few,
            None => &mut self.many,
        }
    }

    /// Puts the memory of a role in, if the program has such a region.
    pub fn put(&mut self, role: Role, slot: Slot<'a>) {
        let place = self.order.place(role);
        if let Some(place) = place.and_then(|place| self.slots().get_mut(place)) {
            *place = slot;
        }
    }

    /// Works with the memory, one slot for each region; those that nothing was put in are of no bytes.
    pub fn over<T>(&mut self, work: impl FnOnce(&mut [Slot<'a>]) -> T) -> T {
        let done = work(self.slots());
        room::leave(&MANY, std::mem::take(&mut self.many));
        done
    }
}
