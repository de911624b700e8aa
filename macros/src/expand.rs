//! Drives the stages: what the attribute expands to at once, and what each chain ends in.

use crate::check::{self, Scope, scope};
use crate::errors::{Checked, Errors, Reported};
use crate::link::{self, Finish, NO_ITEM, Phase, State};
use crate::lower::{self, Mention};
use crate::names::{self, Mentions};
use crate::parse::{self, Function, Item, Methods, Options, Structure};
use crate::signature::{Registry, Signature};
use crate::{depth, emit, messages};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use sinew_ir::Dim;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The attribute: the plain item, then its chains.
pub fn attribute(arguments: TokenStream, tokens: TokenStream) -> TokenStream {
    let errors = Errors::default();
    let out = attribute_checked(arguments, tokens, &errors);
    let errors = errors.into_tokens();
    let out = out.unwrap_or_default();
    quote!(#out #errors)
}

fn attribute_checked(
    arguments: TokenStream,
    tokens: TokenStream,
    errors: &Errors,
) -> Checked<TokenStream> {
    if let Some(span) = depth::too_deep(&tokens).or(depth::too_deep(&arguments)) {
        return Err(errors.report(messages::too_deep(span)));
    }
    if let Some(reordered) = cfg_first(&arguments, &tokens) {
        return Ok(reordered);
    }
    let options = parse::options::of(arguments.clone(), errors)?;
    let library = match &options.library {
        Some(path) => path.to_token_stream(),
        None => link::library(),
    };
    let item = match parse::item(tokens.clone(), options.clone(), errors) {
        Ok(item) => item,
        // Its name stays known, so that what mentions it is not reported too.
        Err(Reported) => return Ok(placeholder(&tokens)),
    };
    let state = |name: &Ident, phase, mentions| State {
        phase,
        library: library.clone(),
        id: unique(name),
        mentions,
        arguments: arguments.clone(),
        item: tokens.clone(),
    };
    Ok(match &item {
        Item::Module(m) => module(m, &library),
        Item::Structure(s) => {
            let mut mentions = Vec::new();
            names::of_fields(&s.fields, &mut mentions);
            let state = state(&s.name, Phase::Signature, mentions);
            let definition = emit::structure::definition(s, &library);
            let checks = structs(&state.mentions, &library);
            let chain = chain(&state);
            quote!(#definition #checks #chain)
        }
        Item::Function(f) => {
            let mut mentions = Mentions::default();
            names::of_signature(f, &mut mentions.items);
            let signature = state(&f.name, Phase::Signature, mentions.items.clone());
            names::of_body(f, &mut mentions);
            let body = State {
                phase: Phase::Body,
                mentions: mentions.items,
                ..state(&f.name, Phase::Body, Vec::new())
            };
            let body = State {
                id: signature.id.clone(),
                ..body
            };
            let checks = structs(&signature.mentions, &library);
            let (first, second) = (chain(&signature), link::body_chain(&body));
            quote!(#checks #first #second)
        }
        Item::Methods(m) => {
            let name = last_ident(&m.of.path);
            let mut mentions = Mentions::default();
            mentions.items.push(fields_macro(&m.of.path));
            for f in &m.functions {
                names::of_signature(f, &mut mentions.items);
            }
            mentions.items.retain(|p| *p != m.of.path);
            let checks = structs(&mentions.items[1..], &library);
            let own = structs(std::slice::from_ref(&m.of.path), &library);
            let signature = state(&name, Phase::Signature, mentions.items);
            let mut mentions = Mentions::default();
            mentions.items.push(m.of.path.clone());
            for f in &m.functions {
                names::of_signature(f, &mut mentions.items);
                names::of_body(f, &mut mentions);
            }
            let body = State {
                id: signature.id.clone(),
                ..state(&name, Phase::Body, mentions.items)
            };
            let (first, second) = (chain(&signature), link::body_chain(&body));
            quote!(#own #checks #first #second)
        }
    })
}

/// Dead code that has rustc say which of these are no model structs.
fn structs(paths: &[syn::Path], library: &TokenStream) -> TokenStream {
    let checks = paths.iter().map(|path| {
        let span = parse::start(path);
        let check = quote_spanned!(span=> ::__private::model_struct::<#path>());
        quote!(const _: fn() = || #library #check;)
    });
    quote!(#(#checks)*)
}

/// A chain over a signature; without mentions its end comes at once.
fn chain(state: &State) -> TokenStream {
    match state.mentions.is_empty() {
        true => finish_item(state, &[]),
        false => link::signature_chain(state),
    }
}

/// The end of a chain.
pub fn finish(input: TokenStream) -> TokenStream {
    match link::parse_finish(input) {
        Ok(Finish::Item(state, texts)) => finish_item(&state, &texts),
        Ok(Finish::Bundle(name, texts)) => link::bundle(&name, &texts),
        Err(error) => error.to_compile_error(),
    }
}

fn finish_item(state: &State, texts: &[String]) -> TokenStream {
    let errors = Errors::default();
    let out = finish_checked(state, texts, &errors).unwrap_or_default();
    let errors = errors.into_tokens();
    quote!(#out #errors)
}

fn finish_checked(state: &State, texts: &[String], errors: &Errors) -> Checked<TokenStream> {
    let options = parse::options::of(state.arguments.clone(), errors)?;
    let item = parse::item(state.item.clone(), options.clone(), errors)?;
    match (&item, state.phase) {
        (Item::Structure(s), _) => Ok(structure_signature(s, &options, state, texts, errors)),
        (Item::Function(f), Phase::Signature) => Ok(function_signature(f, state, texts, errors)),
        (Item::Function(f), Phase::Body) => Ok(function_body(f, state, texts, errors)),
        (Item::Methods(m), Phase::Signature) => {
            Ok(methods_signature(m, &options, state, texts, errors))
        }
        (Item::Methods(m), Phase::Body) => Ok(methods_body(m, state, texts, errors)),
        (Item::Module(_), _) => Ok(TokenStream::new()),
    }
}

/// What a chain brought, in a scope.
struct Linked<'e> {
    scope: Scope<'e>,
    mentions: HashMap<String, Mention>,
    /// Whether something in it has errors of its own.
    broken: bool,
}

fn linked<'e>(state: &State, texts: &[String], errors: &'e Errors) -> Linked<'e> {
    let mut scope = Scope::new(&state.id, errors);
    names::identifiers(state.item.clone(), &mut scope.registry.taken);
    let mut mentions = HashMap::new();
    let mut broken = false;
    for (path, text) in state.mentions.iter().zip(texts) {
        let key = scope::key(path);
        if text == NO_ITEM {
            mentions.insert(key, Mention::NoItem);
            continue;
        }
        let imported = Signature::decode(text).filter(|s| !s.broken);
        let imported = imported.and_then(|s| scope.registry.import(&s, path));
        let mention = match imported {
            None => {
                broken = true;
                Mention::Broken
            }
            Some(imported) => match (imported.function, imported.structure) {
                (Some(f), _) => Mention::Function(f),
                (None, Some(position)) => {
                    scope.structs.insert(key.clone(), position);
                    Mention::Struct(position)
                }
                (None, None) => Mention::Broken,
            },
        };
        mentions.insert(key, mention);
    }
    Linked {
        scope,
        mentions,
        broken,
    }
}

/// Whether a signature names something that is no model item: then nothing of it was emitted.
fn lacks_structs(functions: &[&Function], linked: &Linked<'_>) -> bool {
    let mut paths = Vec::new();
    for f in functions {
        names::of_signature(f, &mut paths);
    }
    let lacks =
        |p: &syn::Path| matches!(linked.mentions.get(&scope::key(p)), Some(Mention::NoItem));
    paths.iter().any(lacks)
}

fn hidden(name: &Ident, id: &str) -> Ident {
    let id: String = id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    format_ident!("__sinew_{}_{}", name, id, span = name.span())
}

fn structure_signature(
    s: &Structure,
    options: &Options,
    state: &State,
    texts: &[String],
    errors: &Errors,
) -> TokenStream {
    let library = &state.library;
    let mut linked = linked(state, texts, errors);
    let name = &s.name;
    let of = name.to_token_stream();
    // The struct itself comes first in its signature: its place is kept.
    let marked = options.methods.is_some();
    let (macros, extra) = match check::signature::structure(&mut linked.scope, s, marked) {
        Ok(signature) if !linked.broken => {
            let registry = std::mem::take(&mut linked.scope.registry);
            let registry = with_self(registry, signature, &s.name);
            let text = registry
                .export(None)
                .map(|s| s.encode())
                .unwrap_or_default();
            let consts = emit::unit::consts(&of, &registry, 0);
            let children = emit::unit::children(&of, &registry, 0, library);
            (text, quote!(#consts #children))
        }
        Ok(_) | Err(Reported) => (Signature::broken().encode(), TokenStream::new()),
    };
    let fields = format_ident!("__sinew_fields_{}", name, span = name.span());
    let fields_macro =
        link::item_macro(&fields, &hidden(&fields, &state.id), &s.visibility, &macros);
    let own = match marked {
        true => quote! {
            const _: fn() = || #library::__private::has_methods::<#of>();
        },
        false => link::item_macro(name, &hidden(name, &state.id), &s.visibility, &macros),
    };
    let implementations = emit::structure::implementations(s, library);
    quote!(#implementations #fields_macro #own #extra)
}

/// The registry with a struct's own signature in front, positions moved along.
fn with_self(registry: Registry, signature: crate::signature::Struct, name: &Ident) -> Registry {
    let mut out = registry;
    let moved = crate::signature::Map {
        dim: &|d: &Dim| Some(d.clone()),
        of: &|i| Some(i + 1),
    };
    for known in &mut out.structs {
        if let Some(s) = moved.structure(&known.signature) {
            known.signature = s;
        }
    }
    let signature = moved.structure(&signature).unwrap_or(signature);
    let route = syn::Path::from(name.clone());
    out.structs.insert(
        0,
        crate::signature::Known {
            signature,
            route,
            position: 0,
        },
    );
    out
}

fn function_signature(
    f: &Function,
    state: &State,
    texts: &[String],
    errors: &Errors,
) -> TokenStream {
    let mut linked = linked(state, texts, errors);
    let name = &f.name;
    let of = name.to_token_stream();
    let signature = signature_of(f, &mut linked);
    let (text, consts) = match signature {
        Ok(signature) if !linked.broken => {
            let registry = &linked.scope.registry;
            let text = registry
                .export(Some(&signature))
                .map(|s| s.encode())
                .unwrap_or_default();
            (text, emit::unit::consts(&of, registry, 0))
        }
        Ok(_) | Err(Reported) => (Signature::broken().encode(), TokenStream::new()),
    };
    let own = link::item_macro(name, &hidden(name, &state.id), &f.visibility, &text);
    let plain = emit::function::at_once(f, &state.library);
    quote!(#plain #own #consts)
}

fn signature_of(f: &Function, linked: &mut Linked<'_>) -> Checked<crate::signature::Function> {
    check::signature::declare(&mut linked.scope, &[], f)?;
    check::signature::function(&mut linked.scope, None, f)
}

fn function_body(f: &Function, state: &State, texts: &[String], errors: &Errors) -> TokenStream {
    let library = &state.library;
    let name = &f.name;
    let of = name.to_token_stream();
    let constant = format_ident!("__SINEW_UNIT");
    let mut linked = linked(state, texts, errors);
    if lacks_structs(&[f], &linked) {
        return TokenStream::new();
    }
    // What the signature has is reported by its own chain.
    let quiet = Errors::default();
    let lowered = {
        let before = errors.count();
        let signature = signature_of(f, &mut linked);
        errors.truncate(before);
        signature.and_then(|signature| {
            lower::function(&mut linked.scope, &linked.mentions, &signature, f)
        })
    };
    drop(quiet);
    match lowered {
        Ok(lowered) => {
            let registry = &linked.scope.registry;
            let unit = emit::unit::unit(&of, &constant, &name.to_string(), &lowered, library);
            let texts = emit::unit::texts(name, &lowered, &emit::function::declaration(f));
            let assertions = emit::unit::assertions(&lowered.assertions, registry, library);
            let uses = uses(&[f], library);
            quote!(#unit #texts #assertions #uses)
        }
        Err(Reported) => emit::unit::broken(&of, &constant, library),
    }
}

fn methods_signature(
    m: &Methods,
    options: &Options,
    state: &State,
    texts: &[String],
    errors: &Errors,
) -> TokenStream {
    let library = &state.library;
    let mut linked = linked(state, texts, errors);
    let name = last_ident(&m.of.path);
    let of = m.of.path.to_token_stream();
    let before = (
        linked.scope.registry.consts.len(),
        linked.scope.registry.structs.len(),
    );
    let methods = method_signatures(m, &mut linked);
    let marked = linked.scope.registry.structs.first();
    let marked = marked.is_none_or(|k| k.signature.marked);
    // Where the block says nothing, its methods are seen as far as the struct.
    let of_struct = linked.scope.registry.structs.first();
    let of_struct = of_struct.and_then(|k| syn::parse_str(&k.signature.visibility).ok());
    let visibility = options.visibility.clone().or(of_struct);
    let visibility = visibility.unwrap_or(syn::Visibility::Inherited);
    let (text, extra) = match methods {
        Ok((position, methods)) if !linked.broken => {
            linked.scope.registry.structs[position].signature.methods = methods;
            let registry = &linked.scope.registry;
            let text = registry
                .export(None)
                .map(|s| s.encode())
                .unwrap_or_default();
            // The first mention is the struct's own fields: what came with it is emitted already.
            let first = texts
                .first()
                .and_then(|t| Signature::decode(t))
                .unwrap_or_default();
            let (consts, structs) = (first.consts.len(), first.structs.len());
            debug_assert!(consts <= before.0 && structs <= before.1);
            let consts = emit::unit::consts(&of, registry, consts);
            let children = emit::unit::children(&of, registry, structs, library);
            (text, quote!(#consts #children))
        }
        // The struct tells its signature itself, then.
        Err(Reported) if !marked => return TokenStream::new(),
        Ok(_) | Err(Reported) => (Signature::broken().encode(), TokenStream::new()),
    };
    let own = link::item_macro(&name, &hidden(&name, &state.id), &visibility, &text);
    let quiet = emit::quiet();
    let plain = plain_methods(m, library);
    quote! {
        #plain
        #own
        #extra
        #quiet
        impl #library::__private::HasMethods for #of {}
    }
}

/// The signatures of an impl block's methods, and the position of their struct.
fn method_signatures(
    m: &Methods,
    linked: &mut Linked<'_>,
) -> Checked<(usize, Vec<crate::signature::Function>)> {
    let errors = linked.scope.errors;
    let fields = scope::key(&fields_macro(&m.of.path));
    let position = match linked.mentions.get(&fields) {
        Some(Mention::Struct(position)) => *position,
        _ => return Err(Reported),
    };
    let known = &linked.scope.registry.structs[position].signature;
    if !known.marked {
        return Err(errors.report(messages::no_methods_marker(&m.of.path, known)));
    }
    linked
        .scope
        .structs
        .insert(scope::key(&m.of.path), position);
    let mut out = Vec::new();
    let mut bad = false;
    for f in &m.functions {
        match method_signature(m, f, position, linked) {
            Ok(signature) => out.push(signature),
            Err(Reported) => bad = true,
        }
    }
    match bad {
        true => Err(Reported),
        false => Ok((position, out)),
    }
}

fn method_signature(
    m: &Methods,
    f: &Function,
    position: usize,
    linked: &mut Linked<'_>,
) -> Checked<crate::signature::Function> {
    let errors = linked.scope.errors;
    check::signature::declare(&mut linked.scope, &m.symbols, f)?;
    let (_, dims) = linked.scope.structure(&m.of)?;
    check::signature::receiver_dims(errors, &m.symbols, &dims, &m.of.path)?;
    linked.scope.owner = Some((position, dims.clone()));
    check::signature::function(&mut linked.scope, Some((position, dims)), f)
}

fn methods_body(m: &Methods, state: &State, texts: &[String], errors: &Errors) -> TokenStream {
    let library = &state.library;
    let of = m.of.path.to_token_stream();
    let struct_name = last_ident(&m.of.path);
    let mut out = TokenStream::new();
    for f in &m.functions {
        let constant = format_ident!("__SINEW_U0_{}", f.name);
        // Every method has a registry of its own: consts that one mentions are not another's.
        let mut linked = linked(state, texts, errors);
        if lacks_structs(&[f], &linked) {
            return TokenStream::new();
        }
        let position = linked.scope.structs.get(&scope::key(&m.of.path)).copied();
        if let Some(Mention::NoItem) = linked.mentions.get(&scope::key(&m.of.path)) {
            return TokenStream::new();
        }
        let before = errors.count();
        let signature = position
            .ok_or(Reported)
            .and_then(|p| method_signature(m, f, p, &mut linked));
        errors.truncate(before);
        let lowered = signature.and_then(|signature| {
            lower::function(&mut linked.scope, &linked.mentions, &signature, f)
        });
        out.extend(match lowered {
            Ok(lowered) => {
                let path = format!("{struct_name}::{}", f.name);
                let unit = emit::unit::unit(&of, &constant, &path, &lowered, library);
                let assertions =
                    emit::unit::assertions(&lowered.assertions, &linked.scope.registry, library);
                quote!(#unit #assertions)
            }
            Err(Reported) => emit::unit::broken(&of, &constant, library),
        });
    }
    let functions: Vec<&Function> = m.functions.iter().collect();
    let uses = uses(&functions, library);
    quote!(#out #uses)
}

fn plain_methods(m: &Methods, library: &TokenStream) -> TokenStream {
    let attributes = &m.attributes;
    let of = &m.of.path;
    let (mut methods, mut carriers) = (TokenStream::new(), TokenStream::new());
    for f in &m.functions {
        let (plain, carrier) = emit::function::method(&m.of, f, library);
        methods.extend(plain);
        carriers.extend(carrier);
    }
    quote! {
        #(#attributes)*
        #[allow(dead_code)]
        impl #of { #methods }
        #carriers
    }
}

/// Dead code that has rustc decide what the names of operations and of `Tensor` mean: where an item of
/// the user's own has such a name, its type is another.
fn uses(functions: &[&Function], library: &TokenStream) -> TokenStream {
    let mut mentions = Mentions::default();
    let mut tensors: Vec<syn::Path> = Vec::new();
    for f in functions {
        names::of_body(f, &mut mentions);
        names::tensors(f, &mut tensors);
    }
    let operations = mentions.operations.iter().filter_map(|name| {
        let operation = lower::operations::find(&name.to_string())?;
        let parameters = operation.parameters.iter().map(|_| quote!(_));
        let of = Ident::new(&name.to_string(), Span::call_site());
        let wanted =
            quote!(fn(#(#parameters),*) -> #library::Tensor<#library::ops::the_operation::#of>);
        Some(quote_spanned!(name.span()=> let _: #wanted = #name;))
    });
    let tensors = tensors.iter().map(|path| {
        let span = parse::start(path);
        quote_spanned!(span=> let _: fn(#path) = |_: #library::Tensor| {};)
    });
    quote! {
        const _: fn() = || {
            #(#operations)*
            #(#tensors)*
        };
    }
}

/// A module: every item in it gets the attribute.
fn module(m: &syn::ItemMod, library: &TokenStream) -> TokenStream {
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
fn cfg_first(arguments: &TokenStream, tokens: &TokenStream) -> Option<TokenStream> {
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
fn placeholder(tokens: &TokenStream) -> TokenStream {
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

/// The path of the macro that tells a struct's fields before its methods are known.
fn fields_macro(of: &syn::Path) -> syn::Path {
    let mut path = of.clone();
    if let Some(last) = path.segments.last_mut() {
        last.ident = format_ident!("__sinew_fields_{}", last.ident, span = last.ident.span());
    }
    path
}

fn last_ident(path: &syn::Path) -> Ident {
    match path.segments.last() {
        Some(s) => s.ident.clone(),
        None => Ident::new("unnamed", Span::call_site()),
    }
}

/// What tells an item from all others: its crate and place, and a counter for what macros repeat.
fn unique(name: &Ident) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut hasher = DefaultHasher::new();
    for variable in ["CARGO_CRATE_NAME", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        std::env::var(variable)
            .unwrap_or_default()
            .hash(&mut hasher);
    }
    let span = name.span();
    (span.file(), span.start().line, span.start().column).hash(&mut hasher);
    name.to_string().hash(&mut hasher);
    COUNT.fetch_add(1, Ordering::Relaxed).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
