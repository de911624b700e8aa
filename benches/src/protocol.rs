//! The peers' protocol: a first step, a warm-up, then as many steps as fit the measured time.

use crate::Outcome;
use sinew::Profile;
use std::time::{Duration, Instant};

/// Steps before the measured ones, and the least time they take.
const WARM_UP: (usize, Duration) = (20, Duration::from_secs(1));
/// The measured time.
const BUDGET: Duration = Duration::from_secs(4);

/// What is asked of a workload.
pub enum Ask<'a> {
    /// One call, as its caller sees it: the loss of each step that it takes is added.
    Call(&'a mut Vec<f64>),
    /// Where the time of so many steps goes.
    Profile(usize, &'a mut Option<Profile>),
}

/// A workload whose program is there.
pub type Answers = Box<dyn FnMut(Ask<'_>) -> sinew::Result<()>>;

/// Answers by a trainer: a call is a step on these arguments.
macro_rules! steps_of {
    ($train:ident, $($argument:expr),*) => {
        Box::new(move |ask| {
            match ask {
                Ask::Call(losses) => losses.push($train.step($($argument),*)?.loss),
                Ask::Profile(steps, profile) => {
                    *profile = Some($train.profile(steps, $($argument),*)?);
                }
            }
            Ok(())
        })
    };
}

/// Answers by a runner: a call is a run on these arguments, of whose results a number is made.
macro_rules! runs_of {
    ($run:ident, $out:ident => $loss:expr, $($argument:expr),*) => {
        Box::new(move |ask| {
            match ask {
                Ask::Call(losses) => {
                    let $out = $run.run($($argument),*)?;
                    losses.push($loss);
                }
                Ask::Profile(runs, profile) => {
                    *profile = Some($run.profile(runs, $($argument),*)?);
                }
            }
            Ok(())
        })
    };
}
pub(crate) use {runs_of, steps_of};

/// A workload whose model and batch are there.
pub struct Ready {
    /// What was asked for when nothing was built yet.
    started: Instant,
    /// What was built since.
    answers: Answers,
}

impl Ready {
    /// Measures how long `build` takes, and keeps what it gives.
    pub fn build(build: impl FnOnce() -> Outcome<Answers>) -> Outcome<Ready> {
        let started = Instant::now();
        let answers = build()?;
        Ok(Ready { started, answers })
    }

    /// When it was asked for, and what takes a call, whose losses it adds.
    fn calls(self) -> (Instant, impl FnMut(&mut Vec<f64>) -> sinew::Result<()>) {
        let mut answers = self.answers;
        (self.started, move |losses| answers(Ask::Call(losses)))
    }

    /// Where the time of so many steps goes.
    ///
    /// # Errors
    /// As its steps.
    pub fn profile(&mut self, steps: usize) -> Outcome<Profile> {
        let mut profile = None;
        (self.answers)(Ask::Profile(steps, &mut profile))?;
        Ok(profile.ok_or("no profile")?)
    }
}

/// What one run measured.
pub struct Row {
    /// Of each measured call by the steps that it takes, in order of length.
    pub times: Vec<Duration>,
    /// Cores that other processes used meanwhile, as the peers count them.
    pub other_cpu: f64,
    /// From the start to the first result.
    pub first: Duration,
    /// The loss of the first step.
    pub loss_1: f64,
    /// The loss of the 20th step.
    pub loss_20: f64,
}

/// Runs a workload by the protocol.
///
/// # Errors
/// As its steps.
pub fn measure(ready: Ready) -> Outcome<Row> {
    let (started, mut call) = ready.calls();
    let mut losses = Vec::new();
    call(&mut losses)?;
    let first = started.elapsed();
    let warm = Instant::now();
    while losses.len() < WARM_UP.0 || warm.elapsed() < WARM_UP.1 {
        call(&mut losses)?;
        // Millions of losses would be most of a small program's memory.
        losses.truncate(WARM_UP.0);
    }
    let (loss_1, loss_20) = (losses[0], losses[19]);
    let mut times = Vec::with_capacity(20_000);
    let (before, began) = (Busy::now(), Instant::now());
    let end = began + BUDGET;
    while times.len() < 20_000 && (times.len() < 10 || Instant::now() < end) {
        losses.clear();
        let start = Instant::now();
        call(&mut losses)?;
        times.push(start.elapsed().div_f64(losses.len() as f64));
    }
    let other_cpu = before.others_until(&Busy::now(), began.elapsed());
    times.sort();
    Ok(Row {
        times,
        other_cpu,
        first,
        loss_1,
        loss_20,
    })
}

/// The first and the last loss of so many steps, and the time to the first result.
///
/// # Errors
/// As its steps.
pub fn few(ready: Ready, steps: usize) -> Outcome<(f64, f64, Duration)> {
    let (started, mut call) = ready.calls();
    let mut losses = Vec::new();
    call(&mut losses)?;
    let first = started.elapsed();
    while losses.len() < steps {
        call(&mut losses)?;
    }
    Ok((losses[0], losses[steps - 1], first))
}

/// The time to the first result, and the least of a step in so many calls more. The workload stays, whose program others
/// may take over.
///
/// # Errors
/// As its steps.
pub fn first_and_least(ready: &mut Ready, calls: usize) -> Outcome<(Duration, Duration)> {
    let mut call = |losses: &mut Vec<f64>| (ready.answers)(Ask::Call(losses));
    let mut losses = Vec::new();
    call(&mut losses)?;
    let (first, mut least) = (ready.started.elapsed(), Duration::MAX);
    for _ in 0..calls {
        losses.clear();
        let start = Instant::now();
        call(&mut losses)?;
        let steps = u32::try_from(losses.len().max(1)).unwrap_or(u32::MAX);
        least = least.min(start.elapsed() / steps);
    }
    Ok((first, least))
}

/// Seconds of processor time so far: the machine's, and this process's of them. NaN without `/proc`.
struct Busy {
    all: f64,
    own: f64,
}

impl Busy {
    fn now() -> Busy {
        // The kernel reports both in hundredths of a second to every process.
        let sum = |line: &str, fields: &[usize]| -> Option<f64> {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ticks = fields.iter().map(|i| words.get(*i)?.parse::<f64>().ok());
            Some(ticks.sum::<Option<f64>>()? / 100.0)
        };
        // user, nice, system, irq, softirq, steal; the line starts with a name.
        let all = || {
            let text = std::fs::read_to_string("/proc/stat").ok()?;
            sum(text.lines().next()?, &[1, 2, 3, 6, 7, 8])
        };
        // utime and stime, the 12th and 13th field behind the name in parentheses.
        let own = || {
            let text = std::fs::read_to_string("/proc/self/stat").ok()?;
            sum(text.rsplit_once(')')?.1, &[11, 12])
        };
        Busy {
            all: all().unwrap_or(f64::NAN),
            own: own().unwrap_or(f64::NAN),
        }
    }

    /// Cores that other processes used on average from here to `later`.
    fn others_until(&self, later: &Busy, elapsed: Duration) -> f64 {
        let others = (later.all - self.all) - (later.own - self.own);
        // `max` would make 0 of NaN.
        let others = if others < 0.0 { 0.0 } else { others };
        others / elapsed.as_secs_f64()
    }
}

/// Peak resident memory so far in MiB.
pub fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}
