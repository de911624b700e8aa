//! Programs in files: `tests/programs/*.ir`, each a function in text form, with what is done with it in
//! comments before it:
//!
//! - `; schedule cpu` (or `gpu`) what `explain` says of its schedule, and the decisions behind it;
//! - `; kernels cpu` (or `gpu`) its schedule as text;
//! - `; linked` the program that is scheduled;
//! - `; run interp cpu gpu` the executor computes what the interpreter does, by the schedules for both
//!   devices, and so does what they compile to (on the GPU, where the program has no f64);
//! - `; gradient` the program is the function with the gradients of its `param` parameters;
//! - `; slices 8` what is large only in between is done slice by slice, in ranges of at least 8 rows where rows see
//!   the columns up to their own;
//! - `; float f64` its working float, f32 otherwise;
//! - `; for m n: 1 2 | 3 4` sizes, as in [`super::template`];
//! - `; data x: 1 2 3` or `; data x: between -1 9` what a parameter holds, as in [`super::files`].
//!
//! What the first three print stands behind the function, each behind a line `---- schedule cpu`.
//! `BLESS=1` writes it anew.

use super::data::Data;
use super::template::{Names, choices, directives, filled};
use super::{arrays, bytes, close, decided, separate, tolerance, values};
use sinew_codegen::cost::Target;
use sinew_codegen::execute::execute;
use sinew_codegen::explain::{decisions, explain};
use sinew_codegen::kernel::Schedule;
use sinew_ir::{
    Binding, DType, Function, Param, ParamKind, Worth, interpret, link, link_gradient, parse,
    slicewise,
};
use sinew_testing::unit;

/// A program with what is done with it.
pub struct Program {
    pub name: String,
    pub function: Function,
    /// What it computes: the program before any of it was done slice by slice.
    whole: Function,
    /// What is printed: `schedule cpu`.
    prints: Vec<String>,
    /// `interp`, `cpu`, `gpu`.
    runs: Vec<String>,
    data: Vec<(usize, Data)>,
}

/// The texts of all files, with their names.
pub fn texts() -> Vec<(String, String)> {
    super::template::texts("programs")
}

/// What stands before the first line of dashes, and what is printed.
pub fn parts(text: &str) -> (&str, &str) {
    let at = text.find("\n---- ").map_or(text.len(), |at| at + 1);
    text.split_at(at)
}

/// The programs of a text that run on a device (`interp`, `cpu`, `gpu`).
pub fn programs(name: &str, text: &str, device: &str) -> Vec<Program> {
    let (text, _) = parts(text);
    let lines = directives(text);
    let made = choices(&lines, device).into_iter();
    let made = made.map(|names| Program::new(name, text, &lines, &names));
    made.filter(|program| program.runs_on(device)).collect()
}

/// What a text's directives print, as it stands behind it.
///
/// # Panics
/// Of a text that prints and leaves sizes open.
pub fn printed(name: &str, text: &str) -> String {
    let (text, _) = parts(text);
    let lines = directives(text);
    let mut out = String::new();
    for names in choices(&lines, "interp") {
        let program = Program::new(name, text, &lines, &names);
        assert!(
            program.prints.is_empty() || names.is_empty(),
            "{name}: sizes are open"
        );
        for what in &program.prints {
            out += &format!("---- {what}\n{}", program.print(what));
        }
    }
    out
}

impl Program {
    fn new(name: &str, text: &str, directives: &[String], names: &Names) -> Program {
        let sizes: Vec<String> = names.iter().map(|(n, v)| format!(" {n} = {v}")).collect();
        let name = format!("{name}{}", sizes.join(","));
        let text = filled(text, names);
        let function = parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (mut float, mut gradient, mut rows) = (DType::F32, false, None);
        let (mut prints, mut runs, mut data) = (Vec::new(), Vec::new(), Vec::new());
        for line in directives.iter().filter(|d| !d.starts_with("for ")) {
            let line = filled(line, names);
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("gradient", "") => gradient = true,
                ("slices", count) => rows = Some(count.parse().expect("a number")),
                ("float", dtype) => float = DType::parse(dtype).expect("a type"),
                ("schedule" | "kernels", "cpu" | "gpu") | ("linked", "") => prints.push(line),
                ("run", on) => runs.extend(on.split_whitespace().map(str::to_string)),
                ("data", rest) => {
                    let (param, list) = rest.split_once(':').expect("a colon");
                    let at = function.param(param);
                    let at = at.unwrap_or_else(|| panic!("{name}: no parameter {param}"));
                    data.push((at.index(), Data::parse(list.trim())));
                }
                _ => panic!("{name}: `{line}` means nothing"),
            }
        }
        let binding = Binding::new(float);
        let trained = |p: &Param| p.kind == ParamKind::Param;
        let linked = match gradient {
            true => link_gradient(unit(&function), &binding, &trained).map(|g| g.program),
            false => link(unit(&function), &binding),
        };
        let whole = linked.unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut function = whole.clone();
        if let Some(rows) = rows {
            let (bytes, slice) = (0, 0);
            let any = slicewise(&mut function, Worth { bytes, slice, rows });
            assert!(any.expect("slices"), "{name} has no slices");
        }
        Program {
            function,
            whole,
            name,
            prints,
            runs,
            data,
        }
    }

    fn runs_on(&self, device: &str) -> bool {
        let wide = self.function.values.iter().any(|t| t.dtype == DType::F64);
        self.runs.iter().any(|r| r == device) && (device != "gpu" || !wide)
    }

    fn print(&self, what: &str) -> String {
        let target = match what.ends_with("gpu") {
            true => Target::Gpu,
            false => Target::Cpu,
        };
        let (schedule, decided) = decided(&self.function, target);
        match what.split_once(' ') {
            Some(("schedule", _)) => explain(&schedule) + &decisions(&decided),
            Some(_) => schedule.to_string(),
            None => self.function.to_string(),
        }
    }

    /// What its parameters hold.
    pub fn inputs(&self) -> Vec<Vec<f64>> {
        let input = |p: usize| {
            let ty = &self.function.values[p];
            let extents = ty.shape.extents().expect("linked");
            let count = extents.iter().product();
            match self.data.iter().find(|(at, _)| *at == p) {
                Some((_, data)) => data.elements(ty.dtype, count, p + 1),
                None => Data::unsaid(ty.dtype, count, p),
            }
        };
        (0..self.function.params.len()).map(input).collect()
    }

    /// Its schedule for a device, and memory with what its parameters hold, garbage elsewhere.
    pub fn filled(&self, target: Target) -> (Schedule, Vec<Vec<u8>>) {
        let schedule = decided(&self.function, target).0;
        let regions = schedule.regions.iter();
        let mut memory: Vec<Vec<u8>> = regions.map(|r| vec![0xA5; r.bytes]).collect();
        let (_, places, _) = separate(&self.function);
        for (p, (input, place)) in self.inputs().iter().zip(places).enumerate() {
            memory[place.region.0 as usize] = bytes(input, self.function.values[p].dtype);
        }
        (schedule, memory)
    }

    /// That memory holds what the interpreter computes.
    fn check(&self, memory: &[Vec<u8>], by: &str) {
        let inputs = arrays(&self.function, &self.inputs());
        let expected = interpret(&self.whole, &inputs);
        let expected = expected.unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let (_, _, places) = separate(&self.function);
        for (at, (expected, place)) in expected.iter().zip(places).enumerate() {
            let tolerance = tolerance(expected.dtype);
            let found = values(&memory[place.region.0 as usize], expected.dtype);
            let what = format!("{}, result {at} by {by}", self.name);
            close(&found, &expected.data, tolerance, &what);
        }
    }

    /// Runs the schedules for both devices slowly.
    pub fn check_executed(&self) {
        for target in [Target::Cpu, Target::Gpu] {
            let (schedule, mut memory) = self.filled(target);
            let done = execute(&schedule, &mut memory);
            done.unwrap_or_else(|e| panic!("{}: {e}\n{schedule}", self.name));
            self.check(&memory, &format!("the executor, for {target:?}"));
        }
    }

    /// Compiles it for every set of instructions that the host has, and runs it.
    #[cfg(feature = "cpu")]
    pub fn check_compiled(&self) {
        let (schedule, filled) = self.filled(Target::Cpu);
        for options in super::targets::targets() {
            let mut memory = filled.clone();
            super::run_compiled(&schedule, &mut memory, &options);
            self.check(&memory, &format!("{options:?}"));
        }
    }
}
