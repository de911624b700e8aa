//! Kernels in files: `tests/kernels/*.kernel`, each a schedule in text form, with what holds of it in
//! comments before it:
//!
//! - `; verify error: what` the verifier refuses it, and says so;
//! - `; run` the verifier takes it, and whatever runs kernels agrees with the executor on all that it
//!   writes, from numbers that [`fill`] makes;
//! - `; data b0: 1 2 3` a buffer holds these numbers instead;
//! - `; expect b1: 2 4 6` a buffer holds these numbers afterwards.

use super::{bytes, numbers, values};
use sinew_codegen::kernel::{Kernel, Node, Schedule};
use sinew_codegen::text::parse;
use sinew_ir::DType;

/// A file.
pub struct Case {
    pub name: String,
    pub schedule: Schedule,
    /// What the verifier says, of a schedule that it refuses.
    pub error: Option<String>,
    pub runs: bool,
    data: Vec<(usize, Vec<f64>)>,
    expected: Vec<(usize, Vec<f64>)>,
}

/// All files, by name.
pub fn cases() -> Vec<Case> {
    // Another crate's tests read them too.
    let here = env!("CARGO_MANIFEST_DIR");
    let folder = ["tests/kernels", "../codegen/tests/kernels"]
        .map(|f| std::path::Path::new(here).join(f))
        .into_iter()
        .find(|f| f.is_dir())
        .expect("the folder is there");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|f| f.expect("a file").path())
        .collect();
    files.sort();
    files.iter().map(|path| read(path)).collect()
}

fn read(path: &std::path::Path) -> Case {
    let text = std::fs::read_to_string(path).expect("text");
    let name = path
        .file_stem()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let mut case = Case {
        schedule: parse(&text).unwrap_or_else(|e| panic!("{name}: {e}")),
        error: None,
        runs: false,
        data: Vec::new(),
        expected: Vec::new(),
        name,
    };
    for line in text.lines().filter_map(|l| l.strip_prefix("; ")) {
        if let Some(what) = line.strip_prefix("verify error: ") {
            case.error = Some(what.into());
        } else if line == "run" {
            case.runs = true;
        } else if let Some(rest) = line.strip_prefix("data ") {
            case.data.push(buffer(rest));
        } else if let Some(rest) = line.strip_prefix("expect ") {
            case.expected.push(buffer(rest));
        }
    }
    assert!(
        case.runs != case.error.is_some(),
        "{}: one of both",
        case.name
    );
    case
}

fn buffer(text: &str) -> (usize, Vec<f64>) {
    let (id, list) = text.split_once(':').expect("a colon");
    let id = id.trim_start_matches('b').parse().expect("a number");
    let list = list
        .split_whitespace()
        .map(|n| n.parse().expect("a number"));
    (id, list.collect())
}

impl Case {
    /// Memory before a run: numbers between -0.5 and 0.5, integers from 0 to 4, and garbage in the
    /// arena.
    pub fn fill(&self) -> Vec<Vec<u8>> {
        let s = &self.schedule;
        let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
        for (i, b) in s.buffers.iter().enumerate() {
            let given = self.data.iter().find(|(id, _)| *id == i);
            let region = &s.regions[b.region.0 as usize];
            let list: Vec<f64> = match given {
                Some((_, list)) => list.clone(),
                None if !region.kind.is_filled() => continue,
                None if b.dtype.is_float() => numbers(b.elements, i + 1),
                None => (0..b.elements).map(|e| ((e * 7 + i) % 5) as f64).collect(),
            };
            let list: Vec<f64> = match b.dtype {
                DType::Bool => list
                    .iter()
                    .map(|v| f64::from(u8::from(*v != 0.0)))
                    .collect(),
                DType::Float | DType::F32 | DType::F64 | DType::I32 | DType::U32 => list,
            };
            let data = bytes(&list, b.dtype);
            memory[b.region.0 as usize][b.offset..b.offset + data.len()].copy_from_slice(&data);
        }
        memory
    }

    /// What a buffer holds.
    fn read(&self, memory: &[Vec<u8>], id: usize) -> Vec<f64> {
        let b = &self.schedule.buffers[id];
        let size = b.elements * b.dtype.size().expect("bound");
        values(
            &memory[b.region.0 as usize][b.offset..b.offset + size],
            b.dtype,
        )
    }

    /// That memory holds what the file says.
    pub fn check(&self, memory: &[Vec<u8>]) {
        for (id, expected) in &self.expected {
            let found = self.read(memory, *id);
            super::close(&found, expected, 1e-6, &format!("{} b{id}", self.name));
        }
    }

    /// That all that is written and kept is the same, within `tolerance`.
    pub fn compare(&self, found: &[Vec<u8>], expected: &[Vec<u8>], tolerance: f64, what: &str) {
        for (id, b) in self.schedule.buffers.iter().enumerate() {
            if self.schedule.regions[b.region.0 as usize].kind.is_filled() {
                let (a, b) = (self.read(found, id), self.read(expected, id));
                super::close(&a, &b, tolerance, &format!("{} b{id}, {what}", self.name));
            }
        }
    }
}

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
