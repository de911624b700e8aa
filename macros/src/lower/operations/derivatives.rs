//! Functions in a body, written as closures: their derivatives, and when they are computed again.
//!
//! A closure's body is taken out as a function of its own, which takes the closure's parameters and
//! what it uses of the outside. A derivative is the pullback of its call.
//!
//! A pullback is linear in the cotangents. So its own pullback by these is the derivative in the forward
//! direction, and does not depend on what they are: `jvp` is that at zero, of which nothing is left.

use crate::errors::{Checked, Reported};
use crate::lower::Lowerer;
use crate::lower::arguments::Arguments;
use crate::lower::call::Given;
use crate::lower::choice::as_block;
use crate::lower::lift::Lifted;
use crate::lower::value::{Leaf, StructVal, Val};
use crate::messages;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{Call, CallMode, Inst, PullbackCall, Type, Value};
use std::rc::Rc;

/// A closure that was called once.
struct Applied {
    /// What it gave.
    value: Val,
    /// The results of the call, those that are states too; the first one names it.
    results: Vec<Value>,
    /// The arguments as they were given.
    given: Vec<Given>,
    /// The tensors of the arguments: the first operands of the call.
    operands: Vec<Value>,
}

/// A part of the body that was lowered, to be taken out.
pub(super) struct Part {
    /// The position of its first instruction.
    pub(super) start: usize,
    /// The states that it changes, each with what it leaves there.
    pub(super) changed: Vec<(usize, Value)>,
}

/// A part that is a function of its own now, and not called yet.
struct TakenOut {
    lifted: Lifted,
    /// What it gives: the types of the call's results.
    results: Vec<Value>,
    /// How many of these are no states.
    returned: usize,
    /// The states that the others are.
    places: Vec<usize>,
}

impl Lowerer<'_, '_> {
    /// `grad(|x| f(x), x)`
    pub fn grad(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let applied = self.scalar(a)?;
        let one = self.one_like(&applied)?;
        self.gradients(a, &applied, &[one])
    }

    /// `value_and_grad(|x| f(x), x)`
    pub fn value_and_grad(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let applied = self.scalar(a)?;
        let one = self.one_like(&applied)?;
        let gradient = self.gradients(a, &applied, &[one])?;
        Ok(Val::Tuple(vec![applied.value, gradient]))
    }

    /// `vjp(|x| f(x), x, v)`
    pub fn vjp(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let last = a.len() - 1;
        let applied = self.apply(a, (1..last).collect(), CallMode::Plain)?;
        let given = self.value_arg(a, last)?;
        let cotangents = self.as_many(given, &applied.value.tensors())?;
        let gradient = self.gradients(a, &applied, &cotangents)?;
        Ok(Val::Tuple(vec![applied.value, gradient]))
    }

    /// `jvp(|x| f(x), x, v)`
    pub fn jvp(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let last = a.len() - 1;
        let given = self.behind(a, (1..last).collect())?;
        self.by_floats(a, &given)?;
        let direction = self.direction(a, last, &given)?;
        let before = self.open_closure();
        let linear = self.linear(a, given);
        let (part, (value, cotangents, gradients)) = self.close_closure(&before, linear)?;
        let mut results = value.tensors();
        let from = results.len();
        results.extend(&gradients);
        let part = self.take_out(part, &cotangents, results);
        let mut zeros = Vec::with_capacity(cotangents.len());
        for cotangent in &cotangents {
            let Type { dtype, shape } = self.builder.type_of(*cotangent).clone();
            zeros.push(self.build(&a.name, "jvp", &[], |b| {
                b.constant(0.0, dtype, shape.clone())
            })?);
        }
        let made = self.call_part(a, part, &zeros, CallMode::Plain);
        let along = made.iter().enumerate().map(|(i, _)| {
            let gradient = i.checked_sub(from)?;
            direction.get(gradient).copied()
        });
        let along = along.collect();
        let tangents = self.pullback(&made, along, &cotangents)?;
        let value = value.with_tensors(&mut made.into_iter());
        let tangent = value.with_tensors(&mut tangents.into_iter());
        Ok(Val::Tuple(vec![value, tangent]))
    }

    /// What a closure gives, cotangents of it, and what its pullback makes of them.
    fn linear(
        &mut self,
        a: &Arguments<'_>,
        given: Vec<Given>,
    ) -> Checked<(Val, Vec<Value>, Vec<Value>)> {
        let applied = self.apply_to(a, given, CallMode::Plain)?;
        let results = applied.value.tensors();
        let types = results.iter().map(|v| self.builder.type_of(*v).clone());
        let types: Vec<Type> = types.collect();
        if let Some(ty) = types.iter().find(|ty| !ty.dtype.is_float()) {
            let what = messages::tensor(ty);
            return Err(self.report(messages::tangent_of(&a.tokens(0), &what)));
        }
        let cotangents = types.into_iter().map(|ty| self.builder.value(ty));
        let cotangents: Vec<Value> = cotangents.collect();
        let mut seeds: Vec<Option<Value>> = cotangents.iter().map(|c| Some(*c)).collect();
        seeds.resize(applied.results.len(), None);
        let gradients = self.pullback(&applied.results, seeds, &applied.operands)?;
        Ok((applied.value, cotangents, gradients))
    }

    /// The direction of a derivative: tensors of the types of those of the arguments.
    fn direction(
        &mut self,
        a: &Arguments<'_>,
        last: usize,
        given: &[Given],
    ) -> Checked<Vec<Value>> {
        let direction = self.value_arg(a, last)?;
        let val = self.with_tensors_in(direction.val, &direction.tokens)?;
        let found = leaves(&val);
        let wanted: Vec<Value> = given.iter().flat_map(|g| leaves(&g.val)).collect();
        let at = &direction.tokens;
        if found.len() != wanted.len() {
            let error = messages::direction_count(at, wanted.len(), found.len());
            return Err(self.report(error));
        }
        for (found, wanted) in found.iter().zip(&wanted) {
            let wanted = self.builder.type_of(*wanted).clone();
            let found = self.builder.type_of(*found).clone();
            let message = messages::direction_type(at, &wanted, &found);
            self.same_type(&found, &wanted, &message)?;
        }
        Ok(found)
    }

    /// `checkpoint(|x| f(x), x)`
    pub fn checkpoint(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let applied = self.apply(a, a.many(), CallMode::Checkpoint)?;
        Ok(applied.value)
    }

    /// A closure applied once, whose value is a scalar float.
    fn scalar(&mut self, a: &Arguments<'_>) -> Checked<Applied> {
        let applied = self.apply(a, a.many(), CallMode::Plain)?;
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
        arguments: Vec<usize>,
        mode: CallMode,
    ) -> Checked<Applied> {
        let given = self.behind(a, arguments)?;
        self.apply_to(a, given, mode)
    }

    /// What stands behind a closure: tensors, tuples of them, structs.
    pub(super) fn behind(
        &mut self,
        a: &Arguments<'_>,
        arguments: Vec<usize>,
    ) -> Checked<Vec<Given>> {
        self.closure(a)?;
        let mut given = Vec::new();
        for i in arguments {
            let mut argument = self.value_arg(a, i)?;
            argument.val = self.with_tensors_in(argument.val, &argument.tokens)?;
            given.push(argument);
        }
        Ok(given)
    }

    /// The closure that an operation is of.
    pub(super) fn closure<'c>(&self, a: &Arguments<'c>) -> Checked<&'c syn::ExprClosure> {
        match a.expr(0) {
            Some(syn::Expr::Closure(closure)) => Ok(closure),
            _ => {
                let usage = a.op.usage();
                Err(self.report(messages::wants_closure(&a.tokens(0), &a.name, &usage)))
            }
        }
    }

    /// The same, if it takes as much as it is given and leaves the outside as it is.
    pub(super) fn checked_closure<'c>(
        &mut self,
        a: &Arguments<'c>,
        gets: usize,
    ) -> Checked<&'c syn::ExprClosure> {
        let closure = self.closure(a)?;
        let takes = closure.inputs.len();
        if takes != gets {
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
        Ok(closure)
    }

    /// As [`Lowerer::apply`], with the arguments' values.
    fn apply_to(
        &mut self,
        a: &Arguments<'_>,
        given: Vec<Given>,
        mode: CallMode,
    ) -> Checked<Applied> {
        let closure = self.checked_closure(a, given.len())?;
        let operands: Vec<Value> = given.iter().flat_map(|g| leaves(&g.val)).collect();
        let before = self.open_closure();
        let params: Vec<Value> = operands
            .iter()
            .map(|v| {
                let ty = self.builder.type_of(*v).clone();
                self.builder.value(ty)
            })
            .collect();
        let value = self.closure_value(closure, &given, &params);
        let (part, value) = self.close_closure(&before, value)?;
        let results = value.tensors();
        let part = self.take_out(part, &params, results);
        let made = self.call_part(a, part, &operands, mode);
        let value = value.with_tensors(&mut made.iter().copied());
        Ok(Applied {
            value,
            results: made,
            given,
            operands,
        })
    }

    /// Begins a part that may change states: gives what these are before.
    pub(super) fn open_closure(&mut self) -> Vec<Value> {
        self.open_part();
        self.parameters.places.iter().map(|p| p.now).collect()
    }

    /// Ends the part, of which nothing is left if there were errors in it. The states are `before` again:
    /// what the part made of them is its own.
    pub(super) fn close_closure<T>(
        &mut self,
        before: &[Value],
        made: Checked<T>,
    ) -> Checked<(Part, T)> {
        let start = self.close_part();
        let places = self.parameters.places.iter_mut().zip(before).enumerate();
        let changed = places.filter_map(|(i, (place, before))| {
            let now = std::mem::replace(&mut place.now, *before);
            (now != *before).then_some((i, now))
        });
        let changed = changed.collect();
        match made {
            Ok(made) => Ok((Part { start, changed }, made)),
            Err(Reported) => {
                self.builder.insts.truncate(start);
                Err(Reported)
            }
        }
    }

    /// Takes a part out, of these parameters and results. What is added from then on stands behind it.
    fn take_out(&mut self, part: Part, params: &[Value], mut results: Vec<Value>) -> TakenOut {
        let returned = results.len();
        results.extend(part.changed.iter().map(|(_, now)| *now));
        TakenOut {
            lifted: self.lift("closure", part.start, params, &results),
            places: part.changed.iter().map(|(place, _)| *place).collect(),
            results,
            returned,
        }
    }

    /// Calls what was taken out. Gives the call's results; those that are states stand behind the others,
    /// and are the states from here on.
    fn call_part(
        &mut self,
        a: &Arguments<'_>,
        part: TakenOut,
        operands: &[Value],
        mode: CallMode,
    ) -> Vec<Value> {
        self.locate(a.name.span());
        let types = part
            .results
            .iter()
            .map(|r| self.builder.type_of(*r).clone());
        let types: Vec<Type> = types.collect();
        let made: Vec<Value> = types.into_iter().map(|t| self.builder.value(t)).collect();
        let captured = &part.lifted.captured;
        let all = operands.iter().chain(captured).copied().collect();
        let target = part.lifted.target;
        let mut call = Call::plain(target, all, made.clone(), self.builder.location);
        call.mode = mode;
        self.builder.insts.push(Inst::Call(call));
        for (place, new) in part.places.iter().zip(&made[part.returned..]) {
            self.parameters.places[*place].now = *new;
        }
        made
    }

    fn closure_value(
        &mut self,
        closure: &syn::ExprClosure,
        given: &[Given],
        params: &[Value],
    ) -> Checked<Val> {
        let val = self.in_closure(closure, given, params)?;
        self.as_tensors(val, &closure.body.to_token_stream())
    }

    /// What the body of a closure is.
    pub(super) fn in_closure(
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
        val
    }

    /// Numbers as tensors; structs stay structs.
    pub(super) fn with_tensors_in(&mut self, val: Val, at: &TokenStream) -> Checked<Val> {
        match val {
            Val::Struct(_) => Ok(val),
            Val::Tuple(parts) => {
                let parts = parts.into_iter().map(|p| self.with_tensors_in(p, at));
                Ok(Val::Tuple(parts.collect::<Checked<_>>()?))
            }
            other => self.as_tensors(other, at),
        }
    }

    /// Whether what stands behind a closure is all of floats.
    fn by_floats(&mut self, a: &Arguments<'_>, given: &[Given]) -> Checked<()> {
        for given in given {
            let types = leaves(&given.val).into_iter();
            let mut types = types.map(|v| self.builder.type_of(v).clone());
            if let Some(ty) = types.find(|ty| !ty.dtype.is_float()) {
                let what = messages::tensor(&ty);
                return Err(self.report(messages::grad_by(&given.tokens, &a.name, &what)));
            }
        }
        Ok(())
    }

    /// What the arguments of a closure get of the cotangents of its values.
    fn gradients(
        &mut self,
        a: &Arguments<'_>,
        applied: &Applied,
        cotangents: &[Value],
    ) -> Checked<Val> {
        self.by_floats(a, &applied.given)?;
        let is_float = |v: &Value| self.builder.type_of(*v).dtype.is_float();
        let mut all: Vec<Option<Value>> = cotangents.iter().map(|c| Some(*c)).collect();
        for (slot, result) in all.iter_mut().zip(&applied.results) {
            *slot = slot.filter(|_| is_float(result));
        }
        all.resize(applied.results.len(), None);
        let gradients = self.pullback(&applied.results, all, &applied.operands)?;
        let mut gradients = gradients.into_iter();
        let each = applied.given.iter();
        let mut out: Vec<Val> = each.map(|g| with_leaves(&g.val, &mut gradients)).collect();
        match out.len() {
            1 => Ok(out.remove(0)),
            _ => Ok(Val::Tuple(out)),
        }
    }

    /// The pullback of the call that gave `results`: what `operands` get, which are its first.
    fn pullback(
        &mut self,
        results: &[Value],
        cotangents: Vec<Option<Value>>,
        operands: &[Value],
    ) -> Checked<Vec<Value>> {
        let Some(call) = results.first() else {
            return Err(Reported);
        };
        let types = operands.iter().map(|v| self.builder.type_of(*v).clone());
        let types: Vec<Type> = types.collect();
        let gradients = types.into_iter().map(|ty| self.builder.value(ty));
        let gradients: Vec<Value> = gradients.collect();
        self.builder.insts.push(Inst::PullbackCall(PullbackCall {
            call: *call,
            cotangents,
            results: gradients.iter().copied().enumerate().collect(),
        }));
        Ok(gradients)
    }
}

/// The tensors of a value, those of a struct's parameters too.
pub(super) fn leaves(val: &Val) -> Vec<Value> {
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
pub(super) fn with_leaves(val: &Val, values: &mut dyn Iterator<Item = Value>) -> Val {
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
