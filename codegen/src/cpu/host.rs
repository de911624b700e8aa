//! The host as Cranelift sees it: instruction set, flags, and what the emitters may rely on.

use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};

use super::EmitError;

/// What the host can do without a library call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    /// Fused multiply-add.
    pub fma: bool,
    /// Rounding to an integer within a float register.
    pub round: bool,
}

/// The instruction set of the machine this runs on, and its capabilities.
pub(super) fn host() -> Result<(OwnedTargetIsa, Caps), EmitError> {
    let wrong = |e: &dyn std::fmt::Display| EmitError::Host(e.to_string());
    let mut flags = settings::builder();
    for (name, value) in [
        ("opt_level", "speed"),
        ("regalloc_algorithm", "backtracking"),
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
    ] {
        flags.set(name, value).map_err(|e| wrong(&e))?;
    }
    let mut builder = isa::lookup_by_name(triple()).map_err(|e| wrong(&e))?;
    let caps = detect(&mut builder).map_err(|e| wrong(&e))?;
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

#[cfg(target_arch = "x86_64")]
fn detect(builder: &mut isa::Builder) -> settings::SetResult<Caps> {
    macro_rules! enable {
        ($($feature:tt => $flag:literal),* $(,)?) => {
            $(if std::is_x86_feature_detected!($feature) { builder.enable($flag)?; })*
        };
    }
    enable!(
        "sse3" => "has_sse3",
        "ssse3" => "has_ssse3",
        "sse4.1" => "has_sse41",
        "sse4.2" => "has_sse42",
        "popcnt" => "has_popcnt",
        "avx" => "has_avx",
        "avx2" => "has_avx2",
        "fma" => "has_fma",
        "bmi1" => "has_bmi1",
        "bmi2" => "has_bmi2",
        "lzcnt" => "has_lzcnt",
    );
    Ok(Caps {
        fma: std::is_x86_feature_detected!("fma"),
        round: std::is_x86_feature_detected!("sse4.1"),
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn detect(_builder: &mut isa::Builder) -> settings::SetResult<Caps> {
    Ok(Caps {
        fma: true,
        round: true,
    })
}
