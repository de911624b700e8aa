//! Conditions: what `if` and `match` ask, which is answered where symbols are bound.

use super::Lowerer;
use super::arguments::plain;
use super::constant::Constant;
use super::value::{Number, Val};
use crate::errors::{Checked, Reported};
use crate::hidden;
use crate::messages;
use quote::{ToTokens, quote_spanned};
use sinew_ir::{self as ir, Condition, Constraint, Dim, Relation, SymbolTerm, Test};

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
    /// Which variant of an enum it is: the enum's position in the registry.
    Variant(usize, Dim),
    /// A Rust const, which is what the other side is.
    Const(Box<Constant>),
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
                Val::Const(c) if c.path().is_some() => Ok(c
                    .path()
                    .map_or(Condition::known(true), |p| self.const_flag(&p))),
                Val::Broken => Err(Reported),
                val => {
                    let what = self.describe(&val);
                    Err(self.report(messages::no_condition(other, &what)))
                }
            },
        }
    }

    /// A Rust const that is true or false: rustc has its value.
    fn const_flag(&mut self, path: &syn::Path) -> Condition {
        let value = quote_spanned! {crate::parse::start(path)=> {
            let __sinew_flag: ::core::primitive::bool = #path;
            __sinew_flag as ::core::primitive::usize
        }};
        let scope = &mut *self.scope;
        let left = scope.registry.own_value(path, "?", value, &scope.id);
        Condition::from(Test::Sizes(Constraint {
            left,
            relation: Relation::Equal,
            right: Dim::constant(1),
        }))
    }

    /// The number of the variant at a path, of the enum at a position: rustc says whether it is one.
    fn variant(&mut self, structure: usize, path: &syn::Path) -> Checked<Dim> {
        let scope = &mut *self.scope;
        let of = &scope.registry.structs[structure].signature;
        if !of.variants.contains(&crate::signature::last(path)) {
            let error = messages::no_variant(path, of);
            return Err(self.report(error));
        }
        let (id, mut number) = (&of.id, hidden::variant(&of.name));
        number.set_span(crate::parse::start(path));
        let value = quote_spanned!(crate::parse::start(path)=> #path.#number(#id));
        let what = format!("?{}", of.id);
        Ok(scope.registry.own_value(path, &what, value, &scope.id))
    }

    fn comparison(&mut self, b: &syn::ExprBinary, how: How) -> Checked<Condition> {
        let (left, right) = (self.side(&b.left), self.side(&b.right));
        let (mut left, mut right) = (left?, right?);
        if how.turned {
            std::mem::swap(&mut left, &mut right);
        }
        let equal = how.relation == Relation::Equal;
        if equal && let Some(same) = self.same_variant(b, &left, &right)? {
            return Ok(how.of(same));
        }
        let (at_left, at_right) = match how.turned {
            true => (&b.right, &b.left),
            false => (&b.left, &b.right),
        };
        let left = self.beside(left, &right, at_left)?;
        let right = self.beside(right, &left, at_right)?;
        let test = match (left, right) {
            (Side::Literal(left), Side::Literal(right)) => {
                let known = how.relation.holds(&left.value, &right.value);
                return Ok(how.of(Condition::known(known)));
            }
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

    /// Whether two sides are one variant, if one of them is of an enum.
    fn same_variant(
        &mut self,
        b: &syn::ExprBinary,
        left: &Side,
        right: &Side,
    ) -> Checked<Option<Condition>> {
        let (left, right) = match (left, right) {
            (Side::Variant(one, left), Side::Variant(other, right)) => {
                if one != other {
                    let structs = &self.scope.registry.structs;
                    let (one, other) = (&structs[*one].signature, &structs[*other].signature);
                    let error = messages::enums_that_differ(&b.op, one, other);
                    return Err(self.report(error));
                }
                (left.clone(), right.clone())
            }
            (Side::Variant(of, kind), Side::Const(c))
            | (Side::Const(c), Side::Variant(of, kind)) => match c.path() {
                Some(path) => (kind.clone(), self.variant(*of, &path)?),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(Some(Condition::from(Test::Sizes(Constraint {
            left,
            relation: Relation::Equal,
            right,
        }))))
    }

    /// A side as what it is beside the other one.
    fn beside(&mut self, side: Side, other: &Side, e: &syn::Expr) -> Checked<Side> {
        let Side::Const(c) = side else {
            return Ok(side);
        };
        match (other, c.path()) {
            (Side::Number(_), _) => Ok(Side::Number(ir::Number::Symbol(self.const_symbol(&c)))),
            (Side::Flag(_), Some(path)) => Ok(Side::Flag(self.const_flag(&path))),
            _ => self.dim_expr(e).map(Side::Size),
        }
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
            Val::Const(c) => Ok(Side::Const(c)),
            Val::Counted(_) => self.dim_expr(e).map(Side::Size),
            Val::Struct(s) if self.scope.registry.structs[s.structure].signature.is_enum() => {
                match s.settings.first() {
                    Some(SymbolTerm::Size(kind)) => Ok(Side::Variant(s.structure, self.dim(kind)?)),
                    _ => Err(Reported),
                }
            }
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
        Side::Size(_) | Side::Flag(_) | Side::Variant(..) | Side::Const(_) => None,
    }
}

fn size(side: Side) -> Option<Dim> {
    match side {
        Side::Size(dim) => Some(dim),
        // As far as integers are exact in f64.
        Side::Literal(n) if n.integer && n.value.abs() < 9e15 => {
            Some(Dim::constant(n.value as i64))
        }
        Side::Literal(_) | Side::Number(_) | Side::Flag(_) | Side::Variant(..) | Side::Const(_) => {
            None
        }
    }
}
