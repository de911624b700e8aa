//! The CPU emitter: a schedule becomes machine code whose driver runs a whole step.
//!
//! Cranelift compiles every kernel and the driver, and `machine` brings them into memory that is
//! writable while it is filled and executable afterwards, never both. Large matrix products on x86-64 go through SIMD tiles compiled
//! ahead of time ([`Contraction::Library`]), called by their address. Nothing here decides what a
//! kernel does: that is the schedule's business.

mod array;
mod bell;
mod block;
mod blocking;
mod calls;
mod contract;
mod driver;
mod entry;
mod frame;
mod half;
mod host;
mod instructions;
mod lanes;
mod machine;
mod math;
mod nest;
mod order;
mod own_tile;
mod panel;
mod partition;
mod phases;
mod product;
mod reduce;
mod scalar;
mod scan;
mod scatter;
mod share;
mod shim;
mod sort;
mod team;
mod tile;
mod together;
mod touched;
mod trigonometry;
mod vectorize;
mod walk;

pub use bell::Bell;
pub use blocking::Blocking;
pub use driver::{CompiledSchedule, compile, scratch_bytes};
pub use instructions::Instructions;
pub use team::Team;

/// The most threads that a step is compiled for.
pub const MOST_THREADS: usize = 256;

/// How matrix products are computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Contraction {
    /// The cost model's choice, product by product.
    #[default]
    Auto,
    /// Register tiles written with Cranelift's 128-bit vectors; on every host.
    Own,
    /// Tiles compiled ahead of time for wider vectors. Where the instructions have none, `Own`.
    Library,
}

/// What a compilation can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How matrix products are computed.
    pub contraction: Contraction,
    /// What may be used of the host.
    pub instructions: Instructions,
    /// How large products are cut into blocks.
    pub blocking: Blocking,
    /// Whether maps and reductions use vectors; without, every loop is scalar.
    pub vectors: bool,
    /// Threads that compile kernels, at least 1.
    pub compile_threads: usize,
    /// The most threads that run a step, from 1 to [`MOST_THREADS`]: as many as it gains by.
    pub threads: usize,
    /// Nanoseconds that a thread's share of a run takes at the least, by an estimate: shorter runs are not
    /// shared. With 0 whatever can be shared is, whether or not anything is gained by it.
    pub least_share: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            contraction: Contraction::Auto,
            instructions: Instructions::widest(),
            blocking: Blocking::default(),
            vectors: true,
            compile_threads: 1,
            threads: 1,
            least_share: crate::cost::LEAST_SHARE,
        }
    }
}

/// Why a schedule could not become machine code.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// The host is not one that code can be generated for.
    #[error("no code generator for this host: {0}")]
    Host(String),
    /// Instructions were asked for that the host does not have.
    #[error("this host does not have the instructions of {0:?}")]
    Instructions(Instructions),
    /// A scalar instruction with an element type that it has no meaning for.
    #[error("kernel `{kernel}`: {what}")]
    Unsupported {
        /// The kernel's name.
        kernel: String,
        /// What was asked for.
        what: String,
    },
    /// The code generator refused a kernel.
    #[error("kernel `{kernel}`: {message}")]
    Codegen {
        /// The kernel's name.
        kernel: String,
        /// Its message.
        message: String,
    },
    /// Memory for the code could not be had.
    #[error("no memory for machine code: {0}")]
    Memory(#[from] std::io::Error),
}
