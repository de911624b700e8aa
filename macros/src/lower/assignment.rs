//! Assignment of variables declared with `mut`, and of states.

use super::Lowerer;
use super::arguments::plain;
use super::value::Val;
use crate::errors::{Checked, Reported};
use crate::messages;
use crate::parse;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit::Visit;

/// The operator that `+=` and its like stand for.
pub fn operator(op: &syn::BinOp) -> Option<syn::BinOp> {
    Some(match op {
        syn::BinOp::AddAssign(t) => syn::BinOp::Add(syn::Token![+](t.spans[0])),
        syn::BinOp::SubAssign(t) => syn::BinOp::Sub(syn::Token![-](t.spans[0])),
        syn::BinOp::MulAssign(t) => syn::BinOp::Mul(syn::Token![*](t.spans[0])),
        syn::BinOp::DivAssign(t) => syn::BinOp::Div(syn::Token![/](t.spans[0])),
        syn::BinOp::RemAssign(t) => syn::BinOp::Rem(syn::Token![%](t.spans[0])),
        syn::BinOp::BitAndAssign(t) => syn::BinOp::BitAnd(syn::Token![&](t.spans[0])),
        syn::BinOp::BitOrAssign(t) => syn::BinOp::BitOr(syn::Token![|](t.spans[0])),
        syn::BinOp::BitXorAssign(t) => syn::BinOp::BitXor(syn::Token![^](t.spans[0])),
        syn::BinOp::ShlAssign(t) => syn::BinOp::Shl(syn::Token![<<]([t.spans[0], t.spans[1]])),
        syn::BinOp::ShrAssign(t) => syn::BinOp::Shr(syn::Token![>>]([t.spans[0], t.spans[1]])),
        _ => return None,
    })
}

impl Lowerer<'_, '_> {
    /// `x = y`
    pub(super) fn assign(&mut self, a: &syn::ExprAssign) -> Checked<()> {
        let val = self.expression(&a.right)?;
        self.assign_to(&a.left, val, &a.right.to_token_stream())
    }

    /// `x += y`
    pub(super) fn assign_with(&mut self, e: &syn::ExprBinary, op: syn::BinOp) -> Checked<()> {
        let sum = syn::ExprBinary { op, ..e.clone() };
        let val = self.binary(&sum)?;
        self.assign_to(&e.left, val, &e.right.to_token_stream())
    }

    /// Gives what stands on the left a value, which is written at `at`.
    fn assign_to(&mut self, left: &syn::Expr, val: Val, at: &TokenStream) -> Checked<()> {
        match plain(left) {
            syn::Expr::Path(p) => match p.path.get_ident() {
                Some(name) => self.assign_variable(name, val),
                None => Err(self.report(messages::assign_to(left))),
            },
            syn::Expr::Infer(_) => Ok(()),
            syn::Expr::Tuple(t) => match val {
                Val::Tuple(parts) if parts.len() == t.elems.len() => {
                    let each = t.elems.iter().zip(parts);
                    let done: Vec<_> = each.map(|(l, v)| self.assign_to(l, v, at)).collect();
                    done.into_iter().collect()
                }
                other => {
                    let what = self.describe(&other);
                    Err(self.report(messages::tuple_pattern(t, t.elems.len(), &what)))
                }
            },
            syn::Expr::Field(f) => self.assign_field(f, val, at),
            other => Err(self.report(messages::assign_to(other))),
        }
    }

    /// `self.mean = y`
    fn assign_field(&mut self, f: &syn::ExprField, val: Val, at: &TokenStream) -> Checked<()> {
        match (self.expression(&f.base)?, &f.member) {
            (Val::Broken, _) => Err(Reported),
            (Val::Struct(s), syn::Member::Named(name)) => self.assign_state(&s, name, val, at),
            _ => Err(self.report(messages::assign_to(&syn::Expr::Field(f.clone())))),
        }
    }

    fn assign_variable(&mut self, name: &syn::Ident, val: Val) -> Checked<()> {
        let text = parse::name(name);
        let names = self.locals.names();
        let (mutable, is_list, broken) = match self.locals.get(&text) {
            Some(local) => (
                local.mutable,
                matches!(local.val, Val::List(_)),
                matches!(local.val, Val::Broken),
            ),
            None => return Err(self.report(messages::unknown_name(name, &names, None))),
        };
        if broken && !mutable {
            return Err(Reported);
        }
        if !mutable {
            return Err(self.report(messages::not_mutable(name)));
        }
        if is_list {
            return Err(self.report(messages::list_assigned(name)));
        }
        if let Some(local) = self.locals.get_mut(&text) {
            local.val = val;
        }
        Ok(())
    }

    /// The variables of the outside that a loop's body assigns to, each once.
    pub(super) fn assigned_in(&self, body: &syn::Block) -> Vec<String> {
        let mut found = Assignments::default();
        found.visit_block(body);
        let mut names: Vec<String> = found.targets.into_iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        let assignable = |name: &String| {
            let local = self.locals.get(name);
            local.is_some_and(|l| l.mutable && !matches!(l.val, Val::List(_)))
        };
        names.retain(assignable);
        names
    }

    /// The lists of the outside that a loop's body or an arm pushes onto, each once.
    pub(super) fn pushed_in(&self, body: &syn::Block) -> Vec<Pushed> {
        let mut found = Assignments::default();
        found.visit_block(body);
        let lists = found
            .pushed
            .iter()
            .filter_map(|name| match self.lookup(name)? {
                Val::List(list) => Some(Pushed {
                    list: *list,
                    name: name.clone(),
                }),
                _ => None,
            });
        let mut lists: Vec<Pushed> = lists.collect();
        lists.sort();
        lists.dedup();
        lists
    }
}

/// A list that is pushed onto.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pushed {
    /// Its position among the body's lists.
    pub list: usize,
    /// What it is called.
    pub name: String,
}

/// Where a name is assigned to last.
pub fn last_assigned(body: &syn::Block, name: &str) -> Option<TokenStream> {
    let mut found = Assignments::default();
    found.visit_block(body);
    let of_name = found.targets.into_iter().filter(|(n, _)| n == name);
    of_name.last().map(|(_, value)| value)
}

/// The names that a block assigns to, each with what they are given.
#[derive(Default)]
struct Assignments {
    targets: Vec<(String, TokenStream)>,
    /// The names that it pushes onto.
    pushed: Vec<String>,
}

impl Assignments {
    fn target(&mut self, left: &syn::Expr, right: &syn::Expr) {
        match plain(left) {
            syn::Expr::Path(p) => {
                if let Some(name) = p.path.get_ident() {
                    let value = right.to_token_stream();
                    self.targets.push((parse::name(name), value));
                }
            }
            syn::Expr::Tuple(t) => t.elems.iter().for_each(|e| self.target(e, right)),
            _ => {}
        }
    }
}

impl<'a> Visit<'a> for Assignments {
    fn visit_expr_assign(&mut self, a: &'a syn::ExprAssign) {
        self.target(&a.left, &a.right);
        syn::visit::visit_expr_assign(self, a);
    }

    fn visit_expr_binary(&mut self, e: &'a syn::ExprBinary) {
        if operator(&e.op).is_some() {
            self.target(&e.left, &e.right);
        }
        syn::visit::visit_expr_binary(self, e);
    }

    fn visit_expr_method_call(&mut self, m: &'a syn::ExprMethodCall) {
        if m.method == "push"
            && let syn::Expr::Path(p) = &*m.receiver
            && let Some(name) = p.path.get_ident()
        {
            self.pushed.push(parse::name(name));
        }
        syn::visit::visit_expr_method_call(self, m);
    }
}
