//! About statements and expressions.

use super::{error, source, suggestion};
use crate::operations;
use crate::signature::{Function, Struct};
use quote::ToTokens;
use syn::Error;

pub fn not_in_the_language(at: &impl ToTokens) -> Error {
    error(
        at,
        "language",
        "this is not in the language",
        "a body has `let`, tuples, blocks, calls of model functions, operations, fields and numbers",
    )
}

pub fn dereference(e: &syn::ExprUnary) -> Error {
    error(
        e,
        "language",
        "there is nothing to dereference: a name stands for its value",
        "leave the `*` out",
    )
}

/// `x ** 2`, which Rust reads as a product with what is behind a reference.
pub fn power_sign(left: &syn::Expr, right: &syn::ExprUnary) -> Error {
    let (base, power) = (source(left), source(&right.expr));
    let call = match &*right.expr {
        syn::Expr::Lit(l) if matches!(l.lit, syn::Lit::Int(_)) => "powi",
        _ => "pow",
    };
    error(
        right,
        "language",
        "there is no `**`",
        &format!("write `{base}.{call}({power})`"),
    )
}

pub fn while_loop(at: &impl ToTokens) -> Error {
    error(
        at,
        "language",
        "a loop whose length is not known cannot be compiled",
        "`for t in 0..T` makes T iterations",
    )
}

pub fn macro_call(mac: &syn::Macro) -> Error {
    error(
        mac,
        "language",
        &format!(
            "`{}!` is a Rust macro, and a model function is compiled for tensors",
            source(&mac.path)
        ),
        "print and check results outside, where `run` gives them",
    )
}

pub fn as_cast(cast: &syn::ExprCast) -> Error {
    let to = match source(&cast.ty).as_str() {
        // What mixes with other tensors is the working float.
        "f32" => "float".to_string(),
        other => other.to_string(),
    };
    error(
        &cast.as_token,
        "language",
        "tensors are not cast with `as`",
        &format!("write `{}.cast({to})`", source(&cast.expr)),
    )
}

pub fn early_return(token: &syn::Token![return]) -> Error {
    error(
        token,
        "language",
        "a model function returns at its end only",
        "make this its last expression",
    )
}

pub fn question_mark(token: &syn::Token![?]) -> Error {
    error(
        token,
        "language",
        "nothing in a model function fails",
        "leave the `?` out: model functions give tensors here, not results",
    )
}

pub fn bare_array(at: &impl ToTokens) -> Error {
    error(
        at,
        "language",
        "an array is no tensor",
        "pass data as an argument, or build it: `stack([a, b], 0)`, `arange(N)`, `full([2, 3], 0.5)`",
    )
}

pub fn bare_range(at: &impl ToTokens) -> Error {
    error(
        at,
        "language",
        "a range stands in an index only",
        "slice with it: `x[(.., 1..3)]`; `arange(N)` counts",
    )
}

pub fn inner_item(item: &syn::Item) -> Error {
    error(
        item,
        "language",
        "no items stand inside a model function",
        "move it out of the body",
    )
}

pub fn no_value(block: &syn::Block) -> Error {
    let brace = block.brace_token.span.close();
    super::error_at(
        brace,
        "return",
        "the block ends without a value",
        "end it with an expression, without `;`",
    )
}

pub fn value_with_semicolon(e: &syn::Expr) -> Error {
    error(
        e,
        "return",
        "the block ends without a value",
        "remove the `;` behind this: it is the value",
    )
}

pub fn value_unused(e: &syn::Expr) -> Error {
    error(
        e,
        "language",
        "this value is computed and thrown away",
        "name it with `let`, or leave it out: nothing here has side effects",
    )
}

pub fn let_without_value(local: &syn::Local) -> Error {
    error(
        local,
        "let",
        "a `let` without a value",
        "write `let name = ..;`",
    )
}

pub fn let_else(token: &syn::Token![else]) -> Error {
    error(
        token,
        "let",
        "`let .. else` is not in the language",
        "leave the `else` out",
    )
}

pub fn pattern(pattern: &syn::Pat) -> Error {
    error(
        pattern,
        "let",
        "no pattern of the language",
        "bind a name, `_`, or a tuple of these",
    )
}

pub fn tuple_pattern(at: &impl ToTokens, names: usize, what: &str) -> Error {
    error(
        at,
        "let",
        &format!("{} for {what}", super::count(names, "name")),
        "bind one name to each part of a tuple",
    )
}

pub fn name_of_an_ended_block(name: &syn::Ident) -> Error {
    error(
        name,
        "names",
        &format!("`{name}` was declared in a block, and goes where that ends"),
        &format!("declare `let mut {name} = ..;` in front of the block, and assign to it there"),
    )
}

/// `field` is the path of a field that is called so.
pub fn unknown_name(name: &syn::Ident, known: &[String], field: Option<String>) -> Error {
    let help = match field {
        Some(field) => format!("did you mean `{field}`?"),
        None => format!(
            "pass it as an argument, or make it a `const` in capitals; {}",
            suggestion(&name.to_string(), known, "names here")
        ),
    };
    error(
        name,
        "names",
        &format!(
            "`{name}` is nothing that this function has: Rust variables outside cannot be captured"
        ),
        &help,
    )
}

pub fn field_of_tensor(member: &syn::Member, what: &str) -> Error {
    let help = match operations::written_here(&source(member)) {
        Some(here) => format!("write {here}"),
        None => "fields are those of structs; operations take parentheses: `x.exp()`".to_string(),
    };
    error(member, "field", &format!("{what} has no fields"), &help)
}

pub fn no_such_member(member: &syn::Member, what: &str) -> Error {
    error(
        member,
        "field",
        &format!("{what} has no `{}`", source(member)),
        "structs have named fields, tuples `.0`, `.1`, ..",
    )
}

pub fn no_field(name: &syn::Ident, structure: &Struct) -> Error {
    let known: Vec<String> = structure.fields.iter().map(|f| f.name.clone()).collect();
    error(
        name,
        "field",
        &format!(
            "`{}` (declared at {}) has no field `{name}`",
            structure.name, structure.at
        ),
        &suggestion(&name.to_string(), &known, "fields"),
    )
}

pub fn great_tuple(at: &impl ToTokens, most: usize) -> Error {
    error(
        at,
        "language",
        &format!("this tuple has more than {most} parts, all told"),
        "`stack` or `concat` some of them",
    )
}

pub fn tuple_index(index: &syn::Index, parts: usize) -> Error {
    error(
        index,
        "field",
        &format!("the tuple has {}", super::count(parts, "part")),
        "parts are counted from `.0`",
    )
}

pub fn array_index(index: &impl ToTokens, parts: usize) -> Error {
    error(
        index,
        "index",
        &format!(
            "one of {parts} tensors is taken by its number, from 0 to {}",
            parts.saturating_sub(1)
        ),
        "write the number itself; `stack(xs, 0)` makes one tensor of them, which other indices take",
    )
}

pub fn not_a_tensor(at: &impl ToTokens, what: &str) -> Error {
    error(
        at,
        "types",
        &format!("a tensor is needed here, and this is {what}"),
        "use one of its parts",
    )
}

pub fn result_not_tuple(at: &impl ToTokens, f: &Function) -> Error {
    error(
        at,
        "return",
        &format!("`{}` returns a tuple, and its value is none", f.name),
        "end it with a tuple: `(a, b)`",
    )
}

pub fn result_count(at: &impl ToTokens, found: usize, f: &Function) -> Error {
    error(
        at,
        "return",
        &format!(
            "`{}` returns {}, and its value has {found}",
            f.name,
            super::count(f.results.len(), "tensor")
        ),
        "return as many as declared",
    )
}
