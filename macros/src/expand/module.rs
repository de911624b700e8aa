//! Items that expand to items with the attribute: modules, items behind `cfg`; and what stands for
//! an item that does not parse.

use super::{hidden, unique};
use crate::signature::Signature;
use crate::{emit, link, parse};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};

/// A module: every item in it gets the attribute.
pub(super) fn expand(m: &syn::ItemMod, library: &TokenStream) -> TokenStream {
    let mut m = m.clone();
    let Some((_, items)) = &mut m.content else {
        return m.to_token_stream();
    };
    let with_methods: Vec<String> = items
        .iter()
        .filter_map(|i| match i {
            syn::Item::Impl(i) if i.trait_.is_none() => match &*i.self_ty {
                syn::Type::Path(p) => p.path.segments.last().map(|s| s.ident.to_string()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    for item in items {
        let (attributes, arguments) = match item {
            syn::Item::Fn(f) => (&mut f.attrs, quote!()),
            syn::Item::Struct(s) if with_methods.contains(&s.ident.to_string()) => {
                (&mut s.attrs, quote!(methods))
            }
            syn::Item::Struct(s) => (&mut s.attrs, quote!()),
            syn::Item::Impl(i) if i.trait_.is_none() => (&mut i.attrs, quote!()),
            _ => continue,
        };
        let has = |name: &str| {
            attributes
                .iter()
                .any(|a| a.path().segments.last().is_some_and(|s| s.ident == name))
        };
        if has("model") || has("test") {
            continue;
        }
        attributes.push(syn::parse_quote!(#[#library::__private::model(#arguments)]));
    }
    m.to_token_stream()
}

/// An item with `#[cfg]` behind `#[model]`, written again with it in front: rustc decides it first.
pub(super) fn cfg_first(arguments: &TokenStream, tokens: &TokenStream) -> Option<TokenStream> {
    let mut item: syn::Item = syn::parse2(tokens.clone()).ok()?;
    let attributes = match &mut item {
        syn::Item::Fn(i) => &mut i.attrs,
        syn::Item::Struct(i) => &mut i.attrs,
        syn::Item::Impl(i) => &mut i.attrs,
        syn::Item::Mod(i) => &mut i.attrs,
        _ => return None,
    };
    if !attributes.iter().any(parse::is_cfg) {
        return None;
    }
    let library = link::library();
    attributes.push(syn::parse_quote!(#[#library::__private::model(#arguments)]));
    Some(item.to_token_stream())
}

/// What stands for an item that does not parse: a macro of its name that says it is broken.
pub(super) fn placeholder(tokens: &TokenStream) -> TokenStream {
    let Ok(item) = syn::parse2::<syn::Item>(tokens.clone()) else {
        return TokenStream::new();
    };
    let (name, visibility) = match &item {
        syn::Item::Fn(f) => (&f.sig.ident, &f.vis),
        syn::Item::Struct(s) => (&s.ident, &s.vis),
        _ => return TokenStream::new(),
    };
    let id = unique(name);
    let text = Signature::broken().encode();
    let quiet = emit::quiet();
    let own = link::item_macro(name, &hidden(name, &id), visibility, &text);
    let fields = format_ident!("__sinew_fields_{}", name, span = name.span());
    let fields_macro = link::item_macro(&fields, &hidden(&fields, &id), visibility, &text);
    quote! {
        #[doc(hidden)]
        #quiet
        #[derive(Clone, Copy, Debug)]
        #visibility enum #name {}
        #own
        #fields_macro
    }
}
