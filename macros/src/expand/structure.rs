//! Structs: their signature, their own macro, and what belongs to the plain struct.

use super::collected::Collected;
use crate::check::{self, scope};
use crate::collect::{self, State};
use crate::emit;
use crate::emit::config::{self, Inherited, Part, Value};
use crate::errors::{Errors, Reported};
use crate::hidden;
use crate::names;
use crate::parse::{self, Options, Structure};
use crate::signature::{Configured, Field, FieldKind, Known, Map, Registry, Signature, Struct};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use sinew_ir::{Dim, SymbolType};

/// What others see of a struct.
pub(super) fn expand_signature(
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
    let mut parts = as_written(s, &collected);
    let (text, extra) = match check::signature::structure(&mut collected.scope, s, marked) {
        Ok(signature) if !collected.broken => {
            parts = of_fields(&collected.scope.registry, &signature);
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
    let own = own_macro(name, &s.visibility, marked, &text, state);
    let configuration = emit::structure::configuration(s, &parts, library);
    quote!(#configuration #own #extra)
}

/// What the plain struct implements. It stands behind a chain of its own, which ends where a child is nothing
/// that has a signature, too.
pub(super) fn expand_body(
    s: &Structure,
    options: &Options,
    state: &State,
    texts: &[String],
) -> TokenStream {
    let library = &state.library;
    // The signature's chain reports what is wrong.
    let errors = Errors::default();
    let mut collected = Collected::new(state, texts, &errors);
    let written = as_written(s, &collected);
    if collected.lacks_items() {
        let configuration = emit::structure::configuration(s, &written, library);
        let broken = emit::structure::broken(s, library);
        return quote!(#configuration #broken);
    }
    let marked = options.methods.is_some();
    let parts = match check::signature::structure(&mut collected.scope, s, marked) {
        Ok(signature) if !collected.broken => of_fields(&collected.scope.registry, &signature),
        Ok(_) | Err(Reported) => written,
    };
    emit::structure::implementations(s, &parts, library)
}

/// What the fields are where the signature has errors.
fn as_written(s: &Structure, collected: &Collected<'_>) -> Vec<Part> {
    let mut parts = config::as_written(s);
    for (part, field) in parts.iter_mut().zip(&s.fields) {
        if let parse::FieldKind::Child(child, None) = &field.kind
            && let Some(variants) = collected.variants.get(&scope::key(&child.path))
        {
            *part = Part::Value(Value {
                ty: SymbolType::Size,
                variants: variants.clone(),
                default: None,
            });
        }
    }
    parts
}

/// The macro of a type that tells its signature. Where an impl block comes, the type's own name is that
/// block's to give.
pub(super) fn own_macro(
    name: &Ident,
    visibility: &syn::Visibility,
    marked: bool,
    text: &str,
    state: &State,
) -> TokenStream {
    let library = &state.library;
    let fields = hidden::fields_macro(name);
    let mut names = names::of_macro(&fields);
    let waits = match marked {
        true => quote! {
            const _: () = {
                fn __sinew_methods() { #library::__private::has_methods::<#name>(); }
            };
        },
        false => {
            names.extend(names::of_macro(name));
            TokenStream::new()
        }
    };
    let hidden = hidden::item_macro(&fields, &state.id);
    let own = collect::item_macro(&names, &hidden, visibility, text);
    quote!(#own #waits)
}

/// For each field, what it is for the configuration.
fn of_fields(registry: &Registry, s: &Struct) -> Vec<Part> {
    let is_value = |f: &&Field| registry.configured(&f.kind).is_some();
    let part = |f: &Field| match (&f.kind, value(registry, f)) {
        (_, Some(value)) => Part::Value(value),
        (FieldKind::Child(child, ..), None) => {
            let inner = registry.structs[*child].signature.fields.iter();
            let inner = inner.filter_map(|inner| {
                let mut beside = s.fields.iter().filter(is_value);
                let value = value(registry, inner)?;
                Some(match beside.position(|f| f.name == inner.name) {
                    Some(i) => Inherited::Beside(i),
                    None => Inherited::Default(value),
                })
            });
            Part::Child(inner.collect())
        }
        (FieldKind::Param(_) | FieldKind::State(_) | FieldKind::Setting(_), None) => Part::Leaf,
    };
    s.fields.iter().map(part).collect()
}

/// What a field is, if it is a value of the configuration.
fn value(registry: &Registry, f: &Field) -> Option<Value> {
    let (ty, variants) = match registry.configured(&f.kind)? {
        Configured::Plain(ty) => (ty, Vec::new()),
        Configured::Enum(position) => {
            let of = &registry.structs[position].signature;
            (SymbolType::Size, of.variants.clone())
        }
    };
    Some(Value {
        ty,
        variants,
        default: f.default.clone(),
    })
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
