//! Builders: what a trainer or a runner is made of.

use crate::cache::Limit;
use crate::code_cache::CodeCache;
use crate::device::{Device, Precision};
use crate::engine::Settings;
use crate::error::Result;
use crate::groups::{Named, Updating};
use crate::model::ModelFunction;
use crate::models::Models;
use crate::optimizer::{Group, Optimizer};
use crate::runner::Runner;
use crate::schedule::Schedule;
use crate::trainees::Selection;
use crate::trainer::Trainer;

macro_rules! settings {
    ($name:ident) => {
        impl<F: ModelFunction> $name<F> {
            /// Where it runs; by default where a model is that it shares, else [`Device::cpu`].
            pub fn device(mut self, device: Device) -> Self {
                self.device = Some(device);
                self
            }

            /// What the working float is; by default that of a model that it shares, else
            /// [`Precision::F32`].
            pub fn precision(mut self, precision: Precision) -> Self {
                self.precision = Some(precision);
                self
            }

            /// Whether NaN and infinities are looked for: in arguments, in a step's loss, gradients,
            /// new parameters and optimizer state, and in a run's results. Off by default. The error
            /// names the operation that made the first one; finding it is slow.
            pub fn check_finite(mut self, check: bool) -> Self {
                self.settings.check_finite = check;
                self
            }

            /// What random elements follow from, beside where in the function they are drawn: 0 by
            /// default. Each step or run has others, by its number; the same seed gives the same ones
            /// again, on every device. A step that fails does not count, so the next one draws the same.
            pub fn seed(mut self, seed: u64) -> Self {
                self.settings.seed = seed;
                self
            }

            /// How many threads a step or a run may take on the CPU, the caller's own among them: from 1 to 256. By
            /// default as many as the process may run side by side
            /// ([`std::thread::available_parallelism`]).
            ///
            /// Results are the same bit by bit, whatever the number. What would gain nothing runs on fewer, or
            /// on the caller's alone, which is told when it is compiled: `explain()` says in how many shares
            /// each kernel runs, and where threads wait for each other. The other threads belong to the
            /// process, sleep between steps and are lent to one step at a time: of two steps at once, one may
            /// run on the caller's thread alone. A GPU takes no notice.
            ///
            /// Compiling takes as many threads at the most, for as long as it lasts: with `.threads(1)` nothing is done on
            /// any thread but the caller's.
            ///
            /// ```
            /// # use sinew::prelude::*;
            /// # #[model]
            /// # fn heights<N>(x: Tensor<N>) -> Tensor<N> {
            /// #     x.tanh().exp().tanh().exp()
            /// # }
            /// let x = sinew::ndarray::Array1::from_elem(300_000, 0.5);
            /// let alone = heights::compile().threads(1).build()?;
            /// let together = heights::compile().threads(2).build()?;
            /// assert_eq!(alone.run(x.view())?, together.run(x.view())?);
            /// assert!(!alone.explain().contains("shares"));
            /// assert!(together.explain().contains("map 300000, 2 shares"));
            ///
            /// let error = heights::compile().threads(0).build().map(|_| ()).unwrap_err();
            /// assert!(error.to_string().starts_with("asked for 0 threads: from 1"));
            /// # Ok::<(), sinew::Error>(())
            /// ```
            pub fn threads(mut self, threads: usize) -> Self {
                self.settings.threads = crate::threads::Threads {
                    count: threads,
                    least_share: None,
                };
                self
            }

            /// For tests: the least share of a thread, in nanoseconds by an estimate, so that small steps are
            /// shared as well.
            #[doc(hidden)]
            pub fn least_share(mut self, nanoseconds: usize) -> Self {
                self.settings.threads.least_share = Some(nanoseconds);
                self
            }

            /// How many programs are kept, one for each set of argument shapes, at least 1; by default
            /// as many as about 256 MiB hold. The one that was not used for longest goes first. Runners
            /// and trainers of one function share what they compile:
            /// [`CacheStats`](crate::CacheStats) tells how calls found their programs.
            pub fn cache(mut self, programs: usize) -> Self {
                self.settings.cache = Limit::Programs(programs);
                self
            }

            /// Keeps machine code in a folder, where the next process finds it. Without it nothing is written to disk.
            /// [`CodeCache`] says what is kept, and who has to be kept out.
            ///
            /// ```
            /// # use sinew::prelude::*;
            /// # #[model]
            /// # fn doubled<N>(x: Tensor<N>) -> Tensor<N> {
            /// #     2.0 * x
            /// # }
            /// # let folder = std::env::temp_dir().join(format!("sinew-builder-{}", std::process::id()));
            /// let cache = sinew::CodeCache::open(&folder)?; // or `CodeCache::of_app("my-app")?`
            /// let run = doubled::compile().code_cache(&cache).build()?;
            /// assert_eq!(run.run([1.0, 2.0])?.to_vec(), [2.0, 4.0]);
            /// assert_eq!(run.cache_stats().from_disk, 0); // the next process has 1
            /// # std::fs::remove_dir_all(&folder).expect("it is there");
            /// # Ok::<(), sinew::Error>(())
            /// ```
            pub fn code_cache(mut self, cache: &CodeCache) -> Self {
                self.settings.code_cache = Some(cache.clone());
                self
            }
        }
    };
}

/// A training step in the making: `loss::train(model)`.
///
/// ```
/// # use sinew::prelude::*;
/// # #[model]
/// # struct Line {
/// #     #[init(zeros)]
/// #     slope: Param,
/// # }
/// # #[model]
/// # fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
/// #     mse(line.slope * x, y)
/// # }
/// let train = loss::train(Line::init(0))
///     .optimizer(AdamW::new(1e-3).clip_grad_norm(1.0))
///     .precision(Precision::F64)
///     .check_finite(true)
///     .build()?;
/// assert_eq!(train.steps(), 0);
/// # Ok::<(), sinew::Error>(())
/// ```
#[must_use = "nothing is made before `build`"]
pub struct TrainBuilder<F: ModelFunction> {
    handles: <F::Models as Models>::Handles,
    /// What it is told to update by, else by what nobody chose.
    optimizer: Option<Optimizer>,
    unchosen: Optimizer,
    groups: Vec<Named>,
    decays_matrices_only: bool,
    average: Option<f64>,
    schedule: Option<Schedule>,
    selection: Selection,
    /// What steps capture.
    captured: Vec<String>,
    settings: Settings,
    device: Option<Device>,
    precision: Option<Precision>,
}
pub(crate) use settings;
settings!(TrainBuilder);

impl<F: ModelFunction> TrainBuilder<F> {
    /// Trains the first of these models, by an optimizer that is `unchosen` unless told otherwise.
    pub fn new(models: <F::Models as Models>::Handles, unchosen: impl Into<Optimizer>) -> Self {
        TrainBuilder {
            handles: models,
            optimizer: None,
            unchosen: unchosen.into(),
            groups: Vec::new(),
            decays_matrices_only: false,
            average: None,
            schedule: None,
            selection: Selection::default(),
            captured: Vec::new(),
            settings: Settings::default(),
            device: None,
            precision: None,
        }
    }

    /// Leaves the parameters as they are whose paths match a pattern: `"encoder.*"`. Their gradients are not
    /// computed. Several calls freeze what any of their patterns matches.
    ///
    /// A pattern is a whole path of the model (as [`Model::visit`](crate::Model::visit) and checkpoints name
    /// it: `blocks.3.attn.w`), in which `*` stands for any text, dots included, like Python's `fnmatch`:
    /// `"encoder.*"` is everything in `encoder`, however deep, `"*.bias"` every bias. Repeated children
    /// (`[Block; 4]`) are one parameter of the step, so they are frozen together: `"blocks.*.norm.*"`.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Net {
    /// #     encoder: Linear<2, 4>,
    /// #     head: Linear<4, 1>,
    /// # }
    /// # #[model]
    /// # fn loss<B>(net: &Net, x: Tensor<B, 2>, y: Tensor<B, 1>) -> Tensor {
    /// #     mse(net.head.forward(net.encoder.forward(x).relu()), y)
    /// # }
    /// let net = Net::init(0);
    /// let mut train = loss::train(net.clone()).freeze("encoder.*").build()?;
    /// train.step([[1.0, 2.0]], [[3.0]])?;
    /// assert_eq!(train.model()?.encoder, net.encoder);
    /// assert_ne!(train.model()?.head, net.head);
    ///
    /// let error = loss::train(net).freeze("encodr.*").build().map(|_| ()).unwrap_err();
    /// assert!(error.to_string().starts_with("`encodr.*` matches no parameter; near it: `encoder.w`"));
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn freeze(mut self, pattern: impl Into<String>) -> Self {
        self.selection.frozen.push(pattern.into());
        self
    }

    /// Trains the parameters alone whose paths match a pattern, which is as in [`freeze`](Self::freeze);
    /// several calls train what any of their patterns matches. What is frozen besides is not trained.
    pub fn only(mut self, pattern: impl Into<String>) -> Self {
        self.selection.only.push(pattern.into());
        self
    }

    /// The most bytes that a step may work in; without it, whatever is fastest.
    ///
    /// What counts is the values between kernels, which the reverse pass uses or stacks of loops hold, and
    /// the kernels' scratch: `arena` and `scratch` of [`memory`](Trainer::memory). Parameters, gradients, the
    /// optimizer's state, arguments and results do not count: they take what they take.
    ///
    /// A step that fits is as it would be without a budget. Of one that does not, values are computed again
    /// instead of kept until they are used: what follows element by element in iterations of loops, then
    /// iterations, and halves of the forward part, halved again and again, as far as it takes. Of what fits, the
    /// one is taken that does the fewest operations more; [`explain`](Trainer::explain) tells which values are
    /// computed again, and both figures. Losses and gradients are the same: the same operations on the same
    /// numbers, and random elements follow from their place.
    ///
    /// Iterations of loops are also computed again in parts of the loop, of which only what each begins with is
    /// stacked. Each thread of a step has scratch of its own: one that fits on no more than one thread is compiled
    /// for one.
    ///
    /// Each size that arguments have is compiled by itself, and checked by itself. One that does not fit is an
    /// error of the first step of these sizes, or of [`prepare`](Trainer::prepare), before anything runs: the
    /// model is as it was.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// #[model]
    /// struct Deep {
    ///     layers: [Linear<8, 8>; 16],
    /// }
    ///
    /// #[model]
    /// fn loss<B>(m: &Deep, x: Tensor<B, 8>) -> Tensor {
    ///     let mut x = x;
    ///     for layer in &m.layers {
    ///         x = layer.forward(x).tanh() + x.sin();
    ///     }
    ///     x.square().mean()
    /// }
    ///
    /// let x = sinew::ndarray::Array2::from_elem((64, 8), 0.5);
    /// let model = Deep::init(0);
    /// let mut free = loss::train(model.clone()).build()?;
    /// let mut small = loss::train(model.clone()).memory_budget(50_000).build()?;
    /// assert_eq!(free.step(x.view())?.loss, small.step(x.view())?.loss);
    /// assert!(small.explain().contains("is computed again: in the iteration that uses it"));
    ///
    /// let mut tiny = loss::train(model).memory_budget(1_000).build()?;
    /// let error = tiny.step(x.view()).unwrap_err().to_string();
    /// assert!(error.contains("does not fit its memory budget of 1000 bytes"));
    /// assert_eq!(tiny.steps(), 0);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.settings.memory_budget = Some(bytes);
        self
    }

    /// Asks for the value of a `capture("name", x)` in the function or in what it calls: each step keeps it, for
    /// [`Trainer::captured`] to read. What no step is asked for is not stored. A name that the function has not is an
    /// error of the first step, which tells the names that it has.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # use sinew::ndarray::{Array1, array};
    /// #[model]
    /// struct Line {
    ///     #[init(ones)]
    ///     slope: Param,
    /// }
    ///
    /// #[model]
    /// fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
    ///     let height = capture("height", line.slope * x);
    ///     mse(height, y)
    /// }
    ///
    /// let mut train = loss::train(Line::init(0)).capture("height").build()?;
    /// train.step([1.0, 2.0], [3.0, 6.0])?;
    /// let heights: Array1<f32> = train.captured("height")?;
    /// assert_eq!(heights, array![1.0, 2.0]);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn capture(mut self, name: impl Into<String>) -> Self {
        self.captured.push(name.into());
        self
    }

    /// Has the parameters whose paths match a pattern, which is as in [`freeze`](Self::freeze), updated otherwise than
    /// the others: with another weight decay, a share of the learning rate, by another rule. Of several groups that a
    /// parameter is in, the last counts, and it alone.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Net {
    /// #     encoder: Linear<2, 4>,
    /// #     head: Linear<4, 1>,
    /// # }
    /// # #[model]
    /// # fn loss<B>(net: &Net, x: Tensor<B, 2>, y: Tensor<B, 1>) -> Tensor {
    /// #     mse(net.head.forward(net.encoder.forward(x).relu()), y)
    /// # }
    /// let mut train = loss::train(Net::init(0))
    ///     .optimizer(AdamW::new(1e-3))
    ///     .group("encoder.*", |g| g.learning_rate_scale(0.1))
    ///     .group("*.b", |g| g.weight_decay(0.0))
    ///     .build()?;
    /// train.step([[1.0, 2.0]], [[3.0]])?;
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn group(mut self, pattern: impl Into<String>, group: impl FnOnce(Group) -> Group) -> Self {
        self.groups.push((pattern.into(), group(Group::new())));
        self
    }

    /// Has the weight decay leave out parameters of fewer than two axes: biases, and the scales of norms. A group that says
    /// its [`weight_decay`](Group::weight_decay) has that for all of its parameters.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Net {
    /// #     layer: Linear<2, 1>,
    /// # }
    /// # #[model]
    /// # fn loss<B>(net: &Net, x: Tensor<B, 2>) -> Tensor {
    /// #     0.0 * net.layer.forward(x).sum()
    /// # }
    /// let net = Net::init(0);
    /// let mut train = loss::train(net.clone())
    ///     .optimizer(AdamW::new(0.1).weight_decay(0.5))
    ///     .decay_matrices_only()
    ///     .build()?;
    /// train.step([[1.0, 2.0]])?;
    /// assert_eq!(train.model()?.layer.b, net.layer.b);
    /// assert_ne!(train.model()?.layer.w, net.layer.w);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn decay_matrices_only(mut self) -> Self {
        self.decays_matrices_only = true;
        self
    }

    /// Has each step take its batch in so many parts of as many rows, one after the other, and update by the mean of their
    /// gradients: a loop in the compiled step, which works in the memory of one part.
    ///
    /// The batch is the first axis of the function's first argument, if that is a symbol; every argument whose first axis
    /// has the same symbol is taken in parts with it, all others are the same for each part. The loss is the mean of the
    /// parts'. Of what else the function returns, rows of the batch are put together, and other floats are the mean too. For a
    /// loss that is a mean over the batch this is the step of the whole batch; batch norms see each part by itself.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Line {
    /// #     #[init(zeros)]
    /// #     slope: Param,
    /// # }
    /// # #[model]
    /// # fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
    /// #     mse(line.slope * x, y)
    /// # }
    /// let build = || loss::train(Line::init(0)).optimizer(Sgd::new(0.1));
    /// let (mut whole, mut parts) = (build().build()?, build().micro_batches(2).build()?);
    /// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [3.0, 6.0, 9.0, 12.0]);
    /// assert_eq!(whole.step(x, y)?, parts.step(x, y)?);
    /// assert_eq!(whole.model()?, parts.model()?);
    ///
    /// let error = parts.step([1.0, 2.0, 3.0], [3.0, 6.0, 9.0]).unwrap_err();
    /// assert!(error.to_string().starts_with("`x` has 3 rows, which are not 2 parts of as many rows"));
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn micro_batches(mut self, parts: usize) -> Self {
        self.settings.micro_batches = Some(parts);
        self
    }

    /// Keeps a moving average of the parameters, `keeps * average + (1 - keeps) * parameters` after each step, which
    /// starts with the parameters as they are: [`Trainer::averaged`] reads it. It is part of the compiled step, and of what
    /// [`save`](Trainer::save) writes.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Line {
    /// #     #[init(zeros)]
    /// #     slope: Param,
    /// # }
    /// # #[model]
    /// # fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
    /// #     mse(line.slope * x, y)
    /// # }
    /// let line = loss::train(Line::init(0)).optimizer(Sgd::new(0.25));
    /// let mut train = line.moving_average(0.5).build()?;
    /// train.step([1.0], [2.0])?; // from 0 to 1
    /// assert_eq!(train.averaged()?.slope.item()?, 0.5);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn moving_average(mut self, keeps: f64) -> Self {
        self.average = Some(keeps);
        self
    }

    /// What the learning rate is multiplied by, step by step.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// use sinew::optim::Schedule;
    /// # #[model]
    /// # struct Line {
    /// #     #[init(zeros)]
    /// #     slope: Param,
    /// # }
    /// # #[model]
    /// # fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
    /// #     mse(line.slope * x, y)
    /// # }
    /// let mut train = loss::train(Line::init(0))
    ///     .optimizer(Sgd::new(0.1))
    ///     .schedule(Schedule::linear(2))
    ///     .build()?;
    /// train.step([1.0], [2.0])?;
    /// assert_eq!(train.learning_rate(), 0.05); // of the step to come
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = Some(schedule);
        self
    }

    /// The update rule.
    pub fn optimizer(mut self, optimizer: impl Into<Optimizer>) -> Self {
        self.optimizer = Some(optimizer.into());
        self
    }

    /// Packs the parameters, unless they are shared and have a place already. Programs are compiled when the
    /// first arguments tell their sizes.
    ///
    /// A parameter that the loss does not depend on is named in a `tracing` warning and stays as it
    /// is. So is told that nobody chose an [`optimizer`](Self::optimizer).
    ///
    /// # Errors
    /// [`Error::NotALoss`](crate::Error::NotALoss) for a loss that depends on no parameter of the first
    /// model; [`Error::NoMatch`](crate::Error::NoMatch) for a pattern that matches none of its paths,
    /// [`Error::AllFrozen`](crate::Error::AllFrozen) and [`Error::FrozenInPart`](crate::Error::FrozenInPart);
    /// [`Error::NotInParts`](crate::Error::NotInParts) for a function that
    /// [`micro_batches`](Self::micro_batches) cannot be of; [`Error::Setting`](crate::Error::Setting) for numbers that
    /// the update rule cannot use; [`Error::TooLarge`](crate::Error::TooLarge) and
    /// [`Error::Size`](crate::Error::Size) for a parameter without elements; else as
    /// [`CompileBuilder::build`].
    pub fn build(self) -> Result<Trainer<F>> {
        let list = F::Models::handles(&self.handles);
        let settings = self.settings.on(self.device, self.precision, &list);
        drop(list);
        let optimizer = self.optimizer.unwrap_or_else(|| {
            tracing::warn!(
                function = F::UNIT.path,
                "no `.optimizer(..)` was chosen: it is trained by `Sgd::new(0.01)`",
            );
            self.unchosen
        });
        let by = Updating {
            optimizer,
            groups: self.groups,
            decays_matrices_only: self.decays_matrices_only,
            average: self.average,
        };
        let mut trainer = Trainer::new(self.handles, Some(&by), &self.selection, settings, true)?;
        trainer.training.schedule = self.schedule;
        self.captured.iter().for_each(|name| trainer.capture(name));
        trainer.training.warn_of_still_leaves();
        Ok(trainer)
    }
}

/// A compiled function in the making: `logits::compile(model)`.
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
/// let height = height::compile(Line::init(0)).device(Device::cpu()).cache(2).build()?;
/// height.prepare([0.0; 4])?; // compiled before the first run
/// assert_eq!(height.run([1.0; 4])?.to_vec(), [0.0; 4]);
/// # Ok::<(), sinew::Error>(())
/// ```
#[must_use = "nothing is made before `build`"]
pub struct CompileBuilder<F: ModelFunction> {
    handles: <F::Models as Models>::Handles,
    settings: Settings,
    device: Option<Device>,
    precision: Option<Precision>,
}
settings!(CompileBuilder);

impl<F: ModelFunction> CompileBuilder<F> {
    /// Runs the function on the parameters of these models.
    pub fn new(models: <F::Models as Models>::Handles) -> Self {
        CompileBuilder {
            handles: models,
            settings: Settings::default(),
            device: None,
            precision: None,
        }
    }

    /// Packs the parameters, unless they are shared and have a place already. Programs are compiled when the first arguments tell their sizes.
    ///
    /// # Errors
    /// [`Error::Precision`](crate::Error::Precision) for f64 on a GPU;
    /// [`Error::NoCodeGenerator`](crate::Error::NoCodeGenerator) for the CPU in a build without the
    /// feature `cpu`; [`Error::NoCache`](crate::Error::NoCache) for a cache of no programs;
    /// [`Error::Elsewhere`](crate::Error::Elsewhere) for a shared model that is on another device or in
    /// another precision; [`Error::SameModel`](crate::Error::SameModel) for one that is given twice;
    /// [`Error::Sizes`](crate::Error::Sizes) for models that do not agree in a size; too little memory.
    pub fn build(self) -> Result<Runner<F>> {
        let list = F::Models::handles(&self.handles);
        let settings = self.settings.on(self.device, self.precision, &list);
        drop(list);
        Runner::new(self.handles, settings)
    }
}
