//! The processor: machine code over memory of the host.

mod bound;
mod denormals;
mod pace;
mod pool;

use super::{Compiling, HostSlot, Slot};
use crate::budget::Working;
use crate::environment::{Bits, Environment};
use crate::error::{Error, Result};
use crate::room;
use crate::threads::Threads;
pub(crate) use bound::Bound;
use denormals::flushed;
use pace::Pace;
use sinew_codegen::cpu::{self, Clock, Options, Team, ThreadMemory, Vectors};
use sinew_codegen::explain;
use sinew_codegen::kernel::{Region, RegionKind, Schedule};
use sinew_codegen::work::Lap;
use std::cell::Cell;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A table of so many regions lies on the stack: more of them ask for memory, once a thread.
const FEW_REGIONS: usize = 48;

thread_local! {
    /// Room for a table of more.
    static MANY_REGIONS: Cell<Vec<*mut u8>> = const { Cell::new(Vec::new()) };
}

/// A schedule as machine code.
pub(crate) struct CpuCode(cpu::CompiledSchedule);

/// What a user of code keeps from run to run.
#[derive(Default)]
pub(crate) struct CpuLaunch {
    /// What threads that share a step know of each other.
    team: Option<Team>,
    /// Whether others are called.
    pace: Pace,
}

/// The bases of regions, which the threads of a step share.
struct Bases<'t>(&'t [*mut u8]);

// SAFETY: addresses; what is there is reached by compiled code, which keeps threads apart.
unsafe impl Sync for Bases<'_> {}

/// What is compiled for.
///
/// # Errors
/// [`Error::Variable`].
fn options(threads: Threads) -> Result<Options> {
    let plain = Options::default();
    let vectors = Environment::read()?.vectors.map(|bits| match bits {
        Bits::None => Vectors::None,
        Bits::Bits128 => Vectors::Bits128,
        Bits::Bits256 => Vectors::Bits256,
        Bits::Bits512 => Vectors::Bits512,
    });
    Ok(Options {
        vectors: vectors.unwrap_or(plain.vectors),
        threads: threads.count,
        least_share: threads.least_share.unwrap_or(plain.least_share),
        ..plain
    })
}

/// Where a slot's memory begins, if that is on the host.
fn base_of(slot: &Slot<'_>) -> Option<*mut u8> {
    match slot {
        Slot::Host(HostSlot { base, .. }) => Some(*base),
        #[cfg(feature = "gpu")]
        Slot::Gpu(_) => None,
    }
}

impl CpuCode {
    /// Machine code for this processor.
    ///
    /// # Errors
    /// [`Error::Cpu`], [`Error::Variable`].
    pub fn compile(schedule: &Schedule, how: Compiling<'_>) -> Result<CpuCode> {
        let options = Options {
            compile_threads: how.compile_threads,
            clocked: how.clocked,
            ..options(how.threads)?
        };
        let compiled = match how.code_cache {
            Some(cache) => cpu::compile_stored(schedule, &options, cache),
            None => cpu::compile(schedule, &options),
        };
        match compiled {
            Ok(machine) => {
                pool::start(machine.threads());
                Ok(CpuCode(machine))
            }
            Err(source) => Err(Error::Cpu {
                function: how.function.into(),
                source: Box::new(source),
            }),
        }
    }

    /// Bytes that the code of a schedule works in, where it would work in `plain` on one thread, without scratch.
    ///
    /// # Errors
    /// [`Error::Variable`].
    pub fn working(schedule: &Schedule, threads: Threads, plain: Working) -> Result<Working> {
        let ThreadMemory { turn, scratch } = cpu::thread_memory(schedule, &options(threads)?);
        Ok(Working {
            turn,
            scratch,
            ..plain
        })
    }

    /// As [`Code::run`](super::Code::run).
    ///
    /// # Errors
    /// [`Error::Regions`].
    ///
    /// # Safety
    /// There is one slot for each of [`CpuCode::regions`], in order, which fits it.
    pub unsafe fn run(&self, launch: &mut CpuLaunch, slots: &[Slot<'_>]) -> Result<()> {
        // SAFETY: the caller's word.
        unsafe { self.run_by(launch, slots, None) }
    }

    /// As [`Code::run_clocked`](super::Code::run_clocked).
    ///
    /// # Errors
    /// [`Error::Regions`].
    ///
    /// # Safety
    /// As for [`CpuCode::run`].
    pub unsafe fn run_clocked(
        &self,
        launch: &mut CpuLaunch,
        slots: &[Slot<'_>],
        laps: &mut [Lap],
    ) -> Result<()> {
        let clocks = (0..self.0.threads()).map(|_| Mutex::new(Clock::new(laps.len())));
        let clocks: Vec<Mutex<Clock>> = clocks.collect();
        // SAFETY: the caller's word.
        unsafe { self.run_by(launch, slots, Some(&clocks)) }?;
        let clocks = clocks.into_iter();
        let clocks = clocks.map(|clock| clock.into_inner().unwrap_or_else(PoisonError::into_inner));
        let clocks: Vec<Clock> = clocks.collect();
        for (i, sum) in laps.iter_mut().enumerate() {
            let threads = clocks
                .iter()
                .filter_map(|clock| clock.laps().get(i).copied());
            *sum = sum.then(threads.fold(Lap::default(), Lap::beside));
        }
        Ok(())
    }

    /// Runs, and tells the clock of each thread if there are any.
    ///
    /// # Safety
    /// As for [`CpuCode::run`].
    unsafe fn run_by(
        &self,
        launch: &mut CpuLaunch,
        slots: &[Slot<'_>],
        clocks: Option<&[Mutex<Clock>]>,
    ) -> Result<()> {
        let mut few = [std::ptr::null_mut(); FEW_REGIONS];
        let mut many = Vec::new();
        let table = match few.get_mut(..slots.len()) {
            Some(few) => few,
            None => {
                many = room::taken(&MANY_REGIONS);
                many.resize(slots.len(), std::ptr::null_mut());
                many.as_mut_slice()
            }
        };
        for (base, slot) in table.iter_mut().zip(slots) {
            *base = base_of(slot).ok_or(Error::Regions { count: slots.len() })?;
        }
        // SAFETY: the caller's word.
        unsafe { self.run_table(launch, table, clocks) };
        room::leave(&MANY_REGIONS, many);
        Ok(())
    }

    /// Runs over the bases of slots.
    ///
    /// # Safety
    /// As for [`CpuCode::run`]; the table has the base of each slot.
    unsafe fn run_table(
        &self,
        launch: &mut CpuLaunch,
        table: &[*mut u8],
        clocks: Option<&[Mutex<Clock>]>,
    ) {
        // The table has one pointer for each region of the schedule and one for scratch, to as
        // many bytes as the region has: the caller's word. Slots borrow their memory, mutably but for
        // those of regions that no kernel writes (the schedule was verified); arguments are row-major,
        // of the region's element type and aligned to it. A cache of code is a folder that its user alone writes to, and
        // gives back what it was given.
        match (self.0.threads(), clocks) {
            // SAFETY: as above.
            (1, None) => flushed(|| unsafe { self.0.run(table) }),
            (threads, clocks) => {
                let team = match &mut launch.team {
                    Some(team) if team.threads() == threads => team,
                    other => other.insert(Team::new(threads)),
                };
                team.begin();
                let (team, bases) = (&*team, Bases(table));
                let started = Instant::now();
                let threads = launch.pace.threads(threads);
                let waited = pool::run(threads, &|number| {
                    let bases = &bases;
                    let clock = clocks.and_then(|clocks| clocks.get(number));
                    let mut clock = clock.map(|c| c.lock().unwrap_or_else(PoisonError::into_inner));
                    // SAFETY: as above; the pool gives each thread a number of its own below `threads`, and
                    // returns when all of them are back.
                    flushed(|| unsafe {
                        match &mut clock {
                            None => self.0.run_as(bases.0, team, number),
                            Some(clock) => self.0.run_clocked(bases.0, team, number, clock),
                        }
                    });
                });
                let waited = waited + team.waited();
                launch.pace.tell(started.elapsed(), waited);
            }
        }
    }

    /// The regions of the schedule that this was compiled from, as large as all threads need them, and behind them
    /// what kernels need while they run.
    pub fn regions(&self, schedule: &Schedule) -> Vec<Region> {
        let scratch = Region {
            name: "scratch".into(),
            bytes: self.0.scratch_bytes(),
            kind: RegionKind::Output,
        };
        let regions = schedule.regions.iter().map(|region| Region {
            bytes: self.0.region_bytes(region),
            ..region.clone()
        });
        regions.chain([scratch]).collect()
    }

    /// The kernels in Cranelift's form.
    pub fn clif(&self) -> String {
        self.0.clif()
    }

    /// How threads share the schedule, if they do.
    pub fn shares(&self) -> Option<explain::Threads> {
        self.0.shares()
    }

    /// Who wrote which kernels, a line for each.
    pub fn emitters(&self) -> String {
        self.0.emitters()
    }

    /// Whether the code was kept on disk.
    pub fn was_kept(&self) -> bool {
        self.0.was_kept()
    }

    /// Bytes of machine code.
    pub fn code_bytes(&self) -> usize {
        self.0.code_bytes()
    }
}
