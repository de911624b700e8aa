//! A stand-in for rustc: expands items, resolves their chains by last names, collects errors.

use crate::{collect, expand, operations};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use std::collections::{HashMap, VecDeque};
use std::str::FromStr;

/// What a program expanded to.
#[derive(Default)]
pub struct Expanded {
    /// The text of every `compile_error!`.
    pub errors: Vec<String>,
    /// Macros that were called and are nowhere.
    pub missing: Vec<String>,
    /// The IR of every function, by name.
    pub ir: HashMap<String, String>,
    /// What each chain ended with.
    pub ends: Vec<TokenStream>,
    /// All emitted items.
    pub items: Vec<syn::Item>,
    /// What hidden macros pass on, by their names.
    pub told: HashMap<String, Vec<String>>,
}

/// An invocation that waits for its macro.
struct Call {
    name: String,
    tokens: TokenStream,
    aliases: HashMap<String, String>,
}

#[derive(Default)]
struct Rustc {
    out: Expanded,
    /// Signature texts by hidden macro name, then by item name.
    hidden: HashMap<String, Vec<String>>,
    names: HashMap<String, String>,
    waiting: VecDeque<Call>,
}

/// Expands `(arguments, item)` pairs as one crate.
pub fn expand(items: &[(TokenStream, TokenStream)]) -> Expanded {
    let mut rustc = Rustc::default();
    for (arguments, item) in items {
        let tokens = expand::attribute(arguments.clone(), item.clone());
        rustc.items(tokens, &HashMap::new());
    }
    rustc.settle();
    rustc.out.told = rustc.hidden;
    rustc.out
}

/// Expands the items of a source text, `#[model(..)]` in front of each.
pub fn expand_text(text: &str) -> Expanded {
    expand(&items_of(text))
}

/// The items of a source text with the arguments of their `#[model(..)]`.
pub fn items_of(text: &str) -> Vec<(TokenStream, TokenStream)> {
    let file = syn::parse_file(text).expect("the test's source is Rust");
    let mut out = Vec::new();
    for mut item in file.items {
        let attributes = match &mut item {
            syn::Item::Fn(f) => &mut f.attrs,
            syn::Item::Struct(s) => &mut s.attrs,
            syn::Item::Enum(e) => &mut e.attrs,
            syn::Item::Impl(i) => &mut i.attrs,
            syn::Item::Mod(m) => &mut m.attrs,
            other => panic!("no item of a model: {}", other.to_token_stream()),
        };
        let at = attributes
            .iter()
            .position(|a| a.path().is_ident("model"))
            .expect("every item of the test's source has #[model]");
        let arguments = match attributes.remove(at).meta {
            syn::Meta::List(list) => list.tokens,
            _ => TokenStream::new(),
        };
        // Through text, so that tokens have places of their own.
        let again = TokenStream::from_str(&item.to_token_stream().to_string());
        out.push((arguments, again.expect("tokens print as tokens")));
    }
    out
}

impl Rustc {
    fn items(&mut self, tokens: TokenStream, aliases: &HashMap<String, String>) {
        let text: String = tokens.to_string().chars().take(2000).collect();
        // What stands in a block may hold more than items.
        let statements = syn::parse::Parser::parse2(syn::Block::parse_within, tokens);
        let statements =
            statements.unwrap_or_else(|e| panic!("emitted code is no Rust: {e}\n{text}"));
        self.statements(&statements, &mut aliases.clone());
    }

    fn item(&mut self, item: syn::Item, aliases: &HashMap<String, String>) {
        match &item {
            syn::Item::Macro(m) => return self.call(m, aliases),
            syn::Item::Use(u) => self.import(u),
            syn::Item::Const(c) => {
                let mut inner = aliases.clone();
                if let syn::Expr::Block(b) = &*c.expr {
                    self.statements(&b.block.stmts, &mut inner);
                }
            }
            syn::Item::Impl(i) => self.ir(i),
            syn::Item::Mod(m) => {
                for inner in m.content.iter().flat_map(|(_, items)| items) {
                    let (arguments, item) = model(inner);
                    match arguments {
                        Some(arguments) => {
                            let tokens = expand::attribute(arguments, item);
                            self.items(tokens, aliases);
                        }
                        None => self.item(inner.clone(), aliases),
                    }
                }
            }
            _ => {}
        }
        self.out.items.push(item);
    }

    fn statements(&mut self, all: &[syn::Stmt], aliases: &mut HashMap<String, String>) {
        for s in all {
            match s {
                syn::Stmt::Item(i) => {
                    if let syn::Item::Use(u) = i {
                        alias(u, aliases);
                    }
                    self.item(i.clone(), aliases);
                }
                syn::Stmt::Macro(m) => self.invoke(&m.mac.path, m.mac.tokens.clone(), aliases),
                syn::Stmt::Expr(syn::Expr::Macro(m), _) => {
                    self.invoke(&m.mac.path, m.mac.tokens.clone(), aliases);
                }
                syn::Stmt::Expr(syn::Expr::Block(b), _) => {
                    self.statements(&b.block.stmts, aliases);
                }
                _ => {}
            }
        }
    }

    fn call(&mut self, m: &syn::ItemMacro, aliases: &HashMap<String, String>) {
        let tokens = m.mac.tokens.clone();
        match &m.ident {
            Some(name) => {
                self.hidden.insert(name.to_string(), literals(tokens));
            }
            None => self.invoke(&m.mac.path, tokens, aliases),
        }
    }

    fn invoke(&mut self, path: &syn::Path, tokens: TokenStream, aliases: &HashMap<String, String>) {
        let name = crate::signature::last(path);
        match name.as_str() {
            "compile_error" => {
                let text: syn::LitStr = syn::parse2(tokens).expect("a message");
                self.out.errors.push(text.value());
            }
            "finish" => {
                let out = expand::finish(tokens.clone());
                self.out.ends.push(tokens);
                self.items(out, &HashMap::new());
            }
            _ => self.waiting.push_back(Call {
                name,
                tokens,
                aliases: aliases.clone(),
            }),
        }
    }

    fn import(&mut self, u: &syn::ItemUse) {
        if let Some((from, to)) = rename(u)
            && self.hidden.contains_key(&from)
        {
            self.names.insert(to, from);
        }
    }

    fn ir(&mut self, i: &syn::ItemImpl) {
        let owner = i.self_ty.to_token_stream().to_string();
        for part in &i.items {
            if let syn::ImplItem::Const(c) = part
                && c.ident == crate::hidden::unit()
                && let Some(text) = unit_text(&c.expr)
                // That of a broken function has none.
                && !text.is_empty()
            {
                self.out.ir.insert(owner.clone(), text);
            }
        }
    }

    /// Expands what waits until nothing moves.
    fn settle(&mut self) {
        let mut stuck = 0;
        while let Some(call) = self.waiting.pop_front() {
            let real = call.aliases.get(&call.name).unwrap_or(&call.name);
            let texts = match self
                .names
                .get(real)
                .or(Some(real))
                .and_then(|h| self.hidden.get(h))
            {
                Some(texts) => texts.clone(),
                // A body's mention that is no item is caught by the fallback, once all else is done.
                None if stuck > self.waiting.len() && call.aliases.contains_key(&call.name) => {
                    let told = match operations::find(real) {
                        Some(_) => collect::OPERATION,
                        None => collect::NO_ITEM,
                    };
                    vec![told.to_string()]
                }
                None if stuck > 2 * self.waiting.len() + 2 => {
                    self.out.missing.push(call.name);
                    continue;
                }
                None => {
                    stuck += 1;
                    self.waiting.push_back(call);
                    continue;
                }
            };
            stuck = 0;
            let (path, tokens) = step(&call.tokens, &texts);
            self.invoke(&path, tokens, &call.aliases);
        }
    }
}

/// One step of a chain: the next macro and its input.
fn step(tokens: &TokenStream, texts: &[String]) -> (syn::Path, TokenStream) {
    let step = |input: syn::parse::ParseStream<'_>| {
        let path = input.call(syn::Path::parse_mod_style)?;
        input.parse::<syn::Token![,]>()?;
        Ok((path, input.parse::<TokenStream>()?))
    };
    let (path, rest) = syn::parse::Parser::parse2(step, tokens.clone()).expect("a chain's step");
    (path, quote!(#rest #(#texts)*))
}

/// The text in the static of a unit's constant.
fn unit_text(constant: &syn::Expr) -> Option<String> {
    let syn::Expr::Block(b) = constant else {
        return None;
    };
    let unit = b.block.stmts.iter().find_map(|s| match s {
        syn::Stmt::Item(syn::Item::Static(s)) => Some(&*s.expr),
        _ => None,
    });
    let Some(syn::Expr::Struct(unit)) = unit else {
        return None;
    };
    let is_text = |m: &syn::Member| matches!(m, syn::Member::Named(name) if name == "text");
    let text = unit.fields.iter().find(|f| is_text(&f.member))?;
    match &text.expr {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

/// The attribute of an item in an expanded module.
fn model(item: &syn::Item) -> (Option<TokenStream>, TokenStream) {
    let mut item = item.clone();
    let attributes = match &mut item {
        syn::Item::Fn(f) => &mut f.attrs,
        syn::Item::Struct(s) => &mut s.attrs,
        syn::Item::Enum(e) => &mut e.attrs,
        syn::Item::Impl(i) => &mut i.attrs,
        _ => return (None, item.to_token_stream()),
    };
    let is = |a: &syn::Attribute| a.path().segments.last().is_some_and(|s| s.ident == "model");
    let Some(at) = attributes.iter().position(is) else {
        return (None, item.to_token_stream());
    };
    let arguments = match attributes.remove(at).meta {
        syn::Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    (Some(arguments), item.to_token_stream())
}

fn alias(u: &syn::ItemUse, aliases: &mut HashMap<String, String>) {
    if let Some((from, to)) = rename(u) {
        aliases.insert(to, from);
    }
}

/// The last name of a `use .. as ..`, and what it becomes.
fn rename(u: &syn::ItemUse) -> Option<(String, String)> {
    let mut tree = &u.tree;
    loop {
        match tree {
            syn::UseTree::Path(p) => tree = &p.tree,
            syn::UseTree::Rename(r) => return Some((r.ident.to_string(), r.rename.to_string())),
            _ => return None,
        }
    }
}

/// Every string literal in a macro's definition: the texts it passes.
fn literals(tokens: TokenStream) -> Vec<String> {
    let mut out = Vec::new();
    for t in tokens {
        match t {
            proc_macro2::TokenTree::Group(g) => out.extend(literals(g.stream())),
            proc_macro2::TokenTree::Literal(l) => {
                if let Ok(s) = syn::parse_str::<syn::LitStr>(&l.to_string()) {
                    out.push(s.value());
                }
            }
            _ => {}
        }
    }
    out
}
