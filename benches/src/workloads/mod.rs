//! The workloads: the same networks, batches and optimizers as the peers'.

/// What a builder makes, as it is computed.
macro_rules! built {
    ($builder:expr, $how:expr) => {{
        let builder = $builder.precision($how.precision).threads($how.threads);
        match &$how.code_cache {
            Some(cache) => builder.code_cache(cache).build()?,
            None => builder.build()?,
        }
    }};
}

mod gpt;
mod lenet;
mod lstm;
mod mlp;
mod rows;

use crate::Outcome;
use crate::data::Data;
use crate::protocol::Ready;
use sinew::CodeCache;
use sinew::prelude::*;

/// How a workload is computed.
#[derive(Clone)]
pub struct How {
    /// What the working float is.
    pub precision: Precision,
    /// The most threads of a step.
    pub threads: usize,
    /// Where machine code is kept.
    pub code_cache: Option<CodeCache>,
}

/// A network with its batch.
pub struct Workload {
    /// What the peers call it.
    pub name: &'static str,
    /// The workload whose parameters and batch it has.
    pub data: &'static str,
    /// How many steps a check takes: they are the longer the larger it is.
    pub checked_steps: usize,
    /// Builds it.
    pub build: fn(&Data, How) -> Outcome<Ready>,
}

/// All of them.
pub const ALL: [Workload; 11] = [
    Workload {
        name: "mlp_tiny",
        data: "mlp_tiny",
        checked_steps: 20,
        build: mlp::tiny,
    },
    Workload {
        name: "mlp_tiny_loop",
        data: "mlp_tiny",
        checked_steps: 20,
        build: mlp::tiny_loop,
    },
    Workload {
        name: "mlp_mnist",
        data: "mlp_mnist",
        checked_steps: 20,
        build: mlp::mnist,
    },
    Workload {
        name: "mlp_wide",
        data: "mlp_wide",
        checked_steps: 2,
        build: mlp::wide,
    },
    Workload {
        name: "lenet",
        data: "lenet",
        checked_steps: 20,
        build: lenet::lenet,
    },
    Workload {
        name: "gpt_nano",
        data: "gpt_nano",
        checked_steps: 4,
        build: gpt::nano,
    },
    Workload {
        name: "gpt_small",
        data: "gpt_small",
        checked_steps: 2,
        build: gpt::small,
    },
    Workload {
        name: "lstm",
        data: "lstm",
        checked_steps: 20,
        build: lstm::lstm,
    },
    Workload {
        name: "elementwise",
        data: "elementwise",
        checked_steps: 2,
        build: rows::elementwise,
    },
    Workload {
        name: "softmax_ln",
        data: "softmax_ln",
        checked_steps: 2,
        build: rows::softmax_ln,
    },
    Workload {
        name: "mlp_tiny_infer",
        data: "mlp_tiny_infer",
        checked_steps: 2,
        build: mlp::tiny_infer,
    },
];

/// The optimizer of all workloads that do not say another.
fn adam() -> Adam {
    Adam::new(1e-3)
}

/// What the peers call the leaf of a path: the same.
fn as_here(path: &str) -> String {
    path.to_string()
}
