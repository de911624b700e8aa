//! Kernels in files: `tests/kernels/*.kernel`, each a schedule in text form, as [`super::template`]
//! reads it, with what holds of it in comments before it:
//!
//! - `; verify error: what` the verifier refuses it, and says so;
//! - `; run interp cpu gpu` the verifier takes it, the executor runs it, and what it compiles to for the
//!   CPU and the GPU agrees with the executor on all memory that is kept (on the GPU, where it has no
//!   f64);
//! - `; for m n: 1 2 | 3 4` sizes;
//! - `; like product` the kernels are those of another file, and so is all else that this one does not say;
//! - `; data x: 1 2 3` a buffer holds these numbers before the run, `; data x: between -1 9` random
//!   ones in this range (else it is filled by [`fill`](Case::fill));
//! - `; expect y: 2 4 6` a buffer holds these numbers afterwards;
//! - `; terms 12` results are sums of so many terms of size 1 at most: their rounding errors are those of
//!   the terms;
//! - `; products own` (or `small`, `large`) the CPU's products are those of own tiles alone, of tiles
//!   compiled ahead in small blocks, in the blocks of large products; else every kind is tried.

use super::data::{Data, list};
use super::template::{Names, choices, directives, filled, schedule};
use super::{bytes, values};
use sinew_codegen::execute::execute;
use sinew_codegen::kernel::Schedule;
use sinew_codegen::verify::verify;
use sinew_ir::DType;

/// A schedule with what holds of it.
pub struct Case {
    pub name: String,
    pub schedule: Schedule,
    /// What the verifier says, of a schedule that it refuses.
    pub error: Option<String>,
    /// `interp`, `cpu`, `gpu`.
    runs: Vec<String>,
    data: Vec<(usize, Data)>,
    expected: Vec<(usize, Vec<f64>)>,
    /// How many terms a sum has, where that is said.
    pub terms: Option<usize>,
    products: Option<String>,
}

/// The texts of all files, with their names.
pub fn texts() -> Vec<(String, String)> {
    super::template::texts("kernels")
}

/// The text of one file.
pub fn text(name: &str) -> String {
    let found = texts().into_iter().find(|(n, _)| n == name);
    found.unwrap_or_else(|| panic!("no file {name}")).1
}

/// The cases of a text that run on a device (`interp`, `cpu`, `gpu`), and those that the verifier
/// refuses.
pub fn cases(name: &str, text: &str, device: &str) -> Vec<Case> {
    let lines = directives(text);
    let runs = |d: &String| d.strip_prefix("run ").is_some_and(|on| on.contains(device));
    let refused = |d: &String| d.starts_with("verify error");
    if !lines.iter().any(|d| runs(d) || refused(d)) {
        return Vec::new();
    }
    let made = choices(&lines, device).into_iter();
    let made = made.map(|names| Case::new(name, text, &lines, &names));
    made.filter(|case| case.error.is_some() || case.runs_on(device))
        .collect()
}

impl Case {
    fn new(name: &str, text: &str, directives: &[String], names: &Names) -> Case {
        let short = names.iter().filter(|(_, v)| !v.contains(' '));
        let sizes: Vec<String> = short.map(|(n, v)| format!(" {n} = {v}")).collect();
        let mut case = Case {
            name: format!("{name}{}", sizes.join(",")),
            schedule: schedule(&filled(text, names)),
            error: None,
            runs: Vec::new(),
            data: Vec::new(),
            expected: Vec::new(),
            terms: None,
            products: None,
        };
        for line in directives.iter().filter(|d| !d.starts_with("for ")) {
            let line = filled(line, names);
            if let Some(what) = line.strip_prefix("verify error: ") {
                case.error = Some(what.into());
            } else if let Some(rest) = line.strip_prefix("run ") {
                case.runs = rest.split_whitespace().map(str::to_string).collect();
            } else if let Some(rest) = line.strip_prefix("terms ") {
                case.terms = Some(rest.trim().parse().expect("a number of terms"));
            } else if let Some(rest) = line.strip_prefix("products ") {
                case.products = Some(rest.trim().into());
            } else if let Some(rest) = line.strip_prefix("data ") {
                let (id, list) = case.buffer(rest);
                case.data.push((id, Data::parse(list)));
            } else if let Some(rest) = line.strip_prefix("expect ") {
                let (id, numbers) = case.buffer(rest);
                case.expected.push((id, list(numbers)));
            } else {
                panic!("{name}: `{line}` means nothing");
            }
        }
        let runs = !case.runs.is_empty();
        assert!(runs != case.error.is_some(), "{name}: one of both");
        case
    }

    /// The buffer that a line names, and what it says of it.
    fn buffer<'a>(&self, line: &'a str) -> (usize, &'a str) {
        let (name, rest) = line.split_once(':').expect("a colon");
        let buffers = self.schedule.buffers.iter().enumerate();
        let mut found = buffers
            .filter(|(i, b)| b.name == name || format!("b{i}") == name)
            .map(|(i, _)| i);
        let found = found.next_back();
        (
            found.unwrap_or_else(|| panic!("no buffer {name}")),
            rest.trim(),
        )
    }

    fn runs_on(&self, device: &str) -> bool {
        let wide = self.schedule.buffers.iter().any(|b| b.dtype == DType::F64);
        self.runs.iter().any(|r| r == device) && (device != "gpu" || !wide)
    }

    /// Memory before a run: numbers between -0.5 and 0.5, integers from 0 to 4, and garbage in the
    /// arena.
    pub fn fill(&self) -> Vec<Vec<u8>> {
        let s = &self.schedule;
        let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
        for (i, b) in s.buffers.iter().enumerate() {
            let given = self.data.iter().find(|(id, _)| *id == i);
            let region = &s.regions[b.region.0 as usize];
            let list = match given {
                Some((_, data)) => data.elements(b.dtype, b.elements, i + 1),
                None if !region.kind.is_filled() => continue,
                None => Data::unsaid(b.dtype, b.elements, i),
            };
            let data = bytes(&list, b.dtype);
            memory[b.region.0 as usize][b.offset..b.offset + data.len()].copy_from_slice(&data);
        }
        memory
    }

    /// What a buffer holds.
    pub fn read(&self, memory: &[Vec<u8>], id: usize) -> Vec<f64> {
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

    /// What the executor makes of the memory that [`fill`](Case::fill) gives, where the verifier takes the
    /// schedule.
    pub fn executed(&self) -> Vec<Vec<u8>> {
        verify(&self.schedule).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let mut memory = self.fill();
        execute(&self.schedule, &mut memory).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        self.check(&memory);
        memory
    }

    /// That each element of all memory that is kept is right: `right` takes its type, what is expected and
    /// what was found.
    pub fn compare(
        &self,
        found: &[Vec<u8>],
        expected: &[Vec<u8>],
        by: &str,
        right: &dyn Fn(DType, f64, f64) -> bool,
    ) {
        for (id, b) in self.schedule.buffers.iter().enumerate() {
            if !self.schedule.regions[b.region.0 as usize].kind.is_filled() {
                continue;
            }
            let pairs = self.read(expected, id).into_iter();
            for (at, (e, f)) in pairs.zip(self.read(found, id)).enumerate() {
                let same = e == f || (e.is_nan() && f.is_nan());
                assert!(
                    same || right(b.dtype, e, f),
                    "{}, element {at} of `{}` by {by}: {f:e} and not {e:e}\n{}",
                    self.name,
                    b.name,
                    self.schedule
                );
            }
        }
    }

    /// Compiles it for every set of instructions that the host has, runs it and compares.
    #[cfg(feature = "cpu")]
    pub fn check_compiled(&self) {
        use super::targets::{product_targets, small_blocks, targets};
        use sinew_codegen::cpu::Contraction;
        use sinew_codegen::kernel::Class;
        let kernels = &self.schedule.kernels;
        let product = kernels
            .iter()
            .any(|k| matches!(k.class, Class::Contract(_)));
        let mut options = match product {
            true => product_targets(),
            false => targets(),
        };
        match self.products.as_deref() {
            None => {}
            Some("small") => options = small_blocks(),
            Some("own") => options.retain(|t| t.contraction == Contraction::Own),
            Some("large") => {
                options.retain(|t| {
                    t.contraction == Contraction::Library
                        && t.vectors != sinew_codegen::cpu::Vectors::None
                });
            }
            Some(other) => panic!("{}: no products are {other}", self.name),
        }
        let expected = self.executed();
        for options in options {
            let mut found = self.fill();
            super::run_compiled(&self.schedule, &mut found, &options);
            self.compare(&found, &expected, &format!("{options:?}"), &|d, e, f| {
                self.is_close(d, e, f)
            });
            self.check(&found);
        }
    }

    /// Whether compiled code may differ so far from the executor: integers and bools not at all.
    #[cfg(feature = "cpu")]
    fn is_close(&self, dtype: DType, expected: f64, found: f64) -> bool {
        let terms = self.terms.map_or(1.0, |t| (t as f64).sqrt().max(10.0));
        let relative = match dtype {
            DType::F32 => 1e-6,
            DType::F64 => 1e-12,
            DType::F16 | DType::Bf16 => super::tolerance(dtype),
            DType::I32 | DType::U32 | DType::Bool | DType::Float => 0.0,
        };
        let absolute = relative * if dtype == DType::F32 { terms } else { 1.0 };
        (found - expected).abs() <= relative * expected.abs() + absolute
    }
}
