//! How deep tokens nest, measured before anything recurses over them.
//!
//! Parsers and this macro's stages recurse over expressions, on rustc's stack. What could recurse too
//! deep gets an error instead of an overflow; real models stay far below.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};

/// The greatest number of groups in each other; what stands between `<` and `>` is one, as far as tokens
/// tell.
pub const GROUPS: usize = 40;

/// The greatest number of tokens on one path: those of a statement, before the group that holds the
/// next statement, and so on. Recursion is never deeper than that: prefix operators, operands of a
/// sum, links of a method chain all count.
pub const PATH: usize = 1500;

/// The greatest number of signs in a row, and of words: each may be in front of what the next is in front of, a reference
/// to a reference or a `return` of a `return`. A parser that is not optimised, as that of most builds, takes more of the
/// stack for one of these than for any other token.
pub const RUN: usize = 64;

struct Level {
    tokens: proc_macro2::token_stream::IntoIter,
    /// Tokens since the last `;`, `,` or block that ended a statement.
    run: usize,
    block_before: bool,
    /// `<` without their `>`, and whether `|` is open, since the last statement: commas between them
    /// separate what goes on deeper (`A<1, A<1, ..`), not what stands side by side.
    angles: usize,
    bar: bool,
}

/// The groups that a chain puts around an item.
const CHAIN: usize = 3;

/// The place where the tokens nest too deep, if they do.
pub fn too_deep(tokens: &TokenStream) -> Option<Span> {
    deeper(tokens, GROUPS, PATH, RUN)
}

/// The same for the end of a chain, of which only groups are recursed over before it is known to be one:
/// its lists are as long as they are.
pub fn chain_too_deep(tokens: &TokenStream) -> Option<Span> {
    deeper(tokens, GROUPS + CHAIN, usize::MAX, usize::MAX)
}

fn deeper(tokens: &TokenStream, groups: usize, path: usize, run: usize) -> Option<Span> {
    let level = |tokens: TokenStream| Level {
        tokens: tokens.into_iter(),
        run: 0,
        block_before: false,
        angles: 0,
        bar: false,
    };
    // An explicit stack: this must not overflow itself.
    let mut stack = vec![level(tokens.clone())];
    let (mut total, mut signs, mut words) = (0, 0, 0);
    while let Some(top) = stack.last_mut() {
        let Some(token) = top.tokens.next() else {
            total -= top.run;
            stack.pop();
            continue;
        };
        if top.block_before && !continues(&token) {
            total -= top.run;
            (top.run, top.angles, top.bar) = (0, 0, false);
        }
        top.block_before = false;
        let sign = match &token {
            TokenTree::Punct(p) => p.as_char(),
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => ' ',
        };
        signs = if sign == ' ' { 0 } else { signs + 1 };
        words = if matches!(token, TokenTree::Ident(_)) {
            words + 1
        } else {
            0
        };
        match sign {
            '<' => top.angles += 1,
            '>' => top.angles = top.angles.saturating_sub(1),
            '|' => top.bar = !top.bar,
            _ => {}
        }
        let beside = sign == ',' && top.angles == 0 && !top.bar;
        if sign == ';' || beside {
            total -= top.run;
            (top.run, top.angles, top.bar) = (0, 0, false);
        } else {
            let count = weight(&token);
            top.run += count;
            total += count;
        }
        if let TokenTree::Group(group) = &token {
            top.block_before = group.delimiter() == Delimiter::Brace;
            stack.push(level(group.stream()));
        }
        let angles: usize = stack.iter().map(|level| level.angles).sum();
        if total > path || signs.max(words) > run || stack.len() + angles > groups {
            return Some(token.span());
        }
    }
    None
}

/// What a token counts on a path. A parser that is not optimised takes as much of the stack for one by which types nest
/// (`*const`, `fn`, `&'a`, `dyn`) as for eight others, and for one of the two around a closure's parameters as for four.
fn weight(token: &TokenTree) -> usize {
    match token {
        TokenTree::Punct(p) => match p.as_char() {
            '\'' => 8,
            '|' => 4,
            _ => 1,
        },
        TokenTree::Ident(i) => {
            let words = [
                "const", "mut", "fn", "dyn", "impl", "for", "unsafe", "extern",
            ];
            if words.iter().any(|word| i == word) {
                8
            } else {
                1
            }
        }
        TokenTree::Group(_) | TokenTree::Literal(_) => 1,
    }
}

/// Whether an expression may go on with this token after a block.
fn continues(token: &TokenTree) -> bool {
    match token {
        TokenTree::Punct(p) => p.as_char() != '#',
        TokenTree::Ident(i) => i == "else" || i == "as",
        TokenTree::Group(_) => true,
        TokenTree::Literal(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(text: &str) -> bool {
        let tokens: TokenStream = text.parse().expect("tokens");
        too_deep(&tokens).is_some()
    }

    #[test]
    fn what_recursion_follows_is_counted() {
        assert!(deep(&format!("{}x{}", "(".repeat(70), ")".repeat(70))));
        assert!(deep(&format!("{}x", "- ".repeat(2000))));
        assert!(deep(&format!("x{}", " + x".repeat(2000))));
        assert!(deep(&format!("x{}", ".a()".repeat(2000))));
        assert!(deep(&format!("if a {{}} {}", "else if b {} ".repeat(2000))));
        assert!(deep(&format!("{}B", "A<1, ".repeat(2000))));
        // Each is a type in a type, of which fewer fit the stack than of other tokens.
        assert!(deep(&format!(
            "x: {}B{}",
            "A<".repeat(700),
            ">".repeat(700)
        )));
        assert!(deep(&format!("x: {}B", "<".repeat(700))));
        assert!(deep(&format!("{}x", "|a, b| ".repeat(2000))));
    }

    /// They overflowed the stack of a parser that was not optimised.
    #[test]
    fn references_to_references_are_deep() {
        let references = |count| format!("fn f(x: {}T) {{}}", "&".repeat(count));
        assert!(deep(&references(700)));
        // The colon in front of them is a sign too.
        assert!(deep(&references(64)));
        assert!(!deep(&references(63)));
        assert!(!deep(&"let y = - - x;".repeat(500)));
    }

    #[test]
    fn lists_of_chains_are_as_long_as_they_are() {
        let words: TokenStream = "word ".repeat(5000).parse().expect("tokens");
        assert!(chain_too_deep(&words).is_none());
    }

    #[test]
    fn length_alone_is_no_depth() {
        assert!(!deep(&"let y = f(x, 1);".repeat(5000)));
        assert!(!deep(&"fn f(x: T) -> T { x }".repeat(5000)));
        assert!(!deep(&format!("f({})", "x, ".repeat(5000))));
    }
}
