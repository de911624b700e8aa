//! Names: which other items an item mentions, so that their signatures can be asked for.
//!
//! This decides nothing about what a name means: rustc resolves every path collected here as the user
//! wrote it, model items by their macros, and operations in emitted dead code. An operation is found by
//! the last name of a path that leads to no model item, so one that `use .. as` renames is not found.

use crate::hidden;
use crate::operations::{self, Operation};
use crate::parse::{self, Field, FieldKind, Function, TypeExpr};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::HashSet;
use syn::visit::Visit;

/// What a body mentions.
#[derive(Default)]
pub struct Mentions {
    /// Items whose signatures are asked for, each path once.
    pub items: Vec<syn::Path>,
    /// Called paths that end in an operation's name: theirs, or those of model functions called alike.
    pub operations: Vec<syn::Path>,
    /// The paths by which types in it name `Tensor`.
    pub tensors: Vec<syn::Path>,
    /// Fields of parameters, and of these, as they are written.
    pub fields: Vec<syn::ExprField>,
}

/// Adds a path that is not there yet.
pub fn add(items: &mut Vec<syn::Path>, path: &syn::Path) {
    if path.segments.first().is_some_and(|s| s.ident == "Self") {
        return;
    }
    let path = parse::types::bare(path);
    if !items.contains(&path) {
        items.push(path);
    }
}

/// The structs in a function's signature.
pub fn of_signature(function: &Function, items: &mut Vec<syn::Path>) {
    for p in &function.parameters {
        of_type(&p.ty, items);
    }
}

fn of_type(ty: &TypeExpr, items: &mut Vec<syn::Path>) {
    match ty {
        TypeExpr::Tensor(_) => {}
        TypeExpr::Struct(s) => add(items, &s.path),
        TypeExpr::Tuple(parts) => parts.iter().for_each(|p| of_type(p, items)),
        TypeExpr::Array(part, _) => of_type(part, items),
    }
}

/// The paths by which a function's signature names `Tensor`, each once.
pub fn tensors(function: &Function, paths: &mut Vec<syn::Path>) {
    fn add(ty: &TypeExpr, paths: &mut Vec<syn::Path>) {
        match ty {
            TypeExpr::Tensor(t) if !paths.contains(&t.path) => paths.push(t.path.clone()),
            TypeExpr::Tensor(_) | TypeExpr::Struct(_) => {}
            TypeExpr::Tuple(parts) => parts.iter().for_each(|p| add(p, paths)),
            TypeExpr::Array(part, _) => add(part, paths),
        }
    }
    for p in &function.parameters {
        add(&p.ty, paths);
    }
    add(&function.result, paths);
}

/// The structs in a struct's fields.
pub fn of_fields(fields: &[Field], items: &mut Vec<syn::Path>) {
    for f in fields {
        if let FieldKind::Child(s, _) = &f.kind {
            add(items, &s.path);
        }
    }
}

/// What the body of a function calls, its derivative that is written by hand, and the types its `let`s name.
pub fn of_body(function: &Function, mentions: &mut Mentions) {
    if let Some(rule) = &function.rule {
        add(&mut mentions.items, rule);
    }
    let parameters = function.parameters.iter().map(|p| parse::name(&p.name));
    let mut body = Body {
        scopes: vec![parameters.collect()],
        mentions,
    };
    body.visit_block(&function.body);
}

/// A walk through a body in the order and scopes of Rust: a name is a local one behind its `let` only.
struct Body<'m> {
    scopes: Vec<HashSet<String>>,
    mentions: &'m mut Mentions,
}

impl Body<'_> {
    fn scope(&mut self, inside: impl FnOnce(&mut Self)) {
        self.scopes.push(HashSet::new());
        inside(self);
        self.scopes.pop();
    }

    fn is_local(&self, name: &syn::Ident) -> bool {
        let name = parse::name(name);
        self.scopes.iter().any(|s| s.contains(&name))
    }

    fn callee(&mut self, path: &syn::Path) {
        if path.get_ident().is_some_and(|name| self.is_local(name)) {
            return;
        }
        match callee(path) {
            Callee::Operation(name) => {
                add(&mut self.mentions.operations, &name.clone().into());
                add(&mut self.mentions.items, &asked(name).into());
            }
            Callee::Method(owner, _) => add(&mut self.mentions.items, &owner),
            Callee::Function(path) => {
                if operation(&path).is_some() {
                    add(&mut self.mentions.operations, &path);
                }
                add(&mut self.mentions.items, &path);
            }
            Callee::Foreign => {}
        }
    }
}

/// The variable whose field, or field's field, this is.
pub fn root(field: &syn::ExprField) -> Option<&syn::Ident> {
    let mut base = &*field.base;
    loop {
        match base {
            syn::Expr::Field(field) => base = &field.base,
            syn::Expr::Path(p) => return p.path.get_ident(),
            _ => return None,
        }
    }
}

impl<'a> Visit<'a> for Body<'_> {
    fn visit_expr_field(&mut self, field: &'a syn::ExprField) {
        let is_parameter = |name: &syn::Ident| {
            let name = parse::name(name);
            // The outermost scope is that of the parameters.
            self.scopes.iter().rposition(|s| s.contains(&name)) == Some(0)
        };
        match root(field) {
            Some(name) if is_parameter(name) => {
                if !self.mentions.fields.contains(field) {
                    self.mentions.fields.push(field.clone());
                }
            }
            Some(_) => {}
            None => syn::visit::visit_expr_field(self, field),
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(parse::name(&pattern.ident));
        }
        syn::visit::visit_pat_ident(self, pattern);
    }

    fn visit_block(&mut self, block: &'a syn::Block) {
        self.scope(|body| syn::visit::visit_block(body, block));
    }

    fn visit_local(&mut self, local: &'a syn::Local) {
        // The value before the name: `let logits = logits(m, x);` calls the function.
        if let Some(init) = &local.init {
            self.visit_local_init(init);
        }
        if let syn::Pat::Type(typed) = &local.pat {
            types(&typed.ty, &mut self.mentions.tensors);
        }
        self.visit_pat(&local.pat);
    }

    fn visit_expr_closure(&mut self, closure: &'a syn::ExprClosure) {
        self.scope(|body| syn::visit::visit_expr_closure(body, closure));
    }

    fn visit_arm(&mut self, arm: &'a syn::Arm) {
        self.scope(|body| syn::visit::visit_arm(body, arm));
    }

    fn visit_expr_if(&mut self, e: &'a syn::ExprIf) {
        self.scope(|body| syn::visit::visit_expr_if(body, e));
    }

    fn visit_expr_while(&mut self, e: &'a syn::ExprWhile) {
        self.scope(|body| syn::visit::visit_expr_while(body, e));
    }

    fn visit_expr_for_loop(&mut self, e: &'a syn::ExprForLoop) {
        self.visit_expr(&e.expr);
        self.scope(|body| {
            body.visit_pat(&e.pat);
            body.visit_block(&e.body);
        });
    }

    fn visit_item(&mut self, _: &'a syn::Item) {
        // No items stand in a body: what one would call is never asked for.
    }

    fn visit_expr_call(&mut self, call: &'a syn::ExprCall) {
        if let syn::Expr::Path(p) = unwrapped(&call.func)
            && p.qself.is_none()
        {
            self.callee(&p.path);
        }
        syn::visit::visit_expr_call(self, call);
    }
}

/// The paths by which a type names `Tensor`, each once.
fn types(ty: &syn::Type, paths: &mut Vec<syn::Path>) {
    match ty {
        syn::Type::Paren(p) => types(&p.elem, paths),
        syn::Type::Group(g) => types(&g.elem, paths),
        syn::Type::Tuple(t) => t.elems.iter().for_each(|e| types(e, paths)),
        syn::Type::Path(p) if p.qself.is_none() && parse::types::is_tensor(&p.path) => {
            let path = parse::types::bare(&p.path);
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        _ => {}
    }
}

/// Without the groups and parentheses around it.
pub fn unwrapped(e: &syn::Expr) -> &syn::Expr {
    match e {
        syn::Expr::Group(g) => unwrapped(&g.expr),
        syn::Expr::Paren(p) => unwrapped(&p.expr),
        other => other,
    }
}

/// What a called path looks like.
pub enum Callee<'a> {
    /// `Type::method`: the type's path, the method.
    Method(syn::Path, &'a syn::Ident),
    /// The plain name of an operation that the prelude brings: a function of the user's own that is called so
    /// would be ambiguous to an import, and is asked for by its second name.
    Operation(&'a syn::Ident),
    /// Any other path. One that ends in an operation's name means that operation where no model item
    /// is found along it.
    Function(syn::Path),
    /// Something of Rust's own that no path of an import leads to: no model function for sure.
    Foreign,
}

/// The name that a chain asks for a function of this one by.
pub fn asked(name: &syn::Ident) -> syn::Ident {
    match operations::in_prelude(&parse::name(name)) {
        true => hidden::second_name(name),
        false => name.clone(),
    }
}

/// The types that the prelude brings, but for those that stand for tensors: a type of the user's own may be called so.
const PRELUDE_TYPES: &[&str] = &[
    "Linear",
    "Model",
    "Adam",
    "AdamW",
    "Sgd",
    "Device",
    "Precision",
    "Shared",
];

/// The layers that a program imports by name, those of the library's `nn` but for what the prelude brings.
pub const LAYERS: &[&str] = &[
    "Activation",
    "BatchNorm1d",
    "BatchNorm2d",
    "BiGru",
    "BiLstm",
    "BiRnn",
    "Bilinear",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "DotProductAttention",
    "Dropout",
    "Embedding",
    "GroupNorm",
    "Gru",
    "GruCell",
    "InstanceNorm",
    "KeyValueCache",
    "LayerNorm",
    "LayerNormNoAffine",
    "LearnedPositions",
    "LinearNoBias",
    "Lstm",
    "LstmCell",
    "MaxPool2d",
    "Mlp",
    "MultiHeadAttention",
    "MultiHeadAttentionNoBias",
    "PaddedEmbedding",
    "ResidualBlock",
    "RmsNorm",
    "Rnn",
    "RnnCell",
    "TransformerBlock",
];

/// Whether the prelude brings a type of this name.
pub fn is_type_of_prelude(name: &str) -> bool {
    PRELUDE_TYPES.contains(&name)
}

/// The names that the macro of a user's type has.
pub fn of_macro(name: &syn::Ident) -> Vec<syn::Ident> {
    match is_type_of_prelude(&hidden::of_fields(&parse::name(name))) {
        true => vec![name.clone(), hidden::second_name(name)],
        false => vec![name.clone()],
    }
}

/// Sorts a called path. Types are told from modules by their capital letter.
pub fn callee(path: &syn::Path) -> Callee<'_> {
    if let Some(name) = path.get_ident()
        && operations::in_prelude(&parse::name(name))
    {
        return Callee::Operation(name);
    }
    let segments: Vec<&syn::Ident> = path.segments.iter().map(|s| &s.ident).collect();
    let text = |ident: &syn::Ident| parse::name(ident);
    match segments.as_slice() {
        [first, _, ..] if parse::types::is_primitive(first) => Callee::Foreign,
        [.., owner, method] if text(owner).starts_with(char::is_uppercase) => {
            let mut parent = parse::types::bare(path);
            parent.segments.pop();
            // `a::B::` would leave a trailing `::`.
            parent.segments.pop_punct();
            Callee::Method(parent, method)
        }
        [.., last] if parse::function::std_macro(&text(last)) || is_keyword(last) => {
            Callee::Foreign
        }
        _ => Callee::Function(parse::types::bare(path)),
    }
}

/// Whether it is a word of Rust's that no item is called by: a path may end in `crate` or `self`.
pub fn is_keyword(name: &syn::Ident) -> bool {
    syn::parse2::<syn::Ident>(name.to_token_stream()).is_err()
}

/// The operation whose name a path ends in.
pub fn operation(path: &syn::Path) -> Option<&'static Operation> {
    operations::find(&parse::name(&path.segments.last()?.ident))
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
