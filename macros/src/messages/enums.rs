//! About enums that models are configured by.

use super::{error, source};
use crate::signature::{Struct, last};
use quote::ToTokens;
use syn::Error;

/// What such an enum is.
const PLAIN: &str =
    "an enum is configuration: a list of names, as in `enum Activation { Relu, Gelu }`";

pub fn enum_generics(at: &impl ToTokens) -> Error {
    error(
        at,
        "enum",
        "an enum of the configuration has no parameters",
        PLAIN,
    )
}

pub fn enum_of_nothing(at: &impl ToTokens) -> Error {
    error(
        at,
        "enum",
        "nothing can be chosen of an enum without variants",
        PLAIN,
    )
}

pub fn enum_variant(at: &impl ToTokens) -> Error {
    error(
        at,
        "enum",
        &format!("`{}` is more than a name", source(at)),
        PLAIN,
    )
}

pub fn enum_field(at: &impl ToTokens, of: &Struct) -> Error {
    error(
        at,
        "enum",
        &format!("`{}` is an enum: it has no fields", of.name),
        "`match` asks which variant it is",
    )
}

pub fn no_variant(path: &syn::Path, of: &Struct) -> Error {
    let variants: Vec<String> = of.variants.iter().map(|v| format!("`{v}`")).collect();
    error(
        path,
        "enum",
        &format!("`{}` is no variant of `{}`", last(path), of.name),
        &format!("its variants are {}", variants.join(", ")),
    )
}

pub fn enums_that_differ(at: &impl ToTokens, left: &Struct, right: &Struct) -> Error {
    error(
        at,
        "enum",
        &format!("`{}` and `{}` are two enums", left.name, right.name),
        "values of one enum are compared",
    )
}
