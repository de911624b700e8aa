//! The regions of a program: what each is to the runtime, and its memory in a run.

use crate::backend::Slot;
use crate::engine::{Input, MAX_ARGUMENTS};
use crate::error::{Error, Result};
use crate::key;
use sinew_codegen::kernel::{self, RegionId, RegionKind};
use sinew_codegen::schedule::RegionOffset;
use sinew_ir::{Function, ParamKind, Type};

/// The most results of a program: those of a function are 8 at most, and its pullback has gradients of as
/// many arguments, and one of all parameters.
pub(crate) const MAX_RESULTS: usize = 17;

/// The most states of an update rule: Adam's two moments.
const MAX_STATES: usize = 2;

/// How many roles there are.
const ROLES: usize = Role::Argument(MAX_ARGUMENTS).index();

/// What a region of a program is to the runtime. The order in a schedule says nothing: memory finds
/// its region by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Values between kernels.
    Arena,
    /// What kernels of the CPU need while they run; a region beside those of the schedule.
    Scratch,
    /// Parameters that a step updates.
    Trained,
    /// All other leaves.
    Fixed,
    /// Gradients, in the layout of the trained parameters.
    Gradients,
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
            Role::Trained => 1,
            Role::Fixed => 2,
            Role::Gradients => 3,
            Role::Numbers => 4,
            Role::Report => 5,
            Role::Scratch => 6,
            Role::Key => 7,
            Role::State(i) => 8 + i,
            Role::Result(i) => 8 + MAX_STATES + i,
            Role::Argument(i) => 8 + MAX_STATES + MAX_RESULTS + i,
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

/// The memory of a run's regions, by role.
pub(crate) struct Table<'a>([Option<Slot<'a>>; ROLES]);

impl<'a> Table<'a> {
    /// Nothing yet.
    pub fn new() -> Table<'a> {
        Table([const { None }; ROLES])
    }

    /// Puts the memory of a role in. One past the greatest number of its kind has no place: a program
    /// that asks for it is refused then.
    pub fn put(&mut self, role: Role, slot: Slot<'a>) {
        if let Some(place) = self.0.get_mut(role.index()) {
            *place = Some(slot);
        }
    }

    /// Takes the memory of the roles out, in their order, and works with it.
    ///
    /// # Errors
    /// [`Error::Regions`] for a role that has none.
    pub fn in_order<T>(
        mut self,
        roles: &[Role],
        work: impl FnOnce(&[Slot<'a>]) -> Result<T>,
    ) -> Result<T> {
        let missing = || Error::Regions { count: roles.len() };
        let mut slots = [const { Slot::EMPTY }; ROLES];
        let ordered = slots.get_mut(..roles.len()).ok_or_else(missing)?;
        for (place, role) in ordered.iter_mut().zip(roles) {
            let found = self.0.get_mut(role.index()).and_then(Option::take);
            *place = found.ok_or_else(missing)?;
        }
        work(ordered)
    }
}
