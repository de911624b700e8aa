//! Lists: what a body collects with `push`, for `stack` and `concat`.
//!
//! A list is pieces in order, each with an axis in front that counts its elements: one for what is pushed
//! once, all of a loop's for what is pushed in it.

use super::Lowerer;
use super::assignment::Pushed;
use super::value::Val;
use crate::errors::{Checked, Reported};
use crate::messages;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{Axis, Builder, OpError, Type, Value, compose};

/// A list.
#[derive(Default)]
pub struct List {
    /// Its pieces: the first axis of each counts elements (behind a sequence).
    pub pieces: Vec<Value>,
    /// What the elements are, once there is one.
    element: Option<Type>,
    /// How many loops that push onto it are being lowered: until they are, its pieces are not all there.
    filling: usize,
    /// Whether a mistake in how it is filled was reported: who reads it keeps silent.
    broken: bool,
}

impl Lowerer<'_, '_> {
    /// Whether an expression makes an empty list: `Vec::new()`, `vec![]`, `[]`.
    pub(super) fn is_empty_list(e: &syn::Expr) -> bool {
        match e {
            syn::Expr::Call(c) if c.args.is_empty() => match &*c.func {
                syn::Expr::Path(p) => {
                    let names = p.path.segments.iter().rev().map(|s| s.ident.to_string());
                    names.take(2).eq(["new", "Vec"])
                }
                _ => false,
            },
            syn::Expr::Macro(m) => m.mac.path.is_ident("vec") && m.mac.tokens.is_empty(),
            syn::Expr::Array(a) => a.elems.is_empty(),
            _ => false,
        }
    }

    /// A new list.
    pub(super) fn list(&mut self) -> Val {
        self.lists.push(List::default());
        Val::List(self.lists.len() - 1)
    }

    /// Whether this is `ys.push(..)` of a variable.
    pub(super) fn is_push(&self, m: &syn::ExprMethodCall) -> bool {
        m.method == "push" && matches!(*m.receiver, syn::Expr::Path(_))
    }

    /// `ys.push(y)`
    pub(super) fn push(&mut self, m: &syn::ExprMethodCall) -> Checked<()> {
        let receiver = self.expression(&m.receiver)?;
        let Val::List(list) = receiver else {
            let what = self.describe(&receiver);
            return Err(self.report(messages::push_onto(&m.receiver, &what)));
        };
        let pushed = self.push_onto(list, m);
        self.lists[list].broken |= pushed.is_err();
        pushed
    }

    fn push_onto(&mut self, list: usize, m: &syn::ExprMethodCall) -> Checked<()> {
        let name = m.receiver.to_token_stream().to_string();
        if !self.locals.get(&name).is_some_and(|l| l.mutable) {
            return Err(self.report(messages::not_mutable(&m.receiver)));
        }
        let [argument] = m.args.iter().collect::<Vec<_>>()[..] else {
            return Err(self.report(messages::push_count(&m.method, m.args.len())));
        };
        let val = self.expression(argument)?;
        let tokens = argument.to_token_stream();
        let y = self.tensor_of(val, None, &tokens)?;
        let ty = self.builder.type_of(y).clone();
        match self.lists[list].element.clone() {
            None => self.lists[list].element = Some(ty),
            Some(element) => {
                let message = messages::push_type(&tokens, &name, &element, &ty);
                self.same_type(&ty, &element, &message)?;
            }
        }
        let piece = self.build(argument, "push", &[], |b| piece_of_one(b, y))?;
        self.lists[list].pieces.push(piece);
        Ok(())
    }

    /// A list's elements along a first axis (behind a sequence).
    pub(super) fn slices_of_list(&mut self, list: usize, at: &TokenStream) -> Checked<Value> {
        let pieces = self.lists[list].pieces.clone();
        if self.lists[list].broken {
            return Err(Reported);
        }
        if self.lists[list].filling > 0 {
            self.lists[list].broken = true;
            return Err(self.report(messages::list_read_in_its_loop(at)));
        }
        if pieces.is_empty() {
            return Err(self.report(messages::list_without_elements(at)));
        }
        self.joined(&pieces, at)
    }

    /// Says that a mistake in how these are filled was reported.
    pub(in crate::lower) fn break_lists(&mut self, lists: &[Pushed]) {
        for list in lists {
            self.lists[list.list].broken = true;
        }
    }

    /// Says that a loop that pushes onto these is being lowered, or that it is done.
    pub(super) fn fill(&mut self, lists: &[Pushed], begins: bool) {
        for list in lists {
            let filling = &mut self.lists[list.list].filling;
            *filling = match begins {
                true => *filling + 1,
                false => filling.saturating_sub(1),
            };
        }
    }

    /// Pieces of a list as one.
    pub(super) fn joined(&mut self, pieces: &[Value], at: &TokenStream) -> Checked<Value> {
        match pieces {
            [one] => Ok(*one),
            several => self.build(at, "push", &[], |b| {
                compose::concat(b, several, Axis::At(0))
            }),
        }
    }
}

/// `y` as a piece of one element.
fn piece_of_one(b: &mut Builder, y: Value) -> Result<Value, OpError> {
    let shape = b.type_of(y).shape.clone();
    let rank = i64::try_from(shape.dims.len()).unwrap_or(i64::MAX);
    compose::unsqueeze(b, y, -rank - 1)
}
