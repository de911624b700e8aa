//! The names an item's types are written in: its symbols, Rust consts, and structs.

use super::relation;
use crate::errors::{Checked, Errors, Reported};
use crate::messages;
use crate::parse::{self, DimExpr, StructType, TensorType};
use crate::signature::Registry;
use sinew_ir::{Dim, Shape, Symbol, SymbolKind, Type};
use std::collections::HashMap;

/// What dims and types of one item are resolved against.
pub struct Scope<'e> {
    /// Where errors go.
    pub errors: &'e Errors,
    /// Consts and structs.
    pub registry: Registry,
    /// What tells the item from others.
    pub id: String,
    /// Declared symbols.
    pub symbols: Vec<(Symbol, SymbolKind)>,
    /// Positions in the registry of the structs that paths name, by the path's text.
    pub structs: HashMap<String, usize>,
    /// The struct of the impl block the item stands in, with its dims there.
    pub owner: Option<(usize, Vec<Dim>)>,
}

/// A path as a key.
pub fn key(path: &syn::Path) -> String {
    quote::quote!(#path).to_string()
}

impl<'e> Scope<'e> {
    /// The scope of the item `id`, nothing in it yet.
    pub fn new(id: &str, errors: &'e Errors) -> Self {
        Scope {
            errors,
            registry: Registry::default(),
            id: id.to_string(),
            symbols: Vec::new(),
            structs: HashMap::new(),
            owner: None,
        }
    }

    /// What a symbol called `name` is.
    pub fn symbol(&self, name: &str) -> Option<SymbolKind> {
        let found = self.symbols.iter().find(|(s, _)| s.name() == name);
        found.map(|(_, kind)| *kind)
    }

    /// The dim that a path names.
    pub fn name(&mut self, path: &syn::Path) -> syn::Result<Dim> {
        if let Some(ident) = path.get_ident() {
            let name = parse::name(ident);
            match self.symbol(&name) {
                Some(SymbolKind::Sequence) => return Err(messages::sequence_as_dim(ident)),
                Some(SymbolKind::Value(..)) => return Ok(Dim::symbol(&name)),
                None if !name.starts_with(char::is_uppercase) => {
                    return Err(messages::unknown_symbol(ident, &self.symbols));
                }
                None => {}
            }
        }
        Ok(self.registry.own_const(path, &self.id))
    }

    /// A dim.
    pub fn dim(&mut self, dim: &DimExpr) -> Checked<Dim> {
        let resolved = dim.resolve(&mut |path| self.name(path));
        self.resolved(dim, resolved)
    }

    /// What a dim came out as, if it may be an extent.
    pub fn resolved(&self, dim: &DimExpr, resolved: syn::Result<Dim>) -> Checked<Dim> {
        let errors = self.errors;
        let resolved = errors.check(resolved)?;
        if relation::is_great(&resolved) {
            return Err(errors.report(messages::dim_arithmetic(dim.span())));
        }
        if resolved.as_constant().is_some_and(|v| v < 0) {
            return Err(errors.report(messages::negative_dim(dim.span(), &resolved)));
        }
        Ok(resolved)
    }

    /// Several dims; every error in them is collected.
    pub fn dims(&mut self, dims: &[DimExpr]) -> Checked<Vec<Dim>> {
        let all: Vec<_> = dims.iter().map(|d| self.dim(d)).collect();
        all.into_iter().collect()
    }

    /// A tensor type.
    pub fn tensor(&mut self, written: &TensorType) -> Checked<Type> {
        let sequence = match &written.sequence {
            None => None,
            Some(ident) => match self.symbol(&parse::name(ident)) {
                Some(SymbolKind::Sequence) => Some(Symbol::new(&parse::name(ident))),
                Some(SymbolKind::Value(..)) => {
                    return Err(self.errors.report(messages::size_as_sequence(ident)));
                }
                None => {
                    return Err(self
                        .errors
                        .report(messages::unknown_symbol(ident, &self.symbols)));
                }
            },
        };
        let dims = self.dims(&written.dims)?;
        Ok(Type::new(written.dtype, Shape { sequence, dims }))
    }

    /// A struct at its dims: its position in the registry, and the dims.
    pub fn structure(&mut self, written: &StructType) -> Checked<(usize, Vec<Dim>)> {
        if written.path.is_ident("Self") {
            return match (&self.owner, written.dims.is_empty()) {
                (Some(owner), true) => Ok(owner.clone()),
                _ => Err(self.errors.report(messages::self_type(&written.path))),
            };
        }
        let Some(position) = self.structs.get(&key(&written.path)).copied() else {
            // Its chain has already said why it is missing.
            return Err(Reported);
        };
        let signature = &self.registry.structs[position].signature;
        if signature.told && signature.symbols.len() != written.dims.len() {
            let error = messages::struct_dims(written, signature);
            return Err(self.errors.report(error));
        }
        Ok((position, self.dims(&written.dims)?))
    }
}
