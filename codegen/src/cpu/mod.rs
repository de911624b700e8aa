//! The CPU emitter: a schedule becomes machine code whose driver runs a whole step.
//!
//! Kernels are written as CLIF, for vectors of any width. Cranelift compiles the driver and, where vectors
//! have 128 bits, kernels; those with wider ones are compiled by `wide`. `machine` brings all into memory that
//! is writable while it is filled and executable afterwards, never both. Some products on x86-64 go through SIMD
//! tiles compiled ahead of time ([`Contraction::Library`]), called by their address. Nothing here decides
//! what a kernel does: that is the schedule's business.

mod ahead;
mod array;
mod bell;
mod block;
mod blocking;
mod calls;
mod clock;
mod contract;
mod cuts;
mod driver;
mod duration;
mod elements;
mod entry;
mod exponential;
mod frame;
mod half;
mod host;
mod image;
mod index;
mod instructions;
mod intrinsic;
mod key;
mod known;
mod lanes;
mod logarithm;
mod machine;
mod math;
mod nest;
mod order;
mod own;
mod own_tile;
mod panel;
mod part;
mod partition;
mod phases;
mod product;
mod ready;
mod reduce;
mod scalar;
mod scan;
mod scatter;
mod share;
mod shim;
mod sigmoid;
mod sort;
mod store;
mod team;
mod tile;
mod tile_end;
mod tile_panel;
mod tiling;
mod together;
mod touched;
mod trigonometry;
mod turns;
mod vectorize;
mod waiting;
mod walk;
#[cfg(target_arch = "x86_64")]
mod wide;

pub use bell::Bell;
pub use blocking::Blocking;
pub use clock::Clock;
pub use driver::{CompiledSchedule, ThreadMemory, compile, compile_stored, thread_memory};
pub use host::Architecture;
pub use image::Damage;
pub use instructions::Instructions;
pub use key::CodeKey;
pub use store::CodeStore;
pub use team::Team;

/// The most threads that a step is compiled for.
pub const MOST_THREADS: usize = 256;

/// How matrix products are computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Contraction {
    /// The cost model's choice, product by product.
    #[default]
    Auto,
    /// Register tiles written with the vectors of [`Options::vectors`]; on every host.
    Own,
    /// Tiles compiled ahead of time for wider vectors. Where the instructions have none, `Own`.
    Library,
}

/// What a compilation can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How matrix products are computed.
    pub contraction: Contraction,
    /// The processor that code is for. For another one than the host's a schedule compiles to what can be looked
    /// at, and the process ends where it is run.
    pub architecture: Architecture,
    /// What may be used of the processor.
    pub instructions: Instructions,
    /// How large products are cut into blocks.
    pub blocking: Blocking,
    /// The widest vectors of maps, reductions and own tiles: of these and of what the instructions have, the
    /// narrower ones are used.
    pub vectors: Vectors,
    /// The most threads that compile kernels, at least 1: as many as there is enough for. The code is the same.
    pub compile_threads: usize,
    /// The most threads that run a step, from 1 to [`MOST_THREADS`]: as many as it gains by.
    pub threads: usize,
    /// Nanoseconds that a thread's share of a run takes at the least, by an estimate: shorter runs are not
    /// shared. With 0 whatever can be shared is, whether or not anything is gained by it.
    pub least_share: usize,
    /// Whether the driver tells a [`Clock`] behind each run of a kernel. Kernels are the same.
    pub clocked: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            contraction: Contraction::Auto,
            architecture: Architecture::HOST,
            instructions: Instructions::widest(),
            blocking: Blocking::default(),
            vectors: Vectors::Bits512,
            compile_threads: 1,
            threads: 1,
            least_share: duration::LEAST_SHARE,
            clocked: false,
        }
    }
}

impl Options {
    /// The vectors that are used.
    pub(super) fn used_vectors(&self) -> Vectors {
        self.vectors.min(Vectors::of(self.instructions))
    }

    /// Bytes of a vector; none where there are no vectors.
    pub(super) fn vector_bytes(&self) -> Option<usize> {
        match self.used_vectors() {
            Vectors::None => None,
            Vectors::Bits128 => Some(16),
            Vectors::Bits256 => Some(32),
            Vectors::Bits512 => Some(64),
        }
    }
}

/// The vectors that compiled code uses, and with them who writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Vectors {
    /// None: every loop is scalar. By Cranelift.
    None,
    /// 128 bits, on every host. By Cranelift.
    Bits128,
    /// 256 bits, with the instructions of [`Instructions::Avx2`]. By the wide back end.
    Bits256,
    /// 512 bits, with the instructions of [`Instructions::Avx512`]. By the wide back end.
    Bits512,
}

impl Vectors {
    /// The widest that a set of instructions has.
    pub fn of(instructions: Instructions) -> Vectors {
        match instructions {
            Instructions::Baseline | Instructions::Sse42 => Vectors::Bits128,
            Instructions::Avx2 => Vectors::Bits256,
            Instructions::Avx512 => Vectors::Bits512,
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
