//! About derivatives in bodies, and the closures that they are of.

use super::{Message, error, message, source, tensor};
use quote::ToTokens;
use sinew_ir::Type;
use syn::Error;

pub fn wants_closure(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    error(
        at,
        &name.to_string(),
        &format!("`{}` is no closure", source(at)),
        &format!("write {usage}"),
    )
}

pub fn bare_closure(at: &impl ToTokens) -> Error {
    error(
        at,
        "closure",
        "a closure is an argument of `grad`, `value_and_grad`, `vjp` or `checkpoint`",
        "what is called by name is a `#[model] fn`",
    )
}

pub fn closure_arguments(
    at: &impl ToTokens,
    name: &syn::Ident,
    takes: usize,
    gets: usize,
) -> Error {
    error(
        at,
        &name.to_string(),
        &format!(
            "the closure takes {}, and {gets} stand behind it",
            super::count(takes, "argument")
        ),
        "give each of its parameters what it stands for",
    )
}

pub fn closure_assigns(at: &impl ToTokens, name: &str) -> Error {
    error(
        at,
        "closure",
        &format!("a closure cannot assign to `{name}`, which is outside of it"),
        "have it give the value",
    )
}

pub fn closure_pushes(at: &impl ToTokens) -> Error {
    error(
        at,
        "closure",
        "a closure cannot push onto a list that is outside of it",
        "have it give the value, and push that",
    )
}

pub fn grad_of(at: &impl ToTokens, name: &syn::Ident, what: &str) -> Error {
    error(
        at,
        &name.to_string(),
        &format!("the closure gives {what}, and a gradient is that of one float"),
        "reduce it (`.sum()`, `.mean()`), or name a vector: `vjp(|x| f(x), x, v)`",
    )
}

pub fn grad_by(at: &impl ToTokens, name: &syn::Ident, what: &str) -> Error {
    error(
        at,
        &name.to_string(),
        &format!(
            "`{}` has {what} in it, and gradients are by floats",
            source(at)
        ),
        "use it in the closure without taking it as an argument",
    )
}

pub fn cotangent_count(at: &impl ToTokens, expected: usize, found: usize) -> Error {
    error(
        at,
        "vjp",
        &format!(
            "the closure gives {}, and this is {found}",
            super::count(expected, "tensor")
        ),
        "give a vector of the type of each",
    )
}

pub fn cotangent_type(at: &impl ToTokens, expected: &Type, found: &Type) -> Message {
    let facts = [("given", tensor(expected)), ("vector", tensor(found))];
    message(
        at,
        "vjp",
        "the vector is not of the type of what the closure gives",
        &facts,
        "it has the same shape and element type",
    )
}
