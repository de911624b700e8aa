//! Attributes inside items: what has a meaning there would be lost, so it is refused.

use crate::errors::{Checked, Errors, Reported};
use crate::messages;
use quote::ToTokens;
use syn::visit::Visit;

/// Whether an attribute changes nothing but what rustc and its tools say.
fn is_lint(attribute: &syn::Attribute) -> bool {
    let first = attribute.path().segments.first();
    let first = first.map(|s| super::name(&s.ident)).unwrap_or_default();
    let words = [
        "allow", "expect", "warn", "deny", "forbid", "doc", "rustfmt", "clippy",
    ];
    words.contains(&first.as_str())
}

/// The traits that the user derives, by their last names.
pub fn derived(attributes: &[syn::Attribute]) -> Vec<String> {
    let mut out = Vec::new();
    for a in attributes.iter().filter(|a| a.path().is_ident("derive")) {
        let text = a.to_token_stream().to_string();
        let words = text.split(|c: char| !c.is_alphanumeric());
        out.extend(words.map(ToString::to_string));
    }
    out
}

/// The attributes of an item as they stand in front of it: what is emitted has another inside than `#![..]` was in.
pub fn in_front(mut attributes: Vec<syn::Attribute>) -> Vec<syn::Attribute> {
    for attribute in &mut attributes {
        attribute.style = syn::AttrStyle::Outer;
    }
    attributes
}

/// Whether an attribute is `cfg` or `cfg_attr`.
pub fn is_cfg(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

/// `#[cfg]` inside an item reaches the macro unevaluated: refused where it would be lost.
pub fn no_cfg(attributes: &[syn::Attribute], errors: &Errors) -> Checked<()> {
    match attributes.iter().find(|a| is_cfg(a)) {
        Some(a) => Err(errors.report(messages::inner_cfg(a))),
        None => Ok(()),
    }
}

/// Lints and docs only: nothing else has a meaning here.
pub fn lints_only(attributes: &[syn::Attribute], errors: &Errors) -> Checked<()> {
    no_cfg(attributes, errors)?;
    match attributes.iter().find(|a| !is_lint(a)) {
        Some(a) => Err(errors.report(messages::inner_attribute(a))),
        None => Ok(()),
    }
}

/// The same for every attribute in a body.
pub fn in_body(body: &syn::Block, errors: &Errors) -> Checked<()> {
    struct Attributes<'e> {
        errors: &'e Errors,
        result: Checked<()>,
    }
    impl<'a> Visit<'a> for Attributes<'_> {
        fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
            if let Err(Reported) = lints_only(std::slice::from_ref(attribute), self.errors) {
                self.result = Err(Reported);
            }
        }
        fn visit_item(&mut self, _: &'a syn::Item) {
            // Refused as a whole.
        }
    }
    let mut attributes = Attributes {
        errors,
        result: Ok(()),
    };
    attributes.visit_block(body);
    attributes.result
}
