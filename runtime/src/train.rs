//! Builders: what a trainer or a runner is made of.

use crate::cache::Limit;
use crate::device::{Device, Precision};
use crate::engine::Settings;
use crate::error::Result;
use crate::layout::Layout;
use crate::model::ModelFunction;
use crate::optimizer::{Optimizer, Sgd};
use crate::runner::Runner;
use crate::store::Shared;
use crate::trainer::Trainer;

macro_rules! settings {
    ($name:ident) => {
        impl<F: ModelFunction> $name<F> {
            /// Where it runs; [`Device::cpu`] by default.
            pub fn device(mut self, device: Device) -> Self {
                self.settings.device = device;
                self
            }

            /// What the working float is; [`Precision::F32`] by default.
            pub fn precision(mut self, precision: Precision) -> Self {
                self.settings.precision = precision;
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

            /// How many programs are kept, one for each set of argument shapes, at least 1; by default
            /// as many as about 256 MiB hold. The one that was not used for longest goes first. Runners
            /// and trainers of one function share what they compile:
            /// [`CacheStats`](crate::CacheStats) tells how calls found their programs.
            pub fn cache(mut self, programs: usize) -> Self {
                self.settings.cache = Limit::Programs(programs);
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
pub struct Train<F: ModelFunction> {
    model: F::Model,
    optimizer: Optimizer,
    settings: Settings,
}
settings!(Train);

impl<F: ModelFunction> Train<F> {
    /// Trains `model`, by plain gradient descent at a rate of 0.01 unless told otherwise.
    pub fn new(model: F::Model) -> Self {
        Train {
            model,
            optimizer: Sgd::new(0.01).into(),
            settings: Settings::default(),
        }
    }

    /// The update rule.
    pub fn optimizer(mut self, optimizer: impl Into<Optimizer>) -> Self {
        self.optimizer = optimizer.into();
        self
    }

    /// Packs the parameters. Programs are compiled when the first arguments tell their sizes.
    ///
    /// A parameter that the loss does not depend on is named in a `tracing` warning and stays as it
    /// is.
    ///
    /// # Errors
    /// [`Error::NotALoss`](crate::Error::NotALoss) for a function that does not return one float
    /// scalar or depends on no parameter; [`Error::Setting`](crate::Error::Setting) for numbers that
    /// the update rule cannot use; [`Error::TooLarge`](crate::Error::TooLarge) and
    /// [`Error::Size`](crate::Error::Size) for a parameter without elements; else as
    /// [`Compile::build`].
    pub fn build(self) -> Result<Trainer<F>> {
        let trainer = Trainer::new(self.model, self.optimizer, self.settings, true)?;
        trainer.warn_of_still_leaves();
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
/// let mut height = height::compile(Line::init(0)).device(Device::cpu()).cache(2).build()?;
/// height.prepare([0.0; 4])?; // compiled before the first run
/// assert_eq!(height.run([1.0; 4])?.to_vec(), [0.0; 4]);
/// # Ok::<(), sinew::Error>(())
/// ```
#[must_use = "nothing is made before `build`"]
pub struct Compile<F: ModelFunction> {
    model: F::Model,
    settings: Settings,
}
settings!(Compile);

impl<F: ModelFunction> Compile<F> {
    /// Runs the function on the parameters of `model`.
    pub fn new(model: F::Model) -> Self {
        Compile {
            model,
            settings: Settings::default(),
        }
    }

    /// Packs the parameters. Programs are compiled when the first arguments tell their sizes.
    ///
    /// # Errors
    /// [`Error::Precision`](crate::Error::Precision) for f64 on a GPU;
    /// [`Error::NoCodeGenerator`](crate::Error::NoCodeGenerator) for the CPU in a build without the
    /// feature `cpu`; [`Error::NoCache`](crate::Error::NoCache) for a cache of no programs; too little
    /// memory.
    pub fn build(self) -> Result<Runner<F>> {
        self.settings.check()?;
        let layout = Layout::new(&self.model, self.settings.precision.dtype(), &|_| false)?;
        let shared = Shared::new(&self.model, layout, &self.settings.device.0)?;
        Runner::new(self.model, shared, self.settings)
    }
}
