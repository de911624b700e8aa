//! A target: runs inputs of one kind, seed after seed.

use crate::limit::within;
use std::any::Any;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A search ends after so many failures: they are rarely of as many kinds.
const FAILURES: usize = 20;

/// Inputs of one kind, made from seeds.
#[derive(Clone, Debug)]
pub struct Target {
    name: &'static str,
    cases: u64,
    limit: Duration,
}

impl Target {
    /// The target called `name` in `scripts/fuzz.sh`. As a test it runs the seeds below `cases`.
    pub fn new(name: &'static str, cases: u64) -> Self {
        Target {
            name,
            cases,
            limit: Duration::from_secs(1),
        }
    }

    /// How long one input may keep the processor, as tests are compiled; a second if not said.
    pub fn limit(self, limit: Duration) -> Self {
        Target { limit, ..self }
    }

    /// Makes an input of each seed, and runs what holds of it: it panics where something does not.
    ///
    /// # Panics
    /// With the seeds of the inputs that failed. An input that does not end, or overflows the stack,
    /// ends the process; in a search its file says which it was.
    pub fn run<I: Display>(&self, make: impl Fn(u64) -> I, holds: impl Fn(&I)) {
        let first = number("SINEW_FUZZ_SEED").unwrap_or(0);
        let seconds = number("SINEW_FUZZ_SECONDS").map(Duration::from_secs);
        let times = number("SINEW_FUZZ_TIMES");
        let search = seconds.is_some() || times.is_some();
        let count = self.cases.saturating_mul(times.unwrap_or(1));
        let started = Instant::now();
        // One open file for all: what is in it when the process ends is what ended it.
        let path = self.file("running");
        let file = path.as_ref().map(File::create).transpose();
        let mut file = file.expect("a file in the folder for inputs");
        let (mut failed, mut cases) = (Vec::new(), 0);
        while match seconds {
            Some(seconds) => cases == 0 || started.elapsed() < seconds,
            None => cases < count,
        } {
            let seed = first.wrapping_add(cases);
            cases += 1;
            if !self.case(seed, file.as_mut(), &make, &holds) {
                failed.push(seed);
                if failed.len() == if search { FAILURES } else { 1 } {
                    break;
                }
            }
        }
        if let Some(path) = path {
            fs::remove_file(path).expect("the file that was created");
        }
        if search {
            let last = first.wrapping_add(cases - 1);
            println!("{}: seeds {first} to {last}", self.name);
        }
        assert!(failed.is_empty(), "{}: seeds {failed:?}", self.name);
    }

    /// Whether all that must holds of the input of a seed; else it is told and kept.
    fn case<I: Display>(
        &self,
        seed: u64,
        file: Option<&mut File>,
        make: &impl Fn(u64) -> I,
        holds: &impl Fn(&I),
    ) -> bool {
        let again = format!("scripts/fuzz.sh 0 {} {seed}", self.name);
        let mut text = again.clone();
        let held = catch_unwind(AssertUnwindSafe(|| {
            let input = make(seed);
            text = format!("{again}\n\n{input}\n");
            if let Some(file) = file {
                overwrite(file, &text).expect("a file of an input can be written");
            }
            within(self.limit, &again, || holds(&input));
        }));
        let Err(panic) = held else {
            return true;
        };
        let text = format!("{text}\n{}\n", message(&*panic));
        eprintln!("{text}");
        if let Some(file) = self.file(&format!("{seed}.txt")) {
            fs::write(file, text).expect("a file of an input can be written");
        }
        false
    }

    /// The file of an input, if inputs are kept.
    fn file(&self, ending: &str) -> Option<PathBuf> {
        let folder = PathBuf::from(std::env::var_os("SINEW_FUZZ_KEEP")?);
        Some(folder.join(format!("{}-{ending}", self.name)))
    }
}

fn overwrite(file: &mut File, text: &str) -> io::Result<()> {
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("the variables of fuzzing are numbers"))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn every_seed_is_run() {
        let sum = Cell::new(0);
        Target::new("seeds", 10).run(|seed| seed, |seed| sum.set(sum.get() + seed));
        assert_eq!(sum.get(), 45);
    }

    #[test]
    #[should_panic(expected = "seeds [3]")]
    fn the_first_failure_ends_a_test() {
        Target::new("failure", 10).run(|seed| seed, |seed| assert!(*seed < 3));
    }
}
