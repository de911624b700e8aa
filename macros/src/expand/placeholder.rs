//! What stands for an item that does not parse: as much of it as is read, and a macro of its name that
//! says that it is broken, so that what mentions it keeps silent.

use super::{last_ident, methods};
use crate::collect;
use crate::emit;
use crate::hidden;
use crate::parse::{self, lenient};
use crate::signature::{Signature, VARIANT};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

pub(super) fn for_item(tokens: &TokenStream, library: &TokenStream) -> TokenStream {
    match syn::parse2::<syn::Item>(tokens.clone()) {
        Ok(syn::Item::Fn(f)) => function(&f, library),
        Ok(syn::Item::Struct(s)) => structure(&s, library),
        Ok(syn::Item::Enum(e)) => enumeration(&e, library),
        Ok(syn::Item::Impl(i)) => of_methods(&i, library),
        _ => TokenStream::new(),
    }
}

fn broken(name: &Ident, item: &impl ToTokens, visibility: &syn::Visibility) -> TokenStream {
    let text = Signature::broken().encode();
    let id = hidden::id(name, &item.to_token_stream());
    collect::item_macro(&[name], &hidden::item_macro(name, &id), visibility, &text)
}

fn function(item: &syn::ItemFn, library: &TokenStream) -> TokenStream {
    let name = &item.sig.ident;
    let own = match parse::function::std_macro(&parse::name(name)) {
        true => TokenStream::new(),
        false => broken(name, item, &item.vis),
    };
    let plain = emit::function::at_once(&lenient::function(item), library);
    let constant = hidden::unit();
    let unit = emit::unit::broken(&name.to_token_stream(), &constant, library);
    quote!(#plain #own #unit)
}

fn structure(item: &syn::ItemStruct, library: &TokenStream) -> TokenStream {
    let s = lenient::structure(item);
    let name = &s.name;
    let own = broken(name, item, &s.visibility);
    let fields = hidden::fields_macro(name);
    let fields = broken(&fields, item, &s.visibility);
    let definition = emit::structure::definition(&s, library);
    let implementations =
        emit::structure::implementations(&s, &emit::config::as_written(&s), library);
    quote!(#definition #implementations #own #fields)
}

/// An enum as it is, or with what can be read of it.
fn enumeration(item: &syn::ItemEnum, library: &TokenStream) -> TokenStream {
    let e = lenient::enumeration(item);
    let own = broken(&e.name, item, &e.visibility);
    let fields = hidden::fields_macro(&e.name);
    let fields = broken(&fields, item, &e.visibility);
    let definition = emit::enumeration::definition(&e, library);
    let implementations = emit::enumeration::implementations(&e, VARIANT, "", library);
    quote!(#definition #implementations #own #fields)
}

fn of_methods(item: &syn::ItemImpl, library: &TokenStream) -> TokenStream {
    let Some(m) = lenient::methods(item) else {
        return TokenStream::new();
    };
    let owner = m.owner.path.to_token_stream();
    let quiet = emit::quiet();
    let given = quote! {
        #quiet
        impl #library::__private::HasMethods for #owner {}
    };
    if m.owner.path.segments.len() > 1 {
        // Of a struct that stands elsewhere: no name here is its own.
        return given;
    }
    let own = broken(
        &last_ident(&m.owner.path),
        item,
        &syn::Visibility::Inherited,
    );
    let plain = methods::plain(&m, library);
    let units = m.functions.iter().map(|f| {
        let constant = hidden::method_unit(0, &parse::name(&f.name));
        emit::unit::broken(&owner, &constant, library)
    });
    quote!(#plain #own #(#units)* #given)
}
