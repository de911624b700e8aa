//! What a `for` runs over: ranges of sizes, first axes of tensors, repeated children, and these side by
//! side.

use super::Lowerer;
use super::arguments::{integer, plain};
use super::build::WrittenOperand;
use super::value::{Repeated, Val};
use crate::errors::Checked;
use crate::messages;
use crate::parse;
use quote::ToTokens;
use sinew_ir::{Dim, Order, Value, compose};

/// What a loop runs over.
pub struct Iteration {
    /// How many iterations there are.
    pub trip: Dim,
    /// Which comes first.
    pub order: Order,
    /// What each gets.
    pub item: Item,
}

/// What an iteration gets.
pub enum Item {
    /// Its index, from `start` on.
    Index {
        /// The index of the first.
        start: Dim,
    },
    /// One slice of a tensor along its first axis.
    Slice(Value),
    /// One of a struct's repeated children.
    Child(Repeated),
    /// Two things, as a tuple.
    Pair(Box<(Item, Item)>),
}

impl Lowerer<'_, '_> {
    /// What `for .. in` this runs over.
    pub(super) fn iteration(&mut self, e: &syn::Expr) -> Checked<Iteration> {
        match plain(e) {
            syn::Expr::Range(r) => self.range(r),
            syn::Expr::MethodCall(m) if self.is_adapter(m) => self.adapted(m),
            other => {
                let val = self.expression(other)?;
                self.elements(val, other)
            }
        }
    }

    /// Whether a method is one of iterators: no operation has these names.
    fn is_adapter(&self, m: &syn::ExprMethodCall) -> bool {
        let name = parse::name(&m.method);
        ["iter", "rev", "enumerate", "zip"].contains(&name.as_str())
    }

    fn adapted(&mut self, m: &syn::ExprMethodCall) -> Checked<Iteration> {
        let arguments: Vec<&syn::Expr> = m.args.iter().collect();
        let inner = self.iteration(&m.receiver)?;
        match (parse::name(&m.method).as_str(), arguments.as_slice()) {
            ("iter", []) => Ok(inner),
            ("rev", []) => Ok(Iteration {
                order: inner.order.reversed(),
                ..inner
            }),
            // As in Rust, `.rev()` behind it would count down.
            ("enumerate", []) if inner.order == Order::Forward => {
                let start = Dim::constant(0);
                Ok(Iteration {
                    item: Item::Pair(Box::new((Item::Index { start }, inner.item))),
                    ..inner
                })
            }
            ("enumerate", []) => Err(self.report(messages::enumerate_reversed(&m.method))),
            ("zip", [other]) => {
                let second = self.iteration(other)?;
                if inner.order != second.order {
                    return Err(self.report(messages::zip_orders(*other)));
                }
                let message = messages::zip_lengths(
                    *other,
                    (&m.receiver, &inner.trip),
                    (*other, &second.trip),
                );
                self.equal(&inner.trip, &second.trip, &message)?;
                Ok(Iteration {
                    trip: self.dim(&inner.trip)?,
                    order: inner.order,
                    item: Item::Pair(Box::new((inner.item, second.item))),
                })
            }
            _ => Err(self.report(messages::loop_over(&m.method))),
        }
    }

    /// `0..T`
    fn range(&mut self, r: &syn::ExprRange) -> Checked<Iteration> {
        let Some(end) = &r.end else {
            return Err(self.report(messages::range_without_end(r)));
        };
        let start = match &r.start {
            Some(e) => self.range_end(e)?,
            None => return Err(self.report(messages::range_without_start(r))),
        };
        let mut stop = self.range_end(end)?;
        if matches!(r.limits, syn::RangeLimits::Closed(_)) {
            let sum = stop.checked_add(&Dim::constant(1));
            stop = sum.ok_or_else(|| self.overflow(parse::start(r)))?;
        }
        let trip = stop.checked_sub(&start);
        let trip = trip.ok_or_else(|| self.overflow(parse::start(r)))?;
        if trip.as_constant().is_some_and(|t| t < 0) {
            return Err(self.report(messages::range_backwards(r)));
        }
        Ok(Iteration {
            trip,
            order: Order::Forward,
            item: Item::Index { start },
        })
    }

    fn range_end(&mut self, e: &syn::Expr) -> Checked<Dim> {
        match integer(e) {
            Some(n) if n < 0 => Err(self.report(messages::range_negative(e))),
            Some(n) => Ok(Dim::constant(n)),
            None => self.dim_expr(e),
        }
    }

    /// A tensor along its first axis, or repeated children.
    fn elements(&mut self, val: Val, e: &syn::Expr) -> Checked<Iteration> {
        match val {
            Val::Tensor(x) => {
                let ty = self.builder.type_of(x).clone();
                let first = ty
                    .shape
                    .dims
                    .first()
                    .filter(|_| ty.shape.sequence.is_none());
                let Some(trip) = first.cloned() else {
                    let operand = messages::tensor(&ty);
                    return Err(self.report(messages::loop_over_no_axis(e, &operand)));
                };
                Ok(Iteration {
                    trip,
                    order: Order::Forward,
                    item: Item::Slice(x),
                })
            }
            Val::Repeated(children) => Ok(Iteration {
                trip: children.count.clone(),
                order: Order::Forward,
                item: Item::Child(self.children_to_run_over(children, e)?),
            }),
            Val::Tuple(parts) if !parts.is_empty() => {
                let at = e.to_token_stream();
                let parts = parts
                    .into_iter()
                    .map(|part| self.tensor_of(part, None, &at));
                let parts = parts.collect::<Checked<Vec<Value>>>()?;
                let trip = Dim::constant(i64::try_from(parts.len()).unwrap_or(i64::MAX));
                let operands: Vec<_> = parts.iter().map(|v| WrittenOperand::new(&at, *v)).collect();
                let all = self.build(&at, "stack", &operands, |b| compose::stack(b, &parts, 0))?;
                Ok(Iteration {
                    trip,
                    order: Order::Forward,
                    item: Item::Slice(all),
                })
            }
            other => {
                let what = self.describe(&other);
                Err(self.report(messages::loop_over_other(e, &what)))
            }
        }
    }

    /// What an iteration of the innermost loop gets, as a value.
    pub(super) fn item(&mut self, item: &Item) -> Val {
        match item {
            Item::Index { start } => self.loop_index(start.clone()),
            Item::Slice(x) => Val::Tensor(self.slice_of_iteration(*x)),
            Item::Child(children) => Val::Struct(self.child_of_iteration(children)),
            Item::Pair(pair) => {
                let (first, second) = &**pair;
                Val::Tuple(vec![self.item(first), self.item(second)])
            }
        }
    }
}
