//! The processor that code is for, as Cranelift sees it: instruction set, flags, and what the emitters may rely on.

use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};

use super::{EmitError, Instructions, Options};

/// A kind of processor. Code that runs is for the host's; what is emitted for another one can be looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Architecture {
    /// Intel's and AMD's, in 64 bits.
    X86_64,
    /// Arm's, in 64 bits.
    Aarch64,
    /// Any other one, for which no code is written.
    Other,
}

impl Architecture {
    /// That of this build.
    pub const HOST: Architecture = if cfg!(target_arch = "x86_64") {
        Architecture::X86_64
    } else if cfg!(target_arch = "aarch64") {
        Architecture::Aarch64
    } else {
        Architecture::Other
    };

    /// The triple with this build's system, which decides the calling convention.
    fn triple(self) -> &'static str {
        match (self, std::env::consts::OS) {
            (Architecture::X86_64, "macos") => "x86_64-apple-darwin",
            (Architecture::X86_64, "windows") => "x86_64-pc-windows-msvc",
            (Architecture::X86_64, _) => "x86_64-unknown-linux-gnu",
            (Architecture::Aarch64, "macos") => "aarch64-apple-darwin",
            (Architecture::Aarch64, "windows") => "aarch64-pc-windows-msvc",
            (Architecture::Aarch64, _) => "aarch64-unknown-linux-gnu",
            // The emitter's vectors are 128 bits wide and little-endian: these two are what it is tested on.
            (Architecture::Other, _) => "unknown-unknown-unknown",
        }
    }
}

/// What a processor can do without a library call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    /// Fused multiply-add.
    pub fma: bool,
    /// Operands of vector instructions in memory need not be aligned.
    pub unaligned: bool,
    /// Rounding to an integer within a float register.
    pub round: bool,
    /// Orders of vectors that hold of NaN too. Without an instruction for them Cranelift 0.135 panics.
    pub orders_of_nan: bool,
}

/// What the time that a function takes to compile is spent on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effort {
    /// Fast code: kernels, whose loops run long.
    Code,
    /// Little of it: functions that call others and compute nothing.
    Compiling,
}

impl Effort {
    /// Cranelift's level of optimisation and its allocator of registers.
    fn settings(self) -> [(&'static str, &'static str); 2] {
        let (level, registers) = match self {
            Effort::Code => ("speed", "backtracking"),
            Effort::Compiling => ("none", "single_pass"),
        };
        [("opt_level", level), ("regalloc_algorithm", registers)]
    }
}

impl Caps {
    fn of(architecture: Architecture, instructions: Instructions) -> Caps {
        // NEON has all of it.
        let since = |set: Instructions| match architecture {
            Architecture::X86_64 => instructions >= set,
            Architecture::Aarch64 | Architecture::Other => true,
        };
        Caps {
            fma: since(Instructions::Avx2),
            unaligned: since(Instructions::Avx2),
            round: since(Instructions::Sse42),
            orders_of_nan: architecture == Architecture::X86_64,
        }
    }
}

/// The code generator for the processor and the set of its instructions that the options say, and what these
/// can do.
pub(super) fn host(options: &Options, effort: Effort) -> Result<(OwnedTargetIsa, Caps), EmitError> {
    let (architecture, instructions) = (options.architecture, options.instructions);
    instructions.check(architecture)?;
    let wrong = |e: &dyn std::fmt::Display| EmitError::Host(e.to_string());
    let mut flags = settings::builder();
    let fixed = [
        // The verifier takes a fifth of the time; tests run with debug assertions, so with it.
        (
            "enable_verifier",
            if cfg!(debug_assertions) {
                "true"
            } else {
                "false"
            },
        ),
        ("unwind_info", "false"),
        // Code is brought to its place by cranelift-jit's module, which wants absolute addresses.
        ("is_pic", "false"),
        // Own tiles keep rows on the stack: a frame of more than a page is touched page by page, lest
        // it step over the guard page.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
        ("log2_min_function_alignment", "5"),
    ];
    for (name, value) in effort.settings().into_iter().chain(fixed) {
        flags.set(name, value).map_err(|e| wrong(&e))?;
    }
    let mut builder = isa::lookup_by_name(architecture.triple()).map_err(|e| wrong(&e))?;
    for set in Instructions::ALL.into_iter().filter(|s| *s <= instructions) {
        for flag in set.flags() {
            builder.enable(flag).map_err(|e| wrong(&e))?;
        }
    }
    let isa = builder
        .finish(settings::Flags::new(flags))
        .map_err(|e| wrong(&e))?;
    Ok((isa, Caps::of(architecture, instructions)))
}
