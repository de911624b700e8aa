//! `let` patterns, and finding the expression that a block ends in.

use super::Lowerer;
use super::value::Val;
use crate::errors::{Checked, Reported};
use crate::messages;
use crate::parse::{self, TypeExpr};
use proc_macro2::TokenStream;
use quote::ToTokens;

impl Lowerer<'_, '_> {
    /// Binds a pattern to a value; where that fails, its names are known and broken.
    pub fn pattern(&mut self, pattern: &syn::Pat, val: Val) -> Checked<()> {
        let error = match pattern {
            syn::Pat::Ident(i) if i.by_ref.is_some() || i.subpat.is_some() => {
                messages::pattern(pattern)
            }
            syn::Pat::Ident(i) => {
                let mutable = i.mutability.is_some();
                self.locals.bind(&parse::name(&i.ident), val, mutable);
                return Ok(());
            }
            syn::Pat::Wild(_) => return Ok(()),
            syn::Pat::Paren(p) => return self.pattern(&p.pat, val),
            syn::Pat::Tuple(syn::PatTuple { elems, .. })
            | syn::Pat::Slice(syn::PatSlice { elems, .. }) => {
                let parts = match val {
                    Val::Tuple(parts) if parts.len() == elems.len() => parts,
                    Val::Broken => vec![Val::Broken; elems.len()],
                    other => {
                        let what = self.describe(&other);
                        self.break_names(pattern);
                        let error = messages::tuple_pattern(pattern, elems.len(), &what);
                        return Err(self.report(error));
                    }
                };
                let each = elems.iter().zip(parts);
                let bound: Vec<_> = each.map(|(p, v)| self.pattern(p, v)).collect();
                return bound.into_iter().collect();
            }
            other => messages::pattern(other),
        };
        self.break_names(pattern);
        Err(self.report(error))
    }

    /// Binds every name in a pattern to a broken value, so that their uses keep silent.
    pub fn break_names(&mut self, pattern: &syn::Pat) {
        struct Names(Vec<String>);
        impl<'a> syn::visit::Visit<'a> for Names {
            fn visit_pat_ident(&mut self, p: &'a syn::PatIdent) {
                self.0.push(parse::name(&p.ident));
                syn::visit::visit_pat_ident(self, p);
            }
        }
        let mut names = Names(Vec::new());
        syn::visit::Visit::visit_pat(&mut names, pattern);
        for name in names.0 {
            self.bind(&name, Val::Broken);
        }
    }

    /// A `let`.
    pub fn local(&mut self, local: &syn::Local) -> Checked<()> {
        let (pattern, ty) = match &local.pat {
            syn::Pat::Type(t) => (&*t.pat, Some(&*t.ty)),
            other => (other, None),
        };
        let Some(init) = &local.init else {
            self.break_names(pattern);
            return Err(self.report(messages::let_without_value(local)));
        };
        if let Some((token, _)) = &init.diverge {
            self.break_names(pattern);
            return Err(self.report(messages::let_else(token)));
        }
        if Self::is_empty_list(&init.expr) && ty.is_none() {
            let list = self.list();
            return self.pattern(pattern, list);
        }
        let val = match self.expression(&init.expr) {
            Ok(val) => val,
            Err(Reported) => {
                self.break_names(pattern);
                return Err(Reported);
            }
        };
        let val = match ty {
            None => val,
            Some(ty) => match self.annotated(val, ty, &init.expr) {
                Ok(val) => val,
                Err(Reported) => {
                    self.break_names(pattern);
                    return Err(Reported);
                }
            },
        };
        self.pattern(pattern, val)
    }

    /// Checks a value against the type that a `let` gives.
    fn annotated(&mut self, val: Val, ty: &syn::Type, expr: &syn::Expr) -> Checked<Val> {
        if matches!(ty, syn::Type::Infer(_)) {
            return Ok(val);
        }
        let written = parse::types::type_expr(ty, self.scope.errors)?;
        match written {
            TypeExpr::Tensor(t) => {
                let declared = self.scope.tensor(&t)?;
                let declared = self.equations.ty(&declared);
                let declared = declared.ok_or_else(|| self.overflow(parse::start(ty)))?;
                let value = self.tensor_of(val, Some(declared.dtype), &expr.to_token_stream())?;
                let found = self.builder.type_of(value).clone();
                let message = messages::let_type(expr, &found, &declared);
                self.same_type(&found, &declared, &message)?;
                Ok(Val::Tensor(value))
            }
            TypeExpr::Tuple(_) | TypeExpr::Struct(_) | TypeExpr::Array(..) => {
                Err(self.report(messages::let_annotation(ty)))
            }
        }
    }
}

/// The tokens of the expression that a block ends in; the block's own without one.
pub fn tail(block: &syn::Block) -> TokenStream {
    match block.stmts.last() {
        Some(syn::Stmt::Expr(syn::Expr::Block(b), None)) => tail(&b.block),
        Some(syn::Stmt::Expr(e, _)) => e.to_token_stream(),
        Some(other) => other.to_token_stream(),
        None => block.to_token_stream(),
    }
}

/// The tokens of one part, if they are a tuple's.
pub fn tuple_part(tokens: &TokenStream, i: usize) -> TokenStream {
    match syn::parse2::<syn::ExprTuple>(tokens.clone()) {
        Ok(tuple) => match tuple.elems.iter().nth(i) {
            Some(part) => part.to_token_stream(),
            None => tokens.clone(),
        },
        Err(_) => tokens.clone(),
    }
}
