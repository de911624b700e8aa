//! Inlines calls and pullback calls.
//!
//! Each call becomes an [`Instance`]: the callee's function, what its symbols are there, and where
//! each of its values went. The pullback of a call is the callee's pullback over that instance, so it
//! finds the primal values of its own call. What is not needed in the end, the simplifier drops.

use super::substitution::Substitution;
use super::{LinkError, op_error, place};
use crate::builder::Builder;
use crate::function::{Call, Function, Inst, OpInst, PullbackBody, PullbackCall, Value};
use crate::shape::Type;
use crate::text::parse;
use crate::unit::Unit;
use std::collections::HashMap;
use std::rc::Rc;

/// A function inlined at one place.
pub(super) struct Instance<'u> {
    pub(super) function: Rc<Function>,
    pub(super) substitution: Substitution<'u>,
    /// Where each value of the function went; `UNSET` before it is met.
    values: Vec<Value>,
    /// The calls in its body, by their first result.
    calls: Vec<(Value, Instance<'u>)>,
}

const UNSET: Value = Value(u32::MAX);

impl<'u> Instance<'u> {
    pub(super) fn new(
        function: Rc<Function>,
        substitution: Substitution<'u>,
        operands: &[Value],
    ) -> Result<Self, LinkError> {
        substitution.check(&function)?;
        let mut values = vec![UNSET; function.values.len()];
        values[..operands.len()].copy_from_slice(operands);
        Ok(Instance {
            function,
            substitution,
            values,
            calls: Vec::new(),
        })
    }

    /// Where a value of the function went.
    pub(super) fn value(&self, v: Value) -> Value {
        self.values[v.index()]
    }

    fn map(&self, values: &[Value]) -> Vec<Value> {
        values.iter().map(|v| self.value(*v)).collect()
    }
}

/// Collects the instructions of a program.
#[derive(Default)]
pub(super) struct Inliner<'u> {
    pub(super) builder: Builder,
    /// Parsed units by address.
    loaded: HashMap<*const Unit, Rc<Function>>,
    /// The functions that are being inlined, to find recursion.
    open: Vec<&'u Unit>,
}

impl<'u> Inliner<'u> {
    /// The function of a unit, parsed once.
    pub(super) fn load(&mut self, unit: &Unit) -> Result<Rc<Function>, LinkError> {
        let key = std::ptr::from_ref(unit);
        if let Some(f) = self.loaded.get(&key) {
            return Ok(f.clone());
        }
        let parsed = parse(unit.text).map_err(|error| LinkError::Parse {
            path: unit.path.to_string(),
            error,
        })?;
        let parsed = Rc::new(parsed);
        self.loaded.insert(key, parsed.clone());
        Ok(parsed)
    }

    /// Inlines the body of an instance.
    pub(super) fn body(&mut self, instance: &mut Instance<'u>) -> Result<(), LinkError> {
        let unit = instance.substitution.unit;
        if self.open.iter().any(|u| std::ptr::eq(*u, unit)) {
            return Err(LinkError::Recursion(unit.path.to_string()));
        }
        self.open.push(unit);
        let function = instance.function.clone();
        for inst in &function.body {
            match inst {
                Inst::Op(i) => self.op(instance, i)?,
                Inst::Call(c) => self.call(instance, c)?,
                // Pullback calls stand in pullbacks only: the parser's types hold them there.
                Inst::PullbackCall(p) => self.pullback_call(instance, p)?,
            }
        }
        self.open.pop();
        Ok(())
    }

    fn op(&mut self, instance: &mut Instance<'u>, i: &OpInst) -> Result<(), LinkError> {
        let s = &instance.substitution;
        let attributes = s.attributes(&instance.function, i)?;
        let operands = instance.map(&i.operands);
        let types: Vec<Type> = operands
            .iter()
            .map(|v| self.builder.type_of(*v).clone())
            .collect();
        // Inferred anew: ranges and the like are only checked where sizes are known.
        let of = (i.op.infer)(&types, &attributes)
            .map_err(|error| op_error(s.unit, i.op.0.name, i.location, error))?;
        let result = self.builder.value(of);
        self.builder.insts.push(Inst::Op(OpInst {
            op: i.op,
            operands,
            attributes,
            result,
            location: i.location.map(|l| l.in_file(s.unit.file)),
        }));
        instance.values[i.result.index()] = result;
        Ok(())
    }

    fn call(&mut self, instance: &mut Instance<'u>, c: &Call) -> Result<(), LinkError> {
        let caller = instance.substitution.unit;
        let found = caller.callees.iter().find(|(name, _)| *name == c.callee);
        let Some((_, callee)) = found else {
            return Err(LinkError::Callee {
                path: caller.path.to_string(),
                callee: c.callee.clone(),
            });
        };
        let callee: &'static Unit = callee;
        let function = self.load(callee)?;
        let refuse = |what| LinkError::Call {
            path: caller.path.to_string(),
            callee: callee.path.to_string(),
            at: place(caller, c.location),
            what,
        };
        if function.params.len() != c.operands.len() {
            return Err(refuse("the number of arguments differs"));
        }
        if function.results.len() != c.results.len() {
            return Err(refuse("the number of results differs"));
        }
        let substitution = instance.substitution.of_call(c, callee)?;
        let operands = instance.map(&c.operands);
        for (param, operand) in function.values.iter().zip(&operands) {
            if substitution.of_type(param)? != *self.builder.type_of(*operand) {
                return Err(refuse("the type of an argument differs"));
            }
        }
        let mut inlined = Instance::new(function, substitution, &operands)?;
        self.body(&mut inlined)?;
        for (r, inner) in c.results.iter().zip(&inlined.function.results) {
            let to = inlined.value(*inner);
            let declared = instance.function.type_of(*r);
            if instance.substitution.of_type(declared)? != *self.builder.type_of(to) {
                return Err(refuse("the type of a result differs"));
            }
            instance.values[r.index()] = to;
        }
        if let Some(first) = c.results.first() {
            instance.calls.push((*first, inlined));
        }
        Ok(())
    }

    /// Inlines the pullback of an instance whose body is inlined; gives each parameter's gradient.
    pub(super) fn pullback(
        &mut self,
        instance: &mut Instance<'u>,
        cotangents: &[Option<Value>],
    ) -> Result<Vec<Option<Value>>, LinkError> {
        let function = instance.function.clone();
        let pullback = self.stored_pullback(instance, &function, cotangents)?;
        for (inner, outer) in pullback.cotangents.iter().zip(cotangents) {
            if let (Some(inner), Some(outer)) = (inner, outer) {
                instance.values[inner.index()] = *outer;
            }
        }
        for inst in &pullback.body {
            match inst {
                Inst::Op(i) => self.op(instance, i)?,
                Inst::Call(c) => self.call(instance, c)?,
                Inst::PullbackCall(p) => self.pullback_call(instance, p)?,
            }
        }
        let gradients = pullback.gradients.iter();
        Ok(gradients.map(|g| g.map(|g| instance.value(g))).collect())
    }

    fn stored_pullback<'f>(
        &self,
        instance: &Instance<'u>,
        function: &'f Function,
        cotangents: &[Option<Value>],
    ) -> Result<&'f PullbackBody, LinkError> {
        let given = |p: &&PullbackBody| {
            let needed = p.cotangents.iter().zip(cotangents);
            needed.clone().all(|(n, c)| n.is_none() || c.is_some())
        };
        let stored = function.pullback.as_ref().filter(given);
        stored.ok_or_else(|| LinkError::NoPullback {
            path: instance.substitution.unit.path.to_string(),
        })
    }

    fn pullback_call(
        &mut self,
        instance: &mut Instance<'u>,
        p: &PullbackCall,
    ) -> Result<(), LinkError> {
        let cotangents: Vec<Option<Value>> = p
            .cotangents
            .iter()
            .map(|c| c.map(|c| instance.value(c)))
            .collect();
        let at = instance.calls.iter().position(|(v, _)| *v == p.call);
        let no_pullback = |path: &str| LinkError::NoPullback {
            path: path.to_string(),
        };
        let at = at.ok_or_else(|| no_pullback(instance.substitution.unit.path))?;
        let inner = &mut instance.calls[at].1;
        let gradients = self.pullback(inner, &cotangents)?;
        let path = inner.substitution.unit.path;
        for (position, v) in &p.results {
            let gradient = gradients.get(*position).copied().flatten();
            instance.values[v.index()] = gradient.ok_or_else(|| no_pullback(path))?;
        }
        Ok(())
    }
}
