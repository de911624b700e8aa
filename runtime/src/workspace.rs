//! The memory that runs need besides parameters: for values between kernels, results, and arguments
//! on their way.
//!
//! Every program of an engine works in the same blocks, one after the other; they are as large as the
//! largest program so far needs.

use crate::arg::ArgView;
use crate::backend::{Backend, DeviceMemory, HostMemory};
use crate::engine::Input;
use crate::error::Result;
use crate::executable::{Executable, ResultType};
use crate::key::{self, Key};
use crate::layout::element_size;
use crate::output::ResultView;
use crate::read;
use crate::regions::{Role, Table};
use sinew_ir::DType;
use std::fmt::Write as _;

/// The blocks.
pub(crate) struct Workspace {
    backend: Backend,
    /// Values between kernels.
    arena: DeviceMemory,
    /// Values that live in a turn of a loop.
    turn: DeviceMemory,
    /// What kernels need while they run.
    scratch: DeviceMemory,
    /// The key of the run, once a program has one.
    key: DeviceMemory,
    results: Vec<Outlet>,
    /// How many arguments the function declares.
    declared: usize,
    /// These, and what is given in the place of values.
    arguments: Vec<Inlet>,
}

/// An argument's way to where kernels read it.
struct Inlet {
    /// Its name, for errors.
    name: String,
    /// The element type that kernels read.
    dtype: DType,
    /// A row-major copy of an argument that does not lie so, or has other elements.
    staged: HostMemory,
    /// A copy on another device than the CPU.
    memory: DeviceMemory,
}

impl Inlet {
    fn new(name: &str, dtype: DType) -> Inlet {
        Inlet {
            name: name.to_string(),
            dtype,
            staged: HostMemory::empty(),
            memory: DeviceMemory::empty(),
        }
    }
}

/// A result's way to where it is read.
struct Outlet {
    memory: DeviceMemory,
    /// A copy from another device than the CPU.
    copy: HostMemory,
}

impl Workspace {
    /// Nothing yet, for these arguments.
    pub fn new(backend: Backend, arguments: &[Input]) -> Workspace {
        let inlet = |input: &Input| Inlet::new(&input.name, input.dtype);
        Workspace {
            backend,
            arena: DeviceMemory::empty(),
            turn: DeviceMemory::empty(),
            scratch: DeviceMemory::empty(),
            key: DeviceMemory::empty(),
            results: Vec::new(),
            declared: arguments.len(),
            arguments: arguments.iter().map(inlet).collect(),
        }
    }

    /// Makes room for a program.
    ///
    /// # Errors
    /// Too little memory; programs that need no more than what is there run on.
    pub fn ensure(&mut self, program: &Executable) -> Result<()> {
        let backend = &self.backend;
        let bytes = program.bytes(Role::Arena);
        self.arena
            .ensure(backend, "values between kernels", bytes)?;
        if let Some(region) = program.region(Role::Turn) {
            self.turn
                .ensure(backend, "values of a turn of a loop", region.bytes)?;
        }
        let bytes = program.bytes(Role::Scratch);
        self.scratch
            .ensure(backend, "blocks of large products", bytes)?;
        if program.region(Role::Key).is_some() {
            self.key.ensure(backend, "run key", key::BYTES)?;
        }
        // Values that are given in the place of others come behind the arguments.
        self.arguments
            .truncate(self.declared + program.patched.len());
        for (i, patched) in program.patched.iter().enumerate() {
            let inlet = Inlet::new(&patched.name, patched.dtype);
            match self.arguments.get_mut(self.declared + i) {
                Some(known) if known.name == inlet.name => {}
                Some(known) => *known = inlet,
                None => self.arguments.push(inlet),
            }
        }
        for (i, result) in program.results.iter().enumerate() {
            if self.results.len() == i {
                self.results.push(Outlet {
                    memory: DeviceMemory::empty(),
                    copy: HostMemory::empty(),
                });
            }
            let memory = &mut self.results[i].memory;
            memory.ensure(backend, &result.name, result.region_bytes)?;
        }
        Ok(())
    }

    /// Adds its blocks, the run's key and the arguments to the memory of a run.
    ///
    /// # Errors
    /// Too little memory for copies of arguments; a lost GPU.
    pub fn fill<'a>(
        &'a mut self,
        table: &mut Table<'a>,
        key: Key,
        arguments: &[ArgView<'a>],
    ) -> Result<()> {
        if self.key.len() > 0 {
            key.write(&mut self.key)?;
            table.put(Role::Key, self.key.slot());
        }
        table.put(Role::Arena, self.arena.slot());
        table.put(Role::Turn, self.turn.slot());
        table.put(Role::Scratch, self.scratch.slot());
        for (i, result) in self.results.iter_mut().enumerate() {
            table.put(Role::Result(i), result.memory.slot());
        }
        let inlets = self.arguments.iter_mut().zip(arguments);
        for (i, (inlet, argument)) in inlets.enumerate() {
            let name = &inlet.name;
            let (backend, memory) = (&self.backend, &mut inlet.memory);
            let slot = match argument.bytes_in_place(inlet.dtype) {
                Some(bytes) => memory.lend(backend, name, bytes)?,
                None => {
                    let bytes = argument.elements() * element_size(inlet.dtype);
                    inlet.staged.ensure(name, bytes)?;
                    let staged = &mut inlet.staged.bytes_mut()[..bytes];
                    read::stage(argument, inlet.dtype, staged);
                    memory.lend_copy(backend, name, staged)?
                }
            };
            table.put(Role::Argument(i), slot);
        }
        Ok(())
    }

    /// Makes the results of the run before readable, and waits for them.
    ///
    /// # Errors
    /// Too little memory for copies of them; a lost GPU.
    pub fn fetch(&mut self, results: &[ResultType]) -> Result<()> {
        for (result, outlet) in results.iter().zip(&mut self.results) {
            let copy = &mut outlet.copy;
            outlet
                .memory
                .fetch(&result.name, result.region_bytes, copy)?;
        }
        Ok(())
    }

    /// The results that were fetched.
    pub fn views<'a>(&'a self, results: &'a [ResultType]) -> impl Iterator<Item = ResultView<'a>> {
        let view = |(result, outlet): (&'a ResultType, &'a Outlet)| {
            result.view(outlet.memory.view(&outlet.copy))
        };
        results.iter().zip(&self.results).map(view)
    }

    /// Lines of what is kept beyond the regions of `program`, and the bytes of all that.
    pub fn kept_text(&self, program: &Executable, out: &mut String) -> usize {
        let spare = |memory: &DeviceMemory, role| memory.len().saturating_sub(program.bytes(role));
        let mut larger = spare(&self.arena, Role::Arena)
            + spare(&self.turn, Role::Turn)
            + spare(&self.scratch, Role::Scratch)
            + spare(&self.key, Role::Key);
        let mut copies = 0;
        for (i, result) in self.results.iter().enumerate() {
            larger += spare(&result.memory, Role::Result(i));
            copies += result.copy.len();
        }
        for (i, argument) in self.arguments.iter().enumerate() {
            larger += spare(&argument.memory, Role::Argument(i));
            copies += argument.staged.len();
        }
        for (bytes, what) in [
            (larger, "for larger arguments"),
            (copies, "copies on the host"),
        ] {
            if bytes > 0 {
                let _ = writeln!(out, "{bytes:>12} bytes  kept     {what}");
            }
        }
        larger + copies
    }
}
