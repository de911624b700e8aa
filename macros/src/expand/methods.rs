//! Impl blocks: first the struct's signature with its methods, then their bodies.

use super::collected::Collected;
use super::{last_ident, uses};
use crate::check::{self, scope};
use crate::collect::{self, State};
use crate::errors::{Checked, Errors, Reported};
use crate::hidden;
use crate::lower::Mention;
use crate::parse::{self, Function, Methods, Options};
use crate::signature::{self, Signature};
use crate::{emit, messages, names};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

pub(super) fn expand_signature(
    m: &Methods,
    options: &Options,
    state: &State,
    texts: &[String],
    errors: &Errors,
) -> TokenStream {
    let library = &state.library;
    let mut collected = Collected::new(state, texts, errors);
    let name = last_ident(&m.owner.path);
    let owner = m.owner.path.to_token_stream();
    let before = (
        collected.scope.registry.consts.len(),
        collected.scope.registry.structs.len(),
    );
    let methods = check_methods(m, &mut collected);
    let marked = collected.scope.registry.structs.first();
    let marked = marked.is_none_or(|k| k.signature.marked);
    // Where the block says nothing, its methods are seen as far as the struct.
    let of_struct = collected.scope.registry.structs.first();
    let of_struct = of_struct.and_then(|k| syn::parse_str(&k.signature.visibility).ok());
    let visibility = options.visibility.clone().or(of_struct);
    let visibility = visibility.unwrap_or(syn::Visibility::Inherited);
    let (text, extra) = match methods {
        Ok((position, methods)) if !collected.broken => {
            collected.scope.registry.structs[position].signature.methods = methods;
            let registry = &collected.scope.registry;
            let text = registry.export().map(|s| s.encode()).unwrap_or_default();
            // The first mention is the struct's own fields: what came with it is emitted already.
            let first = texts
                .first()
                .and_then(|t| Signature::decode(t))
                .unwrap_or_default();
            let (consts, structs) = (first.consts.len(), first.structs.len());
            debug_assert!(consts <= before.0 && structs <= before.1);
            let new = registry.consts.iter().enumerate().skip(consts);
            let consts = emit::unit::consts(&owner, new);
            let children = emit::unit::children(&owner, registry, structs, library);
            (text, quote!(#consts #children))
        }
        // The struct tells its signature itself, then.
        Err(Reported) if !marked => return TokenStream::new(),
        Ok(_) | Err(Reported) => (Signature::broken().encode(), TokenStream::new()),
    };
    let own = collect::item_macro(
        &names::of_macro(&name),
        &hidden::item_macro(&name, &state.id),
        &visibility,
        &text,
    );
    let quiet = emit::quiet();
    let plain = plain(m, library);
    quote! {
        #plain
        #own
        #extra
        #quiet
        impl #library::__private::MethodsInOneImpl for #owner {}
    }
}

/// The signatures of an impl block's methods, and the position of their struct.
fn check_methods(
    m: &Methods,
    collected: &mut Collected<'_>,
) -> Checked<(usize, Vec<signature::Function>)> {
    let errors = collected.scope.errors;
    let fields = scope::key(&hidden::fields_path(&m.owner.path));
    let position = match collected.mentions.get(&fields) {
        Some(Mention::Struct(position)) => *position,
        _ => return Err(Reported),
    };
    let known = &collected.scope.registry.structs[position].signature;
    if !known.marked {
        return Err(errors.report(messages::no_methods_marker(&m.owner.path, known)));
    }
    collected
        .scope
        .structs
        .insert(scope::key(&m.owner.path), position);
    let mut out = Vec::new();
    let mut bad = false;
    for f in &m.functions {
        match check_method(m, f, position, collected) {
            Ok(signature) => out.push(signature),
            Err(Reported) => bad = true,
        }
    }
    match bad {
        true => Err(Reported),
        false => Ok((position, out)),
    }
}

fn check_method(
    m: &Methods,
    f: &Function,
    position: usize,
    collected: &mut Collected<'_>,
) -> Checked<signature::Function> {
    let errors = collected.scope.errors;
    check::signature::declare(&mut collected.scope, &m.symbols, f)?;
    let (_, dims) = collected.scope.structure(&m.owner)?;
    check::signature::receiver_dims(errors, &m.symbols, &dims, &m.owner.path)?;
    collected.scope.owner = Some((position, dims.clone()));
    check::signature::function(&mut collected.scope, Some((position, dims)), f)
}

pub(super) fn expand_body(
    m: &Methods,
    state: &State,
    texts: &[String],
    errors: &Errors,
) -> TokenStream {
    let library = &state.library;
    let owner = m.owner.path.to_token_stream();
    let struct_name = last_ident(&m.owner.path);
    let (mut out, mut associated) = (TokenStream::new(), TokenStream::new());
    for f in &m.functions {
        let constant = hidden::method_unit(0, &parse::name(&f.name));
        // Every method has a registry of its own: consts that one mentions are not another's.
        let mut collected = Collected::new(state, texts, errors);
        if collected.lacks_structs(f) {
            return TokenStream::new();
        }
        let position = collected
            .scope
            .structs
            .get(&scope::key(&m.owner.path))
            .copied();
        if let Some(Mention::NoItem) = collected.mentions.get(&scope::key(&m.owner.path)) {
            return TokenStream::new();
        }
        let before = errors.count();
        let signature = position
            .ok_or(Reported)
            .and_then(|p| check_method(m, f, p, &mut collected));
        errors.truncate(before);
        let lowered = signature.and_then(|signature| collected.lower(&signature, f));
        out.extend(match lowered {
            Ok(lowered) => {
                let path = format!("{}::{}", parse::name(&struct_name), parse::name(&f.name));
                let (unit, checks) =
                    emit::unit::unit(&owner, &constant, &path, &lowered, None, library);
                associated.extend(unit);
                let assertions =
                    emit::unit::assertions(&lowered.assertions, &collected.scope.registry, library);
                let lints = collected.lint(f, &lowered, &state.item);
                quote!(#checks #assertions const _: () = { #lints };)
            }
            Err(Reported) => {
                associated.extend(emit::unit::broken(&constant, library));
                TokenStream::new()
            }
        });
    }
    let functions: Vec<&Function> = m.functions.iter().collect();
    let collected = Collected::new(state, texts, errors);
    let uses = uses(&functions, &state.mentions, library, &|p| {
        collected.is_item(p)
    });
    quote!(impl #owner { #associated } #out #uses)
}

pub(super) fn plain(m: &Methods, library: &TokenStream) -> TokenStream {
    let attributes = &m.attributes;
    let owner = &m.owner.path;
    let (mut methods, mut carriers) = (TokenStream::new(), TokenStream::new());
    for f in &m.functions {
        let (plain, carrier) = emit::function::method(m, f, library);
        methods.extend(plain);
        carriers.extend(carrier);
    }
    quote! {
        #(#attributes)*
        #[allow(dead_code)]
        impl #owner { #methods }
        #carriers
    }
}
