//! About indices, and updates of what they name.

use super::{Message, dim, error, message, shape, source};
use quote::ToTokens;
use sinew_ir::{Dim, Shape};
use syn::Error;

pub fn index_part(at: &impl ToTokens) -> Error {
    error(
        at,
        "index",
        "an end of a range is a size that is known before anything runs",
        "slices have fixed sizes: `x.take(start + arange(3), axis = 0)` picks from where a tensor says",
    )
}

pub fn index_by_other(at: &impl ToTokens, what: &str) -> Error {
    error(
        at,
        "index",
        &format!("`{}` is {what}, and no part of an index", super::source(at)),
        "an index has sizes, ranges, `None`, indices of loops (`t - 1`) and tensors of i32: `x[(.., 1..3, i)]`",
    )
}

pub fn index_of_sequence(at: &impl ToTokens, of: &Shape) -> Error {
    error(
        at,
        "index",
        &format!(
            "the sequence in `({})` stands for any number of dims, so axes are counted from the right only",
            shape(of)
        ),
        "begin with `..`, which stands for the sequence: `x[(.., 0)]`, with at most a part for each dim behind",
    )
}

pub fn index_count(at: &impl ToTokens, found: usize, rank: usize) -> Error {
    error(
        at,
        "index",
        &format!("{} for {}", super::count(found, "index part"), axes(rank)),
        "leave parts out on the right, or reshape first",
    )
}

pub fn index_ellipses(at: &impl ToTokens, found: usize, rank: usize) -> Error {
    error(
        at,
        "index",
        &format!(
            "{} for {}, and more than one `..` could stand for the others",
            super::count(found, "index part"),
            axes(rank)
        ),
        "write a part for each axis, or one `..` alone, which stands for all axes between",
    )
}

fn axes(n: usize) -> String {
    match n {
        1 => "1 axis".to_string(),
        n => format!("{n} axes"),
    }
}

pub fn index_step(at: &impl ToTokens, step: &Dim) -> Message {
    message(
        at,
        "index",
        &format!("a step is 1 or more, and this is {}", dim(step)),
        &[],
        "to go backwards, turn the range round: `x[(1..9).rev()]`",
    )
}

pub fn index_adapter(method: &syn::Ident) -> Error {
    error(
        method,
        "index",
        &format!("a range in an index has no `{method}`"),
        "there are `(1..9).step_by(2)` and `(1..9).rev()`",
    )
}

pub fn index_by_a_mask(at: &impl ToTokens, ty: String) -> Error {
    error(
        at,
        "index",
        &format!(
            "an index of bools ({ty}) picks as many elements as are true, which no type can say"
        ),
        "`where_(mask, x, 0.0)` keeps the shape, and `(x * mask.cast(float)).sum()` sums what is true",
    )
}

pub fn index_by_type(at: &impl ToTokens, ty: String) -> Error {
    error(
        at,
        "index",
        &format!("a tensor of indices has elements of i32, and this is {ty}"),
        &format!(
            "declare it as `Tensor<i32, ..>`, or `{}.cast(i32)`",
            super::source(at)
        ),
    )
}

pub fn indices_apart(at: &impl ToTokens) -> Error {
    error(
        at,
        "index",
        "tensors of indices pick together, and these do not stand side by side",
        "`x.permute([0, 2, 1])` brings their axes together; one after the other (`x[i][(.., .., j)]`) they pick \
         all pairs",
    )
}

pub fn update_of_rows(at: &impl ToTokens, name: &syn::Ident) -> Error {
    error(
        at,
        &name.to_string(),
        "a tensor of indices is the only part of an update that is not `..`",
        "update a slice of x, and set it: `x.set(0, x[0].add_at(i, y))`",
    )
}

pub fn update_of_a_new_axis(at: &impl ToTokens, name: &syn::Ident) -> Error {
    error(
        at,
        &name.to_string(),
        "an update makes no new axis",
        "leave the `None` out: the update broadcasts to what the index names",
    )
}

pub fn update_backwards(at: &impl ToTokens, name: &syn::Ident) -> Error {
    error(
        at,
        &name.to_string(),
        "an update takes a range forwards, with one step at most",
        "turn the update round instead: `y.flip(0)`",
    )
}

/// `x[.., 0]`, `x[:, 0]`, as Python has them.
pub fn index_of_python(sign: &proc_macro2::Punct) -> Error {
    error(
        sign,
        "index",
        "an index of several axes is a tuple, and all of an axis is `..`",
        "write `x[(.., 0)]` of two axes, `x[(.., 0, ..)]` where more follow: with fewer parts than axes, `..` is all axes that no other part takes",
    )
}

/// A child by something else than a number: `whole[part]`.
pub fn children_by_other(part: &impl ToTokens, whole: &impl ToTokens) -> Error {
    error(
        part,
        "index",
        "one of several children is taken by a number that is known, or by a loop's index",
        &format!(
            "`{whole}[2]` is the third, `{whole}[-1]` the last; `for child in &{whole} {{ .. }}` runs over all",
            whole = source(whole)
        ),
    )
}

/// A child that is not there: the numbers from `first` to below `end` are not all below `count`.
pub fn child_number(
    part: &impl ToTokens,
    whole: &impl ToTokens,
    first: &Dim,
    end: &Dim,
    count: &Dim,
) -> Message {
    let last = end.checked_sub(&Dim::constant(1));
    let number = source(part);
    let wrong = match last {
        Some(last) if last != *first => {
            format!("`{number}` goes from {} to {}", dim(first), dim(&last))
        }
        Some(_) | None => format!("`{number}` names none of them"),
    };
    let whole = source(whole);
    message(
        part,
        "index",
        &format!("`{whole}` has {} children, and {wrong}", dim(count)),
        &[],
        "the first is number 0, and -1 is the last",
    )
}

/// A loop over the children of a child that is named by its number, which have states.
pub fn states_of_a_picked_child(at: &impl ToTokens) -> Error {
    error(
        at,
        "for",
        "these children have states, and are those of a child that is named by its number",
        "run over the children around it instead, or name these by their numbers too",
    )
}
