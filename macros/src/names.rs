//! Names: which other items an item mentions, so that their signatures can be asked for.
//!
//! This decides nothing about what a name means: rustc resolves every path collected here as the user
//! wrote it, and the operations' names are checked by rustc in emitted dead code.

use crate::lower::operations;
use crate::parse::{Field, FieldKind, Function, TypeExpr};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::HashSet;
use syn::visit::Visit;

/// What a body mentions.
#[derive(Default)]
pub struct Mentions {
    /// Items whose signatures are asked for, each path once.
    pub items: Vec<syn::Path>,
    /// Operations called by plain name.
    pub operations: Vec<syn::Ident>,
}

/// Adds a path that is not there yet.
pub fn add(items: &mut Vec<syn::Path>, path: &syn::Path) {
    if path.segments.first().is_some_and(|s| s.ident == "Self") {
        return;
    }
    let path = crate::parse::types::bare(path);
    if !items.contains(&path) {
        items.push(path);
    }
}

/// The structs in a function's signature.
pub fn of_signature(function: &Function, items: &mut Vec<syn::Path>) {
    for p in &function.parameters {
        of_type(&p.of, items);
    }
}

fn of_type(of: &TypeExpr, items: &mut Vec<syn::Path>) {
    match of {
        TypeExpr::Tensor(_) => {}
        TypeExpr::Struct(s) => add(items, &s.path),
        TypeExpr::Tuple(parts) => parts.iter().for_each(|p| of_type(p, items)),
    }
}

/// The paths by which a function's signature names `Tensor`, each once.
pub fn tensors(function: &Function, paths: &mut Vec<syn::Path>) {
    fn add(of: &TypeExpr, paths: &mut Vec<syn::Path>) {
        match of {
            TypeExpr::Tensor(t) if !paths.contains(&t.path) => paths.push(t.path.clone()),
            TypeExpr::Tensor(_) | TypeExpr::Struct(_) => {}
            TypeExpr::Tuple(parts) => parts.iter().for_each(|p| add(p, paths)),
        }
    }
    for p in &function.parameters {
        add(&p.of, paths);
    }
    add(&function.result, paths);
}

/// The structs in a struct's fields.
pub fn of_fields(fields: &[Field], items: &mut Vec<syn::Path>) {
    for f in fields {
        if let FieldKind::Child(s) = &f.kind {
            add(items, &s.path);
        }
    }
}

/// What the body of a function calls.
pub fn of_body(function: &Function, mentions: &mut Mentions) {
    let mut locals = Locals::default();
    for p in &function.parameters {
        locals.0.insert(p.name.to_string());
    }
    locals.visit_block(&function.body);
    let mut calls = Calls {
        locals: locals.0,
        mentions,
    };
    calls.visit_block(&function.body);
}

/// Every name that a pattern in the body binds.
#[derive(Default)]
struct Locals(HashSet<String>);

impl<'a> Visit<'a> for Locals {
    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        self.0.insert(pattern.ident.to_string());
    }
}

struct Calls<'m> {
    locals: HashSet<String>,
    mentions: &'m mut Mentions,
}

impl<'a> Visit<'a> for Calls<'_> {
    fn visit_expr_call(&mut self, call: &'a syn::ExprCall) {
        if let syn::Expr::Path(p) = &*call.func
            && p.qself.is_none()
        {
            match callee(&p.path) {
                Callee::Operation(name) if !self.locals.contains(&name.to_string()) => {
                    if !self.mentions.operations.iter().any(|o| o == name) {
                        self.mentions.operations.push(name.clone());
                    }
                }
                Callee::Method(of, _) => add(&mut self.mentions.items, &of),
                Callee::Function(path) => {
                    let local = path
                        .get_ident()
                        .is_some_and(|i| self.locals.contains(&i.to_string()));
                    if !local {
                        add(&mut self.mentions.items, &path);
                    }
                }
                Callee::Operation(_) | Callee::Foreign => {}
            }
        }
        syn::visit::visit_expr_call(self, call);
    }
}

/// What a called path looks like.
pub enum Callee<'a> {
    /// A plain name in the table of operations.
    Operation(&'a syn::Ident),
    /// `Type::method`: the type's path, the method.
    Method(syn::Path, &'a syn::Ident),
    /// Any other path.
    Function(syn::Path),
    /// Something of the standard library: no model function for sure.
    Foreign,
}

/// Sorts a called path. Types are told from modules by their capital letter.
pub fn callee(path: &syn::Path) -> Callee<'_> {
    if let Some(name) = path.get_ident()
        && operations::find(&name.to_string()).is_some()
    {
        return Callee::Operation(name);
    }
    let segments: Vec<&syn::Ident> = path.segments.iter().map(|s| &s.ident).collect();
    let foreign = [
        "std", "core", "alloc", "f32", "f64", "i32", "u32", "i64", "usize", "String", "Vec",
        "Some", "Ok", "Err", "Box",
    ];
    if segments
        .first()
        .is_some_and(|s| foreign.iter().any(|f| s == f))
    {
        return Callee::Foreign;
    }
    if let [.., of, method] = segments.as_slice()
        && of.to_string().starts_with(char::is_uppercase)
    {
        let mut parent = crate::parse::types::bare(path);
        parent.segments.pop();
        // `a::B::` would leave a trailing `::`.
        parent.segments.pop_punct();
        return Callee::Method(parent, method);
    }
    if let [name] = segments.as_slice()
        && crate::parse::function::std_macro(&name.to_string())
    {
        return Callee::Foreign;
    }
    Callee::Function(crate::parse::types::bare(path))
}

/// Every identifier in some tokens.
pub fn identifiers(tokens: TokenStream, out: &mut HashSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(i) => {
                out.insert(i.to_string());
            }
            TokenTree::Group(g) => identifiers(g.stream(), out),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}
