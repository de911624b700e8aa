//! Random IR texts that link, through the scheduler: kernels compute what the interpreter does.
//!
//! Where random programs (`fuzz.rs`) know what they make, these are functions as people write them, with
//! words exchanged: forms that nobody thought of.

use crate::support;

use sinew_codegen::cost;
use sinew_codegen::execute::execute;
use sinew_codegen::schedule::{Part, ScheduleError, schedule};
use sinew_fuzz::{STEPS, Target, changed_text, steps};
use sinew_ir::{
    Binding, DType, Function, Stage, SymbolKind, SymbolSource, SymbolType, link_pullback, parse,
    verify_stage,
};
use std::fs;
use std::path::{Path, PathBuf};
use support::{bytes, interpreted, separate, values};

/// Functions without calls: those of the IR's golden tests, and steps.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ir/tests/golden");
    let entries = |folder: PathBuf| {
        let entries = fs::read_dir(folder).expect("the IR's golden tests");
        entries.map(|e| e.expect("an entry").path())
    };
    let mut files: Vec<PathBuf> = entries(root).flat_map(entries).collect();
    // Seeds mean the same on every machine.
    files.sort();
    let mut out: Vec<String> = STEPS.iter().map(|(_, step)| steps(step, 2)).collect();
    for file in files {
        let text = fs::read_to_string(file).expect("text");
        let parts = text.split("----\n").flat_map(|t| t.split("fn @").skip(1));
        out.extend(
            parts
                .map(|p| format!("fn @{p}"))
                .filter(|p| !p.contains("call @")),
        );
    }
    // The interpreter rounds nothing to f32.
    out.iter().map(|text| text.replace("f32", "f64")).collect()
}

/// The program of a text's results and gradients, if it links and is small.
fn linked(text: &str) -> Option<Function> {
    let function = parse(text).ok()?;
    verify_stage(&function, Stage::Unit).ok()?;
    let values = function.symbols.iter().filter_map(|d| match d.kind {
        SymbolKind::Value(ty, SymbolSource::Caller) => Some((d.symbol.name(), ty)),
        SymbolKind::Value(_, SymbolSource::Rustc) | SymbolKind::Sequence => None,
    });
    let mut binding = Binding::new(DType::F64).with_sequence(&[2]);
    for ((name, ty), size) in values.zip([2, 3, 1, 4].into_iter().cycle()) {
        binding = match ty {
            SymbolType::Size => binding.with(name, size),
            SymbolType::Float => binding.with(name, 0.5),
            SymbolType::Bool => binding.with(name, size % 2 == 0),
        };
    }
    let program = link_pullback(sinew_testing::unit(&function), &binding, &|_| true)
        .ok()?
        .program;
    let small = program.values.iter().all(|t| {
        let extents = t.shape.extents().unwrap_or_default();
        let mut extents = extents.iter();
        let count = extents.try_fold(1usize, |all, n| {
            all.checked_mul(*n).filter(|all| *all <= 512)
        });
        count.is_some() && t.dtype != DType::F32
    });
    small.then_some(program)
}

/// Few different numbers, so that comparisons meet equal ones.
fn inputs(program: &Function) -> Vec<Vec<f64>> {
    let input = |p: usize| {
        let ty = &program.values[p];
        let count: usize = ty.shape.extents().expect("a program").iter().product();
        let number = |n: usize| match ty.dtype {
            // Quarters of small numbers, which halves hold too.
            DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => {
                ((n * 7 + p * 3) % 13) as f64 / 4.0 - 1.5
            }
            DType::I32 | DType::U32 => ((n + p) % 3) as f64,
            DType::Bool => ((n + p) % 2) as f64,
        };
        (0..count).map(number).collect()
    };
    (0..program.params.len()).map(input).collect()
}

/// Sums come in another order, and powers make great numbers of small differences.
fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * (1.0 + b.abs())
}

fn holds(text: &str) {
    let Some(program) = linked(text) else {
        return;
    };
    let inputs = inputs(&program);
    let (regions, places, outputs) = separate(&program);
    let part = Part {
        name: "test",
        program: &program,
        inputs: places,
        outputs,
    };
    let s = match schedule(&[part], regions, cost::Target::Cpu) {
        Ok(s) => s,
        Err(ScheduleError::Loop(_)) => return,
        Err(e) => panic!("{e}\n{program}"),
    };
    let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
    let params = program.params.len();
    for (p, x) in inputs.iter().enumerate() {
        memory[p + 1] = bytes(x, program.values[p].dtype);
    }
    assert_eq!(execute(&s, &mut memory), Ok(()), "{program}\n{s}");
    let expected = interpreted(&program, &inputs);
    for (r, v) in program.body.results.iter().enumerate() {
        let found = values(&memory[1 + params + r], program.type_of(*v).dtype);
        assert_eq!(found.len(), expected[r].len());
        for (i, (a, b)) in found.iter().zip(&expected[r]).enumerate() {
            assert!(
                close(*a, *b),
                "result {r} element {i}: {a} and not {b}\n{program}\n{s}"
            );
        }
    }
}

#[test]
fn any_text_that_links_is_scheduled_to_what_it_means() {
    let texts = texts();
    // The first seeds are the texts as they are.
    let make = |seed: u64| match usize::try_from(seed).ok().and_then(|i| texts.get(i)) {
        Some(text) => text.clone(),
        None => changed_text(&texts, &["f64", "i32", "0", "1", "-1", "2"], seed),
    };
    Target::new("ir-schedule", 2000).run(make, |text| holds(text));
}
