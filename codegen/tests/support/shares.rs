//! Schedules whose runs are cut into shares, and programs of kernels of every class to try it on.

use sinew_codegen::kernel::{Kernel, Node, Schedule};

/// The same schedule with every run in two or three uneven shares, where its kernel's axis has as many.
pub fn in_shares(schedule: &Schedule) -> Schedule {
    fn split(nodes: &mut [Node], kernels: &[Kernel], count: &mut usize) {
        for node in nodes {
            match node {
                Node::Part(part) => split(&mut part.nodes, kernels, count),
                Node::Loop(l) => split(&mut l.body, kernels, count),
                Node::Run(run) => {
                    *count += 1;
                    let extent = kernels[run.kernel.0 as usize].parallel();
                    let places: &[usize] = match *count % 2 {
                        0 => &[3],
                        _ => &[2, 6],
                    };
                    let mut cuts: Vec<usize> = places.iter().map(|p| extent * p / 10).collect();
                    cuts.dedup();
                    cuts.retain(|cut| *cut > 0 && *cut < extent);
                    run.cuts = cuts;
                }
            }
        }
    }
    let mut out = schedule.clone();
    split(&mut out.nodes, &schedule.kernels, &mut 0);
    out
}

/// Maps of one dim and of several, rows, columns, products of every way to compute them, with and without
/// a batch, with computed operands and epilogues, scatters, scans, sorts, a loop.
pub const PROGRAMS: &[&str] = &[
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
