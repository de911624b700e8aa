//! Inlines calls by their mode, and the pullbacks of calls: once, as a loop, or computed again.

use super::flat::{Inlinable, PullbackSource};
use super::inliner::{Inliner, Instance};
use super::site::Place;
use super::substitution::Substitution;
use super::{LinkError, op_error, place};
use crate::activity::CalleeInfo;
use crate::block::{Block, Inst, Loop, Sliced};
use crate::call::{Call, CallMode, LoopMode, LoopParam, LoopResult, PullbackCall, Target};
use crate::dim::DimError;
use crate::function::{Function, Origin, Value};
use crate::ops;
use crate::reverse::{Gradients, ReverseLoop};
use crate::shape::Type;
use crate::symbol::Condition;
use crate::unit::Unit;
use std::rc::Rc;

/// A call that has been inlined, as its pullback needs it.
pub(super) struct Called<'u> {
    /// The callee's function where the call was.
    instance: Instance<'u>,
    how: How,
    /// Whether symbols chose it: what was assumed of it is what another one may depend on.
    chosen: bool,
}

enum How {
    /// At its place.
    Once,
    /// In the body of a loop.
    Loop(Rc<(Loop, LoopMode)>),
    /// At its place; its pullback computes it again from these operands.
    Checkpoint(Vec<Value>),
}

impl<'u> Inliner<'u> {
    pub(super) fn call(&mut self, instance: &mut Instance<'u>, c: &Call) -> Result<(), LinkError> {
        let caller = instance.substitution.unit;
        let target = self.chosen(instance, c)?;
        let (callee, place_of_call) = Self::callee_of(instance, &target.name)?;
        let place_of_call = match place_of_call {
            Some(place) => place,
            None => self.place_of(instance, c)?,
        };
        if let CallMode::Rule(rule) = &c.mode
            && self.keeping.is_some()
        {
            return self.keep(instance, c, rule, &place_of_call);
        }
        let stored = self.load(callee)?;
        let substitution = instance.substitution.of_call(target, callee, &stored)?;
        let maps = instance.substitution.maps(&target.maps)?;
        let (inlinable, substitution) = self.mapped(callee, substitution, &maps)?;
        let function = inlinable.function.clone();
        let operands = instance.map(&c.operands);
        let refuse = |what| LinkError::Call {
            path: caller.path.to_string(),
            callee: callee.path.to_string(),
            at: place(caller, c.location),
            what,
        };
        if function.body.results.len() != c.results.len() {
            return Err(refuse("the number of results differs"));
        }
        if !same_structs(&function, c) {
            return Err(refuse("what is one struct differs"));
        }
        let called = match &c.mode {
            CallMode::Loop(l) => {
                let mut made = self.open_loop(instance, c, l, &operands, &refuse)?;
                let inner = arguments(l, &made, &operands);
                let inside = place_of_call.in_loop(made.index(), &made.trip);
                let mut inlined =
                    self.instance(inlinable, substitution, inside, &inner, &refuse)?;
                let outer = std::mem::take(&mut self.builder.insts);
                self.body(&mut inlined)?;
                made.body.insts = std::mem::replace(&mut self.builder.insts, outer);
                self.close_loop(instance, c, l, &mut made, &inlined, &refuse)?;
                self.builder.insts.push(Inst::Loop(made.clone()));
                Called {
                    instance: inlined,
                    how: How::Loop(Rc::new((made, l.clone()))),
                    chosen: false,
                }
            }
            CallMode::Plain
            | CallMode::Choice(_)
            | CallMode::Checkpoint
            | CallMode::Rule(_)
            | CallMode::ByRule => {
                let mut inlined =
                    self.instance(inlinable, substitution, place_of_call, &operands, &refuse)?;
                self.body(&mut inlined)?;
                for (r, inner) in c.results.iter().zip(&inlined.function.body.results) {
                    let to = inlined.value(*inner);
                    let declared = instance.function.type_of(*r);
                    if instance.substitution.of_type(declared)? != *self.builder.type_of(to) {
                        return Err(refuse("the type of a result differs"));
                    }
                    instance.set(*r, to);
                }
                let how = match &c.mode {
                    CallMode::Checkpoint => How::Checkpoint(operands),
                    CallMode::Plain
                    | CallMode::Choice(_)
                    | CallMode::Loop(_)
                    | CallMode::Rule(_)
                    | CallMode::ByRule => How::Once,
                };
                Called {
                    instance: inlined,
                    how,
                    chosen: matches!(c.mode, CallMode::Choice(_)),
                }
            }
        };
        if let Some(first) = c.results.first() {
            instance.calls.insert(*first, called);
        }
        Ok(())
    }

    /// An instance of a callee whose parameters have the types of what it is given.
    fn instance(
        &self,
        inlinable: Inlinable,
        substitution: Substitution<'u>,
        place: Place,
        operands: &[Value],
        refuse: &dyn Fn(&'static str) -> LinkError,
    ) -> Result<Instance<'u>, LinkError> {
        let function = &inlinable.function;
        if function.params.len() != operands.len() {
            return Err(refuse("the number of arguments differs"));
        }
        for (param, operand) in function.values.iter().zip(operands) {
            if substitution.of_type(param)? != *self.builder.type_of(*operand) {
                return Err(refuse("the type of an argument differs"));
            }
        }
        Instance::new(inlinable, substitution, place, operands)
    }

    /// A loop with the parameters of its body.
    fn open_loop(
        &mut self,
        instance: &Instance<'u>,
        c: &Call,
        l: &LoopMode,
        operands: &[Value],
        refuse: &dyn Fn(&'static str) -> LinkError,
    ) -> Result<Loop, LinkError> {
        let s = &instance.substitution;
        let trip = s
            .extent(&l.trip)
            .map_err(|e| backwards(e, place(s.unit, c.location)))?;
        let mut made = Loop {
            trip,
            order: l.order,
            carried: Vec::new(),
            sliced: Vec::new(),
            body: Block::default(),
            stacked: Vec::new(),
            results: Vec::new(),
            location: c.location.map(|at| at.in_file(s.unit.file)),
        };
        let mut slices = Vec::new();
        made.body
            .params
            .push(self.builder.value(Loop::index_type()));
        for (((_, role), operand), declared) in l.operands().zip(operands).zip(&c.operands) {
            let ty = self.builder.type_of(*operand).clone();
            match role {
                LoopParam::Index | LoopParam::Invariant => {}
                LoopParam::Carried => {
                    made.carried.push(*operand);
                    made.body.params.push(self.builder.value(ty));
                }
                LoopParam::Sliced { axis } => {
                    let axis = s.axis(axis, instance.function.type_of(*declared));
                    if ty.shape.dims.get(axis) != Some(&made.trip) {
                        return Err(refuse("a sliced argument has not a slice an iteration"));
                    }
                    made.sliced.push(Sliced {
                        value: *operand,
                        axis,
                    });
                    slices.extend(ty.slice(axis).map(|ty| self.builder.value(ty)));
                }
            }
        }
        made.body.params.extend(slices);
        Ok(made)
    }

    /// The results of a loop whose body is inlined.
    fn close_loop(
        &mut self,
        instance: &mut Instance<'u>,
        c: &Call,
        l: &LoopMode,
        made: &mut Loop,
        inlined: &Instance<'u>,
        refuse: &dyn Fn(&'static str) -> LinkError,
    ) -> Result<(), LinkError> {
        let results = &inlined.function.body.results;
        let carried: Vec<(usize, usize)> = l
            .carried_results()
            .into_iter()
            .zip(l.carried_params())
            .collect();
        let from = inlined.function.returned().len();
        for (i, param) in inlined.function.states.iter().enumerate() {
            if carried.iter().any(|(r, p)| *r == from + i && p != param) {
                return Err(refuse("a state is handed on to another parameter"));
            }
        }
        for at in in_order(l) {
            let (inner, outer) = (inlined.value(results[at]), c.results[at]);
            let declared = instance.function.type_of(outer);
            let given = self.builder.type_of(inner).clone();
            let ty = match l.results[at] {
                LoopResult::Carried => given,
                LoopResult::Stacked { axis } => {
                    let axis = instance.substitution.axis(axis, declared);
                    made.stacked.push(axis);
                    let stack = given.stack(axis, made.trip.clone());
                    stack.ok_or_else(|| refuse("a stacked result has no such axis"))?
                }
            };
            if instance.substitution.of_type(declared)? != ty {
                return Err(refuse("the type of a result differs"));
            }
            let result = self.builder.value(ty);
            made.body.results.push(inner);
            made.results.push(result);
            instance.set(outer, result);
        }
        let handed = made.body.results.iter().zip(&made.carried);
        let type_of = |v: &Value| self.builder.type_of(*v);
        for (next, first) in handed {
            if type_of(next) != type_of(first) {
                return Err(refuse(
                    "what is handed on is not of the type of what comes in",
                ));
            }
        }
        match l.carried_params().len() == l.carried_results().len() {
            true => Ok(()),
            false => Err(refuse("not all that is carried is handed on")),
        }
    }

    pub(super) fn pullback_call(
        &mut self,
        instance: &mut Instance<'u>,
        p: &PullbackCall,
    ) -> Result<(), LinkError> {
        let unit = instance.substitution.unit;
        let cotangents = p.cotangents.iter();
        let cotangents: Vec<Option<Value>> =
            cotangents.map(|c| c.map(|c| instance.value(c))).collect();
        let function = instance.function.clone();
        let missing = || LinkError::NoPullback {
            path: unit.path.to_string(),
        };
        let called = instance.calls.get_mut(&p.call).ok_or_else(missing)?;
        let callee = called.instance.substitution.unit;
        let gradients = match &called.how {
            How::Loop(made) => {
                let wanted: Vec<usize> = p.results.iter().map(|(i, _)| *i).collect();
                let made = made.clone();
                let (made, l) = made.as_ref();
                self.pullback_of_loop(&mut called.instance, made, l, &cotangents, &wanted)?
            }
            How::Checkpoint(operands) => {
                let operands = operands.clone();
                let mut again = self.again(&called.instance, &operands)?;
                self.pullback(&mut again, &cotangents)?
            }
            How::Once => self.pullback(&mut called.instance, &cotangents)?,
        };
        // Which alternative it is, dependences do not know, here or in a callee that is flat; and who
        // writes a pullback may leave gradients out. A pullback that is asked for in a body may be asked
        // for what is zero.
        let written = function.pullback.as_ref().map(|p| p.origin) == Some(Origin::Written);
        let flat = matches!(called.instance.pullback, PullbackSource::Flat);
        let lenient = written || called.chosen || flat;
        for (position, v) in &p.results {
            let gradient = match gradients.get(*position).copied().flatten() {
                Some(gradient) => gradient,
                None if lenient || !self.gives(unit, &function, p, *position)? => {
                    let ty = instance.substitution.of_type(function.type_of(*v))?;
                    self.zero(unit, ty)?
                }
                None => {
                    return Err(LinkError::NoGradient {
                        path: unit.path.to_string(),
                        callee: callee.path.to_string(),
                    });
                }
            };
            instance.set(*v, gradient);
        }
        Ok(())
    }

    pub(super) fn zero(&mut self, unit: &Unit, ty: Type) -> Result<Value, LinkError> {
        let zero = self.builder.constant(0.0, ty.dtype, ty.shape);
        zero.map_err(|error| op_error(unit, ops::CONST.name, None, error))
    }

    /// The callee of a checkpoint, computed again: behind barriers, so that nothing takes it for what
    /// has been computed already.
    fn again(
        &mut self,
        before: &Instance<'u>,
        operands: &[Value],
    ) -> Result<Instance<'u>, LinkError> {
        let unit = before.substitution.unit;
        let mut now = Vec::with_capacity(operands.len());
        for v in operands {
            let barrier = self.builder.op(ops::BARRIER, &[*v], Vec::new());
            now.push(barrier.map_err(|e| op_error(unit, ops::BARRIER.name, None, e))?);
        }
        let substitution = before.substitution.clone();
        let place = before.place.clone();
        let mut again = Instance::new(before.inlinable(), substitution, place, &now)?;
        let before = std::mem::replace(&mut self.again, true);
        let done = self.body(&mut again);
        self.again = before;
        done.map(|()| again)
    }

    /// The cotangents of a loop's operands, by their positions.
    fn pullback_of_loop(
        &mut self,
        body: &mut Instance<'u>,
        made: &Loop,
        l: &LoopMode,
        cotangents: &[Option<Value>],
        wanted: &[usize],
    ) -> Result<Vec<Option<Value>>, LinkError> {
        let unit = body.substitution.unit;
        let refused = |error| op_error(unit, "loop", made.location, error);
        let info: CalleeInfo = self.info(unit)?.looped(l);
        let roles: Vec<(usize, LoopParam)> = l.operands().collect();
        let of_role = |role: fn(LoopParam) -> bool| -> Vec<usize> {
            let all = roles.iter().enumerate();
            all.filter(|(_, (_, r))| role(*r)).map(|(i, _)| i).collect()
        };
        let carried = of_role(|r| r == LoopParam::Carried);
        let sliced = of_role(|r| matches!(r, LoopParam::Sliced { .. }));
        let mut captured = of_role(|r| r == LoopParam::Invariant);
        captured.retain(|i| wanted.contains(i));
        let active: Vec<bool> = carried.iter().map(|i| info.gives(*i, cotangents)).collect();
        let order = in_order(l);
        let given: Vec<Option<Value>> = order.iter().map(|r| cotangents[*r]).collect();
        let b = &mut self.builder;
        let reverse = ReverseLoop::open(b, made, &given, &active).map_err(refused)?;
        let mut inner = vec![None; cotangents.len()];
        for (r, cotangent) in order.iter().zip(&reverse.cotangents) {
            inner[*r] = *cotangent;
        }
        let gradients = self.pullback(body, &inner)?;
        let gradient = |i: &usize| gradients.get(roles[*i].0).copied().flatten();
        captured.retain(|i| gradient(i).is_some());
        let found = Gradients {
            carried: carried.iter().map(gradient).collect(),
            sliced: sliced
                .iter()
                .map(|i| gradient(i).filter(|_| wanted.contains(i)))
                .collect(),
            captured: captured.iter().filter_map(gradient).collect(),
        };
        let (b, stacks) = (&mut self.builder, &mut self.stacks);
        let closed = reverse.close(b, stacks, made, &found).map_err(refused)?;
        let mut out = vec![None; roles.len()];
        let positions = carried.iter().chain(&sliced).chain(&captured);
        let summed = closed.captured.into_iter().map(Some);
        let values = closed
            .carried
            .into_iter()
            .chain(closed.sliced)
            .chain(summed);
        for (i, value) in positions.zip(values) {
            out[*i] = value;
        }
        Ok(out)
    }

    /// A loop of a function that is inlined already.
    pub(super) fn iterate(
        &mut self,
        instance: &mut Instance<'u>,
        l: &Loop,
    ) -> Result<(), LinkError> {
        let function = instance.function.clone();
        let mut made = Loop {
            trip: instance.substitution.extent(&l.trip)?,
            order: l.order,
            carried: instance.map(&l.carried),
            sliced: Vec::new(),
            body: Block::default(),
            stacked: Vec::new(),
            results: Vec::new(),
            location: l.location,
        };
        for s in &l.sliced {
            made.sliced.push(Sliced {
                value: instance.value(s.value),
                axis: instance
                    .substitution
                    .axis(s.axis, function.type_of(s.value)),
            });
        }
        let define = |inliner: &mut Self, instance: &mut Instance<'u>, v: Value| {
            let ty = instance.substitution.of_type(function.type_of(v))?;
            let now = inliner.builder.value(ty);
            instance.set(v, now);
            Ok::<Value, LinkError>(now)
        };
        for v in &l.body.params {
            made.body.params.push(define(self, instance, *v)?);
        }
        let outer = std::mem::take(&mut self.builder.insts);
        self.insts(instance, &l.body.insts)?;
        made.body.insts = std::mem::replace(&mut self.builder.insts, outer);
        made.body.results = instance.map(&l.body.results);
        for (_, axis, stack) in l.stacks() {
            let axis = instance.substitution.axis(axis, function.type_of(stack));
            made.stacked.push(axis);
        }
        for v in &l.results {
            made.results.push(define(self, instance, *v)?);
        }
        self.builder.insts.push(Inst::Loop(made));
        Ok(())
    }

    /// The function that a call is of, where symbols are known or assumed.
    fn chosen<'c>(&self, instance: &Instance<'_>, c: &'c Call) -> Result<&'c Target, LinkError> {
        let CallMode::Choice(alternatives) = &c.mode else {
            return Ok(&c.target);
        };
        for a in alternatives {
            let condition = instance.substitution.condition(&a.when)?;
            match condition.answer().or_else(|| self.assumption(&condition)) {
                Some(true) => return Ok(&a.target),
                Some(false) => {}
                None => {
                    return Err(LinkError::Choice {
                        path: instance.substitution.unit.path.to_string(),
                        at: place(instance.substitution.unit, c.location),
                        condition: Box::new(condition),
                    });
                }
            }
        }
        Ok(&c.target)
    }

    fn assumption(&self, condition: &Condition) -> Option<bool> {
        let mut assumed = self.assumed.iter().flatten();
        let (known, holds) = assumed.find(|(known, _)| known.test == condition.test)?;
        Some((known.negated == condition.negated) == *holds)
    }
}

/// What is told of a loop with fewer than no iterations: its range, rather than an extent.
fn backwards(error: LinkError, at: String) -> LinkError {
    match error {
        LinkError::Dim {
            path,
            error: DimError::Negative { dim, value },
        } => LinkError::Backwards {
            path,
            at,
            trips: dim,
            value,
        },
        other => other,
    }
}

/// The positions of a loop's results in the order in which [`Loop`] has them: carried, then stacked.
fn in_order(l: &LoopMode) -> Vec<usize> {
    let mut out = l.carried_results();
    out.extend((0..l.results.len()).filter(|r| l.results[*r] != LoopResult::Carried));
    out
}

/// Whether a call has those arguments for one struct that its callee does.
fn same_structs(function: &Function, c: &Call) -> bool {
    // The index of a loop is a parameter and no operand.
    let before = |param: usize| match &c.mode {
        CallMode::Loop(l) => l.operands().take_while(|(p, _)| *p < param).count(),
        CallMode::Plain
        | CallMode::Choice(_)
        | CallMode::Checkpoint
        | CallMode::Rule(_)
        | CallMode::ByRule => param,
    };
    let declared = function.structs.iter();
    let declared = declared.map(|s| (&s.type_name, before(s.leaves.start)..before(s.leaves.end)));
    declared.eq(c.structs.iter().map(|s| (&s.type_name, s.leaves.clone())))
}

/// What the callee of a loop gets in an iteration, one a parameter.
fn arguments(l: &LoopMode, made: &Loop, operands: &[Value]) -> Vec<Value> {
    let mut carried = made.carried_params().iter().copied();
    let mut slices = made.slice_params().iter().copied();
    let mut operands = operands.iter().copied();
    let argument = |role: &LoopParam| match role {
        LoopParam::Index => made.index(),
        LoopParam::Invariant => operands.next(),
        LoopParam::Carried => operands.next().and_then(|_| carried.next()),
        LoopParam::Sliced { .. } => operands.next().and_then(|_| slices.next()),
    };
    l.params.iter().filter_map(argument).collect()
}

pub(super) fn callee(caller: &Unit, name: &str) -> Result<&'static Unit, LinkError> {
    let found = caller.callees.iter().find(|(known, _)| *known == name);
    match found {
        Some((_, callee)) => Ok(callee),
        None => Err(LinkError::Callee {
            path: caller.path.to_string(),
            callee: name.to_string(),
        }),
    }
}
