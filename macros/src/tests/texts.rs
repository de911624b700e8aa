//! Every text of `messages` stands in a case of `ui-tests`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::fs;
use std::path::Path;

/// Texts that no program brings out, and why.
const NO_CASE: &[(&str, &str)] = &[];

/// Shorter pieces of a text say nothing on their own.
const SHORTEST: usize = 6;

#[test]
fn every_text_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let told = contents(&root.join("../ui-tests"), "stderr").concat();
    let mut missing = Vec::new();
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
        let excused = NO_CASE.iter().any(|(start, _)| text.starts_with(start));
        let absent = pieces(text).into_iter().any(|p| !told.contains(&p));
        if absent != excused {
            missing.push(text);
        }
    }
    assert!(texts.len() > 200, "only {} texts were found", texts.len());
    assert!(missing.is_empty(), "no case, or an excuse too many: {missing:#?}");
}

fn contents(folder: &Path, ending: &str) -> Vec<String> {
    let files = fs::read_dir(folder).expect("a folder");
    let paths = files.map(|f| f.expect("a file").path());
    let paths = paths.filter(|p| p.extension().is_some_and(|e| e == ending));
    paths
        .map(|p| fs::read_to_string(p).expect("text"))
        .collect()
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
