//! Tokens to items: what stands where, nothing of what it means.
//!
//! `syn` reads the Rust grammar; these files turn the parts that carry dims and tensor types into the
//! few shapes the language has, and refuse the rest by name. Bodies stay `syn` expressions.

pub mod attributes;
pub mod dims;
pub mod enumeration;
pub mod function;
pub mod lenient;
pub mod options;
mod owner;
pub mod pytorch;
pub mod structure;
pub mod types;

use crate::errors::{Checked, Errors};
use crate::messages;
use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;

pub use attributes::is_cfg;
use attributes::no_cfg;
pub use dims::DimExpr;
use enumeration::Enumeration;
pub use function::Function;
pub use options::Options;
pub use structure::{Field, FieldKind, Structure};
pub use types::{StructType, TensorType, TypeExpr};

/// What `#[model]` may stand on.
pub enum Item {
    /// A function.
    Function(Box<Function>),
    /// A struct.
    Structure(Box<Structure>),
    /// An enum that models are configured by.
    Enumeration(Box<Enumeration>),
    /// The methods of a struct.
    Methods(Box<Methods>),
    /// An inline module.
    Module(Box<syn::ItemMod>),
}

/// An `impl` block.
pub struct Methods {
    /// Attributes of the block.
    pub attributes: Vec<syn::Attribute>,
    /// The symbols it declares.
    pub symbols: Vec<syn::Ident>,
    /// The struct.
    pub owner: StructType,
    /// Its methods.
    pub functions: Vec<Function>,
}

/// Reads an item.
pub fn item(tokens: TokenStream, options: Options, errors: &Errors) -> Checked<Item> {
    match errors.check(syn::parse2::<syn::Item>(tokens))? {
        syn::Item::Fn(f) => {
            let f = function::of_item(f, options, errors)?;
            Ok(Item::Function(Box::new(f)))
        }
        syn::Item::Struct(s) => {
            options.only(&["methods", "crate"], "a struct", errors)?;
            let s = structure::of_item(s, errors)?;
            Ok(Item::Structure(Box::new(s)))
        }
        syn::Item::Enum(e) => {
            options.only(&["methods", "crate"], "an enum", errors)?;
            let e = enumeration::of_item(e, errors)?;
            Ok(Item::Enumeration(Box::new(e)))
        }
        syn::Item::Impl(i) => {
            options.only(&["pub", "where", "allow", "crate"], "an impl", errors)?;
            let methods = methods(i, &options, errors)?;
            Ok(Item::Methods(Box::new(methods)))
        }
        syn::Item::Mod(m) if m.content.is_some() => {
            options.only(&["allow", "crate"], "a module", errors)?;
            Ok(Item::Module(Box::new(m)))
        }
        other => Err(errors.report(messages::wrong_item(&other))),
    }
}

fn methods(mut item: syn::ItemImpl, options: &Options, errors: &Errors) -> Checked<Methods> {
    if let Some((path, _)) = &item.trait_ {
        return Err(errors.report(messages::trait_impl(path, &item.self_ty)));
    }
    let symbols = symbols(&item.generics, errors)?;
    let owner = match types::type_expr(&item.self_ty, errors)? {
        TypeExpr::Struct(s) if !s.reference && !s.path.is_ident("Self") => s,
        _ => return Err(errors.report(messages::impl_of(&item.self_ty))),
    };
    let first = owner
        .path
        .segments
        .first()
        .filter(|_| owner.path.segments.len() > 1);
    if owner.path.segments.len() > 2 || first.is_some_and(|s| s.ident != "self") {
        return Err(errors.report(messages::impl_elsewhere(&owner.path)));
    }
    if let syn::Type::Path(p) = unwrapped(&item.self_ty) {
        let path = types::bare(&p.path);
        item.items.iter_mut().for_each(|i| owner::name(i, &path));
    }
    let mut functions = Vec::new();
    let mut bad = false;
    for part in item.items {
        match part {
            syn::ImplItem::Fn(f) => match function::of_method(f, options, errors) {
                Ok(f) => functions.push(f),
                Err(_) => bad = true,
            },
            other => {
                errors.report(messages::impl_part(&other));
                bad = true;
            }
        }
    }
    if bad {
        return Err(crate::errors::Reported);
    }
    Ok(Methods {
        attributes: attributes::in_front(item.attrs),
        symbols,
        owner,
        functions,
    })
}

/// A type without the groups and parentheses around it.
pub fn unwrapped(ty: &syn::Type) -> &syn::Type {
    match ty {
        syn::Type::Group(g) => unwrapped(&g.elem),
        syn::Type::Paren(p) => unwrapped(&p.elem),
        other => other,
    }
}

/// The symbols declared in `<...>`: plain names, once each.
fn symbols(generics: &syn::Generics, errors: &Errors) -> Checked<Vec<syn::Ident>> {
    let mut out: Vec<syn::Ident> = Vec::new();
    if let Some(clause) = &generics.where_clause {
        return Err(errors.report(messages::rust_where(clause)));
    }
    for param in &generics.params {
        if let syn::GenericParam::Type(t) = param {
            attributes::lints_only(&t.attrs, errors)?;
        }
        match param {
            syn::GenericParam::Type(t) if t.ident == "_" => {
                return Err(errors.report(messages::generic_parameter(param)));
            }
            syn::GenericParam::Type(t) if t.bounds.is_empty() && t.default.is_none() => {
                if out.contains(&t.ident) {
                    return Err(errors.report(messages::symbol_twice(&t.ident)));
                }
                out.push(t.ident.clone());
            }
            other => return Err(errors.report(messages::generic_parameter(other))),
        }
    }
    Ok(out)
}

/// Whether an attribute is this macro's own.
pub fn is_model(attribute: &syn::Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|s| s.ident == "model")
}

/// An identifier's name, without `r#`: what it is called in the IR and in messages.
pub fn name(ident: &syn::Ident) -> String {
    ident.unraw().to_string()
}

/// Where tokens start.
pub fn start<T: quote::ToTokens>(tokens: &T) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |t| t.span())
}
