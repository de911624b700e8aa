//! Maps a function over a new axis: what it computes of each slice of its operands, at once.
//!
//! The axis is the first of each value that depends on a mapped operand, or on random elements, of which
//! each slice has its own; all else stays as it is and is computed once. Most ops do to the rows of a
//! tensor what they do to one, so they are applied as they are with their axes moved by one (`rule`). Loops
//! stay loops, whose turns are those of all slices together.
//!
//! It works on functions whose calls are inlined but those with rules, and without sequences.

mod flow;
mod rule;

use crate::block::{Block, Inst, Loop, OpInst, Sliced};
use crate::builder::Builder;
use crate::call::{Call, CallMode, Map, Target};
use crate::decompose::decomposition;
use crate::dim::Dim;
use crate::function::{Function, Location, Value};
use crate::op::OpError;
use crate::shape::{Axis, Type};
use rule::Batched;
use std::collections::HashMap;

/// Something that cannot be mapped.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{op}` cannot be mapped: {error}")]
pub struct BatchError {
    /// The op, or what it is.
    pub op: &'static str,
    /// Where it was written.
    pub location: Option<Location>,
    /// Why.
    pub error: Box<OpError>,
}

/// `function` over a new axis of `extent`, which is the first of those parameters that are `mapped`, and of
/// all results. It has no pullback: that is derived of what this gives.
///
/// # Errors
/// An op that has no rule; a shape with a sequence.
pub(crate) fn batch(
    function: &Function,
    mapped: &[bool],
    extent: &Dim,
) -> Result<Function, BatchError> {
    if let Some(ty) = function.values.iter().find(|t| t.shape.sequence.is_some()) {
        let error = OpError::Sequence(ty.shape.clone());
        return Err(refused("a sequence", None, error));
    }
    let keys = flow::keys(&function.body);
    let mut pass = Pass {
        mapped: flow::mapped(function, mapped, &keys),
        keys,
        source: Builder::after(function),
        made: Builder::default(),
        now: HashMap::new(),
        extent: extent.clone(),
    };
    for param in &function.body.params {
        pass.define(*param);
    }
    pass.insts(&function.body.insts)?;
    let mut results = Vec::with_capacity(function.body.results.len());
    for result in &function.body.results {
        results.push(
            pass.whole(*result)
                .map_err(|e| refused("broadcast", None, e))?,
        );
    }
    let made = pass.made;
    let mut out = Function {
        values: made.values,
        body: Block::body(function.params.len(), made.insts, results),
        pullback: None,
        ..function.clone()
    };
    out.compact();
    Ok(out)
}

fn refused(op: &'static str, location: Option<Location>, error: OpError) -> BatchError {
    BatchError {
        op,
        location,
        error: Box::new(error),
    }
}

struct Pass {
    /// Whether a value has the new axis. Those of expansions are added as they are met.
    mapped: Vec<bool>,
    /// The run's keys: whoever takes one draws.
    keys: Vec<bool>,
    /// The function's values.
    source: Builder,
    /// What is made of them.
    made: Builder,
    /// What stands for each value.
    now: HashMap<Value, Value>,
    extent: Dim,
}

impl Pass {
    fn is_mapped(&self, v: Value) -> bool {
        self.mapped.get(v.index()) == Some(&true)
    }

    fn is_key(&self, v: Value) -> bool {
        self.keys.get(v.index()) == Some(&true)
    }

    /// What stands for a value.
    fn now(&self, v: Value) -> Value {
        self.now.get(&v).copied().unwrap_or(v)
    }

    /// The type of what stands for a value.
    fn type_now(&self, v: Value) -> Type {
        let ty = self.source.type_of(v);
        match self.is_mapped(v) {
            true => rule::stacked(ty, &self.extent),
            false => ty.clone(),
        }
    }

    /// A new value that stands for one.
    fn define(&mut self, v: Value) -> Value {
        let ty = self.type_now(v);
        let now = self.made.value(ty);
        self.now.insert(v, now);
        now
    }

    /// What stands for a value, with the new axis in any case.
    fn whole(&mut self, v: Value) -> Result<Value, OpError> {
        let now = self.now(v);
        match self.is_mapped(v) {
            true => Ok(now),
            false => {
                let ty = rule::stacked(self.source.type_of(v), &self.extent);
                self.made.broadcast(now, &ty.shape, &[Axis::At(0)])
            }
        }
    }

    fn insts(&mut self, insts: &[Inst]) -> Result<(), BatchError> {
        insts.iter().try_for_each(|inst| match inst {
            Inst::Op(i) => self.op(i),
            Inst::Loop(l) => self.iterate(l),
            Inst::Call(c) => self.call(c),
            Inst::PullbackCall(_) => {
                let error = OpError::NotDifferentiable("it is of a call that is not inlined");
                Err(refused("pullback", None, error))
            }
        })
    }

    fn op(&mut self, i: &OpInst) -> Result<(), BatchError> {
        self.made.location = i.location;
        let named = |error| refused(i.op.name, i.location, error);
        if !self.is_mapped(i.result) {
            let operands: Vec<Value> = i.operands.iter().map(|v| self.now(*v)).collect();
            let made = self.made.op(i.op, &operands, i.attributes.clone());
            self.now.insert(i.result, made.map_err(named)?);
            return Ok(());
        }
        if i.op.kind.is_contraction() {
            let mapped = [0, 1].map(|k| i.operands.get(k).is_some_and(|v| self.is_mapped(*v)));
            let operands: Vec<Value> = i.operands.iter().map(|v| self.now(*v)).collect();
            let made = rule::contract(&mut self.made, &operands, &i.attributes, mapped);
            self.now.insert(i.result, made.map_err(named)?);
            return Ok(());
        }
        // What a draw follows from is no tensor that has slices: its key, the iteration.
        let draws = i.operands.iter().any(|v| self.is_key(*v));
        let mut operands = Vec::with_capacity(i.operands.len());
        for v in &i.operands {
            let ty = self.source.type_of(*v);
            let one = draws && !ty.dtype.is_float() && ty.shape.is_empty();
            operands.push(match one && !self.is_mapped(*v) {
                true => self.now(*v),
                false => self.whole(*v).map_err(named)?,
            });
        }
        let expected = self.type_now(i.result);
        match rule::apply(&mut self.made, i, &operands, &self.extent, &expected).map_err(named)? {
            Batched::Made(made) => {
                self.now.insert(i.result, made);
                Ok(())
            }
            Batched::Decompose => self.decomposed(i),
        }
    }

    /// By what a function over ops is made of.
    fn decomposed(&mut self, i: &OpInst) -> Result<(), BatchError> {
        let named = |error| refused(i.op.name, i.location, error);
        let start = self.source.insts.len();
        let Some(result) = decomposition(&mut self.source, i) else {
            return Err(named(OpError::Attribute("axis")));
        };
        let result = result.map_err(named)?;
        let insts = self.source.insts.split_off(start);
        for inner in insts.iter().filter_map(Inst::op) {
            let mapped = inner.operands.iter().any(|v| self.is_mapped(*v));
            let end = self.mapped.len().max(inner.result.index() + 1);
            self.mapped.resize(end, false);
            self.mapped[inner.result.index()] = mapped;
        }
        self.insts(&insts)?;
        let whole = self.whole(result).map_err(named)?;
        self.now.insert(i.result, whole);
        Ok(())
    }

    /// A call with a rule, of all slices: callee and rule are mapped where they are inlined.
    fn call(&mut self, c: &Call) -> Result<(), BatchError> {
        self.made.location = c.location;
        let named = |error| refused("call", c.location, error);
        let mut operands = Vec::with_capacity(c.operands.len());
        for v in &c.operands {
            operands.push(self.whole(*v).map_err(named)?);
        }
        let count = operands.len();
        let target = self.mapped_target(&c.target, count);
        let mode = match &c.mode {
            CallMode::Rule(rule) => {
                let floats = |v: &&Value| self.source.type_of(**v).dtype.is_float();
                let cotangents = c.results.iter().filter(floats).count();
                CallMode::Rule(self.mapped_target(rule, count + cotangents))
            }
            CallMode::ByRule => CallMode::ByRule,
            CallMode::Plain | CallMode::Loop(_) | CallMode::Choice(_) | CallMode::Checkpoint => {
                let error = OpError::NotDifferentiable("it is not inlined");
                return Err(named(error));
            }
        };
        let results = c.results.iter().map(|v| self.define(*v)).collect();
        self.made.insts.push(Inst::Call(Call {
            target,
            mode,
            operands,
            structs: c.structs.clone(),
            results,
            location: c.location,
        }));
        Ok(())
    }

    fn mapped_target(&self, target: &Target, operands: usize) -> Target {
        let mut target = target.clone();
        target.maps.push(Map {
            extent: self.extent.clone(),
            mapped: vec![true; operands],
        });
        target
    }

    fn iterate(&mut self, l: &Loop) -> Result<(), BatchError> {
        self.made.location = l.location;
        let named = |error| refused("loop", l.location, error);
        let moved = |mapped: bool, axis: usize| axis + usize::from(mapped);
        let mut made = Loop {
            trip: l.trip.clone(),
            order: l.order,
            carried: Vec::with_capacity(l.carried.len()),
            sliced: Vec::with_capacity(l.sliced.len()),
            body: Block::default(),
            stacked: Vec::with_capacity(l.stacked.len()),
            results: Vec::with_capacity(l.results.len()),
            location: l.location,
        };
        for (first, param) in l.carried.iter().zip(l.carried_params()) {
            made.carried.push(match self.is_mapped(*param) {
                true => self.whole(*first).map_err(named)?,
                false => self.now(*first),
            });
        }
        for s in &l.sliced {
            made.sliced.push(Sliced {
                value: self.now(s.value),
                axis: moved(self.is_mapped(s.value), s.axis),
            });
        }
        made.body.params = l.body.params.iter().map(|v| self.define(*v)).collect();
        let outer = std::mem::take(&mut self.made.insts);
        self.insts(&l.body.insts)?;
        self.made.location = l.location;
        for (next, param) in l.body.results.iter().zip(l.carried_params()) {
            made.body.results.push(match self.is_mapped(*param) {
                true => self.whole(*next).map_err(named)?,
                false => self.now(*next),
            });
        }
        for (value, axis, _) in l.stacks() {
            made.body.results.push(self.now(value));
            made.stacked.push(moved(self.is_mapped(value), axis));
        }
        made.body.insts = std::mem::replace(&mut self.made.insts, outer);
        made.results = l.results.iter().map(|v| self.define(*v)).collect();
        self.made.insts.push(Inst::Loop(made));
        Ok(())
    }
}
