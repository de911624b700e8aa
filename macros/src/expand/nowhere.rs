//! Names that lead nowhere, as far as that is known before rustc says it: a chain would end at them, and whatever
//! names its item would be told too.
//!
//! A file says what its names are, unless it has globs, macros or attributes of which this does not know what they
//! bring: then it is rustc that tells.

use super::beside::Standing;
use crate::errors::Errors;
use crate::parse::{self, DimExpr, Methods, types};
use crate::{messages, names};
use proc_macro2::TokenStream;
use quote::ToTokens;

/// What Rust's own prelude brings, of which other messages speak.
const OF_RUST: &[&str] = &["Box", "Option", "Result", "String", "Vec"];

/// What a struct is without its fields of types that are nowhere, which are reported; `None` where all are there.
pub(super) fn without_lost_fields(
    item: &syn::Item,
    standing: &Standing<'_>,
    errors: &Errors,
) -> Option<TokenStream> {
    let syn::Item::Struct(s) = item else {
        return None;
    };
    let mut s = s.clone();
    let generics = s.generics.clone();
    let is_own = |path: &syn::Path| {
        let name = path.get_ident();
        generics.type_params().find(|t| Some(&t.ident) == name)
    };
    let syn::Fields::Named(fields) = &mut s.fields else {
        return None;
    };
    let all = std::mem::take(&mut fields.named);
    let count = all.len();
    fields.named = all
        .into_iter()
        .filter(|field| {
            if let Some((path, own)) = path(&field.ty).and_then(|p| Some((p, is_own(p)?))) {
                // With bounds it was not meant as a size, and is refused where it is declared.
                if own.bounds.is_empty() {
                    errors.report(messages::size_as_a_type(path));
                }
                return false;
            }
            let lost = path(&field.ty).filter(|p| leads_nowhere(p, standing));
            if let Some(path) = lost {
                let known = standing.file().map(|file| file.types());
                errors.report(messages::type_nowhere(path, &known.unwrap_or_default()));
            }
            lost.is_none()
        })
        .collect();
    (fields.named.len() < count).then(|| s.to_token_stream())
}

/// Reports those of the paths that a function names which lead nowhere, or to what is private.
pub(super) fn report_lost(paths: &[syn::Path], standing: &Standing<'_>, errors: &Errors) -> bool {
    let mut any = false;
    for path in paths.iter().filter(|p| p.segments.len() > 1) {
        let error = if leads_nowhere(path, standing) {
            messages::path_nowhere(path)
        } else if standing.is_private(path) {
            messages::private_function(path)
        } else {
            continue;
        };
        errors.report(error);
        any = true;
    }
    any
}

/// Reports the sizes in the type of an impl block that it does not declare, and that are no consts.
pub(super) fn report_undeclared(m: &Methods, standing: &Standing<'_>, errors: &Errors) -> bool {
    let names = m.owner.dims.iter().filter_map(|dim| match dim {
        DimExpr::Name(path) => path.get_ident(),
        DimExpr::Integer(..) | DimExpr::Binary(..) => None,
    });
    let lost = names.filter(|n| !m.symbols.contains(n) && standing.lacks(&parse::name(n)));
    let lost: Vec<_> = lost.collect();
    if let Some(first) = lost.first() {
        errors.report(messages::undeclared_by_the_impl(first, &lost, &m.owner));
    }
    !lost.is_empty()
}

/// The path of a child's type.
fn path(ty: &syn::Type) -> Option<&syn::Path> {
    match parse::unwrapped(ty) {
        syn::Type::Array(array) => path(&array.elem),
        syn::Type::Path(p) if p.qself.is_none() => Some(&p.path),
        _ => None,
    }
}

fn leads_nowhere(path: &syn::Path, standing: &Standing<'_>) -> bool {
    let Some(first) = path
        .segments
        .first()
        .filter(|_| path.leading_colon.is_none())
    else {
        return false;
    };
    let name = parse::name(&first.ident);
    let is_known = names::is_keyword(&first.ident)
        || types::is_primitive(&first.ident)
        || names::is_type_of_prelude(&name)
        || ["Param", "State", "Tensor"].contains(&name.as_str())
        || OF_RUST.contains(&name.as_str());
    if is_known || !name.starts_with(char::is_alphabetic) {
        return false;
    }
    // In most cases no more than this is looked at.
    if standing.is_declared(&name) {
        return false;
    }
    let is_crate = || crates().is_none_or(|known| known.contains(&name));
    let is_module = path.segments.len() > 1;
    standing.lacks(&name) && !(is_module && is_crate())
}

/// The crates that paths may begin with, as rustc was told them.
fn crates() -> Option<Vec<String>> {
    let mut known: Vec<String> = ["std", "core", "alloc"].map(String::from).into();
    let mut any = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        // The rest of them may stand in a file.
        if argument.starts_with('@') {
            return None;
        }
        let told = match argument.strip_prefix("--extern") {
            Some("") => arguments.next(),
            Some(rest) => rest.strip_prefix('=').map(ToString::to_string),
            None => None,
        };
        if let Some(told) = told {
            any = true;
            let name = told.split('=').next().unwrap_or_default();
            known.push(name.rsplit(':').next().unwrap_or_default().to_string());
        }
    }
    any.then_some(known)
}
