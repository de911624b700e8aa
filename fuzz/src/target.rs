//! A target: runs inputs of one kind, seed after seed.

use crate::clock::Clock;
use std::any::Any;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A run with a time budget ends after so many failures: they are rarely of as many kinds.
const FAILURES: usize = 20;

/// A case that takes so many times its limit will not end: the process does.
const PATIENCE: u32 = 10;

/// Inputs of one kind, made from seeds.
#[derive(Clone, Debug)]
pub struct Target {
    name: &'static str,
    cases: u64,
    limit: Duration,
}

/// The case that runs.
struct Running {
    seed: u64,
    since: Duration,
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
    /// ends the process; its seed is printed before, or its file says which it was.
    pub fn run<I: Display>(&self, make: impl Fn(u64) -> I, holds: impl Fn(&I)) {
        let first = number("SINEW_FUZZ_SEED").unwrap_or(0);
        let seconds = number("SINEW_FUZZ_SECONDS").map(Duration::from_secs);
        let started = Instant::now();
        let clock = Clock::of_this_thread();
        let running = Mutex::new(None);
        // One open file for all: what is in it when the process ends is what ended it.
        let file = self.file("running");
        let open = file.as_ref().map(File::create);
        let mut open = open.transpose().expect("a folder for inputs");
        let (mut failed, mut cases) = (Vec::new(), 0);
        thread::scope(|scope| {
            let (done, ended) = channel();
            scope.spawn(|| self.watch(&clock, &running, ended));
            // Dropped on the way out, however that is: the watch ends with it.
            let _done: Sender<()> = done;
            while match seconds {
                Some(seconds) => cases == 0 || started.elapsed() < seconds,
                None => cases < self.cases,
            } {
                let seed = first.wrapping_add(cases);
                cases += 1;
                let since = clock.now();
                *lock(&running) = Some(Running { seed, since });
                let wrong = self.case(seed, open.as_mut(), &make, &holds);
                *lock(&running) = None;
                let took = clock.now().saturating_sub(since);
                let wrong = wrong.or_else(|| self.too_slow(took));
                if let Some(wrong) = wrong {
                    self.keep(seed, &wrong);
                    failed.push(seed);
                    if failed.len() == if seconds.is_some() { FAILURES } else { 1 } {
                        break;
                    }
                }
            }
        });
        if let Some(file) = &file {
            fs::remove_file(file).expect("the file that was created");
        }
        if seconds.is_some() {
            let last = first.wrapping_add(cases - 1);
            println!("{}: seeds {first} to {last}", self.name);
        }
        assert!(failed.is_empty(), "{}: seeds {failed:?}", self.name);
    }

    /// What is wrong with the input of a seed, told and kept.
    fn case<I: Display>(
        &self,
        seed: u64,
        file: Option<&mut File>,
        make: &impl Fn(u64) -> I,
        holds: &impl Fn(&I),
    ) -> Option<String> {
        let text = |input: &I| format!("{}\n\n{input}\n", self.again(seed));
        let input = catch_unwind(AssertUnwindSafe(|| make(seed)));
        let input = match input {
            Ok(input) => input,
            Err(panic) => return Some(format!("no input: {}", message(&*panic))),
        };
        if let Some(file) = file {
            overwrite(file, &text(&input)).expect("a file of an input can be written");
        }
        let held = catch_unwind(AssertUnwindSafe(|| holds(&input)));
        let panic = held.err()?;
        let wrong = message(&*panic);
        eprintln!("{wrong}\n{}", text(&input));
        Some(wrong)
    }

    fn too_slow(&self, took: Duration) -> Option<String> {
        let limit = self.limit;
        (took > limit).then(|| format!("took {took:.2?}, and the limit is {limit:.2?}"))
    }

    /// Gives the input that was running the name of its seed, with what is wrong behind it.
    fn keep(&self, seed: u64, wrong: &str) {
        eprintln!("{}: seed {seed}: {wrong}", self.name);
        if let (Some(from), Some(to)) = (self.file("running"), self.file(&format!("{seed}.txt"))) {
            let mut text = fs::read_to_string(from).unwrap_or_default();
            text = text + "\n" + wrong + "\n";
            fs::write(to, text).expect("a file of an input can be written");
        }
    }

    /// The file of an input, if inputs are kept.
    fn file(&self, ending: &str) -> Option<PathBuf> {
        let folder = PathBuf::from(std::env::var_os("SINEW_FUZZ_KEEP")?);
        Some(folder.join(format!("{}-{ending}", self.name)))
    }

    fn again(&self, seed: u64) -> String {
        format!("scripts/fuzz.sh 0 {} {seed}", self.name)
    }

    /// Ends the process when a case does not end.
    fn watch(&self, clock: &Clock, running: &Mutex<Option<Running>>, ended: Receiver<()>) {
        let pause = self.limit.min(Duration::from_millis(500));
        while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            if let Some(case) = &*lock(running)
                && clock.now().saturating_sub(case.since) > self.limit * PATIENCE
            {
                eprintln!("{}: seed {} does not end", self.name, case.seed);
                eprintln!("{}", self.again(case.seed));
                std::process::abort();
            }
        }
    }
}

fn overwrite(file: &mut File, text: &str) -> io::Result<()> {
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

fn lock(running: &Mutex<Option<Running>>) -> std::sync::MutexGuard<'_, Option<Running>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("the variables of fuzzing are numbers"))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("with no text"))
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

    #[test]
    #[should_panic(expected = "seeds [0]")]
    fn an_input_that_takes_too_long_fails() {
        let limit = Duration::from_millis(20);
        Target::new("slow", 1).limit(limit).run(
            |seed| seed,
            |_| {
                let clock = Clock::of_this_thread();
                let started = clock.now();
                while clock.now() - started < 3 * limit {}
            },
        );
    }
}
