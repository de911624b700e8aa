//! Sinew: typed tensor programs in Rust.
//!
//! `#[model]` turns functions and structs into typed tensor programs while your crate compiles:
//! shapes are checked for every size at once and derivatives are made there. At run time sizes are
//! bound and one whole training step is compiled into one function.

extern crate self as sinew;

pub mod optim;
pub mod prelude;

pub use sinew_runtime::{
    Compile, Device, Error, IntoArg, Model, Param, Precision, Result, Runner, Step, Train, Trained,
    Trainer, init,
};

/// What `#[model]`'s expansion names; nothing here is for hands, and it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use sinew_ir::Unit;
    pub use sinew_runtime::{
        AnyRank, Arg, ArgView, Compile, Error, Float, Init, IntoArg, Model, ModelFunction, Out,
        Outputs, Param, Rank, Result, Runner, Train, Trained, Trainer, attach, call, gradient,
        init, join,
    };
}
