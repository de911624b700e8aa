//! Dim expressions: literals, names, and arithmetic in braces.

use crate::messages;
use proc_macro2::Span;
use sinew_ir::Dim;
use syn::spanned::Spanned;

/// A dim as written.
#[derive(Clone)]
pub enum DimExpr {
    /// A literal.
    Integer(i64, Span),
    /// A symbol or a Rust const.
    Name(syn::Path),
    /// Arithmetic.
    Binary(Box<DimExpr>, DimOp, Box<DimExpr>, Span),
}

/// Arithmetic on dims.
#[derive(Clone, Copy)]
pub enum DimOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`, rounded down.
    Div,
}

impl DimExpr {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            DimExpr::Integer(_, span) | DimExpr::Binary(_, _, _, span) => *span,
            DimExpr::Name(path) => path.span(),
        }
    }

    /// Adds the names in it that are no paths.
    pub fn names(&self, names: &mut Vec<String>) {
        let mut open = vec![self];
        while let Some(dim) = open.pop() {
            match dim {
                DimExpr::Integer(..) => {}
                DimExpr::Name(path) => names.extend(path.get_ident().map(super::name)),
                DimExpr::Binary(left, _, right, _) => open.extend([&**left, &**right]),
            }
        }
    }

    /// The dim in normal form, where `name` gives each name's.
    pub fn resolve(
        &self,
        name: &mut dyn FnMut(&syn::Path) -> syn::Result<Dim>,
    ) -> syn::Result<Dim> {
        match self {
            DimExpr::Integer(value, _) => Ok(Dim::constant(*value)),
            DimExpr::Name(path) => name(path),
            DimExpr::Binary(left, op, right, span) => {
                let (left, right) = (left.resolve(name)?, right.resolve(name)?);
                let value = match op {
                    DimOp::Add => left.checked_add(&right),
                    DimOp::Sub => left.checked_sub(&right),
                    DimOp::Mul => left.checked_mul(&right),
                    DimOp::Div => left.floor_div(&right),
                };
                value.ok_or_else(|| match op {
                    DimOp::Add | DimOp::Sub | DimOp::Mul => messages::dim_arithmetic(*span),
                    DimOp::Div => messages::dim_division(*span, &right),
                })
            }
        }
    }
}

/// A dim as it prints.
pub fn of_text(text: &str) -> Option<DimExpr> {
    // A leading minus is not in the language of dims: `-a` reads as `0 - a`, in parentheses too.
    let text = text.replace("(-", "(0 - ");
    let text = match text.strip_prefix('-') {
        Some(rest) => format!("0 - {rest}"),
        None => text,
    };
    of_expr(&syn::parse_str(&text).ok()?).ok()
}

/// A dim written as an expression.
pub fn of_expr(expr: &syn::Expr) -> syn::Result<DimExpr> {
    match expr {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Int(i),
            ..
        }) => match i.base10_parse::<i64>() {
            Ok(value) => Ok(DimExpr::Integer(value, i.span())),
            Err(_) => Err(messages::dim_arithmetic(i.span())),
        },
        syn::Expr::Path(p) if p.qself.is_none() => Ok(DimExpr::Name(p.path.clone())),
        syn::Expr::Paren(p) => of_expr(&p.expr),
        syn::Expr::Group(g) => of_expr(&g.expr),
        syn::Expr::Block(b) => match b.block.stmts.as_slice() {
            [syn::Stmt::Expr(e, None)] => of_expr(e),
            _ => Err(messages::not_a_dim(expr)),
        },
        syn::Expr::Binary(b) => {
            let op = match b.op {
                syn::BinOp::Add(_) => DimOp::Add,
                syn::BinOp::Sub(_) => DimOp::Sub,
                syn::BinOp::Mul(_) => DimOp::Mul,
                syn::BinOp::Div(_) => DimOp::Div,
                syn::BinOp::Rem(sign) => return Err(messages::remainder_of_a_dim(&sign)),
                _ => return Err(messages::not_a_dim(expr)),
            };
            Ok(DimExpr::Binary(
                Box::new(of_expr(&b.left)?),
                op,
                Box::new(of_expr(&b.right)?),
                super::start(expr),
            ))
        }
        syn::Expr::Infer(_) => Err(messages::inferred_dim(expr)),
        syn::Expr::Field(f) => Err(messages::setting_as_a_dim(f)),
        _ => Err(messages::not_a_dim(expr)),
    }
}
