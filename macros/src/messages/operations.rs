//! About operations: their names and arguments.

use super::{Message, dim, error, message, source, suggestion};
use crate::operations;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::Dim;
use syn::Error;

pub fn ranks_of_parts(
    op: &str,
    (first, rank): (&TokenStream, usize),
    (other, found): (&TokenStream, usize),
) -> Error {
    error(
        other,
        op,
        &format!(
            "`{}` has {}, and `{}` has {rank}",
            source(other),
            super::count(found, "dim"),
            source(first)
        ),
        "all parts have the same dims but for the axis: `unsqueeze(i)` adds one, `squeeze(i)` takes one away",
    )
}

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

pub fn missing_argument(name: &syn::Ident, usage: &str, parameter: &str) -> Error {
    error(
        name,
        &name.to_string(),
        &format!("the argument `{parameter}` is missing"),
        &format!("write {usage}"),
    )
}

/// `found` arguments in the parentheses, which a method's receiver is not among.
pub fn operation_arguments(name: &syn::Ident, usage: &str, found: usize) -> Error {
    let wrong = format!("it does not take {}", super::count(found, "argument"));
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
    wants(
        at,
        name,
        "a number is needed here: a literal, a Rust const or one of the configuration",
        usage,
    )
}

pub fn wants_text(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(at, name, "a string literal is needed here", usage)
}

pub fn probe_name(at: &impl ToTokens) -> Error {
    error(
        at,
        "probe",
        &format!("{} is no name of a place", source(at)),
        "a name is of letters, digits and `_`, in parts between dots: `\"attn.scores\"`",
    )
}

pub fn wants_dtype(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(
        at,
        name,
        "an element type (float for the working one, f32, f64, f16, bf16, i32, u32, bool) is needed here",
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

pub fn wants_pairs(at: &impl ToTokens, name: &syn::Ident, usage: &str) -> Error {
    wants(
        at,
        name,
        "a list of pairs in brackets is needed here, one for each of the last axes",
        usage,
    )
}

/// A value where none is put.
pub fn pad_value(at: &impl ToTokens, mode: &str) -> Error {
    error(
        at,
        "pad",
        &format!("`{mode}` puts x's own elements around it, and no value"),
        "leave `value` out, or pad in the mode `\"constant\"`",
    )
}

/// A size, a step or a number of parts.
pub fn count_of_none(at: &impl ToTokens, name: &syn::Ident, usage: &str, count: &Dim) -> Message {
    message(
        at,
        &name.to_string(),
        &format!(
            "a number from 1 on is needed here, and this is {}",
            dim(count)
        ),
        &[],
        &format!("write {usage}"),
    )
}

/// An axis with too few elements to be mirrored.
pub fn pad_reflect(
    at: &impl ToTokens,
    width: &Dim,
    extent: &Dim,
    (operand, ty): (String, String),
) -> Message {
    message(
        at,
        "pad",
        &format!(
            "an axis of `{}` has no `{}` elements beside its end to mirror",
            dim(extent),
            dim(width)
        ),
        &[(&operand, ty)],
        "the end itself is not repeated, so widths are below the extent",
    )
}

/// Parts that an axis is no multiple of.
pub fn chunk_of_no_multiple(
    at: &impl ToTokens,
    count: i32,
    extent: &Dim,
    (operand, ty): (String, String),
) -> Message {
    message(
        at,
        "chunk",
        &format!(
            "an axis of `{}` has no {count} equal parts for all sizes",
            dim(extent)
        ),
        &[(&operand, ty)],
        "`x.split([2, 2, 1], axis = 0)` takes the size of each part; `{2 * M}` for the dim says that it is even",
    )
}

/// A matrix that has not as many rows as columns.
pub fn no_square(at: &TokenStream, op: &str, (operand, ty): (String, String)) -> Message {
    message(
        at,
        op,
        "the last two axes are those of a square matrix",
        &[(&operand, ty)],
        "matrices are `Tensor<N, N>`, several of them `Tensor<B, N, N>`",
    )
}

/// What a system of another number of equations is solved for.
pub fn right_side(
    at: &TokenStream,
    op: &str,
    rows: &Dim,
    (operand, ty): (String, String),
) -> Message {
    message(
        at,
        op,
        &format!(
            "the axis before the last has an element for each of the matrix's `{}` rows",
            dim(rows)
        ),
        &[(&operand, ty)],
        "a vector is a column: `b.unsqueeze(-1)`",
    )
}

/// Heads of q that those of k and v do not divide.
pub fn heads_of_groups(
    at: &TokenStream,
    op: &str,
    (heads, groups): (&Dim, &Dim),
    facts: &[(String, String)],
) -> Message {
    let facts: Vec<(&str, String)> = facts.iter().map(|(o, t)| (o.as_str(), t.clone())).collect();
    message(
        at,
        op,
        &format!(
            "q has `{}` heads, of which `{}` do not make equal groups",
            dim(heads),
            dim(groups)
        ),
        &facts,
        "heads are the third axis from the right: k and v have as many as q, or a number that divides them",
    )
}

/// Axes of q, k and v that are not as long as each other.
pub fn attention_axes(
    at: &TokenStream,
    op: &str,
    wrong: &str,
    (left, right): (&Dim, &Dim),
    facts: &[(String, String)],
) -> Message {
    let facts: Vec<(&str, String)> = facts.iter().map(|(o, t)| (o.as_str(), t.clone())).collect();
    message(
        at,
        op,
        &format!("{wrong}: `{}` and `{}`", dim(left), dim(right)),
        &facts,
        "q is `Tensor<B, H, L, D>`, k `Tensor<B, H, S, D>` and v `Tensor<B, H, S, E>`",
    )
}

/// Heads that an axis is no multiple of.
pub fn heads_of_no_multiple(
    at: &impl ToTokens,
    heads: &Dim,
    width: &Dim,
    (operand, ty): (String, String),
) -> Message {
    message(
        at,
        "split_heads",
        &format!(
            "an axis of `{}` has no `{}` equal heads for all sizes",
            dim(width),
            dim(heads)
        ),
        &[(&operand, ty)],
        "`{ H * D }` for the dim says that it is a multiple of `H`, as `#[model(where(E == H * (E / H)))]` does",
    )
}

pub fn grid_of_other_than_rows(at: &impl ToTokens, ty: String) -> Error {
    error(
        at,
        "meshgrid",
        &format!("a grid is made of rows, and this is {ty}"),
        "`x.flatten()` makes a row",
    )
}
