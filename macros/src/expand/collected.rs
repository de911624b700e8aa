//! What a chain brought to an item.

use super::twins;
use crate::check::{Scope, scope};
use crate::collect::{NO_ITEM, OPERATION, State};
use crate::errors::{Checked, Errors};
use crate::lower::{self, Lowered, Mention};
use crate::parse::Function;
use crate::signature::{self, Signature, Struct};
use crate::{emit, hidden, lints, messages, names};
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use std::collections::HashMap;

/// What a chain brought, in a scope.
pub(super) struct Collected<'e> {
    pub(super) scope: Scope<'e>,
    pub(super) mentions: HashMap<String, Mention>,
    /// Whether something in it has errors of its own.
    pub(super) broken: bool,
    /// The variants of enums that have.
    pub(super) variants: HashMap<String, Vec<String>>,
}

impl<'e> Collected<'e> {
    /// What the texts of a chain say.
    pub(super) fn new(state: &State, texts: &[String], errors: &'e Errors) -> Self {
        let mut scope = Scope::new(&state.id, errors);
        names::identifiers(state.item.clone(), &mut scope.registry.taken);
        let mut mentions = HashMap::new();
        let mut broken = false;
        let mut variants = HashMap::new();
        for (path, text) in state.mentions.iter().zip(texts) {
            let path = &hidden::meant(path);
            let key = scope::key(path);
            if text == NO_ITEM {
                mentions.insert(key, Mention::NoItem);
                continue;
            }
            if text == OPERATION {
                mentions.insert(key, Mention::Operation);
                continue;
            }
            let told = Signature::decode(text);
            if let Some(Signature {
                broken: true,
                structs,
                ..
            }) = &told
                && let Some(of) = structs.first().filter(|s| s.is_enum())
            {
                variants.insert(key.clone(), of.variants.clone());
            }
            let told = told.filter(|s| !s.broken);
            let is_twice = |s: &Struct| twins::is_twice(&s.name, &s.at);
            let twice = told
                .as_ref()
                .and_then(|s| s.structs.first())
                .is_some_and(is_twice);
            let imported = told.and_then(|s| scope.registry.import(&s, path));
            let imported = imported.filter(|i| i.function.is_some() || !twice);
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
        Collected {
            scope,
            mentions,
            broken,
            variants,
        }
    }

    /// Whether a path leads to a model item.
    pub(super) fn is_item(&self, path: &syn::Path) -> bool {
        match self.mentions.get(&scope::key(path)) {
            Some(Mention::Operation | Mention::NoItem) | None => false,
            Some(Mention::Function(_) | Mention::Struct(_) | Mention::Broken) => true,
        }
    }

    /// Whether a name is that of another item in front of this one, as rustc tells: what is emitted for the name
    /// is that item's.
    pub(super) fn is_second(&self, name: &Ident) -> bool {
        match self.mentions.get(&scope::key(&name.clone().into())) {
            Some(Mention::Function(known)) => known.id != self.scope.id,
            Some(Mention::Struct(_) | Mention::Broken) => true,
            Some(Mention::NoItem | Mention::Operation) | None => false,
        }
    }

    /// Whether a signature names something that is no model item: then nothing of it was emitted.
    pub(super) fn lacks_structs(&self, f: &Function) -> bool {
        let mut paths = Vec::new();
        names::of_signature(f, &mut paths);
        let lacks =
            |p: &syn::Path| matches!(self.mentions.get(&scope::key(p)), Some(Mention::NoItem));
        paths.iter().any(lacks)
    }

    /// Whether anything that was asked for is no model item.
    pub(super) fn lacks_items(&self) -> bool {
        self.mentions.values().any(|m| matches!(m, Mention::NoItem))
    }

    /// Lowers a body; what fails has a reason that is reported, here or by an item it mentions.
    pub(super) fn lower(
        &mut self,
        signature: &signature::Function,
        f: &Function,
    ) -> Checked<Lowered> {
        let errors = self.scope.errors;
        let before = errors.count();
        let lowered = lower::function(&mut self.scope, &self.mentions, signature, f);
        if lowered.is_err() && errors.count() == before && !self.broken {
            errors.report(messages::unexplained(f.span()));
        }
        lowered
    }

    /// What lints say of a function that was lowered.
    pub(super) fn lint(&self, f: &Function, lowered: &Lowered, item: &TokenStream) -> TokenStream {
        let mut found = lowered.warnings.clone();
        found.extend(lints::softmax(lowered));
        found.extend(lints::unused_symbols(f, item));
        let warnings = emit::warnings::warnings(&found, &f.allowed);
        let unused = emit::warnings::unused(&lints::unused_names(f), f);
        quote!(#warnings #unused)
    }
}
