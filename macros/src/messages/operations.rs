//! About operations: their names and arguments.

use super::{Message, dim, error, message, source, suggestion};
use crate::operations;
use quote::ToTokens;
use sinew_ir::Dim;
use syn::Error;

pub fn no_method(name: &syn::Ident, what: &str) -> Error {
    let known = operations::names();
    let text = name.to_string();
    let near = suggestion(&text, &known, "operations");
    let help = match operations::written_here(&text) {
        Some(here) => format!("write {here}"),
        None if near.starts_with("did you mean") => near,
        None => "the operations are listed in `sinew::ops`; methods of Rust's own types are not among them".to_string(),
    };
    error(
        name,
        "call",
        &format!("{what} has no operation `{name}`"),
        &help,
    )
}

/// `found` arguments in the parentheses, which a method's receiver is not among.
pub fn operation_arguments(name: &syn::Ident, usage: &str, found: usize) -> Error {
    let wrong = match found {
        0 => "arguments are missing".to_string(),
        _ => format!("it does not take {}", super::count(found, "argument")),
    };
    let help = match operations::written_here(&name.to_string()) {
        Some(here) => format!("write {usage}; what other libraries call so is {here}"),
        None => format!("write {usage}"),
    };
    error(name, &name.to_string(), &wrong, &help)
}

pub fn no_parameter(
    at: &impl ToTokens,
    name: &syn::Ident,
    parameters: &[String],
    usage: &str,
) -> Error {
    let near = suggestion(&source(at), parameters, "arguments");
    let help = match near.starts_with("did you mean") {
        true => format!("{near} Write {usage}"),
        false => format!("write {usage}"),
    };
    error(
        at,
        &name.to_string(),
        &format!("there is no argument `{}`", source(at)),
        &help,
    )
}

pub fn argument_twice(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    error(
        at,
        &name.to_string(),
        "this argument is given twice",
        &format!("write {usage}"),
    )
}

fn wants(at: &impl ToTokens, name: &syn::Ident, what: &str, usage: &str) -> Error {
    error(
        at,
        &name.to_string(),
        &format!("{what}, and this is `{}`", source(at)),
        &format!("write {usage}"),
    )
}

pub fn wants_list(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(
        at,
        name,
        "a list of tensors in brackets is needed here",
        usage,
    )
}

pub fn wants_axis(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(
        at,
        name,
        "an axis is a literal integer (or a list of them)",
        usage,
    )
}

pub fn wants_flag(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(at, name, "`true` or `false` is needed here", usage)
}

pub fn wants_number(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(at, name, "a literal number is needed here", usage)
}

pub fn wants_text(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(at, name, "a string literal is needed here", usage)
}

pub fn wants_dtype(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(
        at,
        name,
        "an element type (float for the working one, f32, f64, i32, u32, bool) is needed here",
        usage,
    )
}

pub fn wants_shape(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(
        at,
        name,
        "a shape is a list of dims in brackets (`[[S], D]` with a sequence)",
        usage,
    )
}

pub fn no_inferred_dim(
    at: &impl ToTokens,
    all: &Dim,
    known: &Dim,
    (operand, ty): (String, String),
) -> Error {
    message(
        at,
        "reshape",
        &format!(
            "`-1` stands for no dim: {} elements are not a multiple of {} for all sizes",
            dim(all),
            dim(known)
        ),
        &[(&operand, ty)],
        "change the dims beside it",
    )
    .into_error()
}

/// Parts of an axis that are not all of it.
pub fn split_sizes(
    at: &impl ToTokens,
    sizes: &[Dim],
    (sum, extent): (&Dim, &Dim),
    (operand, ty): (String, String),
) -> Message {
    let sizes: Vec<String> = sizes.iter().map(dim).collect();
    message(
        at,
        "split",
        &format!(
            "{} = {}, and the axis is {}",
            sizes.join(" + "),
            dim(sum),
            dim(extent)
        ),
        &[(&operand, ty)],
        "the sizes of the parts add up to the axis",
    )
}

/// A letter of einsum that names two sizes: each with its operand and its axis there.
pub fn einsum_letter(
    at: &impl ToTokens,
    letter: char,
    places: [(&Dim, String, usize); 2],
    operands: &[(String, String)],
) -> Message {
    let [first, second] =
        places.map(|(size, operand, axis)| format!("`{}` in `{operand}` (axis {axis})", dim(size)));
    let facts: Vec<(&str, String)> = operands
        .iter()
        .map(|(name, ty)| (name.as_str(), ty.clone()))
        .collect();
    message(
        at,
        "einsum",
        &format!("letter `{letter}` is {first} and {second}"),
        &facts,
        "a letter stands for one size: write another where it is not the same",
    )
}

pub fn wants_integer(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(at, name, "a literal integer is needed here", usage)
}

pub fn roll_of_any_size(
    at: &impl ToTokens,
    extent: &Dim,
    (operand, ty): (String, String),
) -> Error {
    message(
        at,
        "roll",
        &format!(
            "the axis is `{}`, and only one of a literal size can be rolled",
            dim(extent)
        ),
        &[(&operand, ty)],
        "put the parts together: `concat([x[(1..)], x[(..1)]], 0)`",
    )
    .into_error()
}

pub fn two_inferred(at: &impl ToTokens) -> Error {
    error(
        at,
        "reshape",
        "only one dim can be `-1`",
        "write the other out",
    )
}

pub fn empty_list(at: &impl ToTokens, name: &syn::Ident) -> Error {
    error(
        at,
        &name.to_string(),
        "the list is empty",
        "give at least one tensor",
    )
}

pub fn wants_choice(at: &impl ToTokens, name: &syn::Ident, choices: &[&str]) -> Error {
    let quoted: Vec<String> = choices.iter().map(|c| format!("{c:?}")).collect();
    let choices = match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.join(""),
    };
    error(
        at,
        &name.to_string(),
        &format!("no choice is `{}`", source(at)),
        &format!("the choices are {choices}"),
    )
}

pub fn index_part(at: &impl ToTokens) -> Error {
    error(
        at,
        "index",
        "no index of the language",
        "an index has integers, sizes and ranges (`1..3`, `..`, `..-1`), one for each axis: `x[(.., 1..3, 0)]`",
    )
}

pub fn index_of_sequence(at: &impl ToTokens, shape: &sinew_ir::Shape) -> Error {
    error(
        at,
        "index",
        &format!(
            "the sequence in `({})` stands for any number of dims, so no part of an index belongs to a certain axis",
            super::shape(shape)
        ),
        "name the dims instead of `[S]`; operations count axes from the right: `x.split([1, 3], axis = -1)`",
    )
}

pub fn index_count(at: &impl ToTokens, found: usize, rank: usize) -> Error {
    error(
        at,
        "index",
        &format!(
            "{} for {}",
            super::count(found, "index part"),
            super::count(rank, "axis").replace("axiss", "axes")
        ),
        "leave parts out on the right, or reshape first",
    )
}

pub fn wants_pairs(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(
        at,
        name,
        "a list of pairs in brackets is needed here, one for each of the last axes",
        usage,
    )
}
