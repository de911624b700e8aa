//! The host as Cranelift sees it: instruction set, flags, and what the emitters may rely on.

use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};

use super::{EmitError, Instructions};

/// What the host can do without a library call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    /// Fused multiply-add.
    pub fma: bool,
    /// Operands of vector instructions in memory need not be aligned.
    pub unaligned: bool,
    /// Rounding to an integer within a float register.
    pub round: bool,
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

/// The code generator for the machine this runs on, with a set of its instructions, and what these
/// can do.
pub(super) fn host(
    instructions: Instructions,
    effort: Effort,
) -> Result<(OwnedTargetIsa, Caps), EmitError> {
    instructions.check()?;
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
    let mut builder = isa::lookup_by_name(triple()).map_err(|e| wrong(&e))?;
    for set in Instructions::ALL.into_iter().filter(|s| *s <= instructions) {
        for flag in set.flags() {
            builder.enable(flag).map_err(|e| wrong(&e))?;
        }
    }
    let x86 = cfg!(target_arch = "x86_64");
    let caps = Caps {
        fma: !x86 || instructions >= Instructions::Avx2,
        unaligned: !x86 || instructions >= Instructions::Avx2,
        round: !x86 || instructions >= Instructions::Sse42,
    };
    let isa = builder
        .finish(settings::Flags::new(flags))
        .map_err(|e| wrong(&e))?;
    Ok((isa, caps))
}

/// The triple of this build: it decides the calling convention.
fn triple() -> &'static str {
    match (std::env::consts::ARCH, std::env::consts::OS) {
        ("x86_64", "macos") => "x86_64-apple-darwin",
        ("x86_64", "windows") => "x86_64-pc-windows-msvc",
        ("x86_64", _) => "x86_64-unknown-linux-gnu",
        ("aarch64", "macos") => "aarch64-apple-darwin",
        ("aarch64", "windows") => "aarch64-pc-windows-msvc",
        ("aarch64", _) => "aarch64-unknown-linux-gnu",
        // The emitter's vectors are 128 bits wide and little-endian: these two are what it is tested on.
        (_, _) => "unknown-unknown-unknown",
    }
}
