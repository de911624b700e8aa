//! Sinew's attribute macro: Rust tokens to typed tensor IR.
//!
//! One road: `parse` (tokens to items) → `names` (which other items are mentioned) → `link` (their
//! signatures arrive through their macros) → `check` (types with dims) → `lower` (bodies to IR) →
//! `emit` (Rust tokens). Every stage collects its errors; they are combined once, in `expand`. All
//! texts a user reads stand in `messages`.
//!
//! The macro sees one item at a time and runs nothing: it knows neither devices nor kernels.

mod check;
mod depth;
mod emit;
mod errors;
mod expand;
mod link;
mod lower;
mod messages;
mod names;
mod parse;
mod signature;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a function, a struct, an impl or an inline module part of a model.
///
/// See the language page of the `sinew` crate for what may stand inside.
#[proc_macro_attribute]
pub fn model(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(arguments.into(), item.into()).into()
}

/// The end of a chain of signatures: not for use by hand.
#[doc(hidden)]
#[proc_macro]
pub fn finish(input: TokenStream) -> TokenStream {
    expand::finish(input.into()).into()
}
