//! About loops, assignment and lists.

use super::{Message, error, message, source, tensor};
use quote::ToTokens;
use sinew_ir::{Dim, Type};
use syn::Error;

/// What a loop may run over, for messages.
const RUNS_OVER: &str = "write `for t in 0..T`, `for x in xs` (the first axis of a tensor), or `for child in &m.children`; `.iter()`, `.rev()`, `.enumerate()` and `.zip(..)` go behind";

pub fn loop_over(at: &impl ToTokens) -> Error {
    error(
        at,
        "for",
        "no loop of the language runs over this",
        RUNS_OVER,
    )
}

pub fn loop_over_other(at: &impl ToTokens, what: &str) -> Error {
    let wrong = format!("`{}` is {what}, and no loop runs over that", source(at));
    error(at, "for", &wrong, RUNS_OVER)
}

pub fn loop_over_no_axis(at: &impl ToTokens, what: &str) -> Error {
    let wrong = format!("`{}` is {what}, which has no first axis", source(at));
    error(
        at,
        "for",
        &wrong,
        "a loop runs over the first axis of a tensor, in front of which no `[S]` stands",
    )
}

pub fn range_without_end(at: &impl ToTokens) -> Error {
    error(
        at,
        "for",
        "a range without an end never ends",
        "write the number of iterations behind it: `0..T`",
    )
}

pub fn range_without_start(at: &impl ToTokens) -> Error {
    error(at, "for", "a range without a start", "write `0..T`")
}

pub fn range_negative(at: &impl ToTokens) -> Error {
    error(
        at,
        "for",
        "a loop's index is never negative",
        "count from 0, and take the number off the index: `t - 1`",
    )
}

pub fn range_backwards(at: &impl ToTokens) -> Error {
    error(
        at,
        "for",
        &format!("`{}` ends before it starts", source(at)),
        "for the other order write `(0..T).rev()`",
    )
}

pub fn enumerate_reversed(at: &impl ToTokens) -> Error {
    error(
        at,
        "for",
        "`.enumerate()` behind `.rev()` would count against the loop",
        "put `.rev()` behind: the index is then that of the element",
    )
}

pub fn zip_orders(at: &impl ToTokens) -> Error {
    error(
        at,
        "for",
        "these run in different orders",
        "put one `.rev()` behind the `.zip(..)`, or `.flip(0)` one of the tensors",
    )
}

pub fn zip_lengths(
    at: &impl ToTokens,
    (left, left_length): (&impl ToTokens, &Dim),
    (right, right_length): (&impl ToTokens, &Dim),
) -> Message {
    let names = (source(left), source(right));
    let facts = [
        (names.0.as_str(), super::dim(left_length)),
        (names.1.as_str(), super::dim(right_length)),
    ];
    message(
        at,
        "for",
        "these are not of one length",
        &facts,
        "slice the longer one: `x[(0..T)]`",
    )
}

pub fn for_as_value(f: &syn::ExprForLoop) -> Error {
    error(
        &f.for_token,
        "for",
        "a loop has no value",
        "assign to a variable declared before it with `let mut`, or `push` onto a list",
    )
}

pub fn value_of_iteration(at: &impl ToTokens) -> Error {
    error(
        at,
        "for",
        "an iteration has no value",
        "collect it: `let mut ys = Vec::new();` before the loop, `ys.push(..);` in it, `stack(ys)` behind",
    )
}

pub fn carried_type(at: &impl ToTokens, name: &str, before: &Type, after: &Type) -> Message {
    let facts = [
        ("before the loop", tensor(before)),
        ("behind an iteration", tensor(after)),
    ];
    let help = match before.dtype == after.dtype && before.shape != after.shape {
        true if before.shape.is_empty() && after.shape.sequence.is_none() => format!(
            "start with all of its shape: `let mut {name} = zeros([{}]);`",
            super::shape(&after.shape)
        ),
        _ => "every iteration gets what the one before leaves, so the two are of one type".into(),
    };
    message(
        at,
        "for",
        &format!("`{name}` changes its type from one iteration to the next"),
        &facts,
        &help,
    )
}

pub fn carried_parts(at: &impl ToTokens, name: &str) -> Error {
    error(
        at,
        "for",
        &format!("`{name}` is another number of tensors behind an iteration than before the loop"),
        "give it the same tuple",
    )
}

pub fn assignment_as_value(at: &impl ToTokens) -> Error {
    error(
        at,
        "language",
        "an assignment has no value",
        "make it a statement of its own: `x = y;`",
    )
}

pub fn assign_to(at: &syn::Expr) -> Error {
    let help = match at {
        // `x[t] = y`: no value changes, but a variable is given another.
        syn::Expr::Index(e) => {
            let (x, index) = (source(&e.expr), source(&e.index));
            format!(
                "write `{x} = {x}.set({index}, ..);`, or collect with `push` what a loop gives, and `stack` it"
            )
        }
        _ => "assign to a variable declared with `let mut`, or to a `State`".to_string(),
    };
    error(
        at,
        "language",
        &format!("`{}` is nothing that can be assigned to", source(at)),
        &help,
    )
}

pub fn assign_parameter(name: &syn::Ident) -> Error {
    error(
        name,
        "language",
        &format!("`{name}` is a parameter, which training alone changes"),
        &format!("what a function changes is a state: `{name}: State<..>`"),
    )
}

pub fn assign_setting(name: &syn::Ident) -> Error {
    error(
        name,
        "language",
        &format!("`{name}` is configuration, which is the same in every run"),
        &format!("what a function changes is a state: `{name}: State`"),
    )
}

pub fn assign_child(name: &syn::Ident) -> Error {
    error(
        name,
        "language",
        &format!("`{name}` is a struct, and states are assigned one by one"),
        &format!("name the state: `{name}.mean = ..;`"),
    )
}

pub fn state_type(at: &impl ToTokens, name: &syn::Ident, declared: &Type, found: &Type) -> Message {
    let facts = [("declared", tensor(declared)), ("assigned", tensor(found))];
    message(
        at,
        "language",
        &format!("the state `{name}` keeps its type"),
        &facts,
        "give it a value of the type it is declared with",
    )
}

pub fn not_mutable(name: &impl ToTokens) -> Error {
    let text = source(name);
    error(
        name,
        "language",
        &format!("`{text}` is not declared to change"),
        &format!("declare it with `let mut {text} = ..;`"),
    )
}

pub fn list_assigned(name: &syn::Ident) -> Error {
    error(
        name,
        "language",
        &format!("`{name}` is a list, which grows by `push` alone"),
        &format!("write `{name}.push(..);`"),
    )
}

pub fn push_onto(at: &impl ToTokens, what: &str) -> Error {
    error(
        at,
        "push",
        &format!("`{}` is {what}, and no list", source(at)),
        "declare a list: `let mut ys = Vec::new();`",
    )
}

pub fn push_count(at: &impl ToTokens, count: usize) -> Error {
    error(
        at,
        "push",
        &format!("{}, and `push` takes one", super::count(count, "argument")),
        "write `ys.push(y);`",
    )
}

pub fn push_type(at: &impl ToTokens, name: &str, element: &Type, found: &Type) -> Message {
    let facts = [("elements", tensor(element)), ("pushed", tensor(found))];
    message(
        at,
        "push",
        &format!("the elements of `{name}` are of one type"),
        &facts,
        "push another shape onto a list of its own",
    )
}

pub fn list_without_elements(at: &impl ToTokens) -> Error {
    error(
        at,
        "push",
        &format!("nothing was pushed onto `{}`", source(at)),
        "`push` onto it before it is used",
    )
}

pub fn list_read_in_its_loop(at: &impl ToTokens) -> Error {
    error(
        at,
        "push",
        &format!("`{}` is read in the loop that fills it", source(at)),
        "read it behind the loop; what an iteration needs of the one before is a `let mut` variable",
    )
}
