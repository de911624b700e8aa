//! Rows of several passes compute what is dear once for each element, and agree with the interpreter.

use crate::support;

use sinew_codegen::cost::Target;
use sinew_codegen::execute::execute;
use sinew_ir::{DType, Function, parse};
use support::{bytes, close, decided, interpreted, numbers, values};

/// Names, bodies that give `%9` of `%x` and `%y`, and how many exponentials there are of an element.
const FUNCTIONS: [(&str, &str, usize); 5] = [
    ("softmax", "  %9 = softmax %x axis [AXIS]\n", 1),
    (
        "softmax and its pullback",
        "  %1 = softmax %x axis [AXIS]
  %2 = mul %1, %y
  %3 = sum %2 axes [AXIS]
  %4 = broadcast %3 shape [SHAPE] new [AXIS]
  %5 = sub %y, %4
  %9 = mul %1, %5
",
        1,
    ),
    ("log_softmax", "  %9 = log_softmax %x axis [AXIS]\n", 1),
    (
        // Of the differences from the maximum, and of the results.
        "log_softmax and its pullback",
        "  %1 = log_softmax %x axis [AXIS]
  %2 = sum %y axes [AXIS]
  %3 = broadcast %2 shape [SHAPE] new [AXIS]
  %4 = exp %1
  %5 = mul %4, %3
  %9 = sub %y, %5
",
        2,
    ),
    (
        "layer norm of an exponential",
        "  %1 = exp %x
  %2 = mean %1 axes [AXIS]
  %3 = broadcast %2 shape [SHAPE] new [AXIS]
  %4 = sub %1, %3
  %5 = square %4
  %6 = mean %5 axes [AXIS]
  %7 = broadcast %6 shape [SHAPE] new [AXIS]
  %8 = mul %4, %y
  %9 = div %8, %7
",
        1,
    ),
];

/// One of the functions over `shape`, rows along `axis`.
fn function(body: &str, shape: [usize; 2], axis: usize) -> Function {
    let shape = format!("{}, {}", shape[0], shape[1]);
    let text = format!(
        "fn @rows(%x: f64[SHAPE], %y: f64[SHAPE]) -> f64[SHAPE] {{\n{body}  return %9\n}}\n"
    );
    let text = text.replace("SHAPE", &shape);
    let text = text.replace("AXIS", &axis.to_string());
    parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn an_exponential_is_computed_once_for_each_element() {
    for (name, body, expected) in FUNCTIONS {
        for target in [Target::Cpu, Target::Gpu] {
            let (schedule, _) = decided(&function(body, [5, 37], 1), target);
            let text = schedule.to_string();
            let found = text.matches("= exp ").count();
            assert_eq!(found, expected, "{name} for {target:?}:\n{text}");
        }
    }
}

#[test]
fn rows_of_all_lengths_agree_with_the_interpreter() {
    for (name, body, _) in FUNCTIONS {
        for (shape, axis) in [
            ([3, 0], 1),
            ([3, 1], 1),
            ([5, 37], 1),
            ([2, 4096], 1),
            ([70, 7], 1),
            ([9, 35], 0),
            ([1, 6], 0),
        ] {
            let f = function(body, shape, axis);
            let count = shape[0] * shape[1];
            let inputs = [numbers(count, 1), numbers(count, 2)];
            // A norm over one element divides by zero.
            let expected = interpreted(&f, &inputs).remove(0);
            for target in [Target::Cpu, Target::Gpu] {
                let what = format!("{name} {shape:?} along {axis} for {target:?}");
                let (schedule, _) = decided(&f, target);
                let sizes = schedule.regions.iter().map(|r| vec![0xA5; r.bytes]);
                let mut memory: Vec<Vec<u8>> = sizes.collect();
                for (p, list) in inputs.iter().enumerate() {
                    memory[p + 1] = bytes(list, DType::F64);
                }
                #[cfg(feature = "cpu")]
                for options in support::targets::targets() {
                    let mut compiled = memory.clone();
                    support::run_compiled(&schedule, &mut compiled, &options);
                    close(&values(&compiled[3], DType::F64), &expected, 1e-9, &what);
                }
                execute(&schedule, &mut memory).unwrap_or_else(|e| panic!("{what}: {e}"));
                close(&values(&memory[3], DType::F64), &expected, 1e-9, &what);
            }
        }
    }
}

/// Where parts of a row are joined, each is moved in vectors: a counter that goes on by whole vectors was taken to reach
/// into the next part, and its elements were moved one by one.
#[cfg(feature = "cpu")]
#[test]
fn joined_parts_are_moved_in_vectors() {
    use sinew_codegen::cpu::{Options, Vectors, compile};
    let text = "fn @joined(%a: f32[64, 128], %b: f32[64, 128], %c: f32[64, 128]) -> f32[64, 384] {
  %3 = pad %a axis [1] widths [0, 256, 1]
  %4 = pad %b axis [1] widths [128, 128, 1]
  %5 = pad %c axis [1] widths [256, 0, 1]
  %6 = add %3, %4
  %7 = add %6, %5
  return %7
}";
    let schedule = support::scheduled(&sinew_ir::parse(text).unwrap_or_else(|e| panic!("{e}")));
    for threads in [1, 2] {
        let options = Options {
            vectors: Vectors::Bits128,
            threads,
            least_share: 0,
            ..Options::default()
        };
        let program = compile(&schedule, &options).unwrap_or_else(|e| panic!("{e}"));
        let clif = program.clif();
        let single = clif.lines().find(|line| line.contains(" load.f32 "));
        assert_eq!(single, None, "{clif}");
    }
}
