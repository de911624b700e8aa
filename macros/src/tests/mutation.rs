//! Whatever tokens come: errors, never a panic, and an end.

use super::corpus::PROGRAMS;
use super::rustc::{expand, items_of};
use proc_macro2::{Delimiter, Group, Punct, Spacing, TokenStream, TokenTree};
use sinew_fuzz::{Random, Target};
use std::fmt;

/// What happens to one token.
#[derive(Clone, Debug)]
enum Change {
    Delete,
    Duplicate,
    Swap,
    Word(usize),
    Number(usize),
    Sign(usize),
    Nest(usize),
}

const WORDS: &[&str] = &[
    "x", "y", "m", "self", "Self", "B", "HIDDEN", "Tensor", "Param", "f32", "i32", "f16", "for",
    "if", "let", "mut", "fn", "return", "match", "sum", "matmul", "reshape", "forward", "Linear",
    "vec", "super", "true", "_", "r#match", "r#in", "where", "methods", "pub", "crate", "const",
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "64",
    "18446744073709551616",
    "9223372036854775807",
    "1e999",
    "0.5",
    "2f32",
    "\"bt,b->t\"",
    "'c'",
    "b\"x\"",
];
const SIGNS: &[char] = &[
    '-', '+', '*', '/', '%', '<', '>', '=', '!', '&', '|', '.', ',', ';', ':', '?', '#', '@',
];

fn change(random: &mut Random) -> Change {
    match random.below(7) {
        0 => Change::Delete,
        1 => Change::Duplicate,
        2 => Change::Swap,
        3 => Change::Word(random.below(WORDS.len())),
        4 => Change::Number(random.below(NUMBERS.len())),
        5 => Change::Sign(random.below(SIGNS.len())),
        _ => Change::Nest(1 + random.below(99)),
    }
}

const DELIMITERS: [Delimiter; 4] = [
    Delimiter::Parenthesis,
    Delimiter::Bracket,
    Delimiter::Brace,
    Delimiter::None,
];

/// The number of tokens, those in groups counted too.
fn count(tokens: &TokenStream) -> usize {
    let inner = |t: TokenTree| match t {
        TokenTree::Group(g) => 1 + count(&g.stream()),
        _ => 1,
    };
    tokens.clone().into_iter().map(inner).sum()
}

/// Changes the token at position `at` in reading order.
fn changed(tokens: TokenStream, at: &mut usize, change: &Change) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    let mut list = tokens.into_iter().peekable();
    while let Some(token) = list.next() {
        if *at == 0 {
            *at = usize::MAX;
            match change {
                Change::Delete => {}
                Change::Duplicate => out.extend([token.clone(), token]),
                Change::Swap => {
                    out.extend(list.next());
                    out.push(token);
                }
                Change::Word(i) => {
                    let word: TokenStream = WORDS[*i].parse().expect("a word");
                    out.extend(word);
                }
                Change::Number(i) => {
                    let text: TokenStream = NUMBERS[*i].parse().expect("a literal");
                    out.extend(text);
                }
                Change::Sign(i) => out.push(Punct::new(SIGNS[*i], Spacing::Alone).into()),
                Change::Nest(n) => {
                    let mut inner = token;
                    for _ in 0..*n {
                        inner = Group::new(Delimiter::Parenthesis, inner.into()).into();
                    }
                    out.push(inner);
                }
            }
            continue;
        }
        if *at != usize::MAX {
            *at -= 1;
        }
        match token {
            TokenTree::Group(g) => {
                let mut group = Group::new(g.delimiter(), changed(g.stream(), at, change));
                group.set_span(g.span());
                out.push(group.into());
            }
            other => out.push(other),
        }
    }
    out.into_iter().collect()
}

/// Items with the arguments of their attributes: a program.
struct Program(Vec<(TokenStream, TokenStream)>);

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (arguments, item) in &self.0 {
            writeln!(f, "#[model({arguments})]\n{item}")?;
        }
        Ok(())
    }
}

fn mutated(seed: u64) -> Program {
    let mut random = Random::new(seed);
    let mut items = items_of(random.pick(PROGRAMS));
    for _ in 0..1 + random.below(3) {
        let item = random.below(items.len());
        let (_, tokens) = &mut items[item];
        let all = count(tokens);
        if all > 0 {
            *tokens = changed(tokens.clone(), &mut random.below(all), &change(&mut random));
        }
    }
    if random.one_in(5) {
        let item = random.below(items.len());
        let (arguments, _) = &mut items[item];
        // One word where there are no arguments.
        if arguments.is_empty() {
            *arguments = quote::quote!(x);
        }
        let mut at = random.below(count(arguments));
        *arguments = changed(arguments.clone(), &mut at, &change(&mut random));
    }
    Program(items)
}

#[test]
fn mutated_programs_never_panic() {
    Target::new("macro", 2500).run(mutated, |program| {
        // What matters is that this returns.
        let out = expand(&program.0);
        assert!(out.errors.iter().all(|e| !e.is_empty()));
        for text in out.ir.values() {
            assert!(sinew_ir::parse(text).is_ok(), "{text}");
        }
        let unexplained = out.errors.iter().any(|e| e.contains("no reason was found"));
        assert!(!unexplained, "an error without its reason");
    });
}

#[test]
fn random_tokens_never_panic() {
    let all: Vec<TokenStream> = WORDS
        .iter()
        .chain(NUMBERS)
        .map(|t| t.parse().expect("tokens"))
        .collect();
    let mut seed = 1u64;
    for _ in 0..300 {
        let mut tokens = TokenStream::new();
        for _ in 0..30 {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let at = (seed >> 33) as usize;
            match at % 4 {
                0 => {
                    let sign = SIGNS[at / 4 % SIGNS.len()];
                    tokens.extend([TokenTree::from(Punct::new(sign, Spacing::Alone))]);
                }
                1 => {
                    let delimiter = DELIMITERS[at / 4 % DELIMITERS.len()];
                    let group = Group::new(delimiter, std::mem::take(&mut tokens));
                    tokens.extend([TokenTree::from(group)]);
                }
                _ => tokens.extend(all[at / 4 % all.len()].clone()),
            }
        }
        // As an item, and as a body.
        let body = Group::new(Delimiter::Brace, tokens.clone());
        expand(&[(
            TokenStream::new(),
            quote::quote!(fn f<B>(x: Tensor<B>) -> Tensor #body),
        )]);
        expand(&[(TokenStream::new(), tokens)]);
    }
}
