//! Functions: at once their signature with the plain function, then their body.

use super::collected::Collected;
use super::uses;
use crate::check::{self, Scope, scope};
use crate::collect::{self, State};
use crate::emit;
use crate::errors::{Checked, Errors, Reported};
use crate::hidden;
use crate::lints;
use crate::lower::Private;
use crate::names;
use crate::parse::{self, Function};
use crate::signature::{self, Signature};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};

/// What others see of a function, for which nothing is asked of other items: of its structs it tells the
/// names, which is why a broken struct leaves the functions known that take it. Behind it stands the chain of
/// all else, if the signature is right as it is.
pub(super) fn expand_at_once(f: &Function, state: &State, errors: &Errors) -> TokenStream {
    let mut scope = Scope::new(&state.id, errors);
    let name = &f.name;
    let owner = name.to_token_stream();
    let (text, rest) = match signature_by_names(f, &mut scope) {
        Ok(signature) => {
            let registry = &scope.registry;
            let (text, consts) = match registry.export_function(&signature) {
                Some((told, consts)) => {
                    let consts = consts.iter().map(|i| &registry.consts[*i]).enumerate();
                    (told.encode(), emit::unit::consts(&owner, consts))
                }
                None => (String::new(), TokenStream::new()),
            };
            let chain = collect::body_chain(state);
            (text, quote!(#consts #chain))
        }
        Err(Reported) => {
            let library = &state.library;
            let broken = emit::becomes::broken(f, &broken(library), library);
            (Signature::broken().encode(), emit::in_block(&broken))
        }
    };
    // Where rustc marks the function itself, so that a name which is taken is one mistake to it.
    let mut import = name.clone();
    import.set_span(Span::call_site());
    let second = names::asked(&import);
    let names = match second == import {
        true => vec![import.clone()],
        false => vec![import.clone(), second],
    };
    let own = collect::item_macro(
        &names,
        &hidden::item_macro(&import, &state.id),
        &f.visibility,
        &text,
    );
    let plain = emit::function::at_once(f, &state.library);
    quote!(#plain #own #rest)
}

/// What stands for the unit of a function with errors and its structs.
fn broken(library: &TokenStream) -> TokenStream {
    let unit = emit::unit::broken(&hidden::unit(), library);
    let structs = emit::unit::structs(&[], library);
    let told = emit::unit::told_nothing();
    quote!(#unit #structs #told)
}

/// The signature with its structs by name.
fn signature_by_names(f: &Function, scope: &mut Scope<'_>) -> Checked<signature::Function> {
    let mut paths = Vec::new();
    names::of_signature(f, &mut paths);
    for path in &paths {
        let position = scope.registry.named(path);
        scope.structs.insert(scope::key(path), position);
    }
    check_signature(f, scope)
}

fn check_signature(f: &Function, scope: &mut Scope<'_>) -> Checked<signature::Function> {
    check::signature::declare(scope, &[], f)?;
    check::signature::function(scope, None, f)
}

pub(super) fn expand_body(
    f: &Function,
    state: &State,
    texts: &[String],
    errors: &Errors,
) -> TokenStream {
    let library = &state.library;
    let name = &f.name;
    let owner = name.to_token_stream();
    let constant = hidden::unit();
    let mut collected = Collected::new(state, texts, errors);
    if collected.is_second(name) {
        return TokenStream::new();
    }
    if collected.lacks_structs(f) {
        return emit::becomes::broken(f, &broken(library), library);
    }
    let checked = check_signature(f, &mut collected.scope);
    let lowered = checked.and_then(|signature| {
        collected
            .scope
            .registry
            .have_told(&signature, &owner, &state.id);
        let lowered = collected.lower(&signature, f)?;
        Ok((signature, lowered))
    });
    match lowered {
        Ok((checked, lowered)) => {
            let registry = &collected.scope.registry;
            let signature = emit::function::declaration(f);
            let path = parse::name(name);
            let told = Some(signature.as_str());
            let (unit, checks) =
                emit::unit::unit(&owner, &constant, &path, &lowered, told, library);
            let known = &registry.structs;
            let ids = checked.structs().into_iter();
            let ids: Vec<&str> = ids.map(|i| known[i].signature.id.as_str()).collect();
            let structs = match ids.is_empty() {
                true => TokenStream::new(),
                false => emit::unit::structs(&ids, library),
            };
            let assertions = emit::unit::assertions(&lowered.assertions, registry, library);
            let uses = uses(&[f], &state.mentions, library, &|p| collected.is_item(p));
            let lints = collected.lint(f, &lowered, &state.item);
            let on_train = lints::without_influence(f, &lowered);
            let on_train = on_train.map(|warning| emit::warnings::on_use(&warning));
            let associated = quote!(#unit #structs);
            let implementations = emit::becomes::implementations(f, on_train, &associated, library);
            let private = private(f, &lowered.private);
            quote!(#implementations #checks #assertions #uses #private #lints)
        }
        Err(Reported) => emit::becomes::of_a_broken_body(f, &broken(library), library),
    }
}

/// Dead code that has rustc say which methods are private elsewhere.
fn private(f: &Function, calls: &[Private]) -> TokenStream {
    let checks = calls.iter().filter_map(|Private { receiver, method }| {
        let root = match receiver {
            syn::Expr::Field(field) => names::root(field)?,
            syn::Expr::Path(path) => path.path.get_ident()?,
            _ => return None,
        };
        let of = f.parameters.iter().find(|p| p.name == *root)?;
        let parse::TypeExpr::Struct(of) = &of.ty else {
            return None;
        };
        let (path, seen) = (&of.path, hidden::seen(method));
        Some(quote!({ fn __sinew_methods(#root: &#path) { #receiver.#seen(); } }))
    });
    checks.collect()
}
