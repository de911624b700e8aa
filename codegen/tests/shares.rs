//! Runs in shares of their kernels' parallel axes do what whole runs do, bit by bit.

mod support;

use sinew_codegen::execute::execute;
use sinew_codegen::kernel::{RegionKind, Schedule};
use sinew_codegen::verify::verify;
use sinew_ir::parse;
use support::files::{cases, in_shares};
use support::{bytes, numbers, scheduled};

/// Compares a schedule in shares with the whole, by the executor and by compiled code.
fn check(name: &str, schedule: &Schedule, memory: &[Vec<u8>]) {
    let shares = in_shares(schedule);
    verify(&shares).unwrap_or_else(|e| panic!("{name}: {e}"));
    let kept = |memory: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
        let regions = schedule.regions.iter().zip(memory);
        let kept = regions.filter(|(r, _)| r.kind != RegionKind::Arena);
        kept.map(|(_, bytes)| bytes).collect()
    };
    let executed = |s: &Schedule| {
        let mut memory = memory.to_vec();
        execute(s, &mut memory).unwrap_or_else(|e| panic!("{name}: {e}"));
        kept(memory)
    };
    assert!(executed(schedule) == executed(&shares), "{name}: executed");
    #[cfg(feature = "cpu")]
    for options in support::targets::targets() {
        let compiled = |s: &Schedule| {
            let mut memory = memory.to_vec();
            support::run_compiled(s, &mut memory, &options);
            kept(memory)
        };
        let (whole, parts) = (compiled(schedule), compiled(&shares));
        assert!(whole == parts, "{name}: {options:?}\n{shares}");
    }
}

#[test]
fn kernels_in_files_run_in_shares() {
    for case in cases().iter().filter(|c| c.runs) {
        check(&case.name, &case.schedule, &case.fill());
    }
}

/// Maps of one dim and of several, rows, columns, products of every way to compute them, with and without
/// a batch, with computed operands and epilogues, scatters, scans, sorts, a loop.
const PROGRAMS: &[&str] = &[
    "fn @map(%x: f32[1003], %y: f32[7, 143]) -> f32[1003], f32[7, 143] {
  %2 = tanh %x
  %3 = exp %y
  return %2, %3
}",
    "fn @rows(%x: f32[37, 130]) -> f32[37, 130], f32[130], f32[37] {
  %1 = softmax %x axis [1]
  %2 = sum %x axes [0]
  %3 = max %x axes [1]
  return %1, %2, %3
}",
    "fn @layer(%x: f32[61, 40], %w: f32[40, 75], %b: f32[75]) -> f32[61, 75], f32[40, 75] {
  %3 = dot %x, %w contract_x [1] contract_y [0]
  %4 = broadcast %b shape [61, 75] new [0]
  %5 = add %3, %4
  %6 = tanh %5
  %7 = dot %x, %6 contract_x [0] contract_y [0]
  return %6, %7
}",
    "fn @long(%x: f32[29, 700], %w: f32[700, 300]) -> f32[29, 300], f32[300, 29] {
  %2 = exp %x
  %3 = dot %2, %w contract_x [1] contract_y [0]
  %4 = dot %w, %x contract_x [0] contract_y [1]
  return %3, %4
}",
    "fn @heads(%q: f32[3, 5, 17, 8], %k: f32[3, 5, 17, 8]) -> f32[3, 5, 17, 17] {
  %2 = dot %q, %k batch_x [0, 1] batch_y [0, 1] contract_x [3] contract_y [3]
  %3 = softmax %2 axis [3]
  return %3
}",
    "fn @wide(%x: f64[33, 9], %w: f64[9, 21]) -> f64[33, 21], f64[33] {
  %2 = dot %x, %w contract_x [1] contract_y [0]
  %3 = sum %2 axes [1]
  return %2, %3
}",
    "fn @along(%x: f32[23, 31], %i: i32[23, 31]) -> f32[23, 31], f32[23, 31], i32[23, 31], f32[23, 31] {
  %2 = cumsum %x axis [1] reverse 0.0
  %3 = cumprod %x axis [0] reverse 1.0
  %4 = argsort %x axis [0] descending 1.0
  %5 = scatter_add %x, %i, %x axis [0]
  return %2, %3, %4, %5
}",
    "fn @turns(%h: f32[19], %w: f32[19, 19], %xs: f32[4, 6, 19]) -> f32[19], f32[4, 19, 6] {
  %13, %14 = loop 4 backward (%3, %4 = %h, %5 = slice %xs) {
    %11, %12 = loop 6 (%6, %7 = %4, %8 = slice %5) {
      %9 = dot %7, %w contract_x [0] contract_y [0]
      %10 = add %9, %8
      %15 = tanh %10
      return %15, stack %15 axis 1
    }
    return %11, stack %12
  }
  return %13, %14
}",
];

#[test]
fn programs_run_in_shares() {
    for text in PROGRAMS {
        let function = parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let schedule = scheduled(&function);
        let mut memory: Vec<Vec<u8>> = schedule.regions.iter().map(|r| vec![0; r.bytes]).collect();
        for p in 0..function.params.len() {
            let ty = &function.values[p];
            let count = ty.shape.extents().expect("bound").iter().product();
            let data: Vec<f64> = match ty.dtype.is_float() {
                true => numbers(count, p + 1),
                false => (0..count).map(|i| (i * 7 % 23) as f64).collect(),
            };
            memory[p + 1] = bytes(&data, ty.dtype);
        }
        let mut cut = 0;
        for run in in_shares(&schedule).runs() {
            cut += usize::from(!run.cuts.is_empty());
        }
        assert!(cut > 0, "{schedule}");
        check(&function.name, &schedule, &memory);
    }
}
