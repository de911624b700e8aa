//! What stands for an item that does not parse: as much of it as is read, and a macro of its name that
//! says that it is broken, so that what mentions it keeps silent.

use super::{last_ident, methods};
use crate::collect;
use crate::emit;
use crate::hidden;
use crate::names::{self, is_keyword};
use crate::parse::{self, Methods, Structure, lenient};
use crate::signature::{Signature, Struct, VARIANT};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::collections::HashSet;

pub(super) fn for_item(
    tokens: &TokenStream,
    arguments: &TokenStream,
    library: &TokenStream,
) -> TokenStream {
    let read = |tokens: TokenStream| syn::parse2::<syn::Item>(tokens);
    // A mistake in the grammar of a body leaves the signature as it is.
    let read = read(tokens.clone()).or_else(|_| read(without_bodies(tokens.clone())));
    // A type's own name is its impl block's to give, where one comes.
    let methods = || {
        let mut words = HashSet::new();
        names::identifiers(arguments.clone(), &mut words);
        words.iter().any(|word| word.starts_with("method"))
    };
    // One among fields leaves the name, one in an impl the struct.
    match read.or_else(|_| syn::parse2(emptied(tokens.clone()))) {
        Ok(syn::Item::Fn(f)) => function(&f, library),
        Ok(syn::Item::Struct(s)) => structure(&s, methods(), Vec::new(), library),
        Ok(syn::Item::Enum(e)) => enumeration(&e, methods(), library),
        Ok(syn::Item::Impl(i)) => of_methods(&i, library),
        Ok(_) => TokenStream::new(),
        Err(_) => named(tokens, library),
    }
}

/// What stands for a second type of a name in its module, or for a second impl block: what the first has not.
pub(super) fn for_second(item: &syn::Item, library: &TokenStream) -> TokenStream {
    match item {
        syn::Item::Impl(i) => match lenient::methods(i) {
            Some(m) => plain_methods(&m, library),
            None => TokenStream::new(),
        },
        _ => TokenStream::new(),
    }
}

/// A function of which the name alone is read.
fn named(tokens: &TokenStream, library: &TokenStream) -> TokenStream {
    let words: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let name = words.windows(2).find_map(|pair| match pair {
        [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "fn" => Some(name),
        _ => None,
    });
    let is_free = |n: &&Ident| !parse::function::std_macro(&parse::name(n)) && !is_keyword(n);
    let Some(name) = name.filter(is_free) else {
        return TokenStream::new();
    };
    let own = broken(name, tokens, &syn::Visibility::Inherited);
    let unit = emit::unit::broken(&hidden::unit(), library);
    let told = emit::unit::told_nothing();
    let quiet = emit::quiet();
    quote!(#quiet enum #name {} #own #quiet impl #name { #unit #told })
}

/// The item with nothing in its braces.
fn emptied(tokens: TokenStream) -> TokenStream {
    let each = tokens.into_iter().map(|token| match token {
        TokenTree::Group(g) if g.delimiter() == Delimiter::Brace => {
            let mut empty = Group::new(Delimiter::Brace, TokenStream::new());
            empty.set_span(g.span());
            TokenTree::Group(empty)
        }
        other => other,
    });
    each.collect()
}

/// The item with nothing in the bodies of its functions.
fn without_bodies(tokens: TokenStream) -> TokenStream {
    let mut function = false;
    let each = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(i) => {
            function |= i == "fn";
            TokenTree::Ident(i)
        }
        TokenTree::Group(g) if g.delimiter() == Delimiter::Brace => {
            let inner = match function {
                true => TokenStream::new(),
                false => without_bodies(g.stream()),
            };
            function = false;
            let mut body = Group::new(Delimiter::Brace, inner);
            body.set_span(g.span());
            TokenTree::Group(body)
        }
        other => other,
    });
    each.collect()
}

fn broken(name: &Ident, item: &impl ToTokens, visibility: &syn::Visibility) -> TokenStream {
    told(name, item, visibility, &Signature::broken())
}

fn told(
    name: &Ident,
    item: &impl ToTokens,
    visibility: &syn::Visibility,
    signature: &Signature,
) -> TokenStream {
    let text = signature.encode();
    let id = hidden::id(name, &item.to_token_stream());
    let hidden = hidden::item_macro(name, &id);
    collect::item_macro(&names::of_macro(name), &hidden, visibility, &text)
}

fn function(item: &syn::ItemFn, library: &TokenStream) -> TokenStream {
    let name = &item.sig.ident;
    let own = match parse::function::std_macro(&parse::name(name)) {
        true => TokenStream::new(),
        false => broken(name, item, &item.vis),
    };
    let read = lenient::function(item);
    let plain = emit::function::at_once(&read, library);
    let unit = emit::unit::broken(&hidden::unit(), library);
    let told = emit::unit::told_nothing();
    let associated = quote!(#unit #told);
    let implementations = emit::becomes::implementations(&read, None, &associated, library);
    let implementations = emit::in_block(&implementations);
    quote!(#plain #implementations #own)
}

/// A struct with what can be read of it; `derived` are traits that it has without this.
pub(super) fn structure(
    item: &syn::ItemStruct,
    marked: bool,
    derived: Vec<String>,
    library: &TokenStream,
) -> TokenStream {
    // With sizes, what is derived above is of no struct that there is.
    let derived = match item.generics.params.is_empty() {
        true => derived,
        false => Vec::new(),
    };
    let s = Structure {
        derived,
        ..lenient::structure(item)
    };
    let name = &s.name;
    let own = (!marked).then(|| broken(name, item, &s.visibility));
    let fields = hidden::fields_macro(name);
    let fields = broken(&fields, item, &s.visibility);
    let definition = emit::structure::definition(&s, library);
    let parts = emit::config::as_written(&s);
    let configuration = emit::structure::configuration(&s, &parts, library);
    let implementations = emit::structure::implementations(&s, &parts, library);
    quote!(#definition #configuration #implementations #own #fields)
}

/// An enum as it is, or with what can be read of it.
fn enumeration(item: &syn::ItemEnum, marked: bool, library: &TokenStream) -> TokenStream {
    let e = lenient::enumeration(item);
    // A struct around it is configured by it all the same.
    let signature = Signature {
        structs: vec![Struct {
            variants: e.variants.iter().map(|v| parse::name(&v.name)).collect(),
            ..Struct::named(parse::name(&e.name))
        }],
        ..Signature::broken()
    };
    let own = (!marked).then(|| told(&e.name, item, &e.visibility, &signature));
    let fields = hidden::fields_macro(&e.name);
    let fields = told(&fields, item, &e.visibility, &signature);
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
        impl #library::__private::MethodsInOneImpl for #owner {}
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
    let plain = plain_methods(&m, library);
    quote!(#plain #own #given)
}

/// The methods as Rust calls them, of which nothing is lowered.
fn plain_methods(m: &Methods, library: &TokenStream) -> TokenStream {
    let owner = &m.owner.path;
    let plain = methods::plain(m, library);
    let units = m.functions.iter().map(|f| {
        let constant = hidden::method_unit(0, &parse::name(&f.name));
        emit::unit::broken(&constant, library)
    });
    let quiet = emit::quiet();
    quote!(#plain #quiet impl #owner { #(#units)* })
}
