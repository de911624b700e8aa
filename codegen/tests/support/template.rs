//! Texts of kernels with sizes left open, and memory in a line.
//!
//! A line `; for m n: 1 2 | 3 4` says what the names `m` and `n` stand for: one case for each choice
//! between bars, and for each combination with those of other such lines. One name stands for all that
//! is between two bars, several for a word each. `; for m n on gpu: ..` is for one device only. What
//! follows on lines that begin with `;   ` belongs to the line before. In the text `$m` is what `m`
//! stands for, and `$(2*m - n)` a number.
//!
//! A line `memory x f32[12] input` is a region and a buffer in it. Kernels of such a text have no slots
//! of their own: their accesses name the buffers, from `s0`, and they run once each, in order.

use sinew_codegen::kernel::{Node, Schedule};
use sinew_codegen::text::parse;
use sinew_ir::DType;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What names in a text stand for.
pub type Names = BTreeMap<String, String>;

/// The comments before a text, each on one line.
pub fn directives(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix(";   "), line.strip_prefix("; ")) {
            (Some(more), _) => {
                let last = out.last_mut().expect("a line that goes on");
                *last = format!("{last} {}", more.trim());
            }
            (None, Some(line)) => out.push(line.trim().into()),
            (None, None) => {}
        }
    }
    out
}

/// The texts of all files in a folder of tests, with their names.
pub fn texts(folder: &str) -> Vec<(String, String)> {
    let read = |path: &PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy();
        (name.into_owned(), read(path))
    };
    paths(folder).iter().map(read).collect()
}

/// The files in a folder of tests, in order.
pub fn paths(folder: &str) -> Vec<PathBuf> {
    // Another crate's tests read them too.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = ["tests", "../codegen/tests"]
        .map(|tests| here.join(tests).join(folder))
        .into_iter()
        .find(|f| f.is_dir())
        .expect("the folder is there");
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = files.map(|f| f.expect("a file").path()).collect();
    files.sort();
    files
}

/// The text of a file, with that of the one it is like.
fn read(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let own = directives(&text);
    match own.iter().find_map(|d| d.strip_prefix("like ")) {
        None => text,
        Some(other) => {
            let other = path.with_file_name(other);
            let ending = path.extension().expect("an ending");
            like(&own, &read(&other.with_extension(ending)))
        }
    }
}

/// Every combination of the choices that are left to a device.
pub fn choices(directives: &[String], device: &str) -> Vec<Names> {
    let mut out = vec![Names::new()];
    for line in directives.iter().filter_map(|d| d.strip_prefix("for ")) {
        let (head, list) = line.split_once(':').expect("a colon behind the names");
        let (names, only) = head.split_once(" on ").unwrap_or((head, device));
        if only != device {
            continue;
        }
        let names: Vec<&str> = names.split_whitespace().collect();
        let choices: Vec<Vec<&str>> = list
            .split('|')
            .map(|choice| match names.len() {
                1 => vec![choice.trim()],
                _ => choice.split_whitespace().collect(),
            })
            .collect();
        let with = |old: &Names, choice: &Vec<&str>| {
            assert_eq!(choice.len(), names.len(), "{line}");
            let pairs = names.iter().zip(choice);
            let mut new = old.clone();
            new.extend(pairs.map(|(n, c)| ((*n).into(), (*c).into())));
            new
        };
        let all = out
            .iter()
            .flat_map(|old| choices.iter().map(|c| with(old, c)));
        out = all.collect();
    }
    out
}

/// The text of `other` under one's own directives, and those of its that these do not replace: a `for`
/// line by any for one of its names on its device, another one by any of its first word.
pub fn like(own: &[String], other: &str) -> String {
    fn replaces(own: &str, old: &str) -> bool {
        let (Some(own), Some(old)) = (own.strip_prefix("for "), old.strip_prefix("for ")) else {
            return own.split([' ', ':']).next() == old.split([' ', ':']).next();
        };
        let [own, old] = [own, old].map(|line| line.split_once(':').map_or(line, |l| l.0));
        let [own, old] = [own, old].map(|head| head.split_once(" on ").unwrap_or((head, "")));
        let shared = own
            .0
            .split_whitespace()
            .any(|n| old.0.split_whitespace().any(|o| o == n));
        shared && (own.1 == old.1 || own.1.is_empty() || old.1.is_empty())
    }
    let kept = directives(other).into_iter();
    let kept = kept.filter(|old| !own.iter().any(|new| replaces(new, old)));
    let own = own
        .iter()
        .filter(|line| !line.starts_with("like "))
        .cloned();
    let mut out: String = own.chain(kept).map(|line| format!("; {line}\n")).collect();
    for line in other.lines().filter(|line| !line.starts_with(';')) {
        out += line;
        out.push('\n');
    }
    out
}

/// A text with what its names stand for.
pub fn filled(text: &str, names: &Names) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.starts_with('(') {
            let mut reader = Reader { rest, names };
            out.push_str(&reader.atom().to_string());
            rest = reader.rest;
        } else {
            let name = word(rest);
            out.push_str(&filled(meaning(name, names), names));
            rest = &rest[name.len()..];
        }
    }
    out + rest
}

/// The letters, digits and underscores that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

fn meaning<'a>(name: &str, names: &'a Names) -> &'a str {
    let found = names.get(name);
    found.unwrap_or_else(|| panic!("nothing says what `{name}` stands for"))
}

/// Reads sums, products and quotients of whole numbers.
struct Reader<'a> {
    rest: &'a str,
    names: &'a Names,
}

impl Reader<'_> {
    fn eat(&mut self, mark: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn sum(&mut self) -> i64 {
        let mut value = self.product();
        loop {
            if self.eat('+') {
                value += self.product();
            } else if self.eat('-') {
                value -= self.product();
            } else {
                return value;
            }
        }
    }

    fn product(&mut self) -> i64 {
        let mut value = self.atom();
        loop {
            if self.eat('*') {
                value *= self.atom();
            } else if self.eat('/') {
                value /= self.atom();
            } else {
                return value;
            }
        }
    }

    fn atom(&mut self) -> i64 {
        if self.eat('-') {
            return -self.atom();
        }
        if self.eat('(') {
            let value = self.sum();
            assert!(self.eat(')'), "a parenthesis that does not end");
            return value;
        }
        let word = word(self.rest);
        self.rest = &self.rest[word.len()..];
        let number = word.parse().ok();
        number.unwrap_or_else(|| {
            let text = filled(meaning(word, self.names), self.names);
            text.parse()
                .unwrap_or_else(|_| panic!("`{word}` is no number"))
        })
    }
}

/// Reads a schedule whose memory may be declared in short.
///
/// # Panics
/// Where it is none, with its text.
pub fn schedule(text: &str) -> Schedule {
    let long: Vec<String> = text
        .lines()
        .scan(0, |buffers, line| {
            Some(match line.trim().strip_prefix("memory ") {
                None => line.to_string(),
                Some(memory) => {
                    let number = *buffers;
                    *buffers += 1;
                    declared(memory, number)
                }
            })
        })
        .collect();
    let mut schedule = parse(&long.join("\n")).unwrap_or_else(|e| panic!("{e}\n{text}"));
    if schedule.nodes.is_empty() {
        for kernel in std::mem::take(&mut schedule.kernels) {
            let run = schedule.bind(kernel.class, |_| kernel.name, Vec::new());
            schedule.nodes.push(Node::Run(run));
        }
    }
    schedule
}

/// The region and the buffer of `x f32[12] input`.
fn declared(memory: &str, number: usize) -> String {
    let words: Vec<&str> = memory.split_whitespace().collect();
    let [name, elements, kind] = words[..] else {
        panic!("`memory {memory}`: a name, elements and a kind are expected")
    };
    let (dtype, count) = elements.split_once('[').expect("a count in brackets");
    let count: usize = count.trim_end_matches(']').parse().expect("a count");
    let size = DType::parse(dtype).and_then(DType::size).expect("a type");
    let bytes = count * size;
    format!(
        "region \"{name}\" {kind} {bytes} buffer b{number} \"{name}\" {elements} in \"{name}\" at 0"
    )
}
