//! Sinew's runtime: devices, parameters, the compiled training step, checkpoints.

mod arg;
mod checkpoint;
mod device;
mod error;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod init;
mod model;
mod optimizer;
mod output;
mod param;
mod random;
mod read;

pub use arg::{
    AnyRank, Arg, ArgView, Element, ElementOf, Float, IntoArg, MAX_RANK, Nested, NextRank, Rank,
    RankOf,
};
pub use device::{Device, Precision};
pub use error::{Error, Result};
pub use init::Init;
pub use model::{Model, ModelFunction, join};
pub use optimizer::{Adam, AdamW, Optimizer, Sgd};
pub use output::{Number, Out, OutElement, OutRank, Outputs, ResultView};
pub use param::Param;
