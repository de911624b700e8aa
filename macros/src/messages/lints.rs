//! About what is legal and rarely meant: warnings, which follow the lint's name.

use super::{Message, message, shape};
use crate::lints::Growth;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Error;

/// A token to mark, for what knows its place alone.
fn token(span: Span) -> TokenStream {
    TokenTree::from(Ident::new("_", span)).into()
}

pub fn growth(at: &impl ToTokens, left: &str, right: &str, growth: &Growth) -> Message {
    let (column, row) = match growth.left_is_column {
        true => (left, right),
        false => (right, left),
    };
    message(
        at,
        "broadcast",
        &format!(
            "every element of `{row}` meets every row of `{column}`: ({})",
            shape(&growth.result)
        ),
        &[],
        &format!(
            "write `{row}.unsqueeze(-1)` for a column of it; where all pairs are meant, `{row}.unsqueeze(0)` says so"
        ),
    )
}

pub fn probabilities_for_scores(span: Span, op: &str, of: &str) -> Message {
    message(
        &token(span),
        op,
        &format!(
            "it takes scores and makes probabilities of them itself; these are those of `{of}`"
        ),
        &[],
        &format!("leave the `{of}` out"),
    )
}

pub fn log_of_probabilities(span: Span, of: &str) -> Message {
    let help = match of {
        "softmax" => {
            "write `x.log_softmax(axis = -1)`, which is exact where probabilities round to 0"
        }
        _ => "write `-softplus(-x)` for it, which is exact where probabilities round to 0",
    };
    message(
        &token(span),
        "log",
        &format!("what `{of}` gives rounds to 0, and this is minus infinity there"),
        &[],
        help,
    )
}

/// Said where `function` is trained.
pub fn without_influence(function: &Ident, parameters: &[String]) -> Message {
    let named: Vec<String> = parameters.iter().map(|p| format!("`{p}`")).collect();
    message(
        function,
        "train",
        &format!(
            "`{function}` does not depend on {}, which training leaves as they are",
            named.join(", ")
        ),
        &[],
        &format!("use them in `{function}`, or leave them out of the model"),
    )
}

pub fn unused_symbol(symbol: &Ident) -> Message {
    message(
        symbol,
        "symbols",
        &format!("nothing here is of size `{symbol}`, and every caller has to give it"),
        &[],
        "leave it out of `<..>`",
    )
}

pub fn unknown_lint(name: &syn::Ident) -> Error {
    let known = crate::lints::Lint::ALL.iter().map(|l| l.name().to_string());
    let known: Vec<String> = known.collect();
    super::error(
        name,
        "model",
        &format!("no lint is called `{name}`"),
        &super::suggestion(&name.to_string(), &known, "lints"),
    )
}
