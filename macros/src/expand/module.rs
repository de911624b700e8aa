//! Items that expand to items with the attribute: modules, items behind `cfg`.

use crate::parse::{self, Options};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};

/// A module: every item in it gets the attribute, modules in it too.
pub(super) fn expand(m: &syn::ItemMod, options: &Options, library: &TokenStream) -> TokenStream {
    let mut m = m.clone();
    let Some((_, items)) = &mut m.content else {
        return m.to_token_stream();
    };
    // Where the library is holds for all that is inside.
    let place = options.library.as_ref().map(|path| quote!(crate = #path));
    let allowed = options
        .allowed
        .iter()
        .map(|l| format_ident!("{}", l.name()));
    let allowed: Vec<Ident> = allowed.collect();
    // So are the lints that are silent, where there are bodies.
    let of_bodies = match allowed.is_empty() {
        true => quote!(#place),
        false => {
            let place = place.iter();
            quote!(allow(#(#allowed),*) #(, #place)*)
        }
    };
    let with_methods: Vec<String> = items.iter().filter_map(has_methods).collect();
    for item in items {
        let (attributes, arguments) = match item {
            syn::Item::Fn(f) => (&mut f.attrs, of_bodies.clone()),
            syn::Item::Struct(s) if with_methods.contains(&parse::name(&s.ident)) => {
                let place = place.iter();
                (&mut s.attrs, quote!(methods #(, #place)*))
            }
            syn::Item::Struct(s) => (&mut s.attrs, quote!(#place)),
            syn::Item::Enum(e) if with_methods.contains(&parse::name(&e.ident)) => {
                let place = place.iter();
                (&mut e.attrs, quote!(methods #(, #place)*))
            }
            syn::Item::Enum(e) if parse::enumeration::is_plain(e) => (&mut e.attrs, quote!(#place)),
            syn::Item::Impl(i) if i.trait_.is_none() => (&mut i.attrs, of_bodies.clone()),
            syn::Item::Mod(m) if m.content.is_some() => (&mut m.attrs, of_bodies.clone()),
            _ => continue,
        };
        let test = |a: &syn::Attribute| a.path().segments.last().is_some_and(|s| s.ident == "test");
        if attributes
            .iter()
            .any(|a| parse::is_model(a) || test(a) || is_test_cfg(a))
        {
            continue;
        }
        mark(attributes, &arguments, library);
    }
    m.to_token_stream()
}

/// The name of the struct that an impl block is of.
fn has_methods(item: &syn::Item) -> Option<String> {
    let syn::Item::Impl(i) = item else {
        return None;
    };
    match parse::unwrapped(&i.self_ty) {
        syn::Type::Path(p) if i.trait_.is_none() => {
            p.path.segments.last().map(|s| parse::name(&s.ident))
        }
        _ => None,
    }
}

/// `#[cfg(test)]`: plain Rust for rustc's own test harness.
fn is_test_cfg(attribute: &syn::Attribute) -> bool {
    match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        _ => false,
    }
}

/// Puts the attribute behind the last `cfg`, which rustc decides first, and in front of all others:
/// what is derived sees the struct that it expands to.
fn mark(attributes: &mut Vec<syn::Attribute>, arguments: &TokenStream, library: &TokenStream) {
    let behind = attributes.iter().rposition(parse::is_cfg);
    let model = syn::parse_quote!(#[#library::__private::model(#arguments)]);
    attributes.insert(behind.map_or(0, |i| i + 1), model);
}

/// An item with `#[cfg]` behind `#[model]`, written again with it in front: rustc decides it first.
pub(super) fn cfg_first(
    arguments: &TokenStream,
    tokens: &TokenStream,
    library: &TokenStream,
) -> Option<TokenStream> {
    let mut item: syn::Item = syn::parse2(tokens.clone()).ok()?;
    let attributes = match &mut item {
        syn::Item::Fn(i) => &mut i.attrs,
        syn::Item::Struct(i) => &mut i.attrs,
        syn::Item::Enum(i) => &mut i.attrs,
        syn::Item::Impl(i) => &mut i.attrs,
        syn::Item::Mod(i) => &mut i.attrs,
        _ => return None,
    };
    if !attributes.iter().any(parse::is_cfg) {
        return None;
    }
    mark(attributes, arguments, library);
    Some(item.to_token_stream())
}
