//! About numbers: literals, Rust consts, and what they meet.

use super::{error, message, source};
use quote::ToTokens;
use sinew_ir::DType;
use syn::Error;

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
        .map(|(other, ty)| (source(*other), ty.clone()))
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
pub(super) fn number_help(value: f64, dtype: DType, tensor: &str) -> String {
    match dtype {
        DType::I32 if value.fract() == 0.0 => "an i32 is -2147483648 to 2147483647".into(),
        DType::U32 if value.fract() == 0.0 => "a u32 is 0 to 4294967295".into(),
        DType::Bool => "write `true` or `false`, or compare".into(),
        DType::I32
        | DType::U32
        | DType::Float
        | DType::F32
        | DType::F64
        | DType::F16
        | DType::Bf16 => {
            format!("cast the tensor to a float first: `{tensor}.cast(float)`")
        }
    }
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

pub fn not_finite(at: &impl ToTokens) -> Error {
    error(
        at,
        "numbers",
        "this arithmetic of literals gives no finite number",
        "check it: it divides by zero or overflows",
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

pub fn const_arithmetic(at: &impl ToTokens, most: usize) -> Error {
    error(
        at,
        "numbers",
        &format!("this arithmetic of Rust consts has more than {most} parts, written out"),
        "compute it in a `const` of its own",
    )
}

/// For an assertion that rustc evaluates.
pub fn const_not_whole(written: &str) -> String {
    format!(
        "sinew::numbers: `{}` meets integers and is none\n= help: cast the tensor to a float first: `x.cast(float)`",
        written
    )
}
