//! What stands in `#[model(...)]`.

use super::dims::{self, DimExpr};
use crate::errors::{Checked, Errors};
use crate::lints::Lint;
use crate::messages;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::Relation;
use syn::Token;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;

/// The arguments of the attribute.
#[derive(Default, Clone)]
pub struct Options {
    /// The words they start with, with the tokens to point to.
    written: Vec<(&'static str, TokenStream)>,
    /// `methods`: a `#[model] impl` of this struct follows.
    pub methods: Option<syn::Ident>,
    /// `pub`, `pub(crate)`, ..: how far the methods' signatures are seen.
    pub visibility: Option<syn::Visibility>,
    /// `where(..)`: relations between dims.
    pub constraints: Vec<ConstraintExpr>,
    /// `no_derivative`, `no_derivative = "why"`: it is never differentiated, and why.
    pub no_derivative: Option<String>,
    /// `allow(..)`: lints that are silent.
    pub allowed: Vec<Lint>,
    /// `vjp = path`: the function that is its derivative, in place of one that is derived.
    pub rule: Option<syn::Path>,
    /// `crate = path`: where the library is, when it is no dependency of this crate.
    pub library: Option<syn::Path>,
}

/// A relation between dims as written.
#[derive(Clone)]
pub struct ConstraintExpr {
    /// Left side.
    pub left: DimExpr,
    /// Relation, turned so that it is one of the three.
    pub relation: Relation,
    /// Right side.
    pub right: DimExpr,
    /// As written.
    pub written: TokenStream,
}

impl Options {
    /// Refuses all but those that `item` may have.
    pub fn only(&self, may: &[&str], item: &str, errors: &Errors) -> Checked<()> {
        match self.written.iter().find(|(word, _)| !may.contains(word)) {
            Some((word, at)) => Err(errors.report(messages::misplaced_option(at, word, item))),
            None => Ok(()),
        }
    }

    fn write(&mut self, word: &'static str, at: &impl ToTokens) -> syn::Result<()> {
        // Relations and lints may come in several lists.
        if !["where", "allow"].contains(&word)
            && self.written.iter().any(|(known, _)| *known == word)
        {
            return Err(messages::option_twice(at, word));
        }
        self.written.push((word, at.to_token_stream()));
        let both = ["vjp", "no_derivative"];
        let mut has = both
            .iter()
            .filter(|b| self.written.iter().any(|(w, _)| w == *b));
        match (has.next(), has.next()) {
            (Some(_), Some(_)) => Err(messages::rule_and_no_derivative(at)),
            (_, None) | (None, Some(_)) => Ok(()),
        }
    }
}

/// Reads the arguments of `#[model(...)]`.
pub fn read(tokens: TokenStream, errors: &Errors) -> Checked<Options> {
    errors.check(parse.parse2(tokens))
}

fn parse(input: ParseStream<'_>) -> syn::Result<Options> {
    let mut options = Options::default();
    while !input.is_empty() {
        if input.peek(Token![pub]) {
            let visibility: syn::Visibility = input.parse()?;
            options.write("pub", &visibility)?;
            options.visibility = Some(visibility);
        } else {
            let name = input.call(syn::Ident::parse_any)?;
            if name == "methods" {
                options.write("methods", &name)?;
                options.methods = Some(name);
            } else if name == "where" {
                options.write("where", &name)?;
                if !input.peek(syn::token::Paren) {
                    let rest: TokenStream = input.parse()?;
                    return Err(messages::where_without_parentheses(&name, &rest));
                }
                let inner;
                syn::parenthesized!(inner in input);
                let tokens: TokenStream = inner.parse()?;
                let list = Punctuated::<syn::Expr, Token![,]>::parse_terminated;
                let list = list.parse2(tokens.clone());
                for expr in &list.map_err(|_| messages::not_a_relation(&tokens))? {
                    options.constraints.push(constraint(expr)?);
                }
            } else if name == "no_derivative" {
                options.write("no_derivative", &name)?;
                let why = match input.parse::<Option<Token![=]>>()? {
                    Some(_) => input.parse::<syn::LitStr>()?.value(),
                    None => "it is declared without".to_string(),
                };
                options.no_derivative = Some(why);
            } else if name == "allow" {
                options.write("allow", &name)?;
                let inner;
                syn::parenthesized!(inner in input);
                for lint in Punctuated::<syn::Ident, Token![,]>::parse_terminated(&inner)? {
                    let known = Lint::find(&lint.to_string());
                    options
                        .allowed
                        .push(known.ok_or_else(|| messages::unknown_lint(&lint))?);
                }
            } else if name == "vjp" {
                options.write("vjp", &name)?;
                input.parse::<Token![=]>()?;
                options.rule = Some(input.call(syn::Path::parse_mod_style)?);
            } else if name == "crate" {
                options.write("crate", &name)?;
                input.parse::<Token![=]>()?;
                options.library = Some(input.parse()?);
            } else {
                return Err(messages::unknown_option(&name));
            }
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(options)
}

fn constraint(expr: &syn::Expr) -> syn::Result<ConstraintExpr> {
    let syn::Expr::Binary(b) = crate::names::unwrapped(expr) else {
        return Err(messages::not_a_relation(expr));
    };
    let (left, right) = (dims::of_expr(&b.left)?, dims::of_expr(&b.right)?);
    let (left, relation, right) = match b.op {
        syn::BinOp::Eq(_) => (left, Relation::Equal, right),
        syn::BinOp::Le(_) => (left, Relation::AtMost, right),
        syn::BinOp::Lt(_) => (left, Relation::Below, right),
        syn::BinOp::Ge(_) => (right, Relation::AtMost, left),
        syn::BinOp::Gt(_) => (right, Relation::Below, left),
        _ => return Err(messages::not_a_relation(expr)),
    };
    Ok(ConstraintExpr {
        left,
        relation,
        right,
        written: expr.to_token_stream(),
    })
}
