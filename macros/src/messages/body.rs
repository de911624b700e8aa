//! About statements and expressions.

use super::{dim, error, message, source, suggestion, tensor};
use crate::signature::{Function, Struct};
use quote::ToTokens;
use sinew_ir::{DType, OpError};
use syn::Error;

/// When loops come.
pub const LOOPS_LATER: &str = "write the steps out, each with a `let`";
/// When `if` comes.
pub const IF_LATER: &str = "`where_(condition, a, b)` chooses element by element";
/// When closures come.
pub const CLOSURES_LATER: &str = "write a `#[model] fn`";

pub fn not_there_yet(at: impl ToTokens, what: &str, instead: &str) -> Error {
    error(
        &at,
        "language",
        &format!("{what} is not in the language yet"),
        instead,
    )
}

pub fn not_in_the_language(at: &impl ToTokens) -> Error {
    error(
        at,
        "language",
        "this is not in the language",
        "a body has `let`, tuples, blocks, calls of model functions, operations, fields and numbers",
    )
}

pub fn while_loop(at: &impl ToTokens) -> Error {
    error(
        at,
        "language",
        "a loop whose length is not known cannot be compiled",
        LOOPS_LATER,
    )
}

pub fn match_expression(at: &impl ToTokens) -> Error {
    error(
        at,
        "language",
        "`match` is not in the language",
        "`where_(condition, a, b)` chooses element by element",
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

pub fn literal(lit: &syn::Lit) -> Error {
    error(
        lit,
        "numbers",
        "no number of the language",
        "numbers are literals such as `2`, `0.5` and `1e-5`",
    )
}

pub fn literal_suffix(lit: &syn::Lit) -> Error {
    error(
        lit,
        "numbers",
        "numbers have no suffix: they take the element type of what they meet",
        "leave the suffix out; `full([B], 0.5, f32)` makes a tensor of a certain type",
    )
}

pub fn number_range(at: &impl ToTokens) -> Error {
    error(
        at,
        "numbers",
        &format!("`{}` is past the range of numbers", source(at)),
        "the greatest is about 1.8e308",
    )
}

pub fn integer_range(at: &impl ToTokens, name: &syn::Ident, value: i64) -> Error {
    error(
        at,
        &name.to_string(),
        &format!(
            "`{value}` is out of range: it must lie in {} to {}",
            i32::MIN,
            i32::MAX
        ),
        "write a number in that range",
    )
}

pub fn number_type(
    at: &impl ToTokens,
    value: f64,
    dtype: DType,
    beside: Option<(&proc_macro2::TokenStream, String)>,
) -> Error {
    let facts: Vec<(String, String)> = beside
        .iter()
        .map(|(other, of)| (source(*other), of.clone()))
        .collect();
    let help = number_help(value, dtype, facts.first().map_or("x", |(name, _)| name));
    let facts: Vec<(&str, String)> = facts.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    message(
        at,
        "numbers",
        &format!("`{value}` is no {dtype}"),
        &facts,
        &help,
    )
    .into_error()
}

/// What to do about a number that is no element of the type; `tensor` is what it meets.
fn number_help(value: f64, dtype: DType, tensor: &str) -> String {
    match dtype {
        DType::I32 if value.fract() == 0.0 => "an i32 is -2147483648 to 2147483647".into(),
        DType::U32 if value.fract() == 0.0 => "a u32 is 0 to 4294967295".into(),
        DType::Bool => "write `true` or `false`, or compare".into(),
        DType::I32 | DType::U32 | DType::Float | DType::F32 | DType::F64 => {
            format!("cast the tensor to a float first: `{tensor}.cast(float)`")
        }
    }
}

pub fn unknown_name(name: &syn::Ident, known: &[String]) -> Error {
    error(
        name,
        "names",
        &format!(
            "`{name}` is nothing that this function has: Rust variables outside cannot be captured"
        ),
        &format!(
            "pass it as an argument, or make it a `const` in capitals; {}",
            suggestion(&name.to_string(), known, "names here")
        ),
    )
}

pub fn field_of_tensor(member: &syn::Member, what: &str) -> Error {
    error(
        member,
        "field",
        &format!("{what} has no fields"),
        "fields are those of structs; operations take parentheses: `x.exp()`",
    )
}

pub fn no_such_member(member: &syn::Member, what: &str) -> Error {
    error(
        member,
        "field",
        &format!("{what} has no `{}`", source(member)),
        "structs have named fields, tuples `.0`, `.1`, ..",
    )
}

pub fn no_field(name: &syn::Ident, of: &Struct) -> Error {
    let known: Vec<String> = of.fields.iter().map(|f| f.name.clone()).collect();
    error(
        name,
        "field",
        &format!(
            "`{}` (declared at {}) has no field `{name}`",
            of.name, of.at
        ),
        &suggestion(&name.to_string(), &known, "fields"),
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

pub fn no_operator(at: &impl ToTokens) -> Error {
    error(
        at,
        "language",
        &format!("`{}` is no operator of the language", source(at)),
        "the operators are `+ - * / % < <= > >= == != && || !`",
    )
}

pub fn bit_operator(at: &impl ToTokens, found: &str, meant: &str) -> Error {
    error(
        at,
        "language",
        &format!("`{found}` of bits is not in the language"),
        &format!("write `{meant}`: it works element by element on tensors of bool"),
    )
}

pub fn assignment(e: &syn::ExprBinary, operator: &str) -> Error {
    let (name, value) = (source(&e.left), source(&e.right));
    error(
        &e.op,
        "language",
        "assignment is not in the language: values never change",
        &format!("name the new value: `let {name} = {name} {operator} {value};`"),
    )
}

pub fn division_of_integers(
    at: &impl ToTokens,
    (left, left_type): (&impl ToTokens, String),
    (right, right_type): (&impl ToTokens, String),
) -> Error {
    let names = (
        format!("left {}", source(left)),
        format!("right {}", source(right)),
    );
    let facts = [
        (names.0.as_str(), left_type),
        (names.1.as_str(), right_type),
    ];
    message(
        at,
        "/",
        "`/` of integers would not be exact",
        &facts,
        &format!(
            "cast to floats first: `{}.cast(float)`; `.floor()` and `.cast(i32)` round the quotient",
            source(left)
        ),
    )
    .into_error()
}

pub fn inexact_division(at: &impl ToTokens, left: f64, right: f64) -> Error {
    error(
        at,
        "/",
        &format!("`{left} / {right}` of integers is not exact"),
        &format!("write one with a point: `{left}.0 / {right}`"),
    )
}

/// What the builder refuses, in the words of the language.
pub fn refused(
    at: &impl ToTokens,
    name: &str,
    e: &OpError,
    operands: &[(String, String)],
) -> super::Message {
    let facts: Vec<(&str, String)> = operands
        .iter()
        .map(|(n, t)| (n.as_str(), t.clone()))
        .collect();
    let (wrong, help): (String, String) = match e {
        OpError::Arity { expected, found } => (
            format!("takes {}, and has {found}", super::count(*expected, "operand")),
            "give as many as it takes".into(),
        ),
        OpError::DType { expected, found, .. } => {
            let help = match (found, found.is_float()) {
                _ if operands.is_empty() => "give another `dtype`",
                (DType::Bool, _) => "`x.cast(float)` makes 0 and 1 of it",
                (_, true) => "make an integer of it: `x.cast(i32)`",
                (_, false) => "make a float of it: `x.cast(float)`",
            };
            (format!("needs {expected}, and this is {found}"), help.into())
        }
        OpError::Number { value, dtype } => (
            format!("`{value}` is no {dtype}"),
            number_help(*value, *dtype, "x"),
        ),
        OpError::NotOne { dim, shape } => (
            format!("the axis of `{dim}` in `{}` cannot go: it is not 1", list(shape)),
            "`x.sum(axis)` or an index (`x[(.., 0)]`) leaves an axis out".into(),
        ),
        OpError::DTypesDiffer { left, right } => (
            format!("element types differ: {} and {}", word(*left), word(*right)),
            "cast one of them: `x.cast(float)`; nothing is converted silently".into(),
        ),
        OpError::ShapesDiffer { left, right } => (
            format!("`{}` and `{}` do not broadcast", list(left), list(right)),
            broadcast_help(left, right),
        ),
        OpError::InnerDims { left, right } => {
            (format!("inner dims differ: {}", inner(left, right, operands)), "the last axis of the left side must be the one before the last of the right side; `y.t()` swaps the last two".into())
        }
        OpError::Axis { axis, shape } => (
            format!("an axis is there twice, or not in `{}`", list(shape)),
            format!("name each axis once ({axis:?})"),
        ),
        OpError::NoAxis { index, shape } => (
            format!("there is no axis {index} in `{}`", list(shape)),
            match shape.len() {
                0 => "a scalar has no axes".into(),
                n => format!("axes are 0 to {}, or from the right -1 to -{n}", n - 1),
            },
        ),
        OpError::Spec(text) => (text.clone(), "write it like `\"bthd,bshd->bhts\"`: a letter an axis".into()),
        OpError::Elements { from, to } => (
            format!("`{}` and `{}` have different numbers of elements", list(from), list(to)),
            "dims are equal for all sizes, or never: declare what you know with `#[model(where(..))]`".into(),
        ),
        OpError::Sequence(shape) => (
            format!("the sequence in `{}` stands for any number of dims, and would not stay in front", list(shape)),
            "count axes from the right (`-1`), or name the dims instead of `[S]`".into(),
        ),
        OpError::Range { start, stop, step, extent } => (
            match step.as_str() {
                "1" => format!("`{start}..{stop}` does not lie in an axis of `{extent}`"),
                step => format!("`{start}..{stop}` in steps of {step} does not lie in an axis of `{extent}`"),
            },
            match extent.parse::<i64>() {
                Ok(n) => format!("its indices are 0 to {}; negative ones count from the end", n - 1),
                Err(_) => format!("it must lie there for all values of `{extent}`"),
            },
        ),
        OpError::Attribute(what) => (format!("`{what}` is missing or of the wrong kind"), "give it as the operation's page shows".into()),
        OpError::NotDifferentiable(why) => (format!("has no derivative: {why}"), "`stop_gradient(x)` keeps it out of the derivative".into()),
        OpError::Overflow => ("a size does not fit 64 bits".into(), "make it smaller".into()),
    };
    message(at, name, &wrong, &facts, &help)
}

fn word(dtype: DType) -> String {
    match dtype {
        DType::Float => "the working float".to_string(),
        other => other.to_string(),
    }
}

fn list(of: &sinew_ir::Shape) -> String {
    format!("({})", super::shape(of))
}

fn inner(left: &str, right: &str, operands: &[(String, String)]) -> String {
    match operands {
        [(a, _), (b, _), ..] => {
            let name = |s: &str| s.split_whitespace().last().unwrap_or_default().to_string();
            format!(
                "`{left}` (from `{}`) and `{right}` (from `{}`)",
                name(a),
                name(b)
            )
        }
        _ => format!("`{left}` and `{right}`"),
    }
}

fn broadcast_help(left: &sinew_ir::Shape, right: &sinew_ir::Shape) -> String {
    let rank = left.dims.len().min(right.dims.len());
    let at = |s: &sinew_ir::Shape, i: usize| s.dims[s.dims.len() - 1 - i].clone();
    let differs = (0..rank).find(|i| {
        let (a, b) = (at(left, *i), at(right, *i));
        a != b && a.as_constant() != Some(1) && b.as_constant() != Some(1)
    });
    match differs {
        Some(i) => format!(
            "shapes are aligned right: axis -{} has `{}` and `{}`, which must be equal or a literal 1",
            i + 1,
            dim(&at(left, i)),
            dim(&at(right, i))
        ),
        None => {
            "a sequence broadcasts against itself only: give both the same leading dims".to_string()
        }
    }
}

/// A tensor operand as a fact: its side, its source, its type.
pub fn operand(side: &str, at: &impl ToTokens, of: &sinew_ir::Type) -> (String, String) {
    let name = match side.is_empty() {
        true => source(at),
        false => format!("{side} {}", source(at)),
    };
    (name, tensor(of))
}

pub fn not_finite(at: &impl ToTokens) -> Error {
    error(
        at,
        "numbers",
        "this arithmetic of literals gives no finite number",
        "check it: it divides by zero or overflows",
    )
}

pub fn no_derivative(span: proc_macro2::Span, op: &str, why: &str) -> Error {
    super::error_at(
        span,
        op,
        &format!("`{op}` {why}"),
        "`stop_gradient(x)` keeps it out of the derivative",
    )
}

pub fn const_type(at: &impl ToTokens, dtype: DType) -> Error {
    error(
        at,
        "numbers",
        &format!("a Rust const is a number, and {dtype} is needed here"),
        "compare it: `x > LIMIT`",
    )
}

/// For an assertion that rustc evaluates.
pub fn const_not_whole(written: &str) -> String {
    format!(
        "sinew::numbers: `{}` meets integers and is none\n= help: cast the tensor to a float first: `x.cast(float)`",
        written
    )
}
