//! The operations as items of `sinew::ops`: what rustc resolves their names to, and rustdoc shows.

use super::{Operation, TABLE, table};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeSet;

fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// The items, for a module that has a `Tensor` with a field `never` and a `TensorOf`, in a crate whose `names` asks for
/// an `Operation`: a type each that tells operations from each other, a function each that returns a
/// tensor of it, and the functions of as many parameters as there are marked as operations. Beside those that the
/// prelude does not bring stands a macro that says what they are.
pub fn items() -> TokenStream {
    let names: Vec<Ident> = TABLE.iter().map(|o| ident(o.name)).collect();
    let prelude = table::PRELUDE.iter().map(|name| ident(name));
    // A macro of the prelude would meet those of model functions that are called as operations.
    let others = TABLE.iter().filter(|o| !table::PRELUDE.contains(&o.name));
    let others: Vec<Ident> = others.map(|o| ident(o.name)).collect();
    let functions = TABLE.iter().map(function);
    let counts: BTreeSet<usize> = TABLE.iter().map(|o| o.parameters.len().max(1)).collect();
    let marks = counts.into_iter().map(mark);
    let methods = crate::emit::editor::is_there().then(methods);
    quote! {
        /// What tells operations from each other.
        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_docs)]
        pub(crate) mod the_operation {
            #(pub enum #names {})*
        }
        /// The operations that the prelude brings.
        pub(crate) mod in_prelude {
            pub use super::{#(#prelude),*};
        }
        #(
            #[doc(hidden)]
            pub use crate::__private::operation_item as #others;
        )*
        #(#functions)*
        #(#marks)*
        #methods
    }
}

/// The operations as methods, for an editor to show and to complete.
fn methods() -> TokenStream {
    let methods = TABLE
        .iter()
        .filter(|o| !o.function_only && !o.parameters.is_empty());
    let methods = methods.map(|o| {
        let (name, doc) = (ident(o.name), o.docs());
        let (generics, parameter) = match o.parameters.get(1) {
            Some(p) => {
                let first = ident(p.name);
                (quote!(<A>), quote!(#first: A))
            }
            None => (TokenStream::new(), TokenStream::new()),
        };
        quote! {
            #[doc = #doc]
            pub fn #name #generics(self, #parameter) -> Self {
                loop {}
            }
        }
    });
    quote! {
        #[allow(unused_variables)]
        impl crate::editor::Tensor { #(#methods)* }
    }
}

fn function(o: &Operation) -> TokenStream {
    let name = ident(o.name);
    let mut parameters: Vec<Ident> = o.parameters.iter().map(|p| ident(p.name)).collect();
    if parameters.is_empty() {
        // Without a tensor that cannot be, Rust could call it.
        parameters.push(ident("never"));
    }
    let first = parameters.first();
    let doc = o.docs();
    quote! {
        #[doc = #doc]
        #[allow(unused_variables, clippy::too_many_arguments)]
        pub fn #name(#(#parameters: Tensor<true>),*) -> TensorOf<the_operation::#name> {
            match #first.never {}
        }
    }
}

/// Functions of so many parameters that return an operation's tensor are that operation.
fn mark(parameters: usize) -> TokenStream {
    let types: Vec<Ident> = (0..parameters).map(|i| format_ident!("P{}", i)).collect();
    quote! {
        impl<Of, F: Fn(#(#types),*) -> TensorOf<Of>, #(#types),*> crate::names::Operation<Of, (#(#types,)*)> for F {}
    }
}
