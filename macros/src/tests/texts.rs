//! Every text of `messages` stands in a case of `ui-tests`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// Texts that no program brings out.
const NO_CASE: &[&str] = &[
    // The table of operations gives every attribute.
    "`{what}` is missing or of the wrong kind",
    "give it as the operation's page shows",
    // An operation has as many operands as its declaration has parameters.
    "give as many as it takes",
    // Every operation has a derivative; what has none is declared so by whoever writes a function.
    "`stop_gradient(x)` keeps it out of the derivative",
    "`stop_gradient(x)` keeps it out of the derivative; a function that is never differentiated says \
     `#[model(no_derivative)]`",
    // What cannot be lowered has reported its reason.
    "this function could not be compiled, and no reason was found",
    "this is a mistake in Sinew: please report the function",
];

/// Shorter pieces of a text say nothing on their own.
const SHORTEST: usize = 6;

#[test]
fn every_text_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = root.join("../ui-tests");
    assert_eq!(
        paths(&cases, "rs"),
        paths(&cases, "stderr"),
        "a case or its text is missing"
    );
    let told = contents(&cases, "stderr").concat();
    let mut wrong = Vec::new();
    let mut texts = Vec::new();
    for source in contents(&root.join("src/messages"), "rs") {
        for item in syn::parse_file(&source).expect("Rust").items {
            match item {
                syn::Item::Fn(f) => literals(f.block.to_token_stream(), &mut texts),
                syn::Item::Const(c) => literals(c.expr.to_token_stream(), &mut texts),
                _ => {}
            }
        }
    }
    for text in &texts {
        let absent = pieces(text).iter().any(|p| !told.contains(p));
        if absent != NO_CASE.contains(&text.as_str()) {
            wrong.push(text);
        }
    }
    let count = texts.len();
    assert!(count > 200, "only {count} texts were found");
    assert!(wrong.is_empty(), "no case, or one after all: {wrong:#?}");
}

/// The layers that a mistake may name are those that there are.
#[test]
fn layers_are_those_of_the_library() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/nn/mod.rs");
    let source = syn::parse_file(&fs::read_to_string(source).expect("text")).expect("Rust");
    let mut names = Vec::new();
    for item in source.items {
        if let syn::Item::Use(item) = item {
            let words = item.tree.to_token_stream().to_string();
            let words = words
                .split(|c: char| !c.is_alphanumeric())
                .map(String::from);
            names.extend(words.filter(|w| w.starts_with(char::is_uppercase)));
        }
    }
    names.retain(|name| !name.ends_with("Config") && name != "Linear");
    names.sort();
    assert_eq!(names, crate::names::LAYERS);
}

fn contents(folder: &Path, ending: &str) -> Vec<String> {
    let paths = paths(folder, ending).into_iter();
    let files = paths.map(|p| folder.join(p).with_extension(ending));
    files
        .map(|p| fs::read_to_string(p).expect("text"))
        .collect()
}

/// The names of files with an ending, without it, sorted.
fn paths(folder: &Path, ending: &str) -> Vec<OsString> {
    let files = fs::read_dir(folder).expect("a folder");
    let paths = files.map(|f| f.expect("a file").path());
    let paths = paths.filter(|p| p.extension().is_some_and(|e| e == ending));
    let names = paths.filter_map(|p| Some(p.file_stem()?.to_os_string()));
    let mut names: Vec<OsString> = names.collect();
    names.sort();
    names
}

fn literals(tokens: TokenStream, out: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(g) => literals(g.stream(), out),
            TokenTree::Literal(l) => {
                let text = syn::parse2::<syn::LitStr>(l.to_token_stream());
                out.extend(text.map(|t| t.value()));
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// What stands between the placeholders of a text.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '\n' => {}
            _ if depth > 0 => continue,
            _ => {
                pieces.last_mut().expect("never empty").push(c);
                continue;
            }
        }
        pieces.push(String::new());
    }
    pieces.retain(|p| p.chars().count() >= SHORTEST);
    pieces
}
