//! The programs that a runner or trainer keeps, one for each set of its arguments' extents, and those
//! that live anywhere in the process, so that equal ones are compiled once.

use crate::arg::ArgView;
use crate::backend::{Backend, Launch};
use crate::device::Precision;
use crate::error::{Error, Result};
use crate::executable::Executable;
use crate::groups::UpdateKey;
use crate::layout::Layout;
use crate::threads::Threads;
use crate::trainees::Trainees;
use sinew_ir::{Probes, Symbol, SymbolValue};
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// How calls of a runner or trainer found their programs, and what it keeps of these.
///
/// ```
/// # use sinew::prelude::*;
/// # #[model]
/// # struct Line {
/// #     #[init(zeros)]
/// #     slope: Param,
/// # }
/// # #[model]
/// # fn height<N>(line: &Line, x: Tensor<N>) -> Tensor<N> {
/// #     line.slope * x
/// # }
/// let height = height::compile(Line::init(0)).build()?;
/// height.run([1.0, 2.0])?;
/// height.run([3.0, 4.0])?;
/// let twin = height::compile(Line::init(1)).build()?;
/// twin.run([5.0, 6.0])?; // what `height` has compiled will do
/// let (first, second) = (height.cache_stats(), twin.cache_stats());
/// assert_eq!((first.compiles, first.hits), (1, 1));
/// assert_eq!((second.compiles, second.shared), (0, 1));
/// # Ok::<(), sinew::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Calls whose program was kept from an earlier one.
    pub hits: u64,
    /// Calls that took over a program which another runner or trainer of the function had compiled, for
    /// the same device and the same shapes of parameters.
    pub shared: u64,
    /// Calls that compiled.
    pub compiles: u64,
    /// Of these, calls whose machine code was kept on disk by a [`CodeCache`](crate::CodeCache), so that all but
    /// the code was made anew.
    pub from_disk: u64,
    /// Programs kept now.
    pub programs: usize,
    /// About how much memory they take, in bytes, whoever shares them.
    pub bytes: usize,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// So many programs.
    Programs(usize),
    /// Programs of so many bytes together, and the one that ran last whatever its size.
    Bytes(usize),
}

impl Default for Limit {
    /// Some thousand sizes of a small network, some dozens of one with thousands of operations.
    fn default() -> Limit {
        Limit::Bytes(256 << 20)
    }
}

impl Limit {
    /// Refuses a limit that keeps nothing: there has to be a program to run.
    ///
    /// # Errors
    /// [`Error::NoCache`].
    pub fn check(self) -> Result<()> {
        match self {
            Limit::Programs(0) => Err(Error::NoCache),
            Limit::Programs(_) | Limit::Bytes(_) => Ok(()),
        }
    }
}

/// A program with what belongs to its runs here.
pub(crate) struct Kept {
    /// The arguments' extents.
    extents: Vec<Vec<usize>>,
    work: Work,
    pub program: Arc<Executable>,
    pub launch: Launch,
}

impl Kept {
    /// Whether the program was compiled to do this with arguments of these extents.
    fn fits(&self, work: Work, arguments: &[ArgView<'_>]) -> bool {
        let mut pairs = self.extents.iter().zip(arguments);
        self.work == work
            && self.extents.len() == arguments.len()
            && pairs.all(|(e, a)| e.len() == a.rank() && e == a.extents())
    }
}

/// The programs that one runner or trainer keeps, the one used last first.
pub(crate) struct Cache {
    limit: Limit,
    kept: Vec<Kept>,
    stats: CacheStats,
}

impl Cache {
    /// Keeps nothing yet.
    pub fn new(limit: Limit) -> Cache {
        Cache {
            limit,
            kept: Vec::new(),
            stats: CacheStats::default(),
        }
    }

    /// The same programs, of which nothing was run yet.
    pub fn copy(&self) -> Cache {
        let kept = self.kept.iter().map(|kept| Kept {
            extents: kept.extents.clone(),
            work: kept.work,
            program: Arc::clone(&kept.program),
            launch: Launch::default(),
        });
        Cache {
            limit: self.limit,
            kept: kept.collect(),
            stats: CacheStats::default(),
        }
    }

    /// The program used last, or to be used next.
    pub fn first(&self) -> Option<&Kept> {
        self.kept.first()
    }

    /// The extents of the arguments that a program was used for last.
    pub fn last_extents(&self) -> Option<&[Vec<usize>]> {
        let mut of_arguments = self.kept.iter().filter(|k| k.work != Work::Apply);
        of_arguments.next().map(|k| k.extents.as_slice())
    }

    /// As [`Cache::first`], to run it.
    pub fn first_mut(&mut self) -> Option<&mut Kept> {
        self.kept.first_mut()
    }

    /// What the counts are now.
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            programs: self.kept.len(),
            bytes: self.kept.iter().map(|k| k.program.weight()).sum(),
            ..self.stats
        }
    }

    /// Moves the program that does this with these arguments to the front, if there is one.
    pub fn find(&mut self, work: Work, arguments: &[ArgView<'_>]) -> bool {
        match self.kept.iter().position(|k| k.fits(work, arguments)) {
            Some(at) => {
                if at > 0 {
                    self.kept[..=at].rotate_right(1);
                }
                self.stats.hits += 1;
                true
            }
            None => false,
        }
    }

    /// Puts a program that lives elsewhere in front.
    pub fn take_over(&mut self, work: Work, extents: Vec<Vec<usize>>, program: Arc<Executable>) {
        self.stats.shared += 1;
        self.insert(work, extents, program);
    }

    /// Puts a program that was compiled for this in front; `function` is for the warning of one that
    /// compiles more than it runs.
    pub fn put(
        &mut self,
        function: &str,
        work: Work,
        extents: Vec<Vec<usize>>,
        program: Arc<Executable>,
    ) {
        self.stats.compiles += 1;
        self.stats.from_disk += u64::from(program.was_kept());
        self.insert(work, extents, program);
        let CacheStats { compiles, hits, .. } = self.stats;
        // Again at twice as many, so that a long run is not flooded.
        if compiles >= 16 && compiles.is_power_of_two() && compiles > hits {
            tracing::warn!(
                function,
                compiles,
                hits,
                programs = self.kept.len(),
                "more calls compile than find their program: arguments come in many sizes; fewer of \
                 them (padding) or a larger `.cache(..)` makes calls faster",
            );
        }
    }

    /// Puts a program in front; those not used for longest go where there are too many.
    fn insert(&mut self, work: Work, extents: Vec<Vec<usize>>, program: Arc<Executable>) {
        let kept = Kept {
            extents,
            work,
            program,
            launch: Launch::default(),
        };
        self.kept.insert(0, kept);
        self.trim();
    }

    /// Keeps nothing: what runs from here on is other programs.
    pub fn clear(&mut self) {
        self.kept.clear();
    }

    /// Keeps as much as a new limit allows.
    pub fn set_limit(&mut self, limit: Limit) {
        self.limit = limit;
        self.trim();
    }

    fn trim(&mut self) {
        let count = match self.limit {
            Limit::Programs(most) => most,
            Limit::Bytes(most) => {
                let mut total = 0usize;
                let within = |kept: &&Kept| {
                    total = total.saturating_add(kept.program.weight());
                    total <= most
                };
                self.kept.iter().take_while(within).count()
            }
        };
        self.kept.truncate(count.max(1));
    }
}

/// All that a program is compiled from, but for the extents of the arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Origin {
    /// The function's type.
    pub function: TypeId,
    /// Where it runs.
    pub device: Backend,
    /// What the working float is.
    pub precision: Precision,
    /// How many threads it may take.
    pub threads: Threads,
    /// Every leaf of each model with its place.
    pub layouts: Vec<Arc<Layout>>,
    /// What a step trains.
    pub trainees: Option<Arc<Trainees>>,
    /// Symbols that the models' configurations give.
    pub known: Vec<(Symbol, SymbolValue)>,
    /// What a runner asks of places in the function.
    pub probes: Probes,
    /// What is done with the function.
    pub purpose: Purpose,
}

/// What a program does with a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// It runs it.
    Run,
    /// It takes its gradient, by which it updates parameters if there is an update.
    Step,
    /// It adds its gradient to those that were accumulated.
    Accumulate,
    /// It updates parameters by those.
    Apply,
}

/// What is done with a function, and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Purpose {
    /// What a program does with it.
    pub work: Work,
    /// The update, if there is any.
    pub update: Option<Arc<UpdateKey>>,
    /// Whether what changes waits for finite numbers.
    pub guarded: bool,
    /// Whether it is a step that trains.
    pub training: bool,
    /// The most bytes that it works in.
    pub budget: Option<usize>,
    /// In how many parts it takes its batch.
    pub micro_batches: Option<usize>,
}

impl Purpose {
    /// It is run.
    pub const RUN: Purpose = Purpose {
        work: Work::Run,
        update: None,
        guarded: false,
        training: false,
        budget: None,
        micro_batches: None,
    };
}

/// A program that someone keeps.
struct Live {
    origin: Origin,
    extents: Vec<Vec<usize>>,
    program: Weak<Executable>,
}

/// The programs that are kept anywhere, by function.
static LIVE: Mutex<Option<HashMap<TypeId, Vec<Live>>>> = Mutex::new(None);

/// Works on the programs of a function that are kept anywhere. Nothing is compiled or freed meanwhile.
fn with_live<T>(function: TypeId, work: impl FnOnce(&mut Vec<Live>) -> T) -> T {
    let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    work(live.get_or_insert_default().entry(function).or_default())
}

/// A program of this origin for these extents, if anyone keeps one.
pub(crate) fn find_live(origin: &Origin, extents: &[Vec<usize>]) -> Option<Arc<Executable>> {
    with_live(origin.function, |live| {
        let mut same = live
            .iter()
            .filter(|l| l.extents == extents && l.origin == *origin);
        same.find_map(|l| l.program.upgrade())
    })
}

/// Lets others find a program as long as someone keeps it.
pub(crate) fn make_live(origin: Origin, extents: &[Vec<usize>], program: &Arc<Executable>) {
    with_live(origin.function, |live| {
        live.retain(|l| l.program.strong_count() > 0);
        live.push(Live {
            origin,
            extents: extents.to_vec(),
            program: Arc::downgrade(program),
        });
    });
}
