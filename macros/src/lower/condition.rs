//! Conditions: what `if` and `match` ask, which is answered where symbols are bound.

use super::Lowerer;
use super::arguments::plain;
use super::value::{Number, Val};
use crate::errors::{Checked, Reported};
use crate::messages;
use quote::ToTokens;
use sinew_ir::{self as ir, Condition, Constraint, Dim, Relation, Test};

/// A side of a comparison.
enum Side {
    /// A literal.
    Literal(Number),
    /// A size.
    Size(Dim),
    /// A number of the configuration.
    Number(ir::Number),
    /// What is true or false.
    Flag(Condition),
}

impl Lowerer<'_, '_> {
    /// What is true or false in symbols.
    pub(super) fn condition(&mut self, e: &syn::Expr) -> Checked<Condition> {
        match plain(e) {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Bool(b),
                ..
            }) => Ok(Condition::known(b.value)),
            syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Not(_)) => {
                self.condition(&u.expr).map(|c| !c)
            }
            syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::And(_) | syn::BinOp::Or(_)) => {
                let (left, right) = (self.condition(&b.left), self.condition(&b.right));
                let sides = [left?, right?];
                Ok(match b.op {
                    syn::BinOp::And(_) => all(sides.to_vec()),
                    _ => any(sides.to_vec()),
                })
            }
            syn::Expr::Binary(b) => match relation(&b.op) {
                Some(how) => self.comparison(b, how),
                None => Err(self.report(messages::no_condition(e, "a number"))),
            },
            other => match self.expression(other)? {
                Val::Flag(condition) => Ok(*condition),
                Val::Broken => Err(Reported),
                val => {
                    let what = self.describe(&val);
                    Err(self.report(messages::no_condition(other, &what)))
                }
            },
        }
    }

    fn comparison(&mut self, b: &syn::ExprBinary, how: How) -> Checked<Condition> {
        let (left, right) = (self.side(&b.left), self.side(&b.right));
        let (mut left, mut right) = (left?, right?);
        if how.turned {
            std::mem::swap(&mut left, &mut right);
        }
        let equal = how.relation == Relation::Equal;
        let test = match (left, right) {
            (Side::Flag(a), Side::Flag(b)) if equal => {
                // Both, or none of them.
                let both = all(vec![a.clone(), b.clone()]);
                let none = all(vec![!a, !b]);
                return Ok(how.of(any(vec![both, none])));
            }
            (Side::Number(left), right) => match number(right) {
                Some(right) => Test::Numbers {
                    left,
                    relation: how.relation,
                    right,
                },
                None => return Err(self.report(messages::compared_kinds(&b.op))),
            },
            (left, Side::Number(right)) => match number(left) {
                Some(left) => Test::Numbers {
                    left,
                    relation: how.relation,
                    right,
                },
                None => return Err(self.report(messages::compared_kinds(&b.op))),
            },
            (left, right) => match size(left).zip(size(right)) {
                Some((left, right)) => Test::Sizes(Constraint {
                    left,
                    relation: how.relation,
                    right,
                }),
                None => return Err(self.report(messages::compared_kinds(&b.op))),
            },
        };
        Ok(how.of(Condition::from(test)))
    }

    fn side(&mut self, e: &syn::Expr) -> Checked<Side> {
        if let syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Bool(b),
            ..
        }) = plain(e)
        {
            return Ok(Side::Flag(Condition::known(b.value)));
        }
        match self.expression(e)? {
            Val::Number(n) => Ok(Side::Literal(n)),
            Val::Size(dim) => Ok(Side::Size(dim)),
            Val::Const(_) | Val::Counted(_) => self.dim_expr(e).map(Side::Size),
            Val::Setting(number) => Ok(Side::Number(*number)),
            Val::Flag(condition) => Ok(Side::Flag(*condition)),
            Val::Broken => Err(Reported),
            val => {
                let what = self.describe(&val);
                Err(self.report(messages::no_condition(&e.to_token_stream(), &what)))
            }
        }
    }
}

/// How two sides are compared.
#[derive(Clone, Copy)]
struct How {
    relation: Relation,
    /// Whether the sides change places: `a > b` is `b < a`.
    turned: bool,
    negated: bool,
}

impl How {
    fn of(self, condition: Condition) -> Condition {
        match self.negated {
            true => !condition,
            false => condition,
        }
    }
}

fn relation(op: &syn::BinOp) -> Option<How> {
    let (relation, turned, negated) = match op {
        syn::BinOp::Eq(_) => (Relation::Equal, false, false),
        syn::BinOp::Ne(_) => (Relation::Equal, false, true),
        syn::BinOp::Lt(_) => (Relation::Below, false, false),
        syn::BinOp::Le(_) => (Relation::AtMost, false, false),
        syn::BinOp::Gt(_) => (Relation::Below, true, false),
        syn::BinOp::Ge(_) => (Relation::AtMost, true, false),
        _ => return None,
    };
    Some(How {
        relation,
        turned,
        negated,
    })
}

/// Whether all hold; the answer where that is known.
pub(super) fn all(conditions: Vec<Condition>) -> Condition {
    let condition = Condition::from(Test::All(conditions));
    match condition.answer() {
        Some(answer) => Condition::known(answer),
        None => condition,
    }
}

/// Whether one of them holds.
pub(super) fn any(conditions: Vec<Condition>) -> Condition {
    !all(conditions.into_iter().map(|c| !c).collect())
}

fn number(side: Side) -> Option<ir::Number> {
    match side {
        Side::Literal(n) => Some(ir::Number::Known(n.value)),
        Side::Number(number) => Some(number),
        Side::Size(_) | Side::Flag(_) => None,
    }
}

fn size(side: Side) -> Option<Dim> {
    match side {
        Side::Size(dim) => Some(dim),
        // As far as integers are exact in f64.
        Side::Literal(n) if n.integer && n.value.abs() < 9e15 => {
            Some(Dim::constant(n.value as i64))
        }
        Side::Literal(_) | Side::Number(_) | Side::Flag(_) => None,
    }
}
