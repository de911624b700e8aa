//! Golden tests: `tests/golden/<stage>/<case>.ir`, one test a file.
//!
//! A file has functions in text form, then a line `----`, then what the stage makes of them, exactly.
//! `BLESS=1 cargo test --test golden` writes the second part anew: read the difference before you
//! commit it. A case is named by what it shows, a regression by what broke.
//!
//! | stage | of the last function |
//! |---|---|
//! | `parse` | its text, or why there is none |
//! | `verify` | the rule it breaks, or `fine` |
//! | `simplify` | the function simplified |
//! | `inline` | the function and its pullback, calls inlined, in symbols |
//! | `ops` | as `inline`: for each op of the table a function of it, called like it |
//! | `link` | the program |
//! | `gradient` | the program with the gradients of its `param` parameters |
//! | `recompute` | that program, computing values again to keep what `; budget 1000` says, in bytes |
//!
//! A function may call those above it. A line `; bind B = 3, [S] = [2, 4], const K = 5, f64` tells
//! the sizes, the sequence, the consts of every function, and the working float (f32 otherwise).

use libtest_mimic::{Arguments, Failed, Trial};
use sinew_ir::{
    Binding, DType, Gradient, ParamKind, SymbolValue, Unit, inline, link, link_gradient, ops,
    parse, recomputed, simplify, verify, verify_program,
};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut trials = Vec::new();
    for stage in entries(&root) {
        for case in entries(&stage) {
            let name = case
                .strip_prefix(&root)
                .unwrap_or(&case)
                .display()
                .to_string();
            trials.push(Trial::test(name, move || run(&case)));
        }
    }
    for op in ops::TABLE.iter().filter(|op| **op != ops::STEPS) {
        let case = root.join(format!("ops/{}.ir", op.name));
        let name = format!("{} has its file", op.name);
        let there = move || match case.exists() {
            true => Ok(()),
            false => Err(format!("{} is missing", case.display()).into()),
        };
        trials.push(Trial::test(name, there));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).expect("the folder of golden tests is there");
    let mut out: Vec<PathBuf> = read.filter_map(|e| e.ok().map(|e| e.path())).collect();
    out.sort();
    out
}

fn run(case: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(case)?;
    let (input, expected) = text.split_once("----\n").unwrap_or((&text, ""));
    let stage = case
        .parent()
        .and_then(Path::file_name)
        .and_then(|s| s.to_str());
    let made = make(stage.unwrap_or_default(), input)?;
    if made == expected {
        return Ok(());
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(case, format!("{}\n----\n{made}", input.trim_end()))?;
        return Ok(());
    }
    let mut message = String::from("differs (- expected, + made; BLESS=1 accepts):\n");
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), made.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    for line in &old[same..] {
        writeln!(message, "-{line}")?;
    }
    for line in &new[same..] {
        writeln!(message, "+{line}")?;
    }
    Err(message.into())
}

fn make(stage: &str, input: &str) -> Result<String, Failed> {
    let texts = functions(input);
    let last = texts.last().ok_or("no function in the file")?;
    match stage {
        "parse" => Ok(match parse(last) {
            Ok(f) => {
                let printed = f.to_string();
                if parse(&printed).map_err(|e| e.to_string())? != f {
                    return Err(format!("does not read back:\n{printed}").into());
                }
                printed
            }
            Err(e) => format!("{e}\n"),
        }),
        "verify" => Ok(match verify(&parse(last).map_err(|e| e.to_string())?) {
            Ok(()) => "fine\n".to_string(),
            Err(e) => format!("{e}\n"),
        }),
        "simplify" => {
            let mut f = parse(last).map_err(|e| e.to_string())?;
            verify(&f).map_err(|e| e.to_string())?;
            simplify(&mut f);
            verify(&f).map_err(|e| e.to_string())?;
            Ok(f.to_string())
        }
        "inline" | "ops" => Ok(shown(inline(unit(&texts, input)?))),
        "link" => Ok(shown(link(unit(&texts, input)?, &binding(input)?))),
        "gradient" => {
            let trained = |p: &sinew_ir::Param| p.kind == ParamKind::Param;
            let made = link_gradient(unit(&texts, input)?, &binding(input)?, &trained);
            Ok(shown(made.map(Shown)))
        }
        "recompute" => {
            let line = input.lines().find_map(|l| l.strip_prefix("; budget "));
            let budget: usize = line.ok_or("no budget")?.parse()?;
            let trained = |p: &sinew_ir::Param| p.kind == ParamKind::Param;
            let unit = unit(&texts, input)?;
            let results = link(unit, &binding(input)?)?.body.results.len();
            let mut made = link_gradient(unit, &binding(input)?, &trained)?;
            let ways = recomputed(&made.program, results);
            let peaks: Vec<usize> = ways.iter().map(|way| way.peak).collect();
            let fits = ways.into_iter().find(|way| way.peak <= budget);
            made.program = fits.ok_or(format!("programs keep {peaks:?}"))?.program;
            verify_program(&made.program)?;
            Ok(Shown(made).to_string())
        }
        other => Err(format!("no stage is called {other}").into()),
    }
}

/// A gradient program with the names of its results.
struct Shown(Gradient);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.program)?;
        for (param, at) in self.0.program.params.iter().zip(&self.0.gradients) {
            if let Some(at) = at {
                writeln!(f, "; result {at} is the gradient of {}", param.name)?;
            }
        }
        Ok(())
    }
}

fn shown<T: std::fmt::Display>(made: Result<T, sinew_ir::LinkError>) -> String {
    match made {
        Ok(made) => made.to_string(),
        Err(e) => format!("{e}\n"),
    }
}

/// The functions of a file, each with the comments above it.
fn functions(input: &str) -> Vec<&str> {
    let starts: Vec<usize> = input
        .match_indices("fn @")
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || input[..*at].ends_with('\n'))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([input.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &input[*start..end])
        .collect()
}

/// Units live as long as the process: tests leak theirs.
fn unit(texts: &[&str], input: &str) -> Result<&'static Unit, Failed> {
    let consts: &'static [(&'static str, SymbolValue)] =
        Box::leak(bind(input)?.consts.into_boxed_slice());
    let mut known: Vec<(&'static str, &'static Unit)> = Vec::new();
    for text in texts {
        let text: &'static str = Box::leak(text.to_string().into_boxed_str());
        let name = text["fn @".len()..].split(['(', '<']).next().unwrap_or("");
        let callees: &'static [(&'static str, &'static Unit)] =
            Box::leak(known.clone().into_boxed_slice());
        let file = "golden.rs";
        known.push((
            name,
            Box::leak(Box::new(Unit {
                path: name,
                file,
                text,
                callees,
                consts,
            })),
        ));
    }
    let last = known.last().ok_or("no function in the file")?;
    Ok(last.1)
}

struct Bind {
    binding: Binding,
    consts: Vec<(&'static str, SymbolValue)>,
}

fn binding(input: &str) -> Result<Binding, Failed> {
    Ok(bind(input)?.binding)
}

fn bind(input: &str) -> Result<Bind, Failed> {
    let mut out = Bind {
        binding: Binding::new(DType::F32),
        consts: Vec::new(),
    };
    let line = input.lines().find_map(|l| l.strip_prefix("; bind "));
    let Some(line) = line else { return Ok(out) };
    let mut rest = line;
    while !rest.is_empty() {
        let end = match rest.starts_with('[') {
            true => rest.rfind(']').map_or(rest.len(), |e| e + 1),
            false => rest.find(',').unwrap_or(rest.len()),
        };
        let (item, tail) = rest.split_at(end);
        rest = tail.trim_start_matches([',', ' ']);
        match item.split_once(" = ") {
            None if item == "f64" => out.binding.float = DType::F64,
            None => return Err(format!("cannot read `{item}`").into()),
            Some((_, extents)) if item.starts_with('[') => {
                let extents = extents.trim_matches(['[', ']']).split(", ");
                let extents: Result<Vec<usize>, _> =
                    extents.filter(|e| !e.is_empty()).map(str::parse).collect();
                out.binding.sequence = Some(extents?);
            }
            Some((name, value)) => match name.strip_prefix("const ") {
                Some(name) => {
                    let name = Box::leak(name.to_string().into_boxed_str());
                    out.consts.push((name, symbol_value(value)?));
                }
                None => out.binding = out.binding.with(name, symbol_value(value)?),
            },
        }
    }
    Ok(out)
}

/// `true`, a size, or a number, which has a dot.
fn symbol_value(text: &str) -> Result<SymbolValue, Failed> {
    Ok(match text {
        "true" | "false" => SymbolValue::Bool(text == "true"),
        _ if text.contains('.') => SymbolValue::Float(text.parse()?),
        _ => SymbolValue::Size(text.parse()?),
    })
}
