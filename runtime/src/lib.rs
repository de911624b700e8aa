//! Sinew's runtime: devices, parameters, the compiled training step, checkpoints.

mod accumulate;
mod arg;
mod average;
mod backend;
mod batch;
mod buckets;
mod budget;
mod cache;
mod call;
mod checkpoint;
mod code_cache;
mod config;
mod cut;
mod device;
mod engine;
mod entry;
mod environment;
mod error;
mod executable;
mod finite;
mod gradients;
mod groups;
pub mod init;
mod inspect;
mod key;
mod layout;
mod loss;
mod machine;
mod model;
mod models;
mod numbers;
mod optimizer;
mod output;
mod param;
mod parts;
mod probes;
mod profile;
mod random;
mod read;
mod regions;
mod resume;
mod room;
mod rule;
mod runner;
mod running;
mod schedule;
mod shared;
mod signature;
mod step;
mod steps;
mod store;
mod summary;
mod threads;
mod train;
mod trainees;
mod trainer;
mod training;
mod turns;
mod update;
mod views;
mod vjp;
mod workspace;

/// What the variants of [`Error`] carry, of the packages below this one.
pub mod causes {
    #[cfg(feature = "gpu")]
    pub use crate::gpu::GpuError;
    #[cfg(feature = "cpu")]
    pub use sinew_codegen::cpu::EmitError as CpuError;
    pub use sinew_codegen::schedule::ScheduleError;
    #[cfg(feature = "gpu")]
    pub use sinew_codegen::verify::VerifyError;
    #[cfg(feature = "gpu")]
    pub use sinew_codegen::wgsl::EmitError as WgslError;
    pub use sinew_ir::{
        BindError, DType, DimError, LinkError, OpError, ParseError, ParseProblem, PullbackError,
        PullbackProblem, Symbol, Value,
    };
}

#[cfg(feature = "gpu")]
pub use backend::gpu;

pub use arg::{
    AnyRank, Arg, ArgView, Element, ElementOf, Float, Host, HostType, IntoArg, MAX_RANK, Nested,
    NextRank, Rank, RankOf,
};
pub use cache::CacheStats;
pub use call::{attach, call, gradient, pullback};
#[doc(hidden)]
pub use checkpoint::PyTorchNames;
pub use checkpoint::{LoadReport, Loader};
pub use code_cache::CodeCache;
pub use config::{ConfigField, read_config, write_config};
pub use device::{Device, Precision};
pub use entry::{
    MethodsInOneImpl, ModelStruct, StructIds, at_most, below, equal, has_methods, is_same,
    model_struct, product, quotient, same_struct, size, sum,
};
pub use error::{Error, Result};
pub use gradients::{GradientBuilder, GradientRunner};
pub use half;
pub use init::Init;
pub use machine::Machine;
pub use model::{Model, ModelFunction, Setting, complete, join, repeated};
pub use models::{Leaves, Models};
pub use optimizer::{Group, Optimizer};
pub use output::{Number, Out, OutElement, OutRank, Outputs, ResultView};
pub use param::Param;
pub use profile::{KernelTime, Profile};
pub use rule::{Limit, Moment, UpdateRule};
pub use runner::Runner;
pub use schedule::Schedule;
#[doc(hidden)]
pub use serde;
pub use shared::{Attachment, FirstModel, IntoShared, Shared, Trained};
pub use signature::signature;
pub use steps::Steps;
pub use train::{CompileBuilder, CompileBuilder as Compile, TrainBuilder, TrainBuilder as Train};
pub use trainer::{Step, Trainer};
pub use views::{ArgViews, IntoArgs};
pub use vjp::{Gradients, Vjp, gradient_by_inputs, vjp};
