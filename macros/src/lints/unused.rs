//! Names that nothing uses: as written, by the scopes of Rust.

use super::{Lint, Warning};
use crate::messages;
use crate::names;
use crate::parse::{self, Function};
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use std::collections::HashSet;
use syn::visit::Visit;

/// Parameters and variables that a body does not use, but for those that start with `_`.
pub fn unused_names(f: &Function) -> Vec<Ident> {
    let mut body = Body::default();
    body.scope(|body| {
        for p in &f.parameters {
            match &p.pattern {
                Some(pattern) => body.visit_pat(pattern),
                None => body.bind(&p.name),
            }
        }
        body.visit_block(&f.body);
    });
    body.unused
}

struct Binding {
    name: Ident,
    used: bool,
}

/// A walk through a body in the order and scopes of Rust.
#[derive(Default)]
struct Body {
    scopes: Vec<Vec<Binding>>,
    unused: Vec<Ident>,
}

impl Body {
    fn scope(&mut self, inside: impl FnOnce(&mut Self)) {
        self.scopes.push(Vec::new());
        inside(self);
        let gone = self.scopes.pop().into_iter().flatten();
        let unused = gone.filter(|b| !b.used && !parse::name(&b.name).starts_with('_'));
        self.unused.extend(unused.map(|b| b.name));
    }

    fn bind(&mut self, name: &Ident) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(Binding {
                name: name.clone(),
                used: false,
            });
        }
    }

    fn use_name(&mut self, name: &Ident) {
        let bindings = self
            .scopes
            .iter_mut()
            .rev()
            .flat_map(|s| s.iter_mut().rev());
        if let Some(binding) = bindings.into_iter().find(|b| b.name == *name) {
            binding.used = true;
        }
    }
}

impl<'a> Visit<'a> for Body {
    fn visit_expr_path(&mut self, e: &'a syn::ExprPath) {
        if let Some(name) = e.path.get_ident() {
            self.use_name(name);
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        self.bind(&pattern.ident);
    }

    fn visit_block(&mut self, block: &'a syn::Block) {
        self.scope(|body| syn::visit::visit_block(body, block));
    }

    fn visit_local(&mut self, local: &'a syn::Local) {
        if let Some(init) = &local.init {
            self.visit_local_init(init);
        }
        // A level of a lint on the statement is the user's own word on it.
        match local.attrs.is_empty() {
            true => self.visit_pat(&local.pat),
            false => {
                let mut quiet = Body::default();
                quiet.scopes.push(Vec::new());
                quiet.visit_pat(&local.pat);
                for binding in quiet.scopes.into_iter().flatten() {
                    self.bind(&binding.name);
                    self.use_name(&binding.name);
                }
            }
        }
    }

    fn visit_expr_closure(&mut self, closure: &'a syn::ExprClosure) {
        self.scope(|body| syn::visit::visit_expr_closure(body, closure));
    }

    fn visit_expr_for_loop(&mut self, e: &'a syn::ExprForLoop) {
        self.visit_expr(&e.expr);
        self.scope(|body| {
            body.visit_pat(&e.pat);
            body.visit_block(&e.body);
        });
    }

    fn visit_arm(&mut self, arm: &'a syn::Arm) {
        // What stands in a pattern of configuration is compared, and bound to nothing.
        self.visit_expr(&arm.body);
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// Sizes that a function declares and names nowhere, though the caller gives each a value.
pub fn unused_symbols(f: &Function, item: &TokenStream) -> Vec<Warning> {
    let mut named = HashSet::new();
    let attributes = f.constraints.iter().map(|c| c.written.clone());
    attributes.for_each(|c| names::identifiers(c, &mut named));
    if let Some((inputs, output, block)) = parts(f, item) {
        for part in [inputs, output, block] {
            names::identifiers(part, &mut named);
        }
    } else {
        return Vec::new();
    }
    let unused = f.symbols.iter().filter(|s| !named.contains(&s.to_string()));
    let unused = unused.filter(|s| !parse::name(s).starts_with('_'));
    let warning = |symbol: &Ident| Warning {
        lint: Lint::UnusedSymbol,
        message: messages::unused_symbol(symbol),
    };
    unused.map(warning).collect()
}

/// The parameters, the result and the body of a function or of the method of its name.
fn parts(f: &Function, item: &TokenStream) -> Option<(TokenStream, TokenStream, TokenStream)> {
    let of = |signature: &syn::Signature, block: &syn::Block| {
        (
            signature.inputs.to_token_stream(),
            signature.output.to_token_stream(),
            block.to_token_stream(),
        )
    };
    match syn::parse2::<syn::Item>(item.clone()).ok()? {
        syn::Item::Fn(item) => Some(of(&item.sig, &item.block)),
        syn::Item::Impl(item) => item.items.iter().find_map(|part| match part {
            syn::ImplItem::Fn(m) if m.sig.ident == f.name => Some(of(&m.sig, &m.block)),
            _ => None,
        }),
        _ => None,
    }
}
