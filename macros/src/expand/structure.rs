//! Structs: their signature, their own macro, and what belongs to the plain struct.

use super::collected::Collected;
use crate::check;
use crate::collect::{self, State};
use crate::emit;
use crate::emit::config::ChildSetting;
use crate::errors::{Errors, Reported};
use crate::hidden;
use crate::parse::{Options, Structure};
use crate::signature::{FieldKind, Known, Map, Registry, Signature, Struct};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use sinew_ir::Dim;

pub(super) fn expand(
    s: &Structure,
    options: &Options,
    state: &State,
    texts: &[String],
    errors: &Errors,
) -> TokenStream {
    let library = &state.library;
    let mut collected = Collected::new(state, texts, errors);
    let name = &s.name;
    let owner = name.to_token_stream();
    // The struct itself comes first in its signature: its place is kept.
    let marked = options.methods.is_some();
    let mut children = Vec::new();
    let (text, extra) = match check::signature::structure(&mut collected.scope, s, marked) {
        Ok(signature) if !collected.broken => {
            children = child_settings(&collected.scope.registry, &signature);
            let assertions =
                check::extents::assertions(&collected.scope, s, &signature).unwrap_or_default();
            let registry = std::mem::take(&mut collected.scope.registry);
            let assertions = emit::unit::assertions(&assertions, &registry, library);
            let assertions = match assertions.is_empty() {
                true => TokenStream::new(),
                false => quote!(const _: () = { #assertions };),
            };
            let registry = with_self(registry, signature, &s.name);
            let text = registry.export().map(|s| s.encode()).unwrap_or_default();
            let consts = emit::unit::consts(&owner, registry.consts.iter().enumerate());
            let routes = emit::unit::children(&owner, &registry, 0, library);
            (text, quote!(#consts #routes #assertions))
        }
        Ok(_) | Err(Reported) => (Signature::broken().encode(), TokenStream::new()),
    };
    let fields = hidden::fields_macro(name);
    // The struct's own name is its impl block's to give, where one comes.
    let (names, waits) = match marked {
        true => (
            vec![&fields],
            quote! {
                const _: () = {
                    fn __sinew_methods() { #library::__private::has_methods::<#owner>(); }
                };
            },
        ),
        false => (vec![&fields, name], TokenStream::new()),
    };
    let hidden = hidden::item_macro(&fields, &state.id);
    let own = collect::item_macro(&names, &hidden, &s.visibility, &text);
    let implementations = emit::structure::implementations(s, &children, library);
    quote!(#implementations #own #waits #extra)
}

/// For each field, what is configuration in the child that it holds.
fn child_settings(registry: &Registry, s: &Struct) -> Vec<Vec<ChildSetting>> {
    let of_field = |kind: &FieldKind| match kind {
        FieldKind::Child(child, ..) => {
            let fields = registry.structs[*child].signature.fields.iter();
            let settings = fields.filter_map(|f| match &f.kind {
                FieldKind::Setting(ty, default) => Some(ChildSetting {
                    name: f.name.clone(),
                    ty: *ty,
                    default: default.clone(),
                }),
                FieldKind::Param(_) | FieldKind::State(_) | FieldKind::Child(..) => None,
            });
            settings.collect()
        }
        FieldKind::Param(_) | FieldKind::State(_) | FieldKind::Setting(..) => Vec::new(),
    };
    s.fields.iter().map(|f| of_field(&f.kind)).collect()
}

/// The registry with a struct's own signature in front, positions moved along.
fn with_self(registry: Registry, signature: Struct, name: &Ident) -> Registry {
    let mut out = registry;
    let moved = Map {
        dim: &|d: &Dim| Some(d.clone()),
        structure: &|i| Some(i + 1),
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
        Known {
            signature,
            route,
            position: 0,
        },
    );
    out
}
