//! Random texts: what is no function is an error; what is one reads back as it prints, and every pass
//! makes a function or an error of it.

use sinew_fuzz::{Target, changed_text};
use sinew_ir::{
    Array, Binding, DType, Function, Inst, LinkError, Stage, Symbol, SymbolKind, SymbolSource,
    SymbolType, SymbolValue, Unit, derive_pullback, first_non_finite, index_bounds, inline,
    interpret, link, link_gradient, link_pullback, parse, simplify, verify, verify_program,
    verify_stage,
};
use std::fs;
use std::path::Path;

/// Forms of calls and loops, to change beside those of the golden tests.
const LOOPS: &[&str] = &[
    "fn @step<B>(%h: float[B], %w: param float[B], %x: float[B]) -> float[B], float[B] {
  %1 = mul %h, %w
  %2 = add %1, %x
  %3 = tanh %2
  return %3, %2
}
fn @steps<T, B>(%h: float[B], %w: param float[B], %xs: float[T, B]) -> float[B], float[T, B] {
  %1, %2 = call @step<B = B> loop T (carried %h, %w, sliced %xs) -> carried float[B], stacked float[T, B]
  return %1, %2
}
",
    "fn @power<B>(%i: i32[], %x: float[B]) -> float[B] {
  %1 = cast %i dtype float
  %2 = broadcast %1 shape [B] new [0]
  %3 = add %2, %x
  return %3
}
fn @powers<T, B>(%x: float[B]) -> float[T, B] {
  %1 = call @power<B = B> loop T backward (index, %x) -> stacked float[T, B]
  return %1
}
",
    "fn @sums<T, B>(%h: float[B], %xs: float[B, T]) -> float[B], float[T, B] {
  %5, %6 = loop T backward (%1, %2 = %h, %3 = slice %xs axis 1) {
    %4 = add %2, %3
    return %4, stack %4
  }
  return %5, %6
}
",
    "fn @narrow<W>(%x: float[W]) -> float[W] {
  %1 = exp %x
  return %1
}
fn @wide<W>(%x: float[W]) -> float[W] {
  %1 = mul %x, %x
  return %1
}
written pullback(%2: float[W]) {
  %3 = mul %2, %x
  return %x: %3
}
fn @either<H>(%x: float[H]) -> float[H] {
  %1 = call @wide<W = H> choice @narrow<W = H> where H <= 1 (%x) -> float[H]
  %2 = call @narrow<W = H> checkpoint (%1) -> float[H]
  return %2
}
",
    "fn @scaled<W, scale: f64>(%x: float[W]) -> float[W] {
  %1 = const value scale dtype float shape [W]
  %2 = mul %x, %1
  return %2
}
fn @bent<W, wide: bool, scale: f64, const EPS: f64>(%x: float[W]) -> float[W] {
  %1 = call @scaled<W = W, scale: f64 = scale> choice @scaled<W = W, scale: f64 = EPS> where wide, @scaled<W = W, scale: f64 = 2> where !(scale <= 0.5) (%x) -> float[W]
  return %1
}
fn @sharp<H, T, scale: f64, const EPS: f64, wide: bool>(%x: float[H]) -> float[H] {
  %1 = call @bent<W = H, wide: bool = !wide, scale: f64 = scale> loop T (carried %x) -> carried float[H]
  %2 = call @bent<W = H, wide: bool = H <= 1, scale: f64 = EPS> checkpoint (%1) -> float[H]
  return %2
}
",
];

/// The functions of each golden test.
fn files() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let folders = fs::read_dir(root).expect("the folder of golden tests");
    let mut files = Vec::new();
    for folder in folders {
        let folder = folder.expect("a folder").path();
        let entries = fs::read_dir(folder).expect("a folder");
        files.extend(entries.map(|f| f.expect("a file").path()));
    }
    // Seeds mean the same on every machine.
    files.sort();
    let mut out: Vec<String> = LOOPS.iter().map(|text| text.to_string()).collect();
    for file in files {
        let text = fs::read_to_string(file).expect("text");
        // What a stage makes is a text to start from as well.
        out.extend(
            text.split("----\n")
                .filter(|t| t.contains("fn @"))
                .map(String::from),
        );
    }
    out
}

/// What may stand somewhere in a text.
const PIECES: &[&str] = &[
    "%0",
    "%1",
    "%2",
    "%x",
    "float[",
    "f32[]",
    "i32[",
    "bool[]",
    "loop",
    "call @f",
    "slice",
    "stack",
    "carried",
    "sliced",
    "stacked",
    "index",
    "axis 1",
    "backward",
    "checkpoint",
    "choice",
    "written",
    "[S]",
    "[-1]",
    "[0]",
    "B",
    "(",
    ")",
    "<",
    ">",
    "{",
    "}",
    ",",
    "->",
    "=",
    "*",
    "/",
    "-",
    "+",
    "==",
    "<=",
    "0",
    "1",
    "64",
    "-1",
    "9223372036854775807",
    "1e999",
    "nan",
    "inf",
    "const",
    ": f64",
    ": bool",
    "true",
    "!",
    "scale",
    "wide",
    "return",
    "pullback",
    "call @g",
    "add",
    "dot",
    "sum",
    "reshape",
    "slice",
    "param",
    "where",
    "at 1:1",
    "_",
    ";",
    "\n",
    "é",
    "\u{1F980}",
];

/// Reads a text, and says that it prints as itself.
fn read(text: &str) -> Option<Function> {
    let function = parse(text).ok()?;
    let printed = function.to_text_with_locations();
    assert_eq!(parse(&printed).as_ref(), Ok(&function), "{printed}");
    Some(function)
}

/// What passes make of a function that verifies, verifies.
fn passes(function: &Function) {
    let mut derived = function.clone();
    if derive_pullback(&mut derived, &|_| None).is_ok() {
        assert_eq!(verify(&derived), Ok(()), "derived:\n{derived}");
        simplify(&mut derived);
        assert_eq!(
            verify(&derived),
            Ok(()),
            "derived and simplified:\n{derived}"
        );
    }
    let mut simple = function.clone();
    simplify(&mut simple);
    assert_eq!(verify(&simple), Ok(()), "simplified:\n{simple}");
}

/// Values of the symbols that come from a source.
fn values(
    function: &Function,
    source: SymbolSource,
    size: usize,
) -> impl Iterator<Item = (&Symbol, SymbolValue)> {
    let of_kind = move |kind: SymbolKind| match kind {
        SymbolKind::Value(ty, from) if from == source => Some(match ty {
            SymbolType::Size => SymbolValue::Size(size),
            SymbolType::Float => SymbolValue::Float(size as f64 / 4.0),
            SymbolType::Bool => SymbolValue::Bool(size % 2 == 1),
        }),
        SymbolKind::Value(..) | SymbolKind::Sequence => None,
    };
    let all = function.symbols.iter();
    all.filter_map(move |d| Some((&d.symbol, of_kind(d.kind)?)))
}

/// The last function as a unit that may call those in front of it. Units live as long as the process.
fn unit(functions: &[(Function, String)], size: usize) -> Option<&'static Unit> {
    let mut known: Vec<(&'static str, &'static Unit)> = Vec::new();
    for (function, text) in functions {
        let consts = values(function, SymbolSource::Rustc, size);
        let consts: Vec<(&'static str, SymbolValue)> =
            consts.map(|(s, value)| (leak(s.name()), value)).collect();
        let unit = Unit {
            path: leak(&function.name),
            file: "fuzz.rs",
            text: leak(text),
            callees: known.clone().leak(),
            consts: consts.leak(),
        };
        known.push((unit.path, Box::leak(Box::new(unit))));
    }
    Some(known.last()?.1)
}

fn leak(text: &str) -> &'static str {
    String::from(text).leak()
}

/// Links a unit in every way, and runs what is small.
fn linked(unit: &Unit, function: &Function, size: usize) {
    let values = values(function, SymbolSource::Caller, size);
    let sequences = [vec![], vec![2], vec![2, 1]];
    let binding = Binding {
        float: DType::F64,
        values: values.map(|(s, value)| (s.clone(), value)).collect(),
        sequence: Some(sequences[size % 3].clone()),
        training: size % 2 == 1,
    };
    // Neither a pass's mistake nor a panic.
    let sound = |error: LinkError| assert!(!matches!(error, LinkError::Broken { .. }), "{error}");
    if let Err(e) = inline(unit) {
        sound(e);
    }
    match link(unit, &binding) {
        Ok(program) => runs(&program),
        Err(e) => sound(e),
    }
    match link_gradient(unit, &binding, &|_| true) {
        Ok(made) => runs(&made.program),
        Err(e) => sound(e),
    }
    match link_pullback(unit, &binding, &|_| true) {
        Ok(made) => runs(&made.program),
        Err(e) => sound(e),
    }
}

/// A program verifies, and has the results it announces.
fn runs(program: &Function) {
    assert_eq!(verify_program(program), Ok(()), "{program}");
    index_bounds(program);
    let count = |extents: Vec<usize>| {
        let mut each = extents.iter();
        each.try_fold(1usize, |all, n| {
            all.checked_mul(*n).filter(|all| *all <= 1024)
        })
    };
    let extents = program.values.iter().map(|t| t.shape.extents());
    let mut small = extents.into_iter().all(|e| e.and_then(count).is_some());
    program.body.each_inst(&mut |inst| {
        if let Inst::Loop(l) = inst {
            small &= l.trip.as_constant().is_some_and(|trip| trip <= 4);
        }
    });
    if !small {
        return;
    }
    let input = |i: usize| {
        let ty = &program.values[i];
        let shape = ty.shape.extents().expect("a program's extents are numbers");
        let count: usize = shape.iter().product();
        let number = |n: usize| match ty.dtype {
            DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => {
                ty.dtype.nearest((n + i) as f64 / 4.0 - 1.0)
            }
            DType::I32 | DType::U32 | DType::Bool => ((n + i) % 2) as f64,
        };
        let data = (0..count).map(number).collect();
        Array::new(ty.dtype, &shape, data).expect("as many elements as the extents say")
    };
    let inputs: Vec<Array> = (0..program.params.len()).map(input).collect();
    let results = interpret(program, &inputs).unwrap_or_else(|e| panic!("{e}\n{program}"));
    for (array, v) in results.iter().zip(&program.body.results) {
        assert_eq!(array.type_of(), *program.type_of(*v), "{program}");
    }
    if let Err(e) = first_non_finite(program, &inputs) {
        panic!("{e}\n{program}");
    }
}

/// Everything that must hold of a file.
fn holds(file: &str) {
    let parts = file.split("fn @").skip(1).map(|p| format!("fn @{p}"));
    let mut functions = Vec::new();
    for text in parts {
        if let Some(function) = read(&text)
            && verify(&function).is_ok()
        {
            passes(&function);
            if verify_stage(&function, Stage::Unit).is_ok() {
                functions.push((function, text));
            }
        }
    }
    for size in [1, 2] {
        if let Some(unit) = unit(&functions, size) {
            let (function, _) = functions.last().expect("the unit's function");
            linked(unit, function, size);
        }
    }
}

#[test]
fn any_text_is_a_function_or_an_error() {
    let files = files();
    assert!(files.len() > 40, "only {} files", files.len());
    for text in LOOPS {
        for text in text.split("fn @").skip(1).map(|p| format!("fn @{p}")) {
            let function = parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
            assert_eq!(verify(&function), Ok(()), "{text}");
        }
    }
    // The first seeds are the files as they are.
    let make = |seed: u64| match usize::try_from(seed).ok().and_then(|i| files.get(i)) {
        Some(file) => file.clone(),
        None => changed_text(&files, PIECES, seed),
    };
    Target::new("ir-text", 3000).run(make, |text| holds(text));
}
