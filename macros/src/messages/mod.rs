//! Every text a user reads: what is wrong at the marked tokens, the shapes with their symbols and known
//! values, and how to mend it.
//!
//! A message has one span; what lies elsewhere is named in the text. No message is about the
//! consequence of another.

mod body;
mod calls;
mod choices;
mod derivatives;
mod enums;
mod fields;
mod indices;
mod items;
mod lints;
mod loops;
mod losses;
mod numbers;
mod operations;
mod patterns;
mod refusals;
mod sliding;
mod types;

pub use body::*;
pub use calls::*;
pub use choices::*;
pub use derivatives::*;
pub use enums::*;
pub use fields::*;
pub use indices::*;
pub use items::*;
pub use lints::*;
pub use loops::*;
pub use losses::*;
pub use numbers::*;
pub use operations::*;
pub use patterns::pattern_size;
pub use refusals::*;
pub use sliding::*;
pub use types::*;

use crate::signature::{CONST_MARK, Struct};
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use sinew_ir::{Dim, Shape, Type};

/// A message that is not reported yet: a check makes it in case it fails.
#[derive(Clone)]
pub struct Message {
    at: TokenStream,
    text: String,
}

impl Message {
    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it points: first and last token.
    pub fn spans(&self) -> (Span, Span) {
        let last = self.at.clone().into_iter().last();
        let first = crate::parse::start(&self.at);
        (first, last.map_or(first, |t| t.span()))
    }

    /// As an error.
    pub fn into_error(self) -> syn::Error {
        syn::Error::new_spanned(self.at, self.text)
    }
}

/// A message about `at`: the subject (an operation, or a part of the language), what is wrong, lines of
/// facts, and help.
fn message(
    at: &impl ToTokens,
    subject: &str,
    wrong: &str,
    facts: &[(&str, String)],
    help: &str,
) -> Message {
    let mut text = format!("sinew::{subject}: {wrong}");
    let width = facts
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, fact) in facts {
        let pad = " ".repeat(width - name.chars().count());
        text.push_str(&format!("\n= {name}:{pad} {fact}"));
    }
    text.push_str(&format!("\n= help: {help}"));
    Message {
        at: at.to_token_stream(),
        text: text.replace(CONST_MARK, ""),
    }
}

fn error(at: &impl ToTokens, subject: &str, wrong: &str, help: &str) -> syn::Error {
    message(at, subject, wrong, &[], help).into_error()
}

fn error_at(span: Span, subject: &str, wrong: &str, help: &str) -> syn::Error {
    let text = message(&TokenStream::new(), subject, wrong, &[], help).text;
    syn::Error::new(span, text)
}

/// A dim as it is written.
pub fn dim(dim: &Dim) -> String {
    dim.to_string().replace(CONST_MARK, "")
}

/// A dim as it stands in a type, where Rust's grammar wants braces around what is more than a name or a number.
fn dim_of_a_type(of: &Dim) -> String {
    match of.as_symbol().is_some() || of.as_constant().is_some() {
        true => dim(of),
        false => format!("{{ {} }}", dim(of)),
    }
}

/// A tensor's type as it is written: `Tensor<i32, [S], B, 64>`.
pub fn tensor(ty: &Type) -> String {
    let mut parts = Vec::new();
    if ty.dtype != sinew_ir::DType::Float {
        parts.push(ty.dtype.name().to_string());
    }
    parts.extend(ty.shape.sequence.iter().map(|s| format!("[{s}]")));
    parts.extend(ty.shape.dims.iter().map(dim_of_a_type));
    match parts.is_empty() {
        true => "Tensor (a scalar)".to_string(),
        false => format!("Tensor<{}>", parts.join(", ")),
    }
}

/// A shape's dims as they are written.
pub fn shape(shape: &Shape) -> String {
    let mut parts: Vec<String> = shape.sequence.iter().map(|s| format!("[{s}]")).collect();
    parts.extend(shape.dims.iter().map(dim));
    parts.join(", ")
}

/// A struct's type as it is written.
pub fn structure(structure: &Struct, dims: &[Dim]) -> String {
    match dims.is_empty() {
        true => structure.name.clone(),
        false => {
            let dims: Vec<String> = dims.iter().map(dim_of_a_type).collect();
            format!("{}<{}>", structure.name, dims.join(", "))
        }
    }
}

/// Tokens as people write them, shortened.
pub fn source(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    let mut out = String::new();
    let generic = text.starts_with(|c: char| c.is_uppercase() || c == '&') && text.ends_with('>');
    let mut chars = text.chars().peekable();
    // Between the bars of a closure, `|x, y|`, which stand where no operator does.
    let mut bars = false;
    while let Some(c) = chars.next() {
        let glued = |c: char| matches!(c, '.' | '(' | ')' | '[' | ']' | ',' | ':' | '?' | ';');
        if c == ' ' {
            let before = out.chars().last().unwrap_or(' ');
            let after = chars.peek().copied().unwrap_or(' ');
            let tight = matches!(before, '.' | '(' | '[' | ':' | '&' | '!') || glued(after);
            // `Linear < 2 >` is a type, `x < y` a comparison.
            let of_type = |c| c == '<' || c == '>';
            let tight = tight || (generic && (of_type(before) || of_type(after)));
            let of_bars = bars && (before == '|' || after == '|');
            if tight || of_bars {
                continue;
            }
        }
        if c == '|' {
            bars = !bars && !ends_in_operand(&out);
        }
        out.push(c);
        if out.chars().count() > 60 {
            out.push_str("..");
            break;
        }
    }
    out
}

/// Whether a text ends in what may stand in front of an operator.
fn ends_in_operand(text: &str) -> bool {
    let last = text.trim_end().chars().last();
    last.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ')' | ']' | '}' | '"'))
}

/// The names closest to a misspelt one: `did you mean ..` or what there is.
fn suggestion(name: &str, known: &[String], what: &str) -> String {
    let close = known
        .iter()
        .map(|k| (distance(name, k), k))
        .filter(|(d, k)| {
            // The start of a name, or one that is nearly the same.
            (name.len() > 3 && k.starts_with(name)) || (*d <= 2 && 2 * *d < k.chars().count())
        })
        .min();
    match close {
        Some((_, k)) => format!("did you mean `{k}`?"),
        None if known.is_empty() => format!("there are no {what}"),
        None => {
            let list: Vec<String> = known.iter().take(12).map(|k| format!("`{k}`")).collect();
            format!("the {what} are {}", list.join(", "))
        }
    }
}

/// The number of letters to change, add or leave out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, y) in b.iter().enumerate() {
            let cost = usize::from(x != *y);
            let value = (corner + cost).min(row[j] + 1).min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = value;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_suggested() {
        let known = ["hidden".to_string(), "out".to_string()];
        assert_eq!(
            suggestion("hiden", &known, "fields"),
            "did you mean `hidden`?"
        );
        assert_eq!(
            suggestion("xyz", &known, "fields"),
            "the fields are `hidden`, `out`"
        );
        assert!(!suggestion("mm", &["max".to_string()], "operations").starts_with("did"));
    }

    #[test]
    fn source_reads_like_source() {
        let tokens = quote::quote!(m.first.w.forward(x, 1) + &self.b[0]);
        assert_eq!(source(&tokens), "m.first.w.forward(x, 1) + &self.b[0]");
        let tokens = quote::quote!(vmap(|x, y| x.take(a | b), z));
        assert_eq!(source(&tokens), "vmap(|x, y| x.take(a | b), z)");
    }
}
