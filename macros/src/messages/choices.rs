//! About `if`, `match` and what they ask.

use super::{Message, dim, error, message, source, tensor};
use quote::ToTokens;
use sinew_ir::{DType, Dim, Type};
use syn::Error;

/// What a loop's index is called.
pub const LOOP_INDEX: &str = "a loop's index";

/// What can be asked.
const CONDITIONS: &str = "`if` asks for configuration: a `bool` field, or how sizes compare";

pub fn no_condition(at: &impl ToTokens, what: &str) -> Error {
    let help = match what.starts_with("Tensor") || what == LOOP_INDEX {
        true => {
            "`where_(condition, a, b)` chooses element by element; `if` chooses before the function runs"
        }
        false => CONDITIONS,
    };
    error(
        at,
        "if",
        &format!("`{}` is {what}, and no condition", source(at)),
        help,
    )
}

pub fn compared_kinds(at: &impl ToTokens) -> Error {
    error(
        at,
        "if",
        "these are not compared with each other",
        "sizes and integers compare with sizes, `f32` fields with numbers, `bool` fields with `bool` ones, enums with their variants",
    )
}

pub fn if_without_else(at: &impl ToTokens) -> Error {
    error(
        at,
        "if",
        "an `if` without `else` has no value",
        "say what it is otherwise: `else { .. }`",
    )
}

pub fn value_of_arm(at: &impl ToTokens) -> Error {
    error(
        at,
        "if",
        &format!("nothing takes the value `{}`", source(at)),
        "assign it to a variable declared with `let mut`, or bind what the `if` gives: `let y = if ..`",
    )
}

/// An arm that pushes more or less onto a list than the first one.
pub fn pushes_of_arms(at: &impl ToTokens, name: &str, first: &Dim, here: &Dim) -> Message {
    message(
        at,
        "push",
        &format!(
            "`{name}` gets {} where the first arm is chosen, and {} here",
            elements(first),
            elements(here)
        ),
        &[],
        "how long a list is cannot depend on a choice: push as often in each arm",
    )
}

/// An `if` that pushes onto a list, without an `else`.
pub fn push_without_else(at: &impl ToTokens, name: &str, here: &Dim) -> Error {
    error(
        at,
        "push",
        &format!(
            "`{name}` gets {} where this is chosen, and no element else",
            elements(here)
        ),
        "how long a list is cannot depend on a choice: push as often in an `else`",
    )
}

fn elements(count: &Dim) -> String {
    match count.as_constant() {
        Some(0) => "no element".to_string(),
        Some(1) => "1 element".to_string(),
        _ => format!("{} elements", dim(count)),
    }
}

pub fn assigned_type(at: &impl ToTokens, name: &str, before: &Type, after: &Type) -> Message {
    let facts = [("before", tensor(before)), ("assigned", tensor(after))];
    message(
        at,
        "if",
        &format!("`{name}` would be of another type where this is chosen"),
        &facts,
        "bind what the `if` gives to a new name, of one type in all arms",
    )
}

pub fn assigned_parts(at: &impl ToTokens, name: &str) -> Error {
    error(
        at,
        "if",
        &format!("`{name}` would be another number of tensors where this is chosen"),
        "give it the same tuple",
    )
}

pub fn arm_type(at: &impl ToTokens, first: &Type, found: &Type) -> Message {
    let facts = [("first", tensor(first)), ("here", tensor(found))];
    message(
        at,
        "if",
        "the arms are of different types",
        &facts,
        "which one is chosen is known late: all of them are of one type",
    )
}

pub fn arm_parts(at: &impl ToTokens, first: usize, found: usize) -> Error {
    error(
        at,
        "if",
        &format!(
            "the first arm gives {}, and this one {found}",
            super::count(first, "tensor")
        ),
        "give as many in each",
    )
}

pub fn setting_type(at: &impl ToTokens, dtype: DType) -> Error {
    error(
        at,
        "language",
        &format!(
            "`{}` is a number with fractions, and no {dtype}",
            source(at)
        ),
        "declare the field as `usize`",
    )
}

pub fn match_guard(at: &impl ToTokens) -> Error {
    error(
        at,
        "match",
        "an arm with `if` is not in the language",
        "write `if .. else if .. else` instead of `match`",
    )
}

pub fn match_pattern(at: &impl ToTokens) -> Error {
    error(
        at,
        "match",
        &format!("`{}` is no pattern here", source(at)),
        "patterns are integers, `true`, `false`, variants as `Activation::Relu`, `a | b` and `_`",
    )
}

/// `rest` is what has none, where there are names for it.
pub fn match_not_all(at: &impl ToTokens, rest: &[String]) -> Error {
    let help = match rest {
        [] => "end with `_ => ..`".to_string(),
        [one] if one == "_" => "end with `_ => ..`".to_string(),
        _ => format!(
            "write an arm for `{}`, or end with `_ => ..`",
            rest.join("`, `")
        ),
    };
    error(at, "match", "not every value has an arm", &help)
}

pub fn arm_never(at: &impl ToTokens) -> Error {
    error(
        at,
        "match",
        "no value is left for this arm",
        "the ones before take all: remove it",
    )
}
