//! Functions: first their signature with the plain function, then their body.

use super::collected::Collected;
use super::uses;
use crate::check;
use crate::collect::{self, State};
use crate::emit;
use crate::errors::{Checked, Errors, Reported};
use crate::hidden;
use crate::parse::{self, Function};
use crate::signature::{self, Signature};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

pub(super) fn expand_signature(
    f: &Function,
    state: &State,
    texts: &[String],
    errors: &Errors,
) -> TokenStream {
    let mut collected = Collected::new(state, texts, errors);
    let name = &f.name;
    let owner = name.to_token_stream();
    let signature = check_signature(f, &mut collected);
    let (text, consts) = match signature {
        Ok(signature) if !collected.broken => {
            let registry = &collected.scope.registry;
            match registry.export_function(&signature) {
                Some((told, consts)) => {
                    let consts = consts.iter().map(|i| &registry.consts[*i]).enumerate();
                    (told.encode(), emit::unit::consts(&owner, consts))
                }
                None => (String::new(), TokenStream::new()),
            }
        }
        Ok(_) | Err(Reported) => (Signature::broken().encode(), TokenStream::new()),
    };
    let own = collect::item_macro(
        &[name],
        &hidden::item_macro(name, &state.id),
        &f.visibility,
        &text,
    );
    let plain = emit::function::at_once(f, &state.library);
    quote!(#plain #own #consts)
}

fn check_signature(f: &Function, collected: &mut Collected<'_>) -> Checked<signature::Function> {
    check::signature::declare(&mut collected.scope, &[], f)?;
    check::signature::function(&mut collected.scope, None, f)
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
    if collected.lacks_structs(f) {
        return TokenStream::new();
    }
    // What the signature has is reported by its own chain.
    let lowered = {
        let before = errors.count();
        let signature = check_signature(f, &mut collected);
        errors.truncate(before);
        signature.and_then(|signature| collected.lower(&signature, f))
    };
    match lowered {
        Ok(lowered) => {
            let registry = &collected.scope.registry;
            let signature = emit::function::declaration(f);
            let path = parse::name(name);
            let told = Some(signature.as_str());
            let unit = emit::unit::unit(&owner, &constant, &path, &lowered, told, library);
            let assertions = emit::unit::assertions(&lowered.assertions, registry, library);
            let uses = uses(&[f], library, &|p| collected.is_item(p));
            let lints = collected.lint(f, &lowered, &state.item);
            quote!(#unit #assertions #uses #lints)
        }
        Err(Reported) => emit::unit::broken(&owner, &constant, library),
    }
}
