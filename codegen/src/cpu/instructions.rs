//! Sets of instructions that machine code may use.

use super::{Architecture, EmitError};

/// What machine code may use of the host. Every set has those before it.
///
/// Cranelift's vectors have 128 bits on every set; those of the wide back end and of the tiles of
/// matrix products have the set's own width.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Instructions {
    /// What every processor of the architecture has: SSE2 on x86-64, NEON on aarch64.
    Baseline,
    /// Up to SSE4.2 and POPCNT: x86-64-v2 of the psABI.
    Sse42,
    /// AVX2, FMA, BMI and LZCNT: x86-64-v3.
    Avx2,
    /// [`Avx2`](Instructions::Avx2) and AVX-512 F, DQ, BW and VL: x86-64-v4 but for CD.
    Avx512,
}

impl Instructions {
    /// Every set, the narrowest first.
    pub const ALL: [Instructions; 4] = [
        Instructions::Baseline,
        Instructions::Sse42,
        Instructions::Avx2,
        Instructions::Avx512,
    ];

    /// The sets that this host has, the narrowest first.
    pub fn of_host() -> Vec<Instructions> {
        let mut all = Instructions::ALL.to_vec();
        all.retain(|set| set.is_supported());
        all
    }

    /// The greatest set that this host has.
    pub fn widest() -> Instructions {
        let mut sets = Instructions::ALL.into_iter().rev();
        sets.find(|set| set.is_supported())
            .unwrap_or(Instructions::Baseline)
    }

    /// Whether this host has the set.
    pub fn is_supported(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            use std::is_x86_feature_detected as has;
            match self {
                Instructions::Baseline => true,
                Instructions::Sse42 => {
                    has!("sse3")
                        && has!("ssse3")
                        && has!("sse4.1")
                        && has!("sse4.2")
                        && has!("popcnt")
                }
                Instructions::Avx2 => {
                    Instructions::Sse42.is_supported()
                        && has!("avx")
                        && has!("avx2")
                        && has!("fma")
                        && has!("bmi1")
                        && has!("bmi2")
                        && has!("lzcnt")
                }
                Instructions::Avx512 => {
                    Instructions::Avx2.is_supported()
                        && has!("avx512f")
                        && has!("avx512dq")
                        && has!("avx512bw")
                        && has!("avx512vl")
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Instructions::Baseline
        }
    }

    /// Refuses what the host lacks, and for other processors all that not every one of them has.
    pub(super) fn check(self, architecture: Architecture) -> Result<(), EmitError> {
        let is_there = match architecture == Architecture::HOST {
            true => self.is_supported(),
            false => self == Instructions::Baseline,
        };
        match is_there {
            true => Ok(()),
            false => Err(EmitError::Instructions(self)),
        }
    }

    /// Cranelift's flags for the set, in addition to those of the sets before.
    pub(super) fn flags(self) -> &'static [&'static str] {
        match self {
            Instructions::Baseline | Instructions::Avx512 => &[],
            Instructions::Sse42 => &[
                "has_sse3",
                "has_ssse3",
                "has_sse41",
                "has_sse42",
                "has_popcnt",
            ],
            Instructions::Avx2 => &[
                "has_avx",
                "has_avx2",
                "has_fma",
                "has_bmi1",
                "has_bmi2",
                "has_lzcnt",
            ],
        }
    }
}
