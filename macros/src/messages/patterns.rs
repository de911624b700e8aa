//! About the texts that name axes: those of einsum, and the patterns of `rearrange`, `reduce` and `repeat`.

use super::{dim, error, suggestion};
use quote::ToTokens;
use sinew_ir::compose::{EinsumError, LetterPlace, PatternError};
use syn::Error;

/// How a text of einsum is written.
const EINSUM: &str = "write it like `\"bthd,bshd->bhts\"`: a letter an axis";
/// How a pattern is written.
const PATTERN: &str = "write it like `\"b t (h d) -> b h t d\"`";

/// An operand as it is written.
fn name(operands: &[(String, String)], i: usize) -> String {
    let name = operands.get(i).map(|(name, _)| name.as_str());
    format!("`{}`", name.unwrap_or_default())
}

/// The number of an axis as a body would name it: from the right behind a sequence.
fn axis((operand, axis, _): &LetterPlace, operands: &[(String, String)]) -> String {
    let rank = operands
        .get(*operand)
        .filter(|(_, ty)| ty.contains('['))
        .map(|(_, ty)| ty.matches(',').count());
    match rank {
        // The type is `Tensor<[S], A, B>`.
        Some(rank) => format!("-{}", rank.saturating_sub(*axis)),
        None => axis.to_string(),
    }
}

fn axes(n: usize) -> String {
    match n {
        1 => "1 axis".to_string(),
        n => format!("{n} axes"),
    }
}

/// Why the text of an einsum is refused, and what helps.
pub(super) fn einsum(e: &EinsumError, operands: &[(String, String)]) -> (String, String) {
    let (wrong, help) = match e {
        EinsumError::NoLetter(c) => (format!("`{c}` names no axis"), EINSUM),
        EinsumError::Arrows => (
            "`->` is there twice".to_string(),
            "one `->` stands between the operands and the result",
        ),
        EinsumError::EllipsisTwice(term) => (
            format!("`...` is twice in `{term}`"),
            "one `...` stands for all axes that have no letter",
        ),
        EinsumError::Operands { terms, operands } => (
            format!(
                "the text has {}, and there {} {}",
                super::count(*terms, "term"),
                if *operands == 1 { "is" } else { "are" },
                super::count(*operands, "operand")
            ),
            "a term an operand, with `,` between them",
        ),
        EinsumError::TooMany(n) => (
            format!("{n} operands are too many: it takes up to 8"),
            "put some of them together first, in an `einsum` of their own",
        ),
        EinsumError::Axes {
            operand,
            term,
            letters,
            shape,
        } => (
            format!(
                "`{term}` names {}, and {} has {}",
                axes(*letters),
                name(operands, *operand),
                axes(shape.len())
            ),
            "a letter an axis; `...` stands for those that have none",
        ),
        EinsumError::Sequence { operand, term, .. } => (
            format!(
                "`{term}` says nothing of the sequence in {}",
                name(operands, *operand)
            ),
            "put `...` in front of the letters, which stands for the sequence",
        ),
        EinsumError::ResultTwice(c) => (
            format!("letter `{c}` is twice in the result"),
            "an operand's letters may be twice (`\"ii->i\"` is its diagonal), the result's only once",
        ),
        EinsumError::ResultUnknown(c) => (
            format!("letter `{c}` is in the result and in no operand"),
            "the result has letters of the operands",
        ),
        EinsumError::ResultEllipsis => (
            "the axes of `...` are not in the result".to_string(),
            "write `...` there too; to sum over axes, give them letters",
        ),
        EinsumError::ResultSequence(result) => (
            format!("`...` stands for a sequence, and is not in front of `{result}`"),
            "a sequence of dims stays in front: put `...` first",
        ),
        EinsumError::Letter {
            letter,
            left,
            right,
        } => {
            let [left, right] = [left, right].map(|place| {
                format!(
                    "`{}` in {} (axis {})",
                    dim(&place.2),
                    name(operands, place.0),
                    axis(place, operands)
                )
            });
            (
                format!("letter `{letter}` is {left} and {right}"),
                "a letter stands for one size: write another where it is not the same",
            )
        }
    };
    (wrong, help.to_string())
}

/// Why a pattern is refused, and what helps.
pub(super) fn pattern(e: &PatternError, operands: &[(String, String)]) -> (String, String) {
    let x = name(operands, 0);
    match e {
        PatternError::Arrow => (
            "a pattern has one `->`, between its two sides".to_string(),
            PATTERN.to_string(),
        ),
        PatternError::Sign(c) => (
            format!("`{c}` is in no pattern"),
            format!("{PATTERN}: names, numbers, `...`, and parentheses around axes that are one"),
        ),
        PatternError::Parentheses(side) => (
            format!("parentheses do not match in `{side}`"),
            "each `(` has its `)`, and none stands inside another".to_string(),
        ),
        PatternError::EllipsisTwice(side) => (
            format!("`...` is twice in `{side}`"),
            "one `...` stands for all axes that have no name".to_string(),
        ),
        PatternError::EllipsisSplit => (
            "`...` cannot be a part of an axis".to_string(),
            "take it out of the parentheses on the left; on the right they merge what it stands for"
                .to_string(),
        ),
        PatternError::EllipsisUnknown => (
            "`...` is on the right and not on the left".to_string(),
            "write it on both sides".to_string(),
        ),
        PatternError::EllipsisLost => (
            "`...` is on the left and not on the right".to_string(),
            "write it on both sides, or reduce its axes: `x.reduce(\"... -> \", \"sum\")`".to_string(),
        ),
        PatternError::Twice { name, side } => (
            format!("axis `{name}` is twice in `{side}`"),
            "each side has a name once".to_string(),
        ),
        PatternError::Unknown(axis) => (
            format!("axis `{axis}` is on the right and not on the left"),
            format!("`x.repeat(\"b -> b {axis}\", {axis} = 2)` makes new axes"),
        ),
        PatternError::Lost(axis) => (
            format!("axis `{axis}` is on the left and not on the right"),
            format!("`x.reduce(\"b {axis} -> b\", \"sum\")` lets axes go"),
        ),
        PatternError::Number(n) => (
            format!("`{n}` names no axis that is on both sides"),
            format!("give it a name: `n` in its place, and `n = {n}` behind the pattern"),
        ),
        PatternError::Axes { side, axes: n, shape } => (
            format!("`{side}` is {}, and {x} has {}", axes(*n), axes(shape.len())),
            "a name (or parentheses) an axis; `...` stands for those that have none".to_string(),
        ),
        PatternError::Sequence(_) => (
            format!("the sequence in {x} stands for any number of dims, which stay in front"),
            "begin both sides with `...`, which stands for the sequence".to_string(),
        ),
        PatternError::Sizes { group, names, dim: d } => {
            let given = names.iter().skip(1).map(|n| format!("{n} = .."));
            let given: Vec<String> = given.collect();
            (
                format!(
                    "`{group}` is an axis of `{}`, and the sizes of {} are all left out",
                    dim(d),
                    list(names)
                ),
                format!("give all but one behind the pattern: `{}`", given.join(", ")),
            )
        }
        PatternError::Indivisible { group, name: axis, dim: d, known } => (
            format!(
                "`{group}` is an axis of `{}`, which is no multiple of `{}`",
                dim(d),
                dim(known)
            ),
            match (d.as_constant(), known.as_constant()) {
                (Some(_), Some(_)) => "change the sizes behind the pattern".to_string(),
                _ => format!(
                    "give `{axis}` its size too, where Rust consts are equal; of symbols declare it: \
                     `#[model(where({} == {}))]`",
                    dim(d),
                    product(known, axis)
                ),
            },
        ),
        PatternError::Size { item, given, axis, dim: d } => (
            format!(
                "`{item}` is `{}`, and axis {axis} of {x} is `{}`",
                dim(given),
                dim(d)
            ),
            match (d.as_constant(), given.as_constant()) {
                (Some(_), Some(_)) => {
                    "what a pattern names has the size of its axis: change the one or the other"
                        .to_string()
                }
                _ if *item == dim(given) => {
                    "a name that is a symbol's stands for its size: write another for another axis"
                        .to_string()
                }
                _ => format!(
                    "if they are the same, declare it: `#[model(where({} == {}))]`",
                    dim(d),
                    dim(given)
                ),
            },
        ),
        PatternError::NoSize(axis) => (
            format!("axis `{axis}` is new, and its size is left out"),
            format!("give it behind the pattern: `{axis} = 2`"),
        ),
    }
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.join(""),
    }
}

/// `known * NAME`, where the name's size would be a symbol of that letter.
fn product(known: &sinew_ir::Dim, axis: &str) -> String {
    format!("{} * {}", dim(known), axis.to_uppercase())
}

/// A size that is given for no name of the pattern.
pub fn pattern_size(at: &impl ToTokens, op: &syn::Ident, size: &str, names: &[&str]) -> Error {
    let names: Vec<String> = names.iter().map(|n| (*n).to_string()).collect();
    error(
        at,
        &op.to_string(),
        &format!("the pattern has no `{size}`"),
        &suggestion(size, &names, "names in it"),
    )
}
