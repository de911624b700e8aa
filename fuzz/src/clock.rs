//! How long a thread has run.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The time that one thread has spent running. Where the system does not tell it, the time that has
/// gone by: limits are then only as good as the machine is idle.
pub struct Clock {
    /// Linux tells the nanoseconds in a file, as its first number.
    file: Option<PathBuf>,
    started: Instant,
}

impl Clock {
    /// The clock of the thread that calls.
    pub fn of_this_thread() -> Self {
        let mut clock = Clock {
            file: None,
            started: Instant::now(),
        };
        if let Ok(thread) = fs::read_link("/proc/thread-self") {
            clock.file = Some(PathBuf::from("/proc").join(thread).join("schedstat"));
        }
        if clock.told().is_none() {
            clock.file = None;
        }
        clock
    }

    /// The time so far; any thread may ask.
    pub fn now(&self) -> Duration {
        match self.file {
            // A thread that has ended tells nothing, and no time passes for it.
            Some(_) => self.told().unwrap_or_default(),
            None => self.started.elapsed(),
        }
    }

    fn told(&self) -> Option<Duration> {
        let text = fs::read_to_string(self.file.as_ref()?).ok()?;
        let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time() {
        let clock = Clock::of_this_thread();
        let before = clock.now();
        let started = Instant::now();
        while clock.now() == before {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "no time passes"
            );
        }
    }
}
