//! Sinew: typed tensor programs in Rust.
//!
//! `#[model]` turns functions and structs into typed tensor programs while your crate compiles:
//! shapes are checked for every size at once and derivatives are made there. At run time sizes are
//! bound and one whole training step is compiled into one function.
//!
//! ```
//! use sinew::prelude::*;
//!
//! #[model]
//! struct Line {
//!     #[init(zeros)]
//!     slope: Param,
//!     #[init(zeros)]
//!     start: Param,
//! }
//!
//! #[model]
//! fn height<N>(line: &Line, x: Tensor<N>) -> Tensor<N> {
//!     line.slope * x + line.start
//! }
//!
//! #[model]
//! fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
//!     mse(height(line, x), y)
//! }
//!
//! # fn main() -> sinew::Result<()> {
//! let mut train = loss::train(Line::init(0)).optimizer(Sgd::new(0.1)).build()?;
//! for _ in 0..500 {
//!     train.step([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])?;
//! }
//! let heights = height::attach(&train)?.run([10.0])?;
//! assert!((heights[0] - 21.0).abs() < 1e-3);
//! # Ok(())
//! # }
//! ```
//!
//! The language of bodies and types is described, form by form, in [`language`]; its operations are the items of
//! [`ops`], layers are in [`nn`], optimizers in [`optim`].
//!
//! A tensor that names no element type has elements of the working float: f32, or f64 where
//! [`Precision::F64`] asks for it. Operations that take an element type call it `float`:
//! `(scores.argmax(-1) == y).cast(float).mean()` is the share of right answers.
//!
//! Steps and runs take subnormal numbers, those nearer to 0 than 1.2e-38 (2.2e-308 in f64), for zeros:
//! an operation reads them as 0 and gives 0 in their place. What only moves numbers (`abs`, a negation,
//! a choice, a copy) may let them through. A GPU may do either. The caller's own arithmetic is as ever.
//!
//! Indices are checked where they are arguments, and clamped where they are computed: see [`ops`].
//! Arrays are those of [`ndarray`], re-exported so that versions agree.

extern crate self as sinew;

#[cfg(doctest)]
mod book;
#[cfg(rust_analyzer)]
#[doc(hidden)]
pub mod editor;
pub mod error;
#[cfg(feature = "data")]
pub mod fitting;
pub mod language;
mod names;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod prelude;

#[cfg(feature = "data")]
pub use fitting::{evaluate, fit, mean_over};
/// The version of `ndarray` whose arrays go in and come out.
pub use ndarray;
pub use ops::Tensor;
/// Batches, files of data, metrics, logs and plots: what stands around a training loop.
#[cfg(feature = "data")]
pub use sinew_data as data;
pub use sinew_macros::model;
/// The version of `half` whose `f16` and `bf16` are the elements of arrays that go in and come out where a tensor's
/// are.
pub use sinew_runtime::half;
/// What arguments are declared as, in messages of rustc: `Arg<Float, Rank<2>>` is `Tensor<B, 64>`.
pub use sinew_runtime::{AnyRank, Arg, Float, Rank};
pub use sinew_runtime::{
    CacheStats, CodeCache, CompileBuilder, Device, Error, GradientBuilder, GradientRunner, IntoArg,
    IntoArgs, IntoShared, KernelTime, LoadReport, Loader, Machine, Model, Param, Precision,
    Profile, Result, Runner, Shared, Step, Steps, TrainBuilder, Trained, Trainer, Vjp, init,
};

/// A leaf of a model that is not trained: running statistics, tables.
pub type State = Param;

/// What `#[model]`'s expansion names; nothing here is for hands, and it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use sinew_ir::{SymbolValue, Unit};
    pub use sinew_runtime::{
        AnyRank, Arg, ArgView, ArgViews, Compile, Error, Float, GradientBuilder, Gradients, Init,
        IntoArgs, IntoShared, MethodsInOneImpl, Model, ModelFunction, ModelStruct, Models, Out,
        Outputs, Param, PyTorchNames, Rank, Result, Runner, Setting, StructIds, Train, Trained,
        Trainer, Vjp, at_most, attach, below, call, complete, equal, gradient, gradient_by_inputs,
        has_methods, init, is_same, join, model_struct, product, pullback, quotient, repeated,
        same_struct, signature, size, sum, vjp,
    };

    pub use crate::names::{
        GivesALoss, HasADerivative, HasAModel, Itself, TellsAllSizes, operation, tensor,
    };
    pub use sinew_ir::SymbolType;
    pub use sinew_runtime::half::{bf16, f16};
    pub use sinew_runtime::{ConfigField, read_config, serde, write_config};

    pub type Rank0 = Rank<0>;
    pub type Rank1 = Rank<1>;
    pub type Rank2 = Rank<2>;
    pub type Rank3 = Rank<3>;
    pub type Rank4 = Rank<4>;
    pub type Rank5 = Rank<5>;
    pub type Rank6 = Rank<6>;
    pub type Rank7 = Rank<7>;
    pub type Rank8 = Rank<8>;

    /// What tells operations from each other.
    pub mod the_operation {
        pub use crate::ops::the_operation::*;
    }

    pub use sinew_macros::{finish, model};

    /// A trainer in the making, by plain descent where nobody chooses an optimizer.
    #[doc(hidden)]
    pub fn train<F: ModelFunction>(handles: <F::Models as Models>::Handles) -> Train<F> {
        Train::new(handles, crate::optim::Sgd::new(0.01))
    }

    /// Stands for what a model function mentions and is no model item, and passes that on.
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __sinew_no_item {
        ($next:path, $($rest:tt)*) => { $next! { $($rest)* "-" } };
    }
    pub use __sinew_no_item as no_item;

    /// Stands beside an operation under its name, and says so where that is asked for.
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __sinew_operation {
        ($next:path, $($rest:tt)*) => { $next! { $($rest)* "=" } };
    }
    pub use __sinew_operation as operation_item;

    /// Has the name of what a body mentions as a value, which is asked of nothing.
    #[doc(hidden)]
    #[allow(non_upper_case_globals)]
    pub const nothing: () = ();

    /// The same under the names of a body's first mentions: one import is less metadata than one each.
    pub mod no_items {
        pub use super::{
            no_item as __sinew_0, no_item as __sinew_1, no_item as __sinew_2, no_item as __sinew_3,
            no_item as __sinew_4, no_item as __sinew_5, no_item as __sinew_6, no_item as __sinew_7,
            no_item as __sinew_8, no_item as __sinew_9, no_item as __sinew_10,
            no_item as __sinew_11, no_item as __sinew_12, no_item as __sinew_13,
            no_item as __sinew_14, no_item as __sinew_15,
        };
    }
}

/// The README's programs compile and run; one of them is about data.
#[cfg(all(doctest, feature = "data"))]
#[doc = include_str!("../README.md")]
struct Readme;
