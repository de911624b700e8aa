//! Changes of tokens: what stands in a group counts, whole groups and single brackets alike.
//!
//! Tokens are changed as a flat list, so that brackets move like all else; what does not close is
//! closed at the end. Nothing here recurses: inputs may nest as deep as they like.

use proc_macro2::{Delimiter, Group, Literal, Punct, Spacing, TokenStream, TokenTree};
use sinew_fuzz::Random;

/// A token, or one end of a group.
#[derive(Clone)]
enum Piece {
    Open(Delimiter),
    Close,
    Leaf(TokenTree),
}

const DELIMITERS: [Delimiter; 4] = [
    Delimiter::Parenthesis,
    Delimiter::Bracket,
    Delimiter::Brace,
    Delimiter::None,
];

/// Words that mean something somewhere, and some that mean nothing.
const WORDS: &[&str] = &[
    "x",
    "y",
    "m",
    "self",
    "Self",
    "B",
    "HIDDEN",
    "Tensor",
    "Param",
    "State",
    "f32",
    "f64",
    "i32",
    "u32",
    "bool",
    "f16",
    "float",
    "usize",
    "for",
    "in",
    "if",
    "else",
    "let",
    "mut",
    "fn",
    "return",
    "match",
    "while",
    "loop",
    "break",
    "sum",
    "matmul",
    "reshape",
    "concat",
    "einsum",
    "rearrange",
    "repeat",
    "set",
    "step_by",
    "rev",
    "None",
    "forward",
    "Linear",
    "vec",
    "super",
    "true",
    "_",
    "r#match",
    "r#in",
    "where",
    "methods",
    "pub",
    "crate",
    "const",
    "static",
    "unsafe",
    "async",
    "await",
    "dyn",
    "impl",
    "mod",
    "struct",
    "enum",
    "trait",
    "type",
    "use",
    "as",
    "ref",
    "move",
    "init",
    "pytorch",
    "cfg",
    "test",
    "zeros",
    "sinew",
    "std",
    "Größe",
    "Ω",
    "变量",
    "__sinew_0",
    "r#type",
    "S",
    "axis",
    "keepdims",
    "union",
    "macro_rules",
];

const LITERALS: &[&str] = &[
    "0",
    "1",
    "2",
    "64",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "0xFFFF_FFFF_FFFF_FFFF",
    "1e999",
    "0.5",
    "1e-400",
    "2f32",
    "3usize",
    "7i8",
    "\"bt,b->t\"",
    "\"é→b\"",
    "\"...\"",
    "\"ii...,j\"",
    "\"b (h d) ... -> ... d (b h) 1\"",
    "\"b 2 () -> (b x)\"",
    "'c'",
    "b\"x\"",
    "c\"x\"",
    "r#\"raw\"#",
    "'static",
    "'_",
    "..=",
    "::<>",
    "->",
    "=>",
    "&&",
    "<<",
];

const SIGNS: &[char] = &[
    '-', '+', '*', '/', '%', '<', '>', '=', '!', '&', '|', '.', ',', ';', ':', '?', '#', '@', '^',
    '$', '~',
];

fn flat(tokens: TokenStream) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut open = vec![tokens.into_iter()];
    while let Some(level) = open.last_mut() {
        match level.next() {
            Some(TokenTree::Group(g)) => {
                out.push(Piece::Open(g.delimiter()));
                open.push(g.stream().into_iter());
            }
            Some(leaf) => out.push(Piece::Leaf(leaf)),
            None => {
                open.pop();
                if !open.is_empty() {
                    out.push(Piece::Close);
                }
            }
        }
    }
    out
}

fn tokens(pieces: Vec<Piece>) -> TokenStream {
    let mut open: Vec<(Delimiter, Vec<TokenTree>)> = Vec::new();
    let mut level: Vec<TokenTree> = Vec::new();
    let close = |open: &mut Vec<(Delimiter, Vec<TokenTree>)>, level: &mut Vec<TokenTree>| {
        if let Some((delimiter, outer)) = open.pop() {
            let inner = std::mem::replace(level, outer);
            level.push(Group::new(delimiter, inner.into_iter().collect()).into());
        }
    };
    for piece in pieces {
        match piece {
            Piece::Open(delimiter) => open.push((delimiter, std::mem::take(&mut level))),
            Piece::Close => close(&mut open, &mut level),
            Piece::Leaf(leaf) => level.push(leaf),
        }
    }
    while !open.is_empty() {
        close(&mut open, &mut level);
    }
    level.into_iter().collect()
}

/// The tokens with one change, which may take some from `others`.
pub fn changed(from: TokenStream, others: &[TokenStream], random: &mut Random) -> TokenStream {
    let mut pieces = flat(from);
    let at = random.below(pieces.len() + 1);
    let some = |pieces: &[Piece], at: usize, random: &mut Random| {
        let most = random.pick(&[1, 1, 3, 12]);
        (at + 1 + random.below(most)).min(pieces.len())
    };
    let end = some(&pieces, at, random).max(at);
    let (range, new) = match random.below(12) {
        0 => (at..end, Vec::new()),
        1 => (end..end, pieces[at..end].to_vec()),
        2 if end < pieces.len() => {
            pieces.swap(at, end);
            (0..0, Vec::new())
        }
        3 => (at..end, vec![word(random)]),
        4 => (at..at, vec![word(random)]),
        5 => (
            at..end,
            flat(random.pick(LITERALS).parse().expect("tokens")),
        ),
        6 => (at..at, vec![sign(random)]),
        7 => (at..end, vec![sign(random)]),
        8 => {
            // A group around some of them.
            let mut inner = vec![Piece::Open(random.pick(&DELIMITERS))];
            inner.extend_from_slice(&pieces[at..end]);
            inner.push(Piece::Close);
            (at..end, inner)
        }
        9 => {
            // Some of them again and again, or in brackets in brackets.
            let count = random.pick(&[2, 10, 70, 700, 3000]);
            let inner = &pieces[at..end];
            let new = match random.below(2) {
                0 => vec![inner; count.min(6000 / inner.len().max(1))].concat(),
                _ => {
                    let open = Piece::Open(random.pick(&DELIMITERS));
                    let close = vec![Piece::Close; count];
                    [vec![open; count], inner.to_vec(), close].concat()
                }
            };
            (at..end, new)
        }
        10 => {
            // Another bracket where one is.
            let places = (0..pieces.len()).filter(|i| matches!(pieces[*i], Piece::Open(_)));
            let places: Vec<usize> = places.collect();
            if let Some(place) = places.get(random.below(places.len())) {
                pieces[*place] = Piece::Open(random.pick(&DELIMITERS));
            }
            (0..0, Vec::new())
        }
        _ => {
            let other = flat(random.pick(others));
            let first = random.below(other.len() + 1);
            let last = some(&other, first, random).max(first);
            (at..end, other[first..last].to_vec())
        }
    };
    pieces.splice(range, new);
    tokens(pieces)
}

/// Tokens that were never a program.
pub fn noise(random: &mut Random) -> TokenStream {
    let mut pieces = Vec::new();
    for _ in 0..random.below(40) {
        pieces.push(match random.below(6) {
            0 => Piece::Open(random.pick(&DELIMITERS)),
            1 => Piece::Close,
            2 => sign(random),
            3 => {
                pieces.extend(flat(random.pick(LITERALS).parse().expect("tokens")));
                continue;
            }
            _ => word(random),
        });
    }
    tokens(pieces)
}

fn word(random: &mut Random) -> Piece {
    let word: TokenStream = random.pick(WORDS).parse().expect("a word");
    Piece::Leaf(word.into_iter().next().expect("one token"))
}

fn sign(random: &mut Random) -> Piece {
    let spacing = random.pick(&[Spacing::Alone, Spacing::Joint]);
    Piece::Leaf(Punct::new(random.pick(SIGNS), spacing).into())
}

/// The tokens with some of their string literals changed: texts that signatures are carried in.
pub fn changed_texts(from: TokenStream, random: &mut Random) -> TokenStream {
    let pieces = flat(from).into_iter().map(|piece| match &piece {
        Piece::Leaf(TokenTree::Literal(l)) => match syn::parse_str::<syn::LitStr>(&l.to_string()) {
            Ok(text) if random.one_in(2) => {
                Piece::Leaf(Literal::string(&changed_text(&text.value(), random)).into())
            }
            _ => piece,
        },
        _ => piece,
    });
    tokens(pieces.collect())
}

fn changed_text(text: &str, random: &mut Random) -> String {
    let mut all: Vec<char> = text.chars().collect();
    for _ in 0..1 + random.below(3) {
        let at = random.below(all.len() + 1);
        let end = (at + random.below(4)).min(all.len());
        let new: Vec<char> = match random.below(4) {
            0 => Vec::new(),
            1 => all[at..end].repeat(2),
            2 => random
                .pick(&["0 ", "1 ", "9 ", "7", "99999999999 ", " "])
                .chars()
                .collect(),
            _ => random
                .pick(&["B", "é", "*", "(", "/0", "f32", "-"])
                .chars()
                .collect(),
        };
        all.splice(at..end, new);
    }
    all.into_iter().collect()
}
