//! Functions in a body, written as closures: their derivatives, and when they are computed again.
//!
//! A closure's body is taken out as a function of its own, which takes the closure's parameters and
//! what it uses of the outside. A derivative is the pullback of its call.

use crate::errors::{Checked, Reported};
use crate::lower::Lowerer;
use crate::lower::arguments::Arguments;
use crate::lower::call::Given;
use crate::lower::choice::as_block;
use crate::lower::value::{Leaf, StructVal, Val};
use crate::messages;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{Call, CallMode, Inst, PullbackCall, Value};
use std::rc::Rc;

/// A closure that was called once.
struct Applied {
    /// What it gave.
    value: Val,
    /// The call's first result, which names it.
    call: Option<Value>,
    /// The results of the call, those that are states too.
    results: Vec<Value>,
    /// The arguments as they were given.
    given: Vec<Given>,
    /// The tensors of the arguments: the first operands of the call.
    operands: Vec<Value>,
}

impl Lowerer<'_, '_> {
    /// `grad(|x| f(x), x)`
    pub fn grad(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let applied = self.scalar(a)?;
        let one = self.one_like(&applied)?;
        self.cotangents(a, &applied, &[one])
    }

    /// `value_and_grad(|x| f(x), x)`
    pub fn value_and_grad(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let applied = self.scalar(a)?;
        let one = self.one_like(&applied)?;
        let gradient = self.cotangents(a, &applied, &[one])?;
        Ok(Val::Tuple(vec![applied.value, gradient]))
    }

    /// `vjp(|x| f(x), x, v)`
    pub fn vjp(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let last = a.len() - 1;
        let applied = self.apply(a, 1..last, CallMode::Plain)?;
        let given = self.value_arg(a, last)?;
        let cotangents = self.as_many(given, &applied.value.tensors())?;
        let gradient = self.cotangents(a, &applied, &cotangents)?;
        Ok(Val::Tuple(vec![applied.value, gradient]))
    }

    /// `checkpoint(|x| f(x), x)`
    pub fn checkpoint(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let applied = self.apply(a, 1..a.len(), CallMode::Checkpoint)?;
        Ok(applied.value)
    }

    /// A closure applied once, whose value is a scalar float.
    fn scalar(&mut self, a: &Arguments<'_>) -> Checked<Applied> {
        let applied = self.apply(a, 1..a.len(), CallMode::Plain)?;
        let found = match &applied.value {
            Val::Tensor(v) => self.builder.type_of(*v).clone(),
            other => {
                let what = self.describe(other);
                return Err(self.report(messages::grad_of(&a.tokens(0), &a.name, &what)));
            }
        };
        let scalar = found.dtype.is_float() && found.shape == sinew_ir::Shape::scalar();
        match scalar {
            true => Ok(applied),
            false => {
                let what = messages::tensor(&found);
                Err(self.report(messages::grad_of(&a.tokens(0), &a.name, &what)))
            }
        }
    }

    fn one_like(&mut self, applied: &Applied) -> Checked<Value> {
        let [value] = applied.value.tensors()[..] else {
            return Err(Reported);
        };
        let dtype = self.builder.type_of(value).dtype;
        match self.constant(1.0, dtype, &TokenStream::new())? {
            Val::Tensor(one) => Ok(one),
            _ => Err(Reported),
        }
    }

    /// The tensors of an argument, of the types of `wanted`.
    fn as_many(&mut self, given: Given, wanted: &[Value]) -> Checked<Vec<Value>> {
        let val = self.as_tensors(given.val, &given.tokens)?;
        let found = val.tensors();
        if found.len() != wanted.len() {
            let error = messages::cotangent_count(&given.tokens, wanted.len(), found.len());
            return Err(self.report(error));
        }
        for (found, wanted) in found.iter().zip(wanted) {
            let wanted = self.builder.type_of(*wanted).clone();
            let found = self.builder.type_of(*found).clone();
            let message = messages::cotangent_type(&given.tokens, &wanted, &found);
            self.same_type(&found, &wanted, &message)?;
        }
        Ok(found)
    }

    /// Takes a closure out, and calls it with arguments of an operation.
    fn apply(
        &mut self,
        a: &Arguments<'_>,
        arguments: std::ops::Range<usize>,
        mode: CallMode,
    ) -> Checked<Applied> {
        let closure = match a.expr(0) {
            Some(syn::Expr::Closure(closure)) => closure,
            _ => {
                let usage = a.op.usage();
                return Err(self.report(messages::wants_closure(&a.tokens(0), &a.name, &usage)));
            }
        };
        let mut given = Vec::new();
        for i in arguments {
            let mut argument = self.value_arg(a, i)?;
            argument.val = self.with_tensors_in(argument.val, &argument.tokens)?;
            given.push(argument);
        }
        if closure.inputs.len() != given.len() {
            let (takes, gets) = (closure.inputs.len(), given.len());
            let at = closure.to_token_stream();
            return Err(self.report(messages::closure_arguments(&at, &a.name, takes, gets)));
        }
        let block = match &*closure.body {
            syn::Expr::Block(b) => b.block.clone(),
            other => as_block(other),
        };
        if let Some(name) = self.assigned_in(&block).first() {
            return Err(self.report(messages::closure_assigns(&closure.body, name)));
        }
        let pushed = self.pushed_in(&block);
        if !pushed.is_empty() {
            self.break_lists(&pushed);
            return Err(self.report(messages::closure_pushes(&closure.body)));
        }
        let operands: Vec<Value> = given.iter().flat_map(|g| leaves(&g.val)).collect();
        self.open_part();
        let params: Vec<Value> = operands
            .iter()
            .map(|v| {
                let ty = self.builder.type_of(*v).clone();
                self.builder.value(ty)
            })
            .collect();
        let states: Vec<Value> = self.parameters.places.iter().map(|p| p.now).collect();
        let value = self.closure_value(closure, &given, &params);
        let start = self.close_part();
        let now: Vec<Value> = self.parameters.places.iter().map(|p| p.now).collect();
        for (place, before) in self.parameters.places.iter_mut().zip(&states) {
            place.now = *before;
        }
        let value = match value {
            Ok(value) => value,
            Err(Reported) => {
                self.builder.insts.truncate(start);
                return Err(Reported);
            }
        };
        let mut results = value.tensors();
        let changed: Vec<usize> = (0..states.len())
            .filter(|i| now[*i] != states[*i])
            .collect();
        results.extend(changed.iter().map(|i| now[*i]));
        let lifted = self.lift("closure", start, &params, &results);
        self.locate(a.name.span());
        let made: Vec<Value> = results
            .iter()
            .map(|r| {
                let ty = self.builder.type_of(*r).clone();
                self.builder.value(ty)
            })
            .collect();
        let all = operands.iter().chain(&lifted.captured).copied().collect();
        let mut call = Call::plain(lifted.target, all, made.clone(), self.builder.location);
        call.mode = mode;
        self.builder.insts.push(Inst::Call(call));
        let value = value.with_tensors(&mut made.iter().copied());
        let first_state = made.len() - changed.len();
        for (place, new) in changed.iter().zip(&made[first_state..]) {
            self.parameters.places[*place].now = *new;
        }
        Ok(Applied {
            value,
            call: made.first().copied(),
            results: made,
            given,
            operands,
        })
    }

    fn closure_value(
        &mut self,
        closure: &syn::ExprClosure,
        given: &[Given],
        params: &[Value],
    ) -> Checked<Val> {
        self.locals.enter();
        let mut params = params.iter().copied();
        let mut bound = Ok(());
        for (pattern, argument) in closure.inputs.iter().zip(given) {
            let val = with_leaves(&argument.val, &mut params);
            bound = self.pattern(pattern, val).and(bound);
        }
        let val = match bound {
            Ok(()) => self.expression(&closure.body),
            Err(Reported) => Err(Reported),
        };
        self.locals.leave();
        self.as_tensors(val?, &closure.body.to_token_stream())
    }

    /// Numbers as tensors; structs stay structs.
    fn with_tensors_in(&mut self, val: Val, at: &TokenStream) -> Checked<Val> {
        match val {
            Val::Struct(_) => Ok(val),
            Val::Tuple(parts) => {
                let parts = parts.into_iter().map(|p| self.with_tensors_in(p, at));
                Ok(Val::Tuple(parts.collect::<Checked<_>>()?))
            }
            other => self.as_tensors(other, at),
        }
    }

    /// The pullback of a closure's call: what the arguments get of the cotangents of its values.
    fn cotangents(
        &mut self,
        a: &Arguments<'_>,
        applied: &Applied,
        cotangents: &[Value],
    ) -> Checked<Val> {
        let Some(call) = applied.call else {
            return Err(Reported);
        };
        let mut results = Vec::new();
        let mut gradients = Vec::new();
        for given in &applied.given {
            let types = leaves(&given.val).into_iter();
            let mut types = types.map(|v| self.builder.type_of(v).clone());
            if let Some(ty) = types.find(|ty| !ty.dtype.is_float()) {
                let what = messages::tensor(&ty);
                return Err(self.report(messages::grad_by(&given.tokens, &a.name, &what)));
            }
        }
        for (i, operand) in applied.operands.iter().enumerate() {
            let ty = self.builder.type_of(*operand).clone();
            let gradient = self.builder.value(ty);
            gradients.push(gradient);
            results.push((i, gradient));
        }
        let is_float = |v: &Value| self.builder.type_of(*v).dtype.is_float();
        let mut all: Vec<Option<Value>> = cotangents.iter().map(|c| Some(*c)).collect();
        for (slot, result) in all.iter_mut().zip(&applied.results) {
            *slot = slot.filter(|_| is_float(result));
        }
        all.resize(applied.results.len(), None);
        self.builder.insts.push(Inst::PullbackCall(PullbackCall {
            call,
            cotangents: all,
            results,
        }));
        let mut gradients = gradients.into_iter();
        let each = applied.given.iter();
        let mut out: Vec<Val> = each.map(|g| with_leaves(&g.val, &mut gradients)).collect();
        match out.len() {
            1 => Ok(out.remove(0)),
            _ => Ok(Val::Tuple(out)),
        }
    }
}

/// The tensors of a value, those of a struct's parameters too.
fn leaves(val: &Val) -> Vec<Value> {
    match val {
        Val::Struct(s) => {
            let params = s.leaves.iter().filter_map(|leaf| match leaf {
                Leaf::Param(value) => Some(*value),
                Leaf::State(_) => None,
            });
            params.collect()
        }
        Val::Tuple(parts) => parts.iter().flat_map(leaves).collect(),
        other => other.tensors(),
    }
}

/// The same with other tensors, in the order of [`leaves`].
fn with_leaves(val: &Val, values: &mut dyn Iterator<Item = Value>) -> Val {
    match val {
        Val::Struct(s) => {
            let leaves = s.leaves.iter().map(|leaf| match leaf {
                Leaf::Param(value) => Leaf::Param(values.next().unwrap_or(*value)),
                Leaf::State(place) => Leaf::State(*place),
            });
            let leaves: Rc<[Leaf]> = leaves.collect();
            Val::Struct(StructVal {
                leaves,
                ..s.clone()
            })
        }
        Val::Tuple(parts) => Val::Tuple(parts.iter().map(|p| with_leaves(p, values)).collect()),
        other => other.with_tensors(values),
    }
}
