//! Compiled code stays within its regions to the byte, where it reads too: every test that runs compiled code
//! does so beside guarded pages ([`support::compiled`]). Here are programs that go up to both ends of what they
//! are given by steps, over edges, in types of every size; and a check that who goes too far is stopped and told.

use crate::support;

use sinew_codegen::kernel::{RegionId, RegionKind, Schedule};
use sinew_fuzz::Target;
use sinew_ir::{Binding, DType, Function, Param, ParamKind, link, link_gradient, parse};
use sinew_testing::unit;
use std::ops::Range;
#[cfg(unix)]
use std::process::Command;
use support::data::Data;
use support::random::{Random, program_of_any_op};
use support::template::{Names, filled};
use support::{bytes, close, interpreted, scheduled, tolerance, values};

/// Moves by steps and over edges, of elements of any type, from the first element of an operand to its last.
const MOVES: &[&str] = &[
    // Elements read by steps, from the first and up to the last.
    "fn @slices(%x: $t[$(2*n - 1)], %y: $t[$(3*n - 2)], %z: $t[$(4*n - 3)]) -> $t[$n], $t[$n], $t[$n] {
  %3 = slice %x axis [0] range [0, $(2*n - 1), 2]
  %4 = slice %y axis [0] range [0, $(3*n - 2), 3]
  %5 = slice %z axis [0] range [0, $(4*n - 3), 4]
  return %3, %4, %5
}",
    // Of rows, whose last ends a region.
    "fn @columns(%x: $t[3, $(2*n - 1)], %y: $t[2, $(3*n)], %z: $t[5, $(4*n)]) -> $t[3, $n], $t[2, $n], $t[5, $n] {
  %3 = slice %x axis [1] range [0, $(2*n - 1), 2]
  %4 = slice %y axis [1] range [2, $(3*n), 3]
  %5 = slice %z axis [1] range [3, $(4*n), 4]
  return %3, %4, %5
}",
    // From behind.
    "fn @flips(%x: $t[$n], %y: $t[3, $(2*n - 1)]) -> $t[$n], $t[3, $n] {
  %2 = flip %x axis [0]
  %3 = flip %y axis [1]
  %4 = slice %3 axis [1] range [0, $(2*n - 1), 2]
  return %2, %4
}",
    // Elements written by steps, up to the last, and edges that nothing is read for.
    "fn @pads(%x: $t[$n]) -> $t[$(2*n - 1)], $t[$(3*n - 2)], $t[$(n + 5)], $t[$(4*n + 4)] {
  %1 = pad %x axis [0] widths [0, 0, 2]
  %2 = pad %x axis [0] widths [0, 0, 3]
  %3 = pad %x axis [0] widths [2, 3, 1]
  %4 = pad %x axis [0] widths [3, 4, 4]
  return %1, %2, %3, %4
}",
    "fn @turned(%x: $t[$n, 3], %y: $t[5, $n]) -> $t[3, $n], $t[$n, 5] {
  %2 = permute %x axes [1, 0]
  %3 = permute %y axes [1, 0]
  return %2, %3
}",
    "fn @joined(%x: $t[$n], %y: $t[3, $n]) -> $t[$(n + n)], $t[6, $n] {
  %2 = concat %x, %x axis [0]
  %3 = concat %y, %y axis [0]
  return %2, %3
}",
    // Rows of a table, by indices inside and outside of it.
    "fn @taken(%x: $t[$n, 3], %i: i32[5, 3], %j: i32[$n, 7]) -> $t[5, 3], $t[$n, 7] {
  %3 = take_along_axis %x, %i axis [0]
  %4 = take_along_axis %x, %j axis [1]
  return %3, %4
}",
];

/// What floats alone have: pools, sums of windows, products, scatters, what runs along an axis, their gradients.
const FLOATS: &[&str] = &[
    "fn @pool(%x: param $t[2, $(2*n + 1)], %y: param $t[3, $(3*n)]) -> $t[] {
  %2 = windows %x axis [1] size [3] step [2] dilation [1]
  %3 = max %2 axes [2]
  %4 = square %3
  %5 = sum %4 axes [0, 1]
  %6 = windows %y axis [1] size [3] step [3] dilation [1]
  %7 = mean %6 axes [2]
  %8 = square %7
  %9 = sum %8 axes [0, 1]
  %10 = add %5, %9
  return %10
}",
    "fn @conv(%x: param $t[2, 3, $(n + 2), 5], %w: param $t[3, 3, 3, 2]) -> $t[] {
  %2 = pad %x axis [2] widths [1, 1, 1]
  %3 = windows %2 axis [3] size [2] step [2] dilation [2]
  %4 = windows %3 axis [2] size [3] step [1] dilation [1]
  %5 = dot %4, %w contract_x [1, 3, 5] contract_y [1, 2, 3]
  %6 = square %5
  %7 = sum %6 axes [0, 1, 2, 3]
  return %7
}",
    "fn @layer(%x: param $t[$n, 5], %w: param $t[5, $(n + 2)], %b: param $t[$(n + 2)]) -> $t[] {
  %3 = dot %x, %w contract_x [1] contract_y [0]
  %4 = broadcast %b shape [$n, $(n + 2)] new [0]
  %5 = add %3, %4
  %6 = tanh %5
  %7 = softmax %6 axis [1]
  %8 = square %7
  %9 = sum %8 axes [0, 1]
  return %9
}",
    "fn @taken(%x: param $t[$n, 3], %i: i32[5, 3]) -> $t[] {
  %2 = take_along_axis %x, %i axis [0]
  %3 = square %2
  %4 = sum %3 axes [0, 1]
  return %4
}",
    "fn @along(%x: param $t[3, $n]) -> $t[] {
  %1 = cumsum %x axis [1] reverse 0.0
  %2 = cumsum %x axis [0] reverse 1.0
  %3 = mul %1, %2
  %4 = sum %3 axes [0, 1]
  return %4
}",
    "fn @chosen(%x: param $t[$n], %y: param $t[$n], %c: bool[$n]) -> $t[] {
  %3 = select %c, %x, %y
  %4 = square %3
  %5 = sum %4 axes [0]
  return %5
}",
];

/// Extents around those of vectors of every width.
const EXTENTS: &[usize] = &[1, 2, 3, 7, 8, 9, 15, 16, 17, 33];

/// A program of a text, its gradient where it has parameters to train.
fn program(text: &str, dtype: DType, n: usize) -> Function {
    let names = [("t", dtype.to_string()), ("n", n.to_string())];
    let names: Names = names.map(|(name, is)| (name.to_owned(), is)).into();
    let text = filled(text, &names);
    let function = parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let is_trained = |p: &Param| p.kind == ParamKind::Param;
    let binding = Binding::new(DType::F32);
    let linked = match function.params.iter().any(is_trained) {
        true => link_gradient(unit(&function), &binding, &is_trained).map(|g| g.program),
        false => link(unit(&function), &binding),
    };
    linked.unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// That all that the targets make of a program computes what the interpreter does.
fn check(function: &Function, targets: &[sinew_codegen::cpu::Options]) {
    let inputs: Vec<Vec<f64>> = (0..function.params.len())
        .map(|p| {
            let ty = &function.values[p];
            let count = ty.shape.extents().expect("linked").iter().product();
            match ty.dtype {
                // Indices on both sides of what there is.
                DType::I32 => Data::Between(-2.0, 40.0).elements(ty.dtype, count, p),
                _ => Data::unsaid(ty.dtype, count, p),
            }
        })
        .collect();
    let expected = interpreted(function, &inputs);
    let whole = scheduled(function);
    let mut before: Vec<Vec<u8>> = whole.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
    for (p, input) in inputs.iter().enumerate() {
        before[p + 1] = bytes(input, function.values[p].dtype);
    }
    let apart = in_pieces(&whole);
    before.resize_with(apart.regions.len(), Vec::new);
    for (bytes, region) in before.iter_mut().zip(&apart.regions) {
        bytes.resize(region.bytes, 0xA5);
    }
    for options in targets {
        let mut memory = before.clone();
        support::run_compiled(&apart, &mut memory, options);
        for (r, expected) in expected.iter().enumerate() {
            let dtype = function.type_of(function.body.results[r]).dtype;
            let found = values(&memory[1 + function.params.len() + r], dtype);
            let what = format!("result {r}, {options:?}\n{function}");
            close(&found, expected, tolerance(dtype), &what);
        }
    }
}

/// The schedule with a region for each group of buffers that share memory with each other, so that what
/// a kernel touches beside one of its buffers is no other's. The first arena has nothing left in it.
fn in_pieces(schedule: &Schedule) -> Schedule {
    let mut out = schedule.clone();
    for region in 0..schedule.regions.len() {
        let kind = schedule.regions[region].kind;
        if !kind.is_planned() {
            continue;
        }
        let range = |b: &sinew_codegen::kernel::Buffer| -> Range<usize> {
            b.offset..b.offset + b.elements * b.dtype.size().expect("bound")
        };
        let inside = schedule.buffers.iter();
        let inside = inside.filter(|b| b.region.0 as usize == region);
        let mut ranges: Vec<Range<usize>> = inside.map(range).collect();
        ranges.sort_by_key(|r| (r.start, r.end));
        let mut pieces: Vec<Range<usize>> = Vec::new();
        for range in ranges {
            match pieces.last_mut() {
                Some(last) if range.start < last.end || range.is_empty() => {
                    last.end = last.end.max(range.end);
                }
                Some(_) | None => pieces.push(range),
            }
        }
        for (i, piece) in pieces.iter().enumerate() {
            let id = RegionId(out.regions.len() as u32);
            out.regions.push(sinew_codegen::kernel::Region {
                name: format!("{} {i}", schedule.regions[region].name),
                bytes: piece.len(),
                kind: match kind {
                    // As an arena, of which a schedule has one.
                    RegionKind::Arena => RegionKind::Output,
                    kind => kind,
                },
            });
            for (buffer, old) in out.buffers.iter_mut().zip(&schedule.buffers) {
                let held = old.region.0 as usize == region && {
                    let range = range(old);
                    piece.start <= range.start && range.end <= piece.end
                };
                if held && buffer.region == old.region {
                    buffer.region = id;
                    buffer.offset = old.offset - piece.start;
                }
            }
        }
        out.regions[region].bytes = 0;
    }
    sinew_codegen::verify::verify(&out).unwrap_or_else(|e| panic!("{e}\n{out}"));
    out
}

#[test]
fn moves_go_to_both_ends_of_what_they_are_given() {
    let targets = support::targets::targets();
    for text in MOVES {
        for dtype in [DType::F32, DType::F64, DType::F16, DType::I32, DType::Bool] {
            // What has no zero is not padded, nor has it gradients.
            let adds = ["pad ", "take_along_axis "]
                .iter()
                .any(|op| text.contains(op));
            if dtype == DType::Bool && adds {
                continue;
            }
            for (i, n) in EXTENTS.iter().enumerate() {
                // One element type on all targets, others by turns.
                let all = dtype == DType::F32;
                let one = &targets[i % targets.len()..][..1];
                check(&program(text, dtype, *n), if all { &targets } else { one });
            }
        }
    }
}

#[test]
fn so_do_pools_products_scatters_and_gradients() {
    for text in FLOATS {
        for dtype in [DType::F32, DType::F64, DType::Bf16] {
            for n in [1, 6, 17, 33] {
                let mut targets = support::targets::product_targets();
                targets.extend(support::targets::small_blocks());
                let products = text.contains("dot");
                if !products {
                    targets = support::targets::targets();
                }
                check(&program(text, dtype, n), &targets);
            }
        }
    }
}

/// Each value that lives in one turn, by itself, for each thread.
#[test]
fn turns_that_stand_apart_keep_to_their_own_memory() {
    let programs = crate::loops::PROGRAMS.iter();
    for (name, text) in programs.filter(|(name, _)| name.contains("stand_apart")) {
        for (trip, float) in [(2, "f64"), (3, "f32"), (7, "f32")] {
            let function = crate::loops::program(text, trip, float);
            let pieces = in_pieces(&scheduled(&function)).regions;
            let turns = pieces.iter().filter(|r| r.kind == RegionKind::Turn);
            assert!(turns.filter(|r| r.bytes > 0).count() > 0, "{name}");
            check(&function, &support::targets::targets());
        }
    }
}

/// Where nothing is, nothing is touched.
#[test]
fn what_has_no_elements_is_not_touched() {
    for text in [
        "fn @none(%x: f32[0], %y: f32[3, 0]) -> f32[0], f32[3], f32[5], f32[0, 3] {
  %2 = tanh %x
  %3 = sum %y axes [1]
  %4 = pad %x axis [0] widths [2, 3, 1]
  %5 = permute %y axes [1, 0]
  return %2, %3, %4, %5
}",
        "fn @products(%x: f32[0, 5], %y: f32[5, 3], %z: f32[7, 0], %w: f32[0, 9]) -> f32[0, 3], f32[7, 9] {
  %4 = dot %x, %y contract_x [1] contract_y [0]
  %5 = dot %z, %w contract_x [1] contract_y [0]
  return %4, %5
}",
    ] {
        let targets = support::targets::product_targets();
        check(&program(text, DType::F32, 0), &targets);
    }
}

/// Random programs, what lies between their kernels as pieces of its own.
#[test]
fn random_programs_in_pieces() {
    let target = Target::new("guards", 60).limit(std::time::Duration::from_secs(20));
    let make = |seed: u64| program_of_any_op(seed / 2, seed % 8 == 7, DType::F64);
    struct Input(u64, Function, Vec<Vec<f64>>);
    impl std::fmt::Display for Input {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}", self.1)
        }
    }
    let make = |seed: u64| {
        let (function, inputs) = make(seed);
        Input(seed, function, inputs)
    };
    target.run(make, |Input(seed, function, inputs)| {
        let apart = in_pieces(&scheduled(function));
        let mut memory: Vec<Vec<u8>> = apart.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
        for (p, input) in inputs.iter().enumerate() {
            memory[p + 1] = bytes(input, function.values[p].dtype);
        }
        let targets = support::targets::targets();
        let options = Random(*seed | 1).pick(&targets);
        support::run_compiled(&apart, &mut memory, &options);
    });
}

/// What the process is to do wrong: a number of [`WRONG`] and one of the targets.
#[cfg(unix)]
const WRONG_NUMBER: &str = "SINEW_TEST_GOES_TOO_FAR";

/// Kernels that no verifier takes, and what is told of the first byte that they touch.
#[cfg(unix)]
const WRONG: &[(&str, &str)] = &[
    (
        "memory x f32[19] input
        memory y f32[20] state
        kernel reads_behind {
          nest outer [20] inner [] rows []
          row {
            r0: f32 = load s0 at 0 [1]
            store r0 s1 at 0 [1]
          }
        }",
        "0 bytes behind the end of region x",
    ),
    (
        "memory x f32[20] input
        memory y f32[20] state
        kernel reads_before {
          nest outer [20] inner [] rows []
          row {
            r0: f32 = load s0 at -1 [1]
            store r0 s1 at 0 [1]
          }
        }",
        "bytes before region x",
    ),
    (
        "memory x f32[20] input
        memory y f32[19] state
        kernel writes_behind {
          nest outer [20] inner [] rows []
          row {
            r0: f32 = load s0 at 0 [1]
            store r0 s1 at 0 [1]
          }
        }",
        "0 bytes behind the end of region y",
    ),
    (
        "memory x f32[58] input
        memory y f32[20] state
        kernel reads_behind_by_steps {
          nest outer [20] inner [] rows []
          row {
            r0: f32 = load s0 at 1 [3]
            store r0 s1 at 0 [1]
          }
        }",
        "0 bytes behind the end of region x",
    ),
    (
        "memory x f16[20] input
        memory y f16[19] state
        kernel writes_halves_behind {
          nest outer [20] inner [] rows []
          row {
            r0: f16 = load s0 at 0 [1]
            store r0 s1 at 0 [1]
          }
        }",
        "0 bytes behind the end of region y",
    ),
];

/// Each of these in a process of its own, which ends there, on every target.
#[cfg(unix)]
#[test]
fn who_goes_too_far_is_stopped_and_told() {
    let targets = support::targets::targets();
    if let Ok(numbers) = std::env::var(WRONG_NUMBER) {
        let (wrong, target) = numbers.split_once(' ').expect("two numbers");
        let number = |text: &str| text.parse::<usize>().expect("a number");
        let schedule = support::template::schedule(WRONG[number(wrong)].0);
        let regions = schedule.regions.iter();
        let mut memory: Vec<Vec<u8>> = regions.map(|r| vec![0; r.bytes]).collect();
        support::run_compiled(&schedule, &mut memory, &targets[number(target)]);
        return;
    }
    for (wrong, (text, told)) in WRONG.iter().enumerate() {
        for (target, options) in targets.iter().enumerate() {
            let own = std::env::current_exe().expect("this program");
            let name = "guards::who_goes_too_far_is_stopped_and_told";
            let output = Command::new(own)
                .args([name, "--exact", "--nocapture"])
                .env(WRONG_NUMBER, format!("{wrong} {target}"))
                .output()
                .expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr);
            let what = format!("{options:?}\n{text}\n{}: {said}", output.status);
            assert!(!output.status.success(), "nobody was stopped, {what}");
            let kernel = text
                .split_whitespace()
                .skip_while(|w| *w != "kernel")
                .nth(1);
            let all = [told, kernel.expect("a name"), &format!("{options:?}")[..]];
            assert!(
                all.iter().all(|t| said.contains(t)),
                "what was told, {what}"
            );
        }
    }
}

#[cfg(not(unix))]
#[test]
fn pages_are_guarded() {
    println!(
        "skipped: how pages are guarded is known of unix here; regions have margins that nobody may write"
    );
}
