//! Where the time of steps and runs goes: a table of the runs of their kernels, with a clock read behind each.

use crate::arg::ArgView;
use crate::budget::made_by;
use crate::cache::Work;
use crate::cut::Cut;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::executable::Executable;
use crate::machine::Machine;
use crate::model::ModelFunction;
use crate::runner::Runner;
use crate::trainer::Trainer;
use crate::training::Training;
use crate::views::{ArgViews, IntoArgs, each_count};
use sinew_codegen::work::{Lap, works};
use std::fmt;
use std::time::{Duration, Instant};

/// Where the time of steps or runs went, by the runs of their kernels. Printed it is a table, the longest first.
///
/// ```
/// # use sinew::prelude::*;
/// # use sinew::ndarray::Array2;
/// # #[model]
/// # struct Net {
/// #     hidden: Linear<64, 128>,
/// #     out: Linear<128, 1>,
/// # }
/// # #[model]
/// # fn loss<B>(m: &Net, x: Tensor<B, 64>) -> Tensor {
/// #     m.out.forward(m.hidden.forward(x).tanh()).square().mean()
/// # }
/// # let x = Array2::from_elem((32, 64), 0.5f32);
/// let mut train = loss::train(Net::init(0)).optimizer(Adam::new(1e-3)).build()?;
/// let profile = train.profile(10, &x)?;
/// println!("{profile}");
///
/// assert_eq!((profile.times, train.steps()), (10, 10));
/// let longest = profile.kernels.iter().max_by_key(|kernel| kernel.time);
/// assert!(longest.is_some_and(|kernel| profile.share(kernel) > 0.0));
/// # Ok::<(), sinew::Error>(())
/// ```
///
/// Of runs:
///
/// ```
/// # use sinew::prelude::*;
/// # #[model]
/// # fn heights<N>(x: Tensor<N>) -> Tensor<N> {
/// #     x.tanh().exp()
/// # }
/// let run = heights::compile().build()?;
/// let profile = run.profile(100, &[0.5; 1000])?;
/// assert_eq!(profile.kernels.len(), 1);
/// assert_eq!((profile.kernels[0].class, profile.kernels[0].runs), ("map", 100));
/// # Ok::<(), sinew::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// How many steps or runs it is of.
    pub times: usize,
    /// How long they took, all together: with what is not kernels, but without what was compiled.
    pub total: Duration,
    /// The runs of kernels, in the order of the program.
    pub kernels: Vec<KernelTime>,
    /// On how many threads they ran at the most.
    pub threads: usize,
    /// What the machine can do on so many threads.
    pub machine: Machine,
}

/// A run of a kernel at its place in a program: a kernel that runs at several places has a row for each.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KernelTime {
    /// The kernel's name, as [`explain`](Trainer::explain) has it.
    pub kernel: String,
    /// What it is: `map` (element by element), `nest` (rows, with sums and the like), `contract` (products), `scatter`,
    /// `scan` or `sort`.
    pub class: &'static str,
    /// What it runs over, in words.
    pub space: String,
    /// The part of the program that it stands in: `loss and gradients`, `update`.
    pub part: &'static str,
    /// The values that it computes for others: of each its name, and where it is known the operation that it is of and
    /// the line that this is written in.
    pub values: Vec<String>,
    /// How often it ran, in all steps and in all turns of the loops around it.
    pub runs: u64,
    /// How long that took; of several threads the mean, in which one that does nothing of it counts. So times of all
    /// kernels, and what is beside them, are the time of the steps.
    pub time: Duration,
    /// How long it took the thread that took longest, which rates are told by.
    pub longest: Duration,
    /// Floating-point operations of one run; a function like `exp` counts as 20 of them.
    pub flops: usize,
    /// Bytes that one run reads and writes, each once.
    pub bytes: usize,
}

impl KernelTime {
    /// What was done so often, by the second; none where the clock saw no time pass.
    fn rate(&self, of_one: usize) -> Option<f64> {
        let seconds = self.longest.as_secs_f64();
        (seconds > 0.0).then(|| of_one as f64 * self.runs as f64 / seconds)
    }

    /// Floating-point operations a second, in billions; none where the clock saw no time pass.
    pub fn gflops(&self) -> Option<f64> {
        self.rate(self.flops).map(|rate| rate * 1e-9)
    }

    /// Gigabytes a second; none where the clock saw no time pass. More than memory has, where they come from caches.
    pub fn gigabytes(&self) -> Option<f64> {
        self.rate(self.bytes).map(|rate| rate * 1e-9)
    }

    /// How much of what the machine can do it does: the least time for its operations and its bytes, whichever takes
    /// longer, by its own. 1 is all that can be reached with data in memory; more is data in caches. None where the clock
    /// saw no time pass.
    pub fn of_machine(&self, machine: &Machine) -> Option<f64> {
        let least = machine.least_seconds(self.flops as f64, self.bytes as f64);
        let seconds = self.longest.as_secs_f64();
        (seconds > 0.0).then(|| least * self.runs as f64 / seconds)
    }
}

impl Profile {
    fn new(
        program: &Executable,
        laps: &[Lap],
        (times, total): (usize, Duration),
        machine: Machine,
    ) -> Profile {
        let threads = program.thread_count();
        let kernels = works(&program.schedule).into_iter().zip(laps);
        let kernels = kernels.map(|(work, lap)| {
            let part = program.linked.get(work.part);
            let values = work.run.values.iter();
            let made = |name: &String| match part {
                Some(part) => made_by(&part.function, name),
                None => name.clone(),
            };
            KernelTime {
                kernel: work.kernel.name.clone(),
                class: work.class,
                space: work.space,
                part: part.map_or("", |part| part.title),
                values: values.map(made).collect(),
                runs: work.times.saturating_mul(times) as u64,
                longest: lap.longest,
                time: lap.time / u32::try_from(threads).unwrap_or(u32::MAX),
                flops: work.cost.flops,
                bytes: work.cost.read.saturating_add(work.cost.written),
            }
        });
        Profile {
            times,
            total,
            kernels: kernels.collect(),
            threads,
            machine,
        }
    }

    /// The part of the time that a kernel took, from 0 to 1.
    pub fn share(&self, kernel: &KernelTime) -> f64 {
        self.share_of(kernel.time)
    }

    /// The time that is no kernel's: of arguments that are looked at and converted, of locks, of results; and, where several
    /// threads run a step, of threads that wait.
    pub fn beside(&self) -> Duration {
        let kernels: Duration = self.kernels.iter().map(|kernel| kernel.time).sum();
        self.total.saturating_sub(kernels)
    }

    fn share_of(&self, time: Duration) -> f64 {
        let total = self.total.as_secs_f64();
        match total > 0.0 {
            true => time.as_secs_f64() / total,
            false => 0.0,
        }
    }

    fn row(
        &self,
        f: &mut fmt::Formatter<'_>,
        time: Duration,
        runs: Option<u64>,
        [gflops, gigabytes, machine]: [Option<f64>; 3],
        what: &str,
    ) -> fmt::Result {
        let times = self.times.max(1) as f64;
        let number = |number: Option<f64>, digits: usize| match number {
            Some(number) => format!("{number:.digits$}"),
            None => String::new(),
        };
        let runs = runs.map(|runs| runs as f64 / times);
        writeln!(
            f,
            "{:>10.2} {:>6.1}% {:>6} {:>8} {:>7} {:>6}  {what}",
            time.as_secs_f64() * 1e6 / times,
            100.0 * self.share_of(time),
            number(runs, 0),
            number(gflops, 1),
            number(gigabytes, 1),
            match machine {
                Some(share) => format!("{:.0}%", 100.0 * share),
                None => String::new(),
            },
        )
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = match self.threads {
            1 => "1 thread".to_string(),
            threads => format!("{threads} threads"),
        };
        writeln!(
            f,
            "the mean of {} on {threads}; the machine has {:.1} GFLOP/s, {:.1} GB/s",
            self.times,
            self.machine.flops * 1e-9,
            self.machine.bytes * 1e-9
        )?;
        writeln!(
            f,
            "{:>10} {:>7} {:>6} {:>8} {:>7} {:>6}  kernel",
            "us", "share", "runs", "GFLOP/s", "GB/s", "of it"
        )?;
        let mut sorted: Vec<&KernelTime> = self.kernels.iter().collect();
        sorted.sort_by_key(|kernel| std::cmp::Reverse(kernel.time));
        let (mut flops, mut bytes, mut runs) = (0.0, 0.0, 0);
        for kernel in sorted {
            let KernelTime {
                kernel: name,
                space,
                ..
            } = kernel;
            let values = match kernel.values.is_empty() {
                true => kernel.part.to_string(),
                false => kernel.values.join(", "),
            };
            let rates = [
                kernel.gflops(),
                kernel.gigabytes(),
                kernel.of_machine(&self.machine),
            ];
            let what = format!("{name}: {space}; {values}");
            self.row(f, kernel.time, Some(kernel.runs), rates, &what)?;
            flops += kernel.flops as f64 * kernel.runs as f64;
            bytes += kernel.bytes as f64 * kernel.runs as f64;
            runs += kernel.runs;
        }
        let beside = match self.threads {
            1 => "beside kernels",
            _ => "beside kernels, and threads that wait",
        };
        self.row(f, self.beside(), None, [None; 3], beside)?;
        let seconds = self.total.as_secs_f64();
        let by_total = |n: f64| (seconds > 0.0).then(|| n / seconds);
        let least = self.machine.least_seconds(flops, bytes);
        let rates = [
            by_total(flops * 1e-9),
            by_total(bytes * 1e-9),
            by_total(least),
        ];
        self.row(f, self.total, Some(runs), rates, "total")
    }
}

impl Engine {
    /// Has the runs of the current program tell a clock from here on; what the machine can do, to judge them by.
    ///
    /// # Errors
    /// [`Error::NothingCompiled`], [`Error::NoClock`]; a program that cannot be compiled again; too little memory to
    /// measure the machine.
    pub fn start_clock(&mut self) -> Result<Machine> {
        let clocked = self.current()?.clocked(self)?;
        let settings = &self.settings;
        let float = settings.precision.dtype();
        let machine = Machine::of(&settings.device.0, float, settings.threads)?;
        self.current_mut()?.0.launch.clocked = Some(clocked);
        Ok(machine)
    }

    /// Has them tell none any more: what the clock was told, of so many runs that took so long.
    ///
    /// # Errors
    /// [`Error::NothingCompiled`].
    pub fn stop_clock(
        &mut self,
        times: usize,
        total: Duration,
        machine: Machine,
    ) -> Result<Profile> {
        let (kept, _) = self.current_mut()?;
        let clocked = kept.launch.clocked.take();
        let laps = clocked.map_or(Vec::new(), |clocked| clocked.laps);
        Ok(Profile::new(&kept.program, &laps, (times, total), machine))
    }
}

impl Training {
    /// Takes steps with a clock behind each run of a kernel.
    ///
    /// # Errors
    /// As of a step, before the first; [`Error::NoClock`]; [`Error::InSteps`].
    fn profile(&mut self, steps: usize, arguments: &[ArgView<'_>]) -> Result<Profile> {
        let cut = Cut::same(arguments, steps.max(1));
        self.ready(&cut)?;
        let machine = self.engine.start_clock()?;
        let (first, started) = (self.taken + 1, Instant::now());
        let mut losses = Vec::new();
        let mut done = Ok(());
        while done.is_ok() && losses.len() < steps {
            let report = self.run_checked(Work::Step, arguments);
            done = report.map(|report| {
                self.count_step();
                losses.push(report.loss());
            });
        }
        let total = started.elapsed();
        // Whatever came of it, the next step is one without a clock.
        let profile = self.engine.stop_clock(steps, total, machine);
        done.map_err(|source| Error::InSteps {
            number: first + losses.len() as u64,
            losses,
            source: Box::new(source),
        })?;
        profile
    }
}

impl<F: ModelFunction> Trainer<F> {
    fn profile_views(&mut self, steps: usize, arguments: &[ArgView<'_>]) -> Result<Profile> {
        self.training.profile(steps, arguments)
    }
}

macro_rules! profile_steps {
    ($name:ident $(($marker:ident $argument:ident $($bound:tt)*))*) => {
        impl<F, $($marker),*> Trainer<F, ($($marker,)*)>
        where
            F: ModelFunction<Inputs = ($($marker,)*)>,
        {
            /// Takes so many steps on these arguments and tells where their time went, kernel by kernel. They are steps as
            /// any others: they count, and the parameters are afterwards what as many calls of [`step`](Self::step) make of
            /// them, bit by bit.
            ///
            /// The step is compiled a second time for it, with a clock that is read behind each run of a kernel; kernels are
            /// the same. A reading takes some tens of nanoseconds, which count for the run: kernels of a microsecond seem
            /// that much longer. On a GPU each kernel is a pass of its own, between two of the device's timestamps. What the
            /// machine can do is measured too, once in a process, which takes a few tenths of a second. Of no steps there is
            /// a table without times. [`Profile`] has an example.
            ///
            /// # Errors
            /// As [`step`](Self::step), of arguments before the first step; [`Error::NoClock`](crate::Error::NoClock) on a
            /// GPU that has no timestamps. What goes wrong in a step is told by
            /// [`Error::InSteps`](crate::Error::InSteps): those before it were taken.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn $name(
                &mut self,
                steps: usize,
                $($argument: $($bound)*),*
            ) -> Result<Profile> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.profile_views(steps, views.as_slice())
            }
        }
    };
}

macro_rules! profile_runs {
    ($name:ident $(($marker:ident $argument:ident $($bound:tt)*))*) => {
        impl<F, $($marker),*> Runner<F, ($($marker,)*)>
        where
            F: ModelFunction<Inputs = ($($marker,)*)>,
        {
            /// Runs the function so many times on these arguments and tells where the time went, kernel by kernel, as
            /// [`Trainer::profile`] does of steps. The runs count, for random elements; their results are not read. A batch
            /// is run by a program of its own size, whatever [`buckets`](Self::buckets) there are.
            ///
            /// # Errors
            /// As [`run`](Self::run); [`Error::NoClock`](crate::Error::NoClock) on a GPU that has no timestamps.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn $name(
                &self,
                times: usize,
                $($argument: $($bound)*),*
            ) -> Result<Profile> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.profile_views(times, views.as_slice())
            }
        }
    };
}

profile_steps!(profile);
each_count! {
    profile_steps! profile (A a: impl IntoArgs<A>) (B b: impl IntoArgs<B>) (C c: impl IntoArgs<C>)
    (D d: impl IntoArgs<D>) (E e: impl IntoArgs<E>) (G g: impl IntoArgs<G>)
    (H h: impl IntoArgs<H>) (I i: impl IntoArgs<I>) (J j: impl IntoArgs<J>)
    (K k: impl IntoArgs<K>) (L l: impl IntoArgs<L>) (M m: impl IntoArgs<M>)
    (N n: impl IntoArgs<N>) (O o: impl IntoArgs<O>) (P p: impl IntoArgs<P>)
    (Q q: impl IntoArgs<Q>)
}
profile_runs!(profile);
each_count! {
    profile_runs! profile (A a: impl IntoArgs<A>) (B b: impl IntoArgs<B>) (C c: impl IntoArgs<C>)
    (D d: impl IntoArgs<D>) (E e: impl IntoArgs<E>) (G g: impl IntoArgs<G>)
    (H h: impl IntoArgs<H>) (I i: impl IntoArgs<I>) (J j: impl IntoArgs<J>)
    (K k: impl IntoArgs<K>) (L l: impl IntoArgs<L>) (M m: impl IntoArgs<M>)
    (N n: impl IntoArgs<N>) (O o: impl IntoArgs<O>) (P p: impl IntoArgs<P>)
    (Q q: impl IntoArgs<Q>)
}
