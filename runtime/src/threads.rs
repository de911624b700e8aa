//! How many threads a step may take.

use crate::environment::Environment;
use crate::error::{Error, Result};
use std::sync::OnceLock;

/// The most threads that a step is compiled for.
#[cfg(feature = "cpu")]
pub(crate) const MOST: usize = sinew_codegen::cpu::MOST_THREADS;
#[cfg(not(feature = "cpu"))]
pub(crate) const MOST: usize = 256;

/// What is said of the threads of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Threads {
    /// As many at the most.
    pub count: usize,
    /// Nanoseconds of the least share of a thread, by an estimate, if it is not the code generator's to say.
    pub least_share: Option<usize>,
}

impl Default for Threads {
    /// As many as the process may run side by side; one where that cannot be told. Or what the environment says, of
    /// which the backend tells if it means nothing.
    fn default() -> Threads {
        if let Some(count) = Environment::read().ok().and_then(|said| said.shared) {
            return Threads {
                count,
                least_share: Some(0),
            };
        }
        /// The system reads files to tell, which plain calls have no time for.
        static CORES: OnceLock<usize> = OnceLock::new();
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        Threads {
            count: (*CORES.get_or_init(cores)).min(MOST),
            least_share: None,
        }
    }
}

impl Threads {
    /// The caller's alone.
    pub fn alone(self) -> Threads {
        Threads { count: 1, ..self }
    }

    /// Refuses numbers that there cannot be.
    ///
    /// # Errors
    /// [`Error::Threads`].
    pub fn check(self) -> Result<()> {
        match (1..=MOST).contains(&self.count) {
            true => Ok(()),
            false => Err(Error::Threads {
                asked: self.count,
                most: MOST,
            }),
        }
    }
}
