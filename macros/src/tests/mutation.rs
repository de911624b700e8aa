//! Whatever tokens come: errors, never a panic, and an end.

use super::corpus::PROGRAMS;
use super::rustc::{expand, items_of};
use proc_macro2::{Delimiter, Group, Punct, Spacing, TokenStream, TokenTree};
use proptest::prelude::*;

/// What happens to one token.
#[derive(Clone, Debug)]
enum Change {
    Delete,
    Duplicate,
    Swap,
    Word(usize),
    Number(usize),
    Sign(usize),
    Nest(u8),
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

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Delete),
        Just(Change::Duplicate),
        Just(Change::Swap),
        (0..WORDS.len()).prop_map(Change::Word),
        (0..NUMBERS.len()).prop_map(Change::Number),
        (0..SIGNS.len()).prop_map(Change::Sign),
        (1..100u8).prop_map(Change::Nest),
    ]
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_programs_never_panic(
        program in 0..PROGRAMS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), change()), 1..4),
        argument in prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<prop::sample::Index>(), change())),
    ) {
        let mut items = items_of(PROGRAMS[program]);
        for (item, place, change) in changes {
            let i = item.index(items.len());
            let (arguments, tokens) = &items[i];
            let all = count(tokens);
            prop_assume!(all > 0);
            let tokens = changed(tokens.clone(), &mut place.index(all), &change);
            items[i] = (arguments.clone(), tokens);
        }
        if let Some((item, place, change)) = argument {
            let i = item.index(items.len());
            let arguments = items[i].0.clone();
            // One behind the end leaves them as they are, but for a word where there are none.
            let all = count(&arguments);
            items[i].0 = match all {
                0 => changed(quote::quote!(x), &mut 0, &change),
                _ => changed(arguments, &mut place.index(all), &change),
            };
        }
        // What matters is that this returns.
        let out = expand(&items);
        prop_assert!(out.errors.iter().all(|e| !e.is_empty()));
        for text in out.ir.values() {
            prop_assert!(sinew_ir::parse(text).is_ok(), "{text}");
        }
        let texts: Vec<String> = items.iter().map(|(_, i)| i.to_string()).collect();
        let explained = !out.errors.iter().any(|e| e.contains("no reason was found"));
        prop_assert!(explained, "{}", texts.join("\n"));
    }
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
