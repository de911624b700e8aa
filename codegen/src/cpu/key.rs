//! By what a compiled schedule is known among others: all that its bytes follow from.

use std::fmt::{self, Display, Formatter, Write};

use cranelift_codegen::isa::TargetIsa;
use sha2::{Digest, Sha256};

use super::{Instructions, Options};
use crate::kernel::Schedule;

/// A hash (SHA-256) of a schedule and of everything else that its machine code follows from: options, the
/// instructions that are used and those that the host has, the code generator's sources and versions. Its text is 64
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CodeKey([u8; 32]);

impl CodeKey {
    /// That of a schedule, which code generators for these instruction sets compile.
    pub(super) fn of(schedule: &Schedule, options: &Options, isas: &[&dyn TargetIsa]) -> CodeKey {
        let mut text = Hashed(Sha256::new());
        // Writing to a hash does not fail.
        let _ = text.all(schedule, options, isas);
        CodeKey(text.0.finalize().into())
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Display for CodeKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A hash of what is written to it.
struct Hashed(Sha256);

impl Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

impl Hashed {
    /// A line each, and the schedule's text, which parses back to the schedule.
    fn all(
        &mut self,
        schedule: &Schedule,
        options: &Options,
        isas: &[&dyn TargetIsa],
    ) -> fmt::Result {
        let version = env!("CARGO_PKG_VERSION");
        let sources = env!("SINEW_CODEGEN_SOURCES");
        writeln!(self, "sinew {version} of {sources}")?;
        writeln!(self, "cranelift {}", cranelift_codegen::VERSION)?;
        writeln!(self, "host {:?}", Instructions::of_host())?;
        for isa in isas {
            writeln!(self, "{}\n{}", isa.triple(), isa.flags())?;
            for flag in isa.isa_flags() {
                writeln!(self, "{flag}")?;
            }
        }
        // By name, so that an option that is added has to be thought of here.
        let Options {
            contraction,
            architecture,
            instructions,
            blocking,
            vectors,
            // The bytes are the same, however many threads write them.
            compile_threads: _,
            threads,
            least_share,
            clocked,
        } = options;
        writeln!(
            self,
            "{contraction:?} {architecture:?} {instructions:?} {blocking:?} {vectors:?} {threads} {least_share} {clocked}"
        )?;
        write!(self, "{schedule}")
    }
}
