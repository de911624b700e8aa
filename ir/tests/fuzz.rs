//! Random texts: what is no function is an error, and what is one reads back as it prints.

use sinew_fuzz::{Random, Target};
use sinew_ir::parse;
use std::fs;
use std::path::Path;

/// Every function of the golden tests.
fn functions() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut out = Vec::new();
    let folders = fs::read_dir(root).expect("the folder of golden tests");
    let mut files = Vec::new();
    for folder in folders {
        let folder = folder.expect("a folder").path();
        let entries = fs::read_dir(folder).expect("a folder");
        files.extend(entries.map(|f| f.expect("a file").path()));
    }
    // Seeds mean the same on every machine.
    files.sort();
    for file in files {
        let text = fs::read_to_string(file).expect("text");
        let parts = text.split("fn @").skip(1);
        out.extend(parts.map(|p| format!("fn @{}", p.split("----").next().unwrap_or(p))));
    }
    out
}

const PIECES: &[&str] = &[
    "%0",
    "%1",
    "%2",
    "%x",
    "float[",
    "f32[]",
    "i32[",
    "bool[]",
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

/// A function's text with some pieces deleted, doubled, replaced, or taken from another one.
fn mutated(texts: &[String], seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text: String = random.pick(texts);
    for _ in 0..1 + random.below(4) {
        let place = |text: &str, random: &mut Random| {
            let mut at = random.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let from = place(&text, &mut random);
        let mut to = from + random.below(12).min(text.len() - from);
        while !text.is_char_boundary(to) {
            to -= 1;
        }
        let piece = match random.below(4) {
            0 => String::new(),
            1 => text[from..to].repeat(2),
            2 => random.pick(PIECES).to_string(),
            _ => {
                let other = random.pick(texts);
                let lines: Vec<&str> = other.split_inclusive(['\n', ' ']).collect();
                let first = random.below(lines.len());
                let end = (first + 1 + random.below(8)).min(lines.len());
                lines[first..end].concat()
            }
        };
        text.replace_range(from..to, &piece);
    }
    text
}

#[test]
fn any_text_is_a_function_or_an_error() {
    let texts = functions();
    assert!(texts.len() > 40, "only {} functions", texts.len());
    Target::new("ir-text", 4000).run(
        |seed| mutated(&texts, seed),
        |text| {
            if let Ok(mut function) = parse(text) {
                function.compact();
                let printed = function.to_text_with_locations();
                let again = parse(&printed);
                assert_eq!(again.as_ref(), Ok(&function), "{printed}");
            }
        },
    );
}
