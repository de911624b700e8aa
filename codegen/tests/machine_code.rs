//! Machine code in memory: what may be done with its pages, and when they go; and its text.
//!
//! One test in a program of its own, for it looks at the pages of the whole process: a test beside
//! it would compile code too.

#![cfg(all(feature = "cpu", target_os = "linux"))]

mod support;

use sinew_codegen::cpu::{CompiledSchedule, Contraction, Options, compile};
use sinew_codegen::kernel::Schedule;
use sinew_ir::Axis;
use sinew_ir::DType;
use sinew_ir::ops::{self, DotAxes};
use support::{ProgramBuilder, scheduled};

/// A product over tiles, and a map.
fn schedule() -> Schedule {
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F32, &[32, 64]);
    let w = p.input("w", DType::F32, &[64, 32]);
    let axes = DotAxes {
        contract_x: vec![Axis::At(1)],
        contract_y: vec![Axis::At(0)],
        ..DotAxes::default()
    };
    let y = p.b.dot(x, w, &axes).expect("dot");
    let square = p.b.op(ops::MUL, &[x, x], vec![]).expect("mul");
    scheduled(&p.finish(&[y, square]))
}

/// The permissions of this process's pages that are no file's.
fn permissions() -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let anonymous = maps.lines().filter(|l| l.split_whitespace().count() == 5);
    let permissions = anonymous.filter_map(|l| l.split_whitespace().nth(1));
    permissions.map(str::to_owned).collect()
}

fn executable() -> usize {
    permissions().iter().filter(|p| p.contains('x')).count()
}

#[test]
fn code_is_never_writable_goes_with_its_program_and_has_no_address_in_its_text() {
    let schedule = schedule();
    // Tiles compiled ahead are called by their address.
    let options = Options {
        contraction: Contraction::Library,
        ..Options::default()
    };
    let program = || -> CompiledSchedule { compile(&schedule, &options).expect("it compiles") };
    let before = executable();
    let one = program();
    assert!(executable() > before, "its pages are executable");
    let both = |p: &String| p.contains('w') && p.contains('x');
    assert!(!permissions().iter().any(both), "{:?}", permissions());
    drop(one);
    let rest = executable();
    assert_eq!(rest, before, "its pages are gone");
    // A thousand programs, each dropped, one run on another thread than it was compiled on.
    for turn in 0..1000 {
        let program = program();
        if turn == 0 {
            let mut memory: Vec<Vec<u64>> = schedule
                .regions
                .iter()
                .map(|r| vec![0; r.bytes.div_ceil(8)])
                .collect();
            memory.push(vec![0; program.scratch_bytes() / 8 + 1]);
            std::thread::scope(|scope| {
                let (program, memory) = (&program, &mut memory);
                scope.spawn(move || {
                    let table: Vec<*mut u8> =
                        memory.iter_mut().map(|r| r.as_mut_ptr().cast()).collect();
                    // SAFETY: each region has as many bytes as the schedule says, and so has scratch.
                    unsafe { program.run(&table) };
                });
            });
        }
    }
    assert_eq!(executable(), rest, "pages of dropped programs are there");

    let (one, other) = (program(), program());
    let text = one.clif();
    assert_eq!(text, other.clif());
    assert!(text.contains("product_f32"), "{text}");
    // An address would be a constant of more digits than any extent here.
    let long = |word: &str| {
        let hex = word.starts_with("0x") && word.replace('_', "").len() > 10;
        hex || (word.len() > 10 && word.bytes().all(|b| b.is_ascii_digit()))
    };
    assert!(!text.split_whitespace().any(long), "{text}");
}
