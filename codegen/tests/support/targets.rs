//! What compiled code is tested for: every set of instructions that the host has.

#![allow(dead_code)] // each test file uses its own part

use sinew_codegen::cpu::{Blocking, Contraction, Instructions, Options, Vectors};

fn with(instructions: Instructions, vectors: Vectors, contraction: Contraction) -> Options {
    Options {
        contraction,
        instructions,
        vectors,
        ..Options::default()
    }
}

/// The vectors of every set of instructions, by Cranelift and by the wide back end, and scalar loops on the
/// narrowest and the widest.
pub fn targets() -> Vec<Options> {
    let sets = Instructions::of_host();
    let ends = [Instructions::Baseline, Instructions::widest()];
    let scalar = sets.iter().filter(|set| ends.contains(set));
    let scalar = scalar.map(|set| with(*set, Vectors::None, Contraction::Auto));
    let vectors = sets.iter().flat_map(|set| {
        vectors_of(*set)
            .into_iter()
            .map(|vectors| with(*set, vectors, Contraction::Auto))
    });
    scalar.chain(vectors).collect()
}

/// Those that Cranelift has, and those that only the set has.
fn vectors_of(set: Instructions) -> Vec<Vectors> {
    let mut all = vec![Vectors::Bits128, Vectors::of(set)];
    all.dedup();
    all
}

/// Own tiles and those compiled ahead on every set of instructions that has them, and the cost model's
/// choice. Vectors are those of the epilogue and of computed operands.
pub fn product_targets() -> Vec<Options> {
    let mut targets = Vec::new();
    for set in Instructions::of_host() {
        let ends = set == Instructions::Baseline || set == Instructions::widest();
        for vectors in [vec![Vectors::None], vectors_of(set)].concat() {
            if vectors != Vectors::None || ends {
                targets.push(with(set, vectors, Contraction::Own));
            }
            if set >= Instructions::Avx2 {
                targets.push(with(set, vectors, Contraction::Library));
            }
        }
    }
    targets.push(Options::default());
    targets
}

/// All tiles of vectors, with blocks so small that products of a few dozen rows and columns are cut along every dim
/// and have panels of both operands.
pub fn small_blocks() -> Vec<Options> {
    let mut targets = product_targets();
    targets.retain(|t| t.vectors != Vectors::None);
    for target in &mut targets {
        target.blocking = Blocking {
            depth: 64,
            right: 2560,
            left: 512,
            sums: 1024,
            waiting: 4096,
            far: 256,
            apart: 32,
            same: 16,
            often: 1,
        };
    }
    targets
}
