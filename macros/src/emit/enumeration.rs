//! The plain enum, and what makes it a value of the configuration.

use super::quiet;
use crate::hidden;
use crate::parse::attributes::derived;
use crate::parse::enumeration::Enumeration;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The enum itself, which is `Copy`, `Debug` and `Eq` where the user does not say so.
pub fn definition(e: &Enumeration, library: &TokenStream) -> TokenStream {
    let Enumeration {
        attributes,
        visibility,
        name,
        variants,
    } = e;
    let theirs = derived(attributes);
    let ours = [
        ("Clone", quote!(::core::clone::Clone)),
        ("Copy", quote!(::core::marker::Copy)),
        ("Debug", quote!(::core::fmt::Debug)),
        ("PartialEq", quote!(::core::cmp::PartialEq)),
        ("Eq", quote!(::core::cmp::Eq)),
    ];
    let ours = ours
        .into_iter()
        .filter(|(name, _)| !theirs.iter().any(|t| t == name));
    let ours = ours.map(|(_, path)| path);
    let docs = super::doc("Configuration: what is chosen by it is chosen before a run.");
    let variants = variants.iter().map(|v| {
        let (attributes, name) = (&v.attributes, &v.name);
        quote!(#(#attributes)* #name)
    });
    let quiet = quiet();
    quote! {
        #(#attributes)*
        #docs
        #[derive(#(#ours),*)]
        #[allow(dead_code)]
        #visibility enum #name { #(#variants,)* }

        #[automatically_derived]
        #quiet
        impl #library::__private::ModelStruct for #name {}
    }
}

/// What makes it a value of the configuration. `kind` is the name of its only symbol, `id` what tells it
/// from all other enums.
pub fn implementations(
    e: &Enumeration,
    kind: &str,
    id: &str,
    library: &TokenStream,
) -> TokenStream {
    let name = &e.name;
    let variants: Vec<&Ident> = e.variants.iter().map(|v| &v.name).collect();
    let positions = 0..variants.len();
    let first = variants.first();
    let number = hidden::variant(&crate::parse::name(name));
    let other = format!("this is a variant of another enum called `{name}`");
    let quiet = quiet();
    let private = quote!(#library::__private);
    quote! {
        #[automatically_derived]
        #quiet
        impl #private::Setting for #name {
            fn value(&self) -> #private::SymbolValue {
                #private::SymbolValue::Size(*self as ::core::primitive::usize)
            }
            fn of(value: #private::SymbolValue) -> Self {
                match value {
                    #(#private::SymbolValue::Size(#positions) => #name::#variants,)*
                    _ => #name::#first,
                }
            }
        }

        #[automatically_derived]
        #quiet
        impl #private::Model for #name {
            fn visit<'m>(&'m self, _: &::core::primitive::str, _: &mut dyn ::core::ops::FnMut(&::core::primitive::str, &'m #private::Param)) {}
            fn visit_mut(&mut self, _: &::core::primitive::str, _: &mut dyn ::core::ops::FnMut(&::core::primitive::str, &mut #private::Param)) {}
            fn settings(
                &self,
                prefix: &::core::primitive::str,
                f: &mut dyn ::core::ops::FnMut(&::core::primitive::str, #private::SymbolValue),
            ) -> #private::Result<()> {
                f(&#private::join(prefix, #kind), #private::Setting::value(self));
                ::core::result::Result::Ok(())
            }
        }

        #quiet
        impl #name {
            #[doc(hidden)]
            pub fn __sinew_init(
                _: ::core::primitive::u64,
                _: &::core::primitive::str,
                _: &[::core::primitive::i128],
                settings: &[#private::SymbolValue],
            ) -> Self {
                match settings.first() {
                    ::core::option::Option::Some(value) => #private::Setting::of(*value),
                    ::core::option::Option::None => #name::#first,
                }
            }
            #[doc(hidden)]
            #[allow(non_snake_case)]
            pub const fn #number(self, asked: &::core::primitive::str) -> ::core::primitive::usize {
                ::core::assert!(#private::is_same(asked, #id), #other);
                self as ::core::primitive::usize
            }
        }
    }
}
