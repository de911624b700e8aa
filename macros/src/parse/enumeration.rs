//! Enums as written: configuration that is one of several names.

use crate::errors::{Checked, Errors};
use crate::messages;

/// An enum without fields.
pub struct Enumeration {
    /// Attributes, docs among them.
    pub attributes: Vec<syn::Attribute>,
    /// Visibility.
    pub visibility: syn::Visibility,
    /// Name.
    pub name: syn::Ident,
    /// What it can be; at least one.
    pub variants: Vec<Variant>,
}

/// A variant.
pub struct Variant {
    /// Attributes, docs among them.
    pub attributes: Vec<syn::Attribute>,
    /// Name.
    pub name: syn::Ident,
}

/// Reads an enum.
pub fn of_item(item: syn::ItemEnum, errors: &Errors) -> Checked<Enumeration> {
    if let Some(parameter) = item.generics.params.first() {
        return Err(errors.report(messages::enum_generics(parameter)));
    }
    if item.variants.is_empty() {
        return Err(errors.report(messages::enum_of_nothing(&item.ident)));
    }
    let mut variants = Vec::new();
    for v in item.variants {
        super::no_cfg(&v.attrs, errors)?;
        if !v.fields.is_empty() || v.discriminant.is_some() {
            return Err(errors.report(messages::enum_variant(&v)));
        }
        variants.push(Variant {
            attributes: v.attrs,
            name: v.ident,
        });
    }
    Ok(Enumeration {
        attributes: item.attrs,
        visibility: item.vis,
        name: item.ident,
        variants,
    })
}

/// Whether an enum is one that models are configured by: in a module that is marked, others stay plain Rust.
pub fn is_plain(item: &syn::ItemEnum) -> bool {
    let unit = |v: &syn::Variant| matches!(v.fields, syn::Fields::Unit) && v.discriminant.is_none();
    item.generics.params.is_empty() && !item.variants.is_empty() && item.variants.iter().all(unit)
}
