//! What is emitted for aarch64, compiled by Cranelift's back end for it on whichever host this is: every form that
//! emitters write has instructions there, and none needs a library. That they compute the right numbers is for a
//! host of this kind to say, where all other tests run its code.

use crate::support;

use sinew_codegen::cpu::{Architecture, Contraction, Instructions, Options, Vectors, compile};
use sinew_codegen::kernel::Schedule;
use sinew_ir::{DType, ops};
use support::files::{cases, texts};
use support::random::{program, program_of_any_op, program_of_windows};
use support::scheduled;
use support::shares::{PROGRAMS, in_shares};

fn options(vectors: Vectors) -> Options {
    Options {
        architecture: Architecture::Aarch64,
        instructions: Instructions::Baseline,
        contraction: Contraction::Own,
        vectors,
        ..Options::default()
    }
}

fn check(what: &str, schedule: &Schedule) {
    for vectors in [Vectors::None, Vectors::Bits128] {
        let program = compile(schedule, &options(vectors));
        let program = program.unwrap_or_else(|e| panic!("{what}, {vectors:?}: {e}\n{schedule}"));
        let instructions = program.code_bytes() / 4;
        assert!(instructions >= 2 * schedule.kernels.len(), "{what}");
        assert_eq!(
            program.code_bytes() % 4,
            0,
            "{what}: instructions have 4 bytes"
        );
    }
}

#[test]
fn kernels_in_files_compile() {
    for (name, text) in texts() {
        let runs = cases(&name, &text, "cpu").into_iter();
        for case in runs.filter(|case| case.error.is_none()) {
            check(&case.name, &case.schedule);
        }
    }
}

#[test]
fn every_op_compiles() {
    for op in ops::TABLE {
        for instance in (op.test.instances)(op) {
            for float in [DType::F32, DType::F64, DType::F16, DType::Bf16] {
                let function = crate::table::program(*op, &instance, float);
                check(op.name, &scheduled(&function));
            }
        }
    }
}

#[test]
fn random_programs_compile() {
    for seed in 0..60 {
        for float in [DType::F32, DType::F64] {
            let zero_extents = seed % 8 == 7;
            check("program", &scheduled(&program(seed, zero_extents, float).0));
            check(
                "any op",
                &scheduled(&program_of_any_op(seed, zero_extents, float).0),
            );
            check(
                "windows",
                &scheduled(&program_of_windows(seed, zero_extents, float).0),
            );
        }
    }
}

#[test]
fn shares_compile() {
    for text in PROGRAMS {
        let function = sinew_ir::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        check(text, &in_shares(&scheduled(&function)));
    }
}

/// A map and a product, for reading. Texts name the calling convention, which is the system's.
#[cfg(target_os = "linux")]
#[test]
fn what_is_emitted_reads_as_it_did() {
    for name in ["map", "contraction"] {
        let case = cases(name, &support::files::text(name), "cpu")
            .into_iter()
            .next();
        let case = case.unwrap_or_else(|| panic!("no {name} runs"));
        let program = compile(&case.schedule, &options(Vectors::Bits128));
        let program = program.unwrap_or_else(|e| panic!("{e}"));
        support::golden_in("clif", &format!("aarch64_{name}"), &program.clif());
    }
}

/// A host of another kind runs none of it, and has no instructions of its own there.
#[test]
fn instructions_are_those_of_the_processor() {
    let function = sinew_ir::parse(PROGRAMS[0]).expect("it parses");
    let schedule = scheduled(&function);
    for set in Instructions::ALL {
        let compiled = compile(
            &schedule,
            &Options {
                instructions: set,
                ..options(Vectors::Bits512)
            },
        );
        assert_eq!(compiled.is_ok(), set == Instructions::Baseline, "{set:?}");
    }
}
