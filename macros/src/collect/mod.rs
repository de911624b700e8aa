//! Collecting: how the signatures of other items come to an item.
//!
//! A proc macro sees one item. Every model item therefore has a hidden `macro_rules!` of its name, which
//! calls the first macro of the list it is given with the rest and its signature behind (continuation
//! passing), so that rustc finds the items along the paths as the user wrote them. A chain ends in
//! [`crate::finish`], which gets a state and all signatures.
//!
//! An item's own macro comes first: a function's at once, since its signature tells its structs by name, a
//! struct's at the end of a chain over its children, whose signatures it passes on. All else stands behind
//! a chain over everything that the item mentions, in a block, where a mention that is no model item has a
//! fallback. So one mistake in an item breaks nothing that mentions it, and functions call each other.

mod state;

pub use state::{Finish, Phase, State, parse_finish};

use crate::{hidden, operations};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

/// Callees a chain may have before it is cut: every one costs a level of macro recursion, of which rustc
/// allows 128.
const LEVELS: usize = 60;

/// The mentions whose fallbacks are one import, of `no_items` in the library.
const SHARED_FALLBACKS: usize = 16;

/// What a chain carries for a mention that is no model item.
pub const NO_ITEM: &str = "-";

/// What a chain carries for an operation that the prelude does not bring.
pub const OPERATION: &str = "=";

/// Where the library is, by any name the user gave it.
pub fn library() -> TokenStream {
    use proc_macro_crate::{FoundCrate, crate_name};
    match crate_name("sinew") {
        Ok(FoundCrate::Name(name)) => {
            let name = Ident::new(&name, Span::call_site());
            quote!(::#name)
        }
        // In the library itself `extern crate self as sinew` makes the same path valid.
        Ok(FoundCrate::Itself) | Err(_) => quote!(::sinew),
    }
}

/// The chain over the structs of a signature, in item position.
pub fn signature_chain(state: &State) -> TokenStream {
    let library = &state.library;
    let finish = quote!(#library::__private::finish);
    match state.mentions.split_first() {
        None => quote!(#finish! { #state }),
        Some((first, rest)) => {
            let first = &crate::parse::types::bare(first);
            quote!(#first! { #(#rest,)* #finish, #state })
        }
    }
}

/// The chain over all that a body mentions, in a block of its own.
///
/// A mention that has no macro is found by a fallback: the imports stand in a block inside the one with
/// the fallback, so that rustc takes them where they exist, and the calls in a third one, so that no
/// call could still define what the imports look for. They are blocks rather than constants, which
/// metadata would hold.
pub fn body_chain(state: &State) -> TokenStream {
    let library = &state.library;
    let finish = quote!(#library::__private::finish);
    if state.mentions.is_empty() {
        return crate::emit::in_block(&quote!(#finish! { #state }));
    }
    let beyond = (SHARED_FALLBACKS..state.mentions.len()).map(|i| {
        let alias = hidden::alias(i);
        quote!(use #library::__private::no_item as #alias;)
    });
    // A name that is nowhere is told by Sinew: without a value of that name rustc would tell it too.
    let values = state.mentions.iter().filter_map(syn::Path::get_ident);
    let values = values.filter(|name| operations::find(&crate::parse::name(name)).is_none());
    let values = values.map(|name| quote!(use #library::__private::nothing as #name;));
    let imports = state.mentions.iter().enumerate().map(|(i, path)| {
        let span = path.span();
        let alias = Ident::new(&hidden::alias(i).to_string(), span);
        quote_spanned!(span=> use #path as #alias;)
    });
    let aliases: Vec<Ident> = (0..state.mentions.len()).map(hidden::alias).collect();
    let calls = if aliases.len() <= LEVELS {
        let (first, rest) = (&aliases[0], &aliases[1..]);
        quote!(#first! { #(#rest,)* #finish, #state })
    } else {
        // Every piece collects into a macro of its own; a short chain runs over those.
        let bundles: Vec<Ident> = (0..aliases.len().div_ceil(LEVELS))
            .map(hidden::bundle)
            .collect();
        let pieces = aliases.chunks(LEVELS).zip(&bundles).map(|(piece, bundle)| {
            let (first, rest) = (&piece[0], &piece[1..]);
            let state = Group::new(Delimiter::Brace, quote!(Bundle #bundle));
            quote!(#first! { #(#rest,)* #finish, #state })
        });
        let (first, rest) = (&bundles[0], &bundles[1..]);
        quote!(#(#pieces)* #first! { #(#rest,)* #finish, #state })
    };
    crate::emit::in_block(&quote! {
        use #library::__private::no_items::*;
        #(#beyond)*
        #(#values)*
        {
            #(#imports)*
            { #calls }
        }
    })
}

/// The macro of a bundle: passes several signatures at once.
pub fn bundle(name: &Ident, signatures: &[String]) -> TokenStream {
    quote! {
        #[allow(unused_macros)]
        macro_rules! #name {
            ($next:path, $($rest:tt)*) => { $next! { $($rest)* #(#signatures)* } };
        }
    }
}

/// An item's own macro: passes its signature, and stands beside the item under its names.
pub fn item_macro(
    names: &[Ident],
    hidden: &Ident,
    visibility: &syn::Visibility,
    text: &str,
) -> TokenStream {
    let export = match visibility {
        syn::Visibility::Public(_) => quote!(#[macro_export]),
        syn::Visibility::Restricted(_) | syn::Visibility::Inherited => quote!(),
    };
    quote! {
        #[doc(hidden)]
        #[allow(unused_macros, non_local_definitions)]
        #export
        macro_rules! #hidden {
            ($next:path, $($rest:tt)*) => { $next! { $($rest)* #text } };
        }
        #(
            #[doc(hidden)]
            #[allow(unused_imports)]
            #visibility use #hidden as #names;
        )*
    }
}
