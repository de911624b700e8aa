//! `for`: a loop stays a loop, whose body is a function of its own.
//!
//! An iteration gets its index, slices of what the loop runs along, and what the one before hands on:
//! the variables that the body assigns to, and the states that it changes. What it pushes onto lists is
//! stacked. What turns out to be the same in all iterations is not handed on.

use super::Lowerer;
use super::assignment::Pushed;
use super::iteration::{Item, Iteration};
use super::structs::Place;
use super::value::{Leaf, LoopIndex, Repeated, StructVal, Val};
use crate::errors::{Checked, Reported};
use crate::messages;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{
    Axis, Call, CallMode, Dim, Inst, Loop, LoopMode, LoopParam, LoopResult, Order, Value, compose,
};
use std::rc::Rc;

/// A loop that is being lowered.
pub struct Frame {
    /// The position of its body's first instruction.
    start: usize,
    /// How many iterations there are.
    trip: Dim,
    /// What its body gets: its index first.
    params: Vec<(Value, Role)>,
    /// States of children that the loop runs over: the place of all of them, and that of the
    /// iteration's.
    child_states: Vec<(usize, usize)>,
}

/// What a parameter of a loop's body is.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// The iteration's index.
    Index,
    /// This in the first iteration, then what the one before hands on.
    Carried(Value),
    /// A slice of this along this axis, counted behind a sequence.
    Sliced(Value, usize),
}

/// A variable that a body assigns to.
pub struct Assigned {
    /// Its name.
    pub name: String,
    /// Its tensors before.
    pub before: Vec<Value>,
    /// Its tensors as parameters of a loop's body.
    params: Vec<Value>,
}

impl Lowerer<'_, '_> {
    /// `for pattern in over { .. }`.
    pub(super) fn for_loop(&mut self, f: &syn::ExprForLoop) -> Checked<()> {
        if let Some(label) = &f.label {
            return Err(self.report(messages::not_in_the_language(label)));
        }
        let filled = self.pushed_in(&f.body);
        let done = self.for_loop_that_fills(f, &filled);
        if done.is_err() {
            self.break_lists(&filled);
        }
        done
    }

    fn for_loop_that_fills(&mut self, f: &syn::ExprForLoop, filled: &[Pushed]) -> Checked<()> {
        let iteration = self.iteration(&f.expr)?;
        let names = self.assigned_in(&f.body);
        let mut assigned = Vec::new();
        for name in names {
            assigned.push(self.start_of(name)?);
        }
        self.fill(filled, true);
        let lists: Vec<usize> = self.lists.iter().map(|l| l.pieces.len()).collect();
        self.enter(iteration.trip.clone());
        let states = self.carry(&mut assigned);
        let done = self.body_of_loop(f, &iteration.item);
        let done = done.and_then(|()| self.handed_on(f, &assigned));
        self.fill(filled, false);
        let ends = match done {
            Ok(ends) => ends,
            Err(Reported) => {
                self.abandon(&assigned, &states, &lists);
                return Err(Reported);
            }
        };
        self.leave(f, &iteration, &assigned, &states, ends, &lists)
    }

    /// What a variable is before the loop: a number becomes a tensor.
    pub(super) fn start_of(&mut self, name: String) -> Checked<Assigned> {
        let val = self.lookup(&name).cloned().unwrap_or(Val::Broken);
        let at = TokenStream::new();
        let val = self.as_tensors(val, &at)?;
        let before = val.tensors();
        if let Some(local) = self.locals.get_mut(&name) {
            local.val = val;
        }
        Ok(Assigned {
            name,
            before,
            params: Vec::new(),
        })
    }

    /// Numbers and sizes as tensors of the working float.
    pub(super) fn as_tensors(&mut self, val: Val, at: &TokenStream) -> Checked<Val> {
        match val {
            Val::Tuple(parts) => {
                let parts = parts.into_iter().map(|p| self.as_tensors(p, at));
                Ok(Val::Tuple(parts.collect::<Checked<_>>()?))
            }
            other => Ok(Val::Tensor(self.tensor_of(other, None, at)?)),
        }
    }

    /// Begins a loop's body.
    fn enter(&mut self, trip: Dim) {
        self.note_depths();
        let start = self.builder.insts.len();
        let index = self.builder.value(Loop::index_type());
        self.frames.push(Frame {
            start,
            trip,
            params: vec![(index, Role::Index)],
            child_states: Vec::new(),
        });
    }

    /// Makes parameters of what the body assigns to, and of every state; gives those of the states.
    fn carry(&mut self, assigned: &mut [Assigned]) -> Vec<Value> {
        for a in assigned {
            a.params = a.before.iter().map(|v| self.carried(*v)).collect();
            if let Some(local) = self.locals.get_mut(&a.name) {
                local.val = local.val.with_tensors(&mut a.params.iter().copied());
            }
        }
        let mut params = Vec::with_capacity(self.parameters.places.len());
        for place in 0..self.parameters.places.len() {
            let now = self.carried(self.parameters.places[place].now);
            self.parameters.places[place].now = now;
            params.push(now);
        }
        params
    }

    /// A parameter of the innermost body that starts as `before`.
    fn carried(&mut self, before: Value) -> Value {
        let ty = self.builder.type_of(before).clone();
        let param = self.builder.value(ty);
        if let Some(frame) = self.frames.last_mut() {
            frame.params.push((param, Role::Carried(before)));
        }
        param
    }

    fn body_of_loop(&mut self, f: &syn::ExprForLoop, item: &Item) -> Checked<()> {
        self.locals.enter();
        let val = self.item(item);
        let bound = self.pattern(&f.pat, val);
        let done = self.statements_without_value(&f.body, messages::value_of_iteration);
        self.locals.leave();
        bound.and(done)
    }

    /// What the body hands on: for each assigned variable its tensors, of the types they had.
    fn handed_on(
        &mut self,
        f: &syn::ExprForLoop,
        assigned: &[Assigned],
    ) -> Checked<Vec<Vec<Value>>> {
        let mut ends = Vec::new();
        let mut bad = false;
        for a in assigned {
            let val = self.lookup(&a.name).cloned().unwrap_or(Val::Broken);
            match self.end_of(f, a, val) {
                Ok(end) => ends.push(end),
                Err(Reported) => bad = true,
            }
        }
        match bad {
            true => Err(Reported),
            false => Ok(ends),
        }
    }

    fn end_of(&mut self, f: &syn::ExprForLoop, a: &Assigned, val: Val) -> Checked<Vec<Value>> {
        let at = super::assignment::last_assigned(&f.body, &a.name);
        let at = at.unwrap_or_else(|| f.for_token.to_token_stream());
        let val = self.as_tensors(val, &at)?;
        let end = val.tensors();
        if end.len() != a.before.len() {
            return Err(self.report(messages::carried_parts(&at, &a.name)));
        }
        for (before, end) in a.before.iter().zip(&end) {
            let (before, end) = (
                self.builder.type_of(*before).clone(),
                self.builder.type_of(*end).clone(),
            );
            let message = messages::carried_type(&at, &a.name, &before, &end);
            self.same_type(&before, &end, &message)?;
        }
        Ok(end)
    }

    /// Forgets a body with errors.
    fn abandon(&mut self, assigned: &[Assigned], states: &[Value], lists: &[usize]) {
        self.note_depths();
        let Some(frame) = self.frames.pop() else {
            return;
        };
        self.builder.insts.truncate(frame.start);
        for a in assigned {
            if let Some(local) = self.locals.get_mut(&a.name) {
                local.val = Val::Broken;
            }
        }
        self.parameters.places.truncate(states.len());
        for (place, param) in self.parameters.places.iter_mut().zip(states) {
            place.now = frame.before(*param);
        }
        for (list, before) in self.lists.iter_mut().zip(lists) {
            list.pieces.truncate(*before);
        }
    }

    /// Makes the call, and gives the variables, states and lists what it leaves.
    fn leave(
        &mut self,
        f: &syn::ExprForLoop,
        iteration: &Iteration,
        assigned: &[Assigned],
        states: &[Value],
        ends: Vec<Vec<Value>>,
        lists: &[usize],
    ) -> Checked<()> {
        let pushed = self.pushed(lists)?;
        self.note_depths();
        let Some(frame) = self.frames.pop() else {
            return Err(Reported);
        };
        let mut results = Results::default();
        let params = assigned.iter().flat_map(|a| &a.params);
        let handed: Vec<(Value, Value)> = params.copied().zip(ends.into_iter().flatten()).collect();
        let now = self.parameters.places.iter().map(|p| p.now);
        let handed = handed.into_iter().chain(states.iter().copied().zip(now));
        for (param, end) in handed.collect::<Vec<_>>() {
            // One that is the same in every iteration is what it was before.
            if param != end {
                results.carried.push((param, end));
            }
        }
        for (_, values) in &pushed {
            results.stacked.push(*values);
        }
        let mut child_states = Vec::new();
        for (all, one) in &frame.child_states {
            let now = self.parameters.places[*one].now;
            if !frame.is_param(now) {
                child_states.push((*all, results.stacked.len()));
                results.stacked.push(now);
            }
        }
        let (carried, stacks) = self.call_loop(f, iteration, &frame, &results)?;
        let after = |param: Value| {
            let place = results.carried.iter().position(|(p, _)| *p == param);
            match place.and_then(|at| carried.get(at)) {
                Some(result) => *result,
                None => frame.before(param),
            }
        };
        for a in assigned {
            if let Some(local) = self.locals.get_mut(&a.name) {
                local.val = local
                    .val
                    .with_tensors(&mut a.params.iter().map(|p| after(*p)));
            }
        }
        self.parameters.places.truncate(states.len());
        for (place, param) in self.parameters.places.iter_mut().zip(states) {
            place.now = after(*param);
        }
        for (all, stack) in child_states {
            self.parameters.places[all].now = stacks[stack];
        }
        for ((list, _), stack) in pushed.iter().zip(&stacks) {
            let stack = self.in_order(f, iteration.order, *stack)?;
            self.lists[*list].pieces.truncate(lists[*list]);
            self.lists[*list].pieces.push(stack);
        }
        Ok(())
    }

    /// What an iteration pushed onto each list that was there before, as one piece.
    fn pushed(&mut self, lists: &[usize]) -> Checked<Vec<(usize, Value)>> {
        let mut out = Vec::new();
        for (list, before) in lists.iter().enumerate() {
            let pieces = self.lists[list].pieces[*before..].to_vec();
            if !pieces.is_empty() {
                out.push((list, self.joined(&pieces, &TokenStream::new())?));
            }
        }
        Ok(out)
    }

    /// A stack of pieces as one piece, in the order in which they were pushed.
    fn in_order(&mut self, f: &syn::ExprForLoop, order: Order, stack: Value) -> Checked<Value> {
        self.build(&f.for_token, "for", &[], |b| {
            let stack = match order {
                Order::Forward => stack,
                Order::Backward => compose::flip(b, stack, Axis::At(0))?,
            };
            compose::merge(b, stack, 0)
        })
    }

    /// The call: what is carried behind the last iteration, and the stacks.
    fn call_loop(
        &mut self,
        f: &syn::ExprForLoop,
        iteration: &Iteration,
        frame: &Frame,
        results: &Results,
    ) -> Checked<(Vec<Value>, Vec<Value>)> {
        if results.values().is_empty() {
            // Nothing behind the loop would differ.
            self.builder.insts.truncate(frame.start);
            return Ok((Vec::new(), Vec::new()));
        }
        let params: Vec<Value> = frame.params.iter().map(|(v, _)| *v).collect();
        let lifted = self.lift("loop", frame.start, &params, &results.values());
        let mut roles = Vec::new();
        let mut operands = Vec::new();
        for (param, role) in &frame.params {
            roles.push(match role {
                Role::Index => LoopParam::Index,
                Role::Carried(before) => {
                    operands.push(*before);
                    match results.carried.iter().any(|(p, _)| p == param) {
                        true => LoopParam::Carried,
                        false => LoopParam::Invariant,
                    }
                }
                Role::Sliced(whole, axis) => {
                    operands.push(*whole);
                    LoopParam::Sliced { axis: *axis }
                }
            });
        }
        roles.extend(lifted.captured.iter().map(|_| LoopParam::Invariant));
        operands.extend(&lifted.captured);
        self.locate(f.for_token.span);
        let trip = self.dim(&iteration.trip)?;
        let mut made = Vec::new();
        for (param, _) in &results.carried {
            let ty = self.builder.type_of(*param).clone();
            made.push(self.builder.value(ty));
        }
        for value in &results.stacked {
            let mut ty = self.builder.type_of(*value).clone();
            ty.shape.dims.insert(0, trip.clone());
            made.push(self.builder.value(ty));
        }
        let count = results.carried.len();
        let mode = LoopMode {
            trip,
            order: iteration.order,
            params: roles,
            results: (0..made.len())
                .map(|i| match i < count {
                    true => LoopResult::Carried,
                    false => LoopResult::Stacked { axis: 0 },
                })
                .collect(),
        };
        let location = self.builder.location;
        let mut call = Call::plain(lifted.target, operands, made.clone(), location);
        call.mode = CallMode::Loop(mode);
        self.builder.insts.push(Inst::Call(call));
        let stacks = made.split_off(count);
        Ok((made, stacks))
    }

    /// The index of the innermost loop's iteration.
    pub(super) fn loop_index(&mut self, start: Dim) -> Val {
        let frame = self.frames.len().saturating_sub(1);
        let index = self.frames.last().and_then(|f| f.params.first());
        match index {
            Some((iteration, _)) => Val::Index(LoopIndex {
                frame,
                iteration: *iteration,
                offset: start,
            }),
            None => Val::Broken,
        }
    }

    /// The slice of a tensor that the innermost loop's iteration gets, along its first axis.
    pub(super) fn slice_of_iteration(&mut self, x: Value) -> Value {
        self.sliced(self.frames.len() - 1, x, 0)
    }

    /// The child that the innermost loop's iteration gets.
    pub(super) fn child_of_iteration(&mut self, children: &Repeated) -> StructVal {
        let leaves: Vec<Leaf> = children.stacked.leaves.to_vec();
        let leaves = leaves.into_iter().map(|leaf| match leaf {
            Leaf::Param(all) => Leaf::Param(self.slice_of_iteration(all)),
            Leaf::State(all) => {
                // All of them are the outside's: within the body they are what they were before.
                let whole = self.outer_place(all);
                let slice = self.slice_of_iteration(whole);
                let one = self.parameters.places.len();
                let param = self.parameters.places[all].param;
                self.parameters.places.push(Place { param, now: slice });
                if let Some(frame) = self.frames.last_mut() {
                    frame.child_states.push((all, one));
                }
                Leaf::State(one)
            }
        });
        let leaves: Rc<[Leaf]> = leaves.collect();
        StructVal {
            leaves,
            ..children.stacked.clone()
        }
    }

    /// What a place was before the innermost loop.
    fn outer_place(&self, place: usize) -> Value {
        let now = self.parameters.places[place].now;
        self.frames.last().map_or(now, |frame| frame.before(now))
    }

    /// A parameter of a loop's body that is a slice of `x`, which is defined outside of that loop.
    pub(super) fn sliced(&mut self, frame: usize, x: Value, axis: usize) -> Value {
        self.note_depths();
        let role = Role::Sliced(x, axis);
        let known = self.frames[frame].params.iter().find(|(_, r)| *r == role);
        if let Some((param, _)) = known {
            return *param;
        }
        let mut ty = self.builder.type_of(x).clone();
        ty.shape.dims.remove(axis);
        let param = self.builder.value(ty);
        self.depths.push(frame + 1);
        self.frames[frame].params.push((param, role));
        param
    }

    /// Adds instructions in front of a loop that is being lowered.
    pub(super) fn before_loop<T>(
        &mut self,
        frame: usize,
        make: impl FnOnce(&mut Self) -> Checked<T>,
    ) -> Checked<T> {
        self.note_depths();
        let start = self.frames[frame].start;
        let behind = self.builder.insts.split_off(start);
        let made = make(self);
        let added = self.builder.insts.len() - start;
        self.builder.insts.extend(behind);
        self.depths.resize(self.builder.values.len(), frame);
        for f in &mut self.frames[frame..] {
            f.start += added;
        }
        for part in &mut self.open {
            part.moved(frame, added);
        }
        made
    }

    /// Whether a value is defined outside of a loop that is being lowered.
    pub(super) fn is_outside(&mut self, frame: usize, x: Value) -> bool {
        self.note_depths();
        self.depths.get(x.index()).is_some_and(|d| *d <= frame)
    }

    /// The trip count of a loop that is being lowered.
    pub(super) fn trip(&self, frame: usize) -> &Dim {
        &self.frames[frame].trip
    }

    /// Values that came since the last look were defined in the innermost loop.
    fn note_depths(&mut self) {
        let depth = self.frames.len();
        if self.depths.len() < self.builder.values.len() {
            self.depths.resize(self.builder.values.len(), depth);
        }
    }
}

/// What a body gives back.
#[derive(Default)]
struct Results {
    /// The parameter, and what the next iteration gets for it.
    carried: Vec<(Value, Value)>,
    stacked: Vec<Value>,
}

impl Results {
    fn values(&self) -> Vec<Value> {
        let carried = self.carried.iter().map(|(_, end)| *end);
        carried.chain(self.stacked.iter().copied()).collect()
    }
}

impl Frame {
    /// What a carried parameter is before the loop; any other value is itself.
    fn before(&self, param: Value) -> Value {
        let found = self.params.iter().find(|(p, _)| *p == param);
        match found {
            Some((_, Role::Carried(before))) => *before,
            Some((_, Role::Index | Role::Sliced(..))) | None => param,
        }
    }

    fn is_param(&self, value: Value) -> bool {
        self.params.iter().any(|(p, _)| *p == value)
    }
}
