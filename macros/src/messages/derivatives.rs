//! About derivatives in bodies, and the closures that they are of.

use super::calls::print_signature;
use super::{Message, error, message, source, tensor};
use crate::signature::{Function, Struct};
use quote::ToTokens;
use sinew_ir::{Dim, Type};
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
        "a closure is an argument of `grad`, `value_and_grad`, `vjp`, `jvp`, `vmap` or `checkpoint`",
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

pub fn tangent_of(at: &impl ToTokens, what: &str) -> Error {
    error(
        at,
        "jvp",
        &format!("the closure gives {what}, and derivatives are of floats"),
        "give what is no float outside of the closure",
    )
}

pub fn direction_count(at: &impl ToTokens, expected: usize, found: usize) -> Error {
    error(
        at,
        "jvp",
        &format!(
            "the closure takes {}, and this is {found}",
            super::count(expected, "tensor")
        ),
        "give a direction of the type of each: `jvp(|x, y| f(x, y), x, y, (v, w))`",
    )
}

pub fn direction_type(at: &impl ToTokens, expected: &Type, found: &Type) -> Message {
    let facts = [("taken", tensor(expected)), ("direction", tensor(found))];
    message(
        at,
        "jvp",
        "the direction is not of the type of what the closure takes",
        &facts,
        "it has the same shape and element type",
    )
}

/// Both declarations, of a function and of its rule.
fn declarations<'n>(f: &Function, rule: &Function) -> [(&'n str, String); 2] {
    [
        ("function", format!("{} at {}", print_signature(f), f.at)),
        ("rule", format!("{} at {}", print_signature(rule), rule.at)),
    ]
}

const RULE_TAKES: &str =
    "a rule takes what the function takes, then the cotangents of its float results";
const RULE_GIVES: &str = "a rule gives the cotangents of the float parameters, in order";

pub fn rule_and_no_derivative(at: &impl ToTokens) -> Error {
    error(
        at,
        "vjp",
        "a function with a rule has a derivative, and `no_derivative` says that it has none",
        "leave one of them out",
    )
}

pub fn rule_of_nothing(path: &syn::Path) -> Error {
    error(
        path,
        "vjp",
        &format!("`{}` is no model function", source(path)),
        "a rule is a `#[model] fn` of the function's parameters and the cotangents of its results",
    )
}

pub fn rule_of_a_model(path: &syn::Path, f: &Function, param: &str) -> Error {
    error(
        path,
        "vjp",
        &format!(
            "`{}` has a rule, and takes the model `{param}`, whose cotangents no function gives",
            f.name
        ),
        "take the parameters themselves as tensors, and call it with `m.w`",
    )
}

pub fn rule_without_floats(path: &syn::Path, f: &Function, what: &str) -> Error {
    error(
        path,
        "vjp",
        &format!(
            "`{}` has no float {what}, so there is nothing to derive",
            f.name
        ),
        "leave the rule out",
    )
}

pub fn rule_parameters(
    path: &syn::Path,
    (f, rule): (&Function, &Function),
    takes: usize,
    wanted: usize,
) -> Error {
    message(
        path,
        "vjp",
        &format!(
            "the rule takes {}, and is given {wanted}",
            super::count(takes, "argument")
        ),
        &declarations(f, rule),
        RULE_TAKES,
    )
    .into_error()
}

pub fn rule_parameter(
    path: &syn::Path,
    (f, rule): (&Function, &Function),
    param: &str,
    stands_for: &str,
    given: &Type,
) -> Message {
    message(
        path,
        "vjp",
        &format!(
            "`{param}` of the rule is given {stands_for}, which is {}",
            tensor(given)
        ),
        &declarations(f, rule),
        RULE_TAKES,
    )
}

pub fn rule_results(path: &syn::Path, f: &Function, rule: &Function, wanted: usize) -> Error {
    message(
        path,
        "vjp",
        &format!(
            "the rule gives {}, and is to give {wanted}",
            super::count(rule.results.len(), "tensor")
        ),
        &declarations(f, rule),
        RULE_GIVES,
    )
    .into_error()
}

pub fn rule_result(
    path: &syn::Path,
    (f, rule): (&Function, &Function),
    param: &str,
    wanted: &Type,
    found: &Type,
) -> Message {
    message(
        path,
        "vjp",
        &format!(
            "the cotangent of `{param}` is {} like it, and the rule gives {}",
            tensor(wanted),
            tensor(found)
        ),
        &declarations(f, rule),
        RULE_GIVES,
    )
}

pub fn map_of_nothing(at: &impl ToTokens) -> Error {
    error(
        at,
        "vmap",
        "there is no tensor in this, so nothing is mapped",
        "take the tensor whose slices the closure is for",
    )
}

pub fn map_of_a_model(at: &impl ToTokens, s: &Struct) -> Error {
    error(
        at,
        "vmap",
        &format!(
            "`{}` is a `{}`, and a model has no slices",
            source(at),
            s.name
        ),
        "use it in the closure without taking it as an argument: each slice sees all of it",
    )
}

pub fn map_of_a_sequence(at: &impl ToTokens, ty: &Type) -> Error {
    error(
        at,
        "vmap",
        &format!(
            "this is or uses {}, and nothing with a sequence of dims is mapped",
            tensor(ty)
        ),
        "declare each of the dims: `Tensor<B, N>`",
    )
}

pub fn map_axis(at: &impl ToTokens, name: &syn::Ident, axis: i64, ty: &Type) -> Error {
    error(
        at,
        &name.to_string(),
        &format!("there is no axis {axis} in {}", tensor(ty)),
        "`axis` counts the dims of each argument and `out_axis` those of each result, from the right if negative",
    )
}

pub fn map_extents(at: &impl ToTokens, first: &Dim, ty: &Type, found: &Dim) -> Message {
    let facts = [
        ("slices of the first", super::dim(first)),
        (
            "slices of this",
            format!("{} of {}", super::dim(found), tensor(ty)),
        ),
    ];
    message(
        at,
        "vmap",
        "the arguments have other numbers of slices",
        &facts,
        "the mapped axis has one dim in all of them; what all slices share is used without taking it",
    )
}

pub fn map_changes_state(at: &impl ToTokens, path: &str) -> Error {
    error(
        at,
        "vmap",
        &format!("the closure changes the state `{path}`, and each slice would in its own way"),
        "have it give the value, and assign what comes of all slices outside",
    )
}

pub fn mapped_struct(at: &impl ToTokens) -> Error {
    error(
        at,
        "vmap",
        &format!(
            "`{}` has parameters for each slice, so it is no model",
            source(at)
        ),
        "use its fields, or go on for each slice: `vmap(|g| f(g), gs)`",
    )
}

pub fn mapped_children(name: &syn::Ident) -> Error {
    error(
        name,
        "vmap",
        &format!("`{name}` are children of a model that has parameters for each slice"),
        "go through them for each slice: `vmap(|g| .., gs)`",
    )
}
