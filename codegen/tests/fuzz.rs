//! Random programs: the scheduled kernels against the reference interpreter.
//!
//! Seeds are fixed; `SINEW_FUZZ=20000` runs more of them.

mod support;

use sinew_ir::{DType, Function};
use support::products::products;
use support::random::{Random, program};
use support::{bytes, interpreted, separate, values};

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

/// Runs a program with some results in place of parameters of their type.
fn check(seed: u64, zero_extents: bool) {
    use sinew_codegen::execute::execute;
    use sinew_codegen::schedule::{Part, schedule};
    let (function, inputs) = program(seed, zero_extents, DType::F64);
    let expected = interpreted(&function, &inputs);
    let (regions, places, mut outputs) = separate(&function);
    let mut random = Random(seed | 1);
    let mut taken = Vec::new();
    for (r, v) in function.body.results.iter().enumerate() {
        let same: Vec<usize> = (0..function.params.len())
            .filter(|p| function.values[*p] == *function.type_of(*v) && !taken.contains(p))
            .collect();
        if !same.is_empty() && random.below(2) == 0 {
            let p = random.pick(&same);
            taken.push(p);
            outputs[r] = places[p];
        }
    }
    let part = Part {
        name: "test",
        program: &function,
        inputs: places,
        outputs: outputs.clone(),
    };
    let text = || format!("seed {seed} zero {zero_extents}\n{function}\n{outputs:?}");
    let s = match schedule(&[part], regions) {
        Ok(s) => s,
        Err(e) => panic!("{e}\n{}", text()),
    };
    let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
    for (p, x) in inputs.iter().enumerate() {
        memory[p + 1] = bytes(x, function.values[p].dtype);
    }
    let before = memory.clone();
    if let Err(e) = execute(&s, &mut memory) {
        panic!("{e}\n{}\n{}", text(), s);
    }
    compare(&function, &outputs, &s, &memory, &expected, &text);
    // Compiling takes a hundred times as long as running slowly: a part of the seeds.
    #[cfg(feature = "cpu")]
    if seed.is_multiple_of(2) {
        for options in support::targets::targets() {
            let mut memory = before.clone();
            support::run_compiled(&s, &mut memory, &options);
            let text = || format!("compiled, {options:?}, {}", text());
            compare(&function, &outputs, &s, &memory, &expected, &text);
        }
    }
}

/// The results in memory are those expected.
fn compare(
    function: &Function,
    outputs: &[sinew_codegen::schedule::Place],
    s: &sinew_codegen::kernel::Schedule,
    memory: &[Vec<u8>],
    expected: &[Vec<f64>],
    text: &dyn Fn() -> String,
) {
    for (r, v) in function.body.results.iter().enumerate() {
        let found = values(
            &memory[outputs[r].region.0 as usize],
            function.type_of(*v).dtype,
        );
        for (i, (a, b)) in found.iter().zip(&expected[r]).enumerate() {
            assert!(
                close(*a, *b),
                "result {r} element {i}: {a} and not {b}\n{}\n{}",
                text(),
                s
            );
        }
        assert_eq!(found.len(), expected[r].len());
    }
}

fn count(default: u64) -> u64 {
    let set = std::env::var("SINEW_FUZZ").ok();
    set.and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn random_programs() {
    for seed in 0..count(1500) {
        check(seed, false);
    }
}

/// Programs that once went wrong, and nothing else.
#[test]
fn random_programs_that_once_failed() {
    // Guards that never hold; slices from the start joining what they slice; columns of one
    // concatenation computed from each other; a view of nothing stored for two of its users.
    for (seed, zero_extents) in [
        (325, true),
        (74, false),
        (757, true),
        (9089, true),
        (10182, false),
        (28947, true),
        (30765, false),
        (30300, true),
        (60820, true),
        (97853, false),
    ] {
        check(seed, zero_extents);
    }
}

#[test]
fn random_programs_with_nothing_in_them() {
    for seed in 0..count(700) {
        check(seed, true);
    }
}

/// The same programs in f32: compiled, by scalar and by vector loops, against the slow executor.
#[cfg(feature = "cpu")]
#[test]
fn random_programs_compiled_in_f32() {
    use sinew_codegen::execute::execute;
    for seed in 0..count(400) {
        let (function, inputs) = program(seed, seed.is_multiple_of(3), DType::F32);
        let text = function.to_string();
        let s = support::scheduled(&function);
        let mut before: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
        for (p, x) in inputs.iter().enumerate() {
            before[p + 1] = bytes(x, function.values[p].dtype);
        }
        let mut expected = before.clone();
        if let Err(e) = execute(&s, &mut expected) {
            panic!("{e}\n{text}");
        }
        for options in support::targets::targets() {
            let mut found = before.clone();
            support::run_compiled(&s, &mut found, &options);
            for (r, v) in function.body.results.iter().enumerate() {
                let region = 1 + function.params.len() + r;
                let dtype = function.type_of(*v).dtype;
                let found = values(&found[region], dtype);
                for (a, b) in found.iter().zip(values(&expected[region], dtype)) {
                    // Values reach a few hundred; fused and reordered sums differ in the last digits.
                    let near = (a - b).abs() <= 1e-4 * (1.0 + b.abs());
                    let same = *a == b || (a.is_nan() && b.is_nan()) || near;
                    assert!(same, "seed {seed} {options:?}: {a} and not {b}\n{text}");
                }
            }
        }
    }
}

/// Products of computed operands, slowly and by every choice of kernel.
#[test]
fn random_products_of_computed_operands() {
    use sinew_codegen::execute::execute;
    use sinew_codegen::kernel::Class;
    let mut computed = 0;
    for seed in 0..count(300) {
        let (function, inputs) = products(seed, DType::F64);
        let expected = interpreted(&function, &inputs);
        let s = support::scheduled(&function);
        for kernel in &s.kernels {
            if let Class::Contract(c) = &kernel.class {
                let sides = [&c.lhs, &c.rhs];
                computed += sides.iter().filter(|o| o.access().is_none()).count();
            }
        }
        let mut before: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
        for (p, x) in inputs.iter().enumerate() {
            before[p + 1] = bytes(x, function.values[p].dtype);
        }
        let (_, _, outputs) = separate(&function);
        let check = |what: &str, memory: &[Vec<u8>]| {
            let text = || format!("seed {seed}, {what}\n{function}");
            compare(&function, &outputs, &s, memory, &expected, &text);
        };
        let mut memory = before.clone();
        if let Err(e) = execute(&s, &mut memory) {
            panic!("{e}, seed {seed}\n{function}");
        }
        check("slowly", &memory);
        #[cfg(feature = "cpu")]
        for options in support::targets::product_targets() {
            let mut memory = before.clone();
            support::run_compiled(&s, &mut memory, &options);
            check(&format!("{options:?}"), &memory);
        }
    }
    assert!(computed > 200, "only {computed} operands are computed");
}
