//! That no operation and no layer is without a mistake among `ui-tests/` that is told by its name, and no layer without a
//! page; those of operations are looked at where they are made.

use crate::operations::names;
use std::collections::BTreeMap;
use std::path::Path;

/// The cases: what is written, and what it is told.
fn cases() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui-tests");
    let files = std::fs::read_dir(folder).expect("the cases");
    let mut texts: BTreeMap<String, (String, String)> = BTreeMap::new();
    for file in files {
        let path = file.expect("a file").path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = || std::fs::read_to_string(&path).expect("a text");
        match path.extension().and_then(|e| e.to_str()) {
            Some("rs") => texts.entry(name.into()).or_default().0 = text(),
            Some("stderr") => texts.entry(name.into()).or_default().1 = text(),
            _ => {}
        }
    }
    texts.into_values().collect()
}

/// Whether a text has a word, and right behind it `end`.
fn has(text: &str, word: &str, end: &str) -> bool {
    let whole = format!("{word}{end}");
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(&whole).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(in_word);
        let after = text[at + whole.len()..].chars().next().is_some_and(in_word);
        !before && (!after || !end.is_empty())
    })
}

#[test]
fn every_operation_has_a_mistake_that_is_told() {
    let cases = cases();
    let told = |name: &String| {
        let subject = format!("sinew::{name}: ");
        let calls = |rs: &str| has(rs, name, "(");
        cases
            .iter()
            .any(|(rs, stderr)| calls(rs) && stderr.contains(&subject))
    };
    let lacking: Vec<String> = names().into_iter().filter(|name| !told(name)).collect();
    assert!(lacking.is_empty(), "no case of {}", lacking.join(", "));
}

/// What `sinew::nn` brings, but for the configurations that are made of layers.
fn layers() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/nn/mod.rs");
    let text = std::fs::read_to_string(path).expect("the layers");
    let file = syn::parse_file(&text).expect("it is Rust");
    let mut out = Vec::new();
    for item in file.items {
        if let syn::Item::Use(brought) = item {
            leaves(&brought.tree, &mut out);
        }
    }
    out.retain(|name| !name.ends_with("Config"));
    out
}

fn leaves(tree: &syn::UseTree, out: &mut Vec<String>) {
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, out),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, out)),
        syn::UseTree::Name(name) => out.push(name.ident.to_string()),
        syn::UseTree::Rename(_) | syn::UseTree::Glob(_) => panic!("a name"),
    }
}

#[test]
fn every_layer_has_a_mistake_that_is_told() {
    let cases = cases();
    let told = |name: &String| {
        let named = |text: &str| has(text, name, "");
        cases.iter().any(|(rs, stderr)| named(rs) && named(stderr))
    };
    let layers = layers();
    assert!(layers.len() > 30, "only {} layers were found", layers.len());
    let lacking: Vec<String> = layers.into_iter().filter(|name| !told(name)).collect();
    assert!(lacking.is_empty(), "no case of {}", lacking.join(", "));
}

/// The docs of an item.
fn page(attrs: &[syn::Attribute]) -> String {
    let lines = attrs.iter().filter_map(|a| match &a.meta {
        syn::Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(line),
                ..
            }) => Some(line.value()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<String>>().join("\n")
}

#[test]
fn every_layer_has_a_page_with_shapes_and_an_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/nn");
    let mut pages = BTreeMap::new();
    for file in std::fs::read_dir(folder).expect("the layers") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
        for item in syn::parse_file(&text).expect("it is Rust").items {
            let (name, attrs) = match item {
                syn::Item::Struct(item) => (item.ident, item.attrs),
                syn::Item::Enum(item) => (item.ident, item.attrs),
                syn::Item::Fn(item) => (item.sig.ident, item.attrs),
                _ => continue,
            };
            pages.insert(name.to_string(), page(&attrs));
        }
    }
    for layer in layers() {
        let page = pages.get(&layer).map_or("", String::as_str);
        assert!(page.contains("\n ```\n"), "{layer} has no example");
        let told = page.contains("->") || page.contains("|---|---|");
        assert!(told, "{layer} has no shapes");
    }
}
