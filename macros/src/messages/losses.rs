//! About losses: labels, weights and lengths.

use super::{Message, dim, error, message, source, tensor};
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::Dim;
use syn::Error;

pub fn labels_in_rows(at: &impl ToTokens, op: &str, scores: &sinew_ir::Type) -> Error {
    error(
        at,
        op,
        &format!(
            "labels are indices of classes, i32, one for each row of {}",
            tensor(scores)
        ),
        &format!(
            "of rows with a 1 at the class, take where it is: `{}.argmax(-1)`",
            source(at)
        ),
    )
}

/// Labels with an axis of one element behind.
pub fn labels_in_a_column(
    at: &impl ToTokens,
    op: &str,
    scores: &sinew_ir::Type,
    wanted: &sinew_ir::Type,
) -> Error {
    let name = source(at);
    error(
        at,
        op,
        &format!(
            "labels are one for each row of {}, without an axis of 1",
            tensor(scores)
        ),
        &format!(
            "write `{name}.squeeze(-1)`, or declare `{name}: {}`",
            tensor(wanted)
        ),
    )
}

pub fn classes_are_last(name: &syn::Ident, op: &str, scores: &sinew_ir::Type) -> Error {
    error(
        name,
        op,
        &format!(
            "classes are taken from axis 1 of {}, and are its last",
            tensor(scores)
        ),
        "say so: `axis = -1`",
    )
}

/// An argument that has not a number for each row of the first.
pub fn one_for_each_row(
    at: &TokenStream,
    op: &str,
    wanted: Option<&sinew_ir::Type>,
    facts: &[(String, String)],
) -> Message {
    let facts: Vec<(&str, String)> = facts.iter().map(|(o, t)| (o.as_str(), t.clone())).collect();
    let help = match wanted {
        Some(ty) => format!("it is `{}: {}`", source(at), tensor(ty)),
        None => "rows are what the last axis is of, and a scalar has none".to_string(),
    };
    message(
        at,
        op,
        "one number is needed for each row of the first argument",
        &facts,
        &help,
    )
}

/// An argument that would make what it broadcasts with larger.
pub fn larger_than_the_first(at: &TokenStream, op: &str, facts: &[(String, String)]) -> Error {
    let facts: Vec<(&str, String)> = facts.iter().map(|(o, t)| (o.as_str(), t.clone())).collect();
    message(
        at,
        op,
        "this broadcasts to the shape of the first argument, and has more than that",
        &facts,
        "it has an element for each of the first argument's, or ones where it has one for all",
    )
    .into_error()
}

/// Weights that are not one for each class.
pub fn weights_of_classes(
    at: &TokenStream,
    op: &str,
    classes: &Dim,
    facts: &[(String, String)],
) -> Message {
    let facts: Vec<(&str, String)> = facts.iter().map(|(o, t)| (o.as_str(), t.clone())).collect();
    message(
        at,
        op,
        &format!(
            "one weight is needed for each of `{}` classes",
            dim(classes)
        ),
        &facts,
        &format!(
            "weights of classes are `Tensor<{}>`; those of rows are factors of the losses that `reduction = \"none\"` gives",
            super::dim_of_a_type(classes)
        ),
    )
}

/// What an argument of `ctc_loss` has not.
pub enum CtcShape<'d> {
    /// Log probabilities the three axes.
    Scores,
    /// Targets the two axes.
    Targets,
    /// Targets so many rows.
    Rows(&'d Dim),
    /// Lengths so many elements.
    Lengths(&'d Dim),
}

/// An argument of `ctc_loss` of another shape.
pub fn ctc_shapes(
    at: &TokenStream,
    op: &str,
    lacks: CtcShape<'_>,
    facts: &[(String, String)],
) -> Message {
    let facts: Vec<(&str, String)> = facts.iter().map(|(o, t)| (o.as_str(), t.clone())).collect();
    let wrong = match lacks {
        CtcShape::Scores => {
            "log probabilities have three axes: times, sequences, classes".to_string()
        }
        CtcShape::Targets => "targets have two axes: sequences, and the labels of each".to_string(),
        CtcShape::Rows(n) => format!("targets have a row for each of `{}` sequences", dim(n)),
        CtcShape::Lengths(n) => {
            format!("one length is needed for each of `{}` sequences", dim(n))
        }
    };
    message(
        at,
        op,
        &wrong,
        &facts,
        "log probabilities are `Tensor<T, B, C>`, targets `Tensor<i32, B, S>`, both lengths `Tensor<i32, B>`",
    )
}

/// A blank that is no class.
pub fn ctc_blank(
    at: &TokenStream,
    op: &str,
    blank: i64,
    classes: &Dim,
    (operand, ty): &(String, String),
) -> Error {
    message(
        at,
        op,
        &format!(
            "the blank is a class, from 0 to below `{}`, and this is `{blank}`",
            dim(classes)
        ),
        &[(operand, ty.clone())],
        "it is the class of saying nothing, 0 where none is named",
    )
    .into_error()
}
