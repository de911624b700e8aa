//! The same source expands to the same tokens, in whichever thread and order.

use super::corpus::PROGRAMS;
use super::rustc::expand_text;
use quote::ToTokens;
use std::thread;

/// Everything that the programs of the corpus expand to, in the order in which they do.
fn everything() -> String {
    let items = PROGRAMS.iter().flat_map(|p| expand_text(p).items);
    let text: String = items
        .map(|item| item.to_token_stream().to_string())
        .collect();
    without_numbers(&text)
}

/// The text without the numbers that tell repetitions of one item from each other: every thread here
/// repeats the same items. They stand behind the item's hash, in hex digits.
fn without_numbers(text: &str) -> String {
    const HASH: usize = 16;
    let mut out = String::new();
    let (mut digits, mut rest) = (0, text.chars().peekable());
    while let Some(c) = rest.next() {
        if c == '_' && digits >= HASH {
            while rest.next_if(char::is_ascii_digit).is_some() {}
            digits = 0;
            continue;
        }
        digits = if c.is_ascii_hexdigit() { digits + 1 } else { 0 };
        out.push(c);
    }
    out
}

#[test]
fn the_same_source_expands_to_the_same_tokens() {
    // New threads: their sources have the same names from the first on.
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(everything)).collect();
    let mut texts = threads
        .into_iter()
        .map(|t| t.join().expect("the corpus expands"));
    let first = texts.next().expect("there are threads");
    assert!(first.contains("matmul"), "nothing was expanded");
    for text in texts {
        let differs = first.chars().zip(text.chars()).position(|(a, b)| a != b);
        let around = |text: &str| {
            let at = differs.unwrap_or(0).saturating_sub(80);
            text.chars().skip(at).take(160).collect::<String>()
        };
        assert!(first == text, "{}\n{}", around(&first), around(&text));
    }
}
