//! Names that nothing uses: as written, by the scopes of Rust.

use super::{Lint, Warning};
use crate::messages;
use crate::parse::{self, Function};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
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

/// Sizes that a function declares and names nowhere, though the caller gives each a value. `item` is the
/// function, or the impl that it is a method of.
pub fn unused_symbols(f: &Function, item: &TokenStream) -> Vec<Warning> {
    let mut named = Vec::new();
    for c in &f.constraints {
        identifiers(c.written.clone(), &mut named);
    }
    let declared = of_function(&f.name, item.clone()).unwrap_or_default();
    identifiers(declared, &mut named);
    // One of them is the declaration.
    let uses = |s: &Ident| named.iter().filter(|n| *n == s).take(2).count();
    let unused = f.symbols.iter().filter(|s| uses(s) == 1);
    let unused = unused.filter(|s| !parse::name(s).starts_with('_'));
    let warning = |symbol: &Ident| Warning {
        lint: Lint::UnusedSymbol,
        message: messages::unused_symbol(symbol),
    };
    unused.map(warning).collect()
}

/// What stands behind `fn name`, up to the end of the body: in an impl inside of its braces.
fn of_function(name: &Ident, item: TokenStream) -> Option<TokenStream> {
    let mut words = item.into_iter().peekable();
    while let Some(word) = words.next() {
        match word {
            TokenTree::Ident(word) if word == "fn" => {
                if !matches!(words.peek(), Some(TokenTree::Ident(n)) if n == name) {
                    continue;
                }
                let mut out = Vec::new();
                while let Some(token) = words.next() {
                    let braces =
                        matches!(&token, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace);
                    out.push(token);
                    // Those of a dim in the result's type go on with `,` or `>`.
                    let of_type =
                        matches!(words.peek(), Some(TokenTree::Punct(p)) if p.as_char() != '#');
                    if braces && !of_type {
                        break;
                    }
                }
                return Some(out.into_iter().collect());
            }
            TokenTree::Group(g) if g.delimiter() == Delimiter::Brace => {
                if let Some(found) = of_function(name, g.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}

/// Every identifier, as often as it stands there.
fn identifiers(tokens: TokenStream, out: &mut Vec<Ident>) {
    for token in tokens {
        match token {
            TokenTree::Ident(i) => out.push(i),
            TokenTree::Group(g) => identifiers(g.stream(), out),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}
