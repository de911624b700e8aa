//! Random programs: the scheduled kernels, slowly and compiled for every set of instructions, against
//! the reference interpreter. `scripts/fuzz.sh` runs more seeds.

use crate::support;

use sinew_codegen::cost;
use sinew_codegen::execute::execute;
use sinew_codegen::kernel::{Class, Schedule};
use sinew_codegen::schedule::{Part, RegionOffset, schedule};
use sinew_fuzz::Target;
use sinew_ir::{DType, Function};
use std::fmt;
use std::time::Duration;
use support::products::products;
use support::random::{Random, program, program_of_any_op, program_of_windows};
use support::rounding::{Flips, Rounding};
use support::{arrays, bytes, interpreted, separate, values};

/// A program with elements for its inputs.
struct Input {
    seed: u64,
    function: Function,
    inputs: Vec<Vec<f64>>,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function)
    }
}

/// A target of random programs. A case is compiled several times, by a compiler that is not optimised.
fn target(name: &'static str, cases: u64) -> Target {
    Target::new(name, cases).limit(Duration::from_secs(20))
}

/// The program of a seed; odd ones may have tensors without elements.
fn input(seed: u64, float: DType) -> Input {
    let (function, inputs) = program(seed / 2, seed % 2 == 1, float);
    Input {
        seed,
        function,
        inputs,
    }
}

/// Some of a list: compiling takes a hundred times as long as running slowly, and seeds are many.
#[cfg(feature = "cpu")]
fn some<T: Clone>(list: Vec<T>, seed: u64, count: usize) -> Vec<T> {
    let from = (seed as usize).wrapping_mul(count);
    // A host may have none of them.
    let count = count.min(list.len());
    let places = (0..count).map(|i| from.wrapping_add(i) % list.len());
    places.map(|i| list[i].clone()).collect()
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

/// Regions as garbage, those of parameters filled.
fn filled(s: &Schedule, input: &Input) -> Vec<Vec<u8>> {
    let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
    for (p, x) in input.inputs.iter().enumerate() {
        memory[p + 1] = bytes(x, input.function.values[p].dtype);
    }
    memory
}

/// Every element of the results in memory is right.
fn compare(
    function: &Function,
    outputs: &[RegionOffset],
    s: &Schedule,
    memory: &[Vec<u8>],
    by: &str,
    right: &dyn Fn(usize, usize, f64) -> Result<(), String>,
) {
    for (r, v) in function.body.results.iter().enumerate() {
        let ty = function.type_of(*v);
        let found = values(&memory[outputs[r].region.0 as usize], ty.dtype);
        let elements = ty.shape.extents().expect("linked").iter().product();
        let found = &found[..elements];
        for (i, a) in found.iter().enumerate() {
            if let Err(what) = right(r, i, *a) {
                panic!("by {by}, result {r} element {i}: {what}\n{outputs:?}\n{s}");
            }
        }
    }
}

/// Runs a schedule slowly and compares.
fn executed(
    input: &Input,
    outputs: &[RegionOffset],
    s: &Schedule,
    right: &dyn Fn(usize, usize, f64) -> Result<(), String>,
) {
    let mut memory = filled(s, input);
    execute(s, &mut memory).unwrap_or_else(|e| panic!("{e}\n{s}"));
    compare(&input.function, outputs, s, &memory, "the executor", right);
}

/// Compiles a schedule with each of the options, runs it and compares.
#[cfg(feature = "cpu")]
fn compiled(
    input: &Input,
    outputs: &[RegionOffset],
    s: &Schedule,
    options: &[sinew_codegen::cpu::Options],
    right: &dyn Fn(usize, usize, f64) -> Result<(), String>,
) {
    for options in options {
        let mut memory = filled(s, input);
        support::run_compiled(s, &mut memory, options);
        let by = format!("{options:?}");
        compare(&input.function, outputs, s, &memory, &by, right);
    }
}

/// Whether an element is what it must be; what it is otherwise.
fn is_close(found: f64, expected: f64) -> Result<(), String> {
    match close(found, expected) {
        true => Ok(()),
        false => Err(format!("{found} and not {expected}")),
    }
}

/// A program with some results in place of parameters of their type, slowly and compiled, in f64.
fn in_f64(input: &Input) {
    let function = &input.function;
    let expected = interpreted(function, &input.inputs);
    let (regions, places, mut outputs) = separate(function);
    let mut random = Random((input.seed / 2) | 1);
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
        program: function,
        inputs: places,
        outputs: outputs.clone(),
    };
    let s = schedule(&[part], regions, cost::Target::Cpu).unwrap_or_else(|e| panic!("{e}"));
    let right = |r: usize, i: usize, found: f64| is_close(found, expected[r][i]);
    executed(input, &outputs, &s, &right);
    #[cfg(feature = "cpu")]
    compiled(
        input,
        &outputs,
        &s,
        &some(support::targets::targets(), input.seed, 1),
        &right,
    );
}

/// Programs with windows, flips and shears, as they are written and simplified.
#[test]
fn programs_of_windows() {
    let make = |seed| {
        let (function, inputs) = program_of_windows(seed / 2, seed % 2 == 1, DType::F64);
        Input {
            seed,
            function,
            inputs,
        }
    };
    target("program-windows", 300).run(make, |input| {
        let mut simple = input.function.clone();
        sinew_ir::simplify(&mut simple);
        let found = interpreted(&simple, &input.inputs);
        for (found, expected) in found
            .iter()
            .zip(interpreted(&input.function, &input.inputs))
        {
            let mut pairs = found.iter().zip(&expected);
            assert!(pairs.all(|(a, b)| close(*a, *b)), "simplified:\n{simple}");
        }
        in_f64(&Input {
            seed: input.seed,
            function: simple,
            inputs: input.inputs.clone(),
        });
        in_f64(input);
    });
}

/// Programs of every op that the table has, in f64 and in f32.
#[test]
fn programs_of_any_op() {
    let flips = Flips::default();
    let make = |seed: u64| {
        let float = if seed.is_multiple_of(2) {
            DType::F64
        } else {
            DType::F32
        };
        let (function, inputs) = program_of_any_op(seed / 2, seed % 8 == 7, float);
        Input {
            seed,
            function,
            inputs,
        }
    };
    target("program-table", 300).run(make, |input| match input.seed % 2 {
        0 => in_f64(input),
        _ => in_f32(input, &flips),
    });
}

#[test]
fn programs_in_f64() {
    target("program", 1500).run(|seed| input(seed, DType::F64), in_f64);
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
        in_f64(&input(2 * seed + u64::from(zero_extents), DType::F64));
    }
}

/// In f32 the last digits depend on the order of sums, and a comparison of nearly equal numbers may come
/// out either way: what differs from the interpreter must be explained by rounding.
fn in_f32(input: &Input, flips: &Flips) {
    let function = &input.function;
    let inputs = arrays(function, &input.inputs);
    let rounding = Rounding::new(function, &inputs);
    let right = |r: usize, i: usize, found: f64| flips.judge(&rounding, (r, i), found);
    let s = support::scheduled(function);
    let (_, _, outputs) = separate(function);
    executed(input, &outputs, &s, &right);
    #[cfg(feature = "cpu")]
    compiled(
        input,
        &outputs,
        &s,
        &some(support::targets::targets(), input.seed, 2),
        &right,
    );
}

#[test]
fn programs_in_f32() {
    let flips = Flips::default();
    target("program-f32", 300).run(
        |seed| input(seed, DType::F32),
        |input| in_f32(input, &flips),
    );
}

/// A log-softmax is 0 in f32 where the sum of its exponentials rounds to 1, and -1e-12 before it is
/// rounded: which of the two is told by the floor that follows.
#[test]
fn rounding_within_a_function_over_ops_is_rounding() {
    in_f32(&input(5_024_080, DType::F32), &Flips::default());
}

/// Products of computed operands, slowly and by every choice of kernel.
#[test]
fn products_of_computed_operands() {
    let computed = std::cell::Cell::new(0);
    let cases = std::cell::Cell::new(0);
    let make = |seed| {
        let (function, inputs) = products(seed, DType::F64);
        Input {
            seed,
            function,
            inputs,
        }
    };
    target("product", 150).run(make, |input| {
        let function = &input.function;
        let expected = interpreted(function, &input.inputs);
        let s = support::scheduled(function);
        for kernel in &s.kernels {
            if let Class::Contract(c) = &kernel.class {
                let sides = [&c.lhs, &c.rhs];
                let sides = sides.iter().filter(|o| o.access().is_none()).count();
                computed.set(computed.get() + sides);
            }
        }
        cases.set(cases.get() + 1);
        let (_, _, outputs) = separate(function);
        let right = |r: usize, i: usize, found: f64| is_close(found, expected[r][i]);
        executed(input, &outputs, &s, &right);
        #[cfg(feature = "cpu")]
        {
            let mut options = some(support::targets::product_targets(), input.seed, 2);
            options.extend(some(support::targets::small_blocks(), input.seed, 1));
            compiled(input, &outputs, &s, &options, &right);
        }
    });
    let (computed, cases) = (computed.get(), cases.get());
    assert!(
        3 * computed > 2 * cases,
        "only {computed} of {cases} have operands that are computed"
    );
}
