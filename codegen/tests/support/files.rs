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
