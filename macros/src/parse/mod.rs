//! Tokens to items: what stands where, nothing of what it means.
//!
//! `syn` reads the Rust grammar; these files turn the parts that carry dims and tensor types into the
//! few shapes the language has, and refuse the rest by name. Bodies stay `syn` expressions.

pub mod dims;
pub mod function;
pub mod options;
pub mod structure;
pub mod types;

use crate::errors::{Checked, Errors};
use crate::messages;
use proc_macro2::{Span, TokenStream};

pub use dims::DimExpr;
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
    pub of: StructType,
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
            let s = structure::of_item(s, errors)?;
            Ok(Item::Structure(Box::new(s)))
        }
        syn::Item::Impl(i) => Ok(Item::Methods(Box::new(methods(i, errors)?))),
        syn::Item::Mod(m) if m.content.is_some() => Ok(Item::Module(Box::new(m))),
        other => Err(errors.report(messages::wrong_item(&other))),
    }
}

fn methods(item: syn::ItemImpl, errors: &Errors) -> Checked<Methods> {
    if let Some((path, _)) = &item.trait_ {
        return Err(errors.report(messages::trait_impl(path)));
    }
    let symbols = symbols(&item.generics, errors)?;
    let of = match types::of(&item.self_ty, errors)? {
        TypeExpr::Struct(s) if !s.reference && !s.path.is_ident("Self") => s,
        _ => return Err(errors.report(messages::impl_of(&item.self_ty))),
    };
    let mut functions = Vec::new();
    let mut bad = false;
    for part in item.items {
        match part {
            syn::ImplItem::Fn(f) => match function::of_method(f, errors) {
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
        attributes: item.attrs,
        symbols,
        of,
        functions,
    })
}

/// The symbols declared in `<...>`: plain names, once each.
fn symbols(generics: &syn::Generics, errors: &Errors) -> Checked<Vec<syn::Ident>> {
    let mut out: Vec<syn::Ident> = Vec::new();
    if let Some(clause) = &generics.where_clause {
        return Err(errors.report(messages::rust_where(clause)));
    }
    for param in &generics.params {
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

/// `#[cfg]` inside an item reaches the macro unevaluated: refused where it would be lost.
fn no_cfg(attributes: &[syn::Attribute], errors: &Errors) -> Checked<()> {
    for a in attributes {
        if is_cfg(a) {
            return Err(errors.report(messages::inner_cfg(a)));
        }
    }
    Ok(())
}

/// Whether an attribute is `cfg` or `cfg_attr`.
pub fn is_cfg(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

/// Where tokens start.
pub fn start<T: quote::ToTokens>(tokens: &T) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |t| t.span())
}
