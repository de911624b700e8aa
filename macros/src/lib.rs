//! Sinew's attribute macro: Rust tokens to typed tensor IR.
//!
//! One road: `parse` (tokens to items) → `names` (which other items are mentioned) → `collect` (their
//! signatures arrive through their macros) → `check` (types with dims) → `lower` (bodies to IR) →
//! `emit` (Rust tokens). The operations of the language are declared in `operations`. Every stage collects its errors; they are combined once, in `expand`. All
//! texts a user reads stand in `messages`.
//!
//! The macro sees one item at a time and runs nothing: it knows neither devices nor kernels.

mod check;
mod collect;
mod depth;
mod emit;
mod errors;
mod expand;
mod hidden;
mod lints;
mod lower;
mod messages;
mod names;
mod operations;
mod parse;
mod signature;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a function, a struct, an impl or an inline module part of a model.
///
/// See the language page of the `sinew` crate for what may stand inside.
///
/// - It stands in front of `#[derive(..)]`: what is derived then sees the struct that it expands to.
/// - `#[model(methods)]` on a struct says that one `#[model] impl` of it follows, in the same module; all
///   methods stand in it. `#[model(pub)]`, `#[model(pub(crate))]` on the impl say how far its methods are seen, else
///   as far as the struct.
/// - `#[model(where(E == H * D, T <= 1024))]` is what a function, or each method of an impl, assumes.
/// - `#[model(vjp = my_rule)]` on a function that takes tensors: its derivative is the model function
///   `my_rule`, which takes the same and behind it the cotangents of the float results, and gives the
///   cotangents of the float parameters, those of tuples and arrays side by side. It is the derivative everywhere: in training, in `grad` and the
///   like, in loops; second derivatives are those of the rule. It does not call the function itself: what
///   both compute is a function of its own.
/// - `#[model(no_derivative)]`, `#[model(no_derivative = "why")]` on a function or a method says that it is
///   never differentiated, a metric: a call of it whose derivative is needed is an error there, and it
///   cannot be trained. Without it every function has its derivative.
/// - `#[model(allow(softmax_before_cross_entropy))]` on a function, a method, an impl or a module silences a
///   warning of Sinew's own by its name, which the warning tells.
/// - `f::signature()` tells what a call of `f` takes, as formulas in its symbols: parameters; FLOPs, of which a
///   product that is summed counts two, and every other scalar instruction on a float one, but for choices and
///   casts; bytes of arguments, parameters and results, each once, a working float as f32.
/// - In a `#[model] mod` every function, struct and impl has it without a word, and so has every inline
///   module inside but those with `#[cfg(test)]`.
/// - `#[model(crate = path)]` says where the library is when it is no dependency of the crate; in a module
///   for all that is inside.
/// - Structs that hold each other have no size, in Rust as here.
/// - A struct of yours may be called like a type of the prelude (`Linear`, `Model`), and comes before that in its
///   module. Another module names it by a path (`layers::Linear<4, 8>`): an import of that name rustc calls
///   undetermined, unless the struct's module imports what it uses by name (`use sinew::{Param, Tensor, model};`).
#[proc_macro_attribute]
pub fn model(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(arguments.into(), item.into()).into()
}

/// The items of `sinew::ops`, of the library's own use.
#[doc(hidden)]
#[proc_macro]
pub fn operations(_: TokenStream) -> TokenStream {
    operations::items().into()
}

/// The end of a chain of signatures: not for use by hand.
#[doc(hidden)]
#[proc_macro]
pub fn finish(input: TokenStream) -> TokenStream {
    expand::finish(input.into()).into()
}
