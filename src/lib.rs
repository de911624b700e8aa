//! Sinew: typed tensor programs in Rust.
//!
//! `#[model]` turns functions and structs into typed tensor programs while your crate compiles:
//! shapes are checked for every size at once and derivatives are made there. At run time sizes are
//! bound and one whole training step is compiled into one function.

extern crate self as sinew;

pub mod nn;
pub mod ops;
pub mod optim;
pub mod prelude;

pub use ops::Tensor;
pub use sinew_macros::model;
pub use sinew_runtime::{
    Compile, Device, Error, IntoArg, Model, Param, Precision, Result, Runner, Step, Train, Trained,
    Trainer, init,
};

/// A leaf of a model that is not trained: running statistics, tables.
pub type State = Param;

/// What `#[model]`'s expansion names; nothing here is for hands, and it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use sinew_ir::Unit;
    pub use sinew_runtime::{
        AnyRank, Arg, ArgView, Compile, Error, Float, Init, IntoArg, Model, ModelFunction, Out,
        Outputs, Param, Rank, Result, Runner, Train, Trained, Trainer, at_most, attach, below,
        call, equal, extent, gradient, init, join,
    };

    pub use sinew_macros::{finish, model};

    /// Stands for what a model function mentions and is no model item, and passes that on.
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __sinew_no_item {
        ([[$($next:tt)*] $($rest:tt)*] $state:tt [$($done:tt)*]) => {
            $($next)* ! { [$($rest)*] $state [$($done)* "-"] }
        };
    }
    pub use __sinew_no_item as no_item;
}
