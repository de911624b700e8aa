//! Inlines calls and pullback calls.
//!
//! Each call becomes an [`Instance`]: the callee's function, what its symbols are there, and where
//! each of its values went. The pullback of a call is the callee's pullback over that instance, so it
//! finds the primal values of its own call. What is not needed in the end, the simplifier drops.

use super::substitution::Substitution;
use super::{LinkError, op_error, place};
use crate::block::{Call, Inst, OpInst, PullbackCall};
use crate::builder::Builder;
use crate::function::{Function, Value};
use crate::pullback::{CalleeInfo, derive_pullback};
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
    /// Functions with pullbacks that are not stored: those of some of the results, or of functions
    /// whose texts have none. By unit and by which results have cotangents.
    derived: HashMap<(*const Unit, Vec<bool>), Rc<Function>>,
    /// What results depend on, by unit.
    pub(super) infos: HashMap<*const Unit, Rc<CalleeInfo>>,
    /// The functions that are being inlined, to find recursion.
    open: Vec<&'u Unit>,
    /// The functions whose dependences are being found, for the same.
    pub(super) asked: Vec<*const Unit>,
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
        for inst in &function.body.insts {
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
        let callee = callee(caller, c)?;
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
        if function.body.results.len() != c.results.len() {
            return Err(refuse("the number of results differs"));
        }
        let substitution = instance.substitution.of_call(&c.target, callee)?;
        let operands = instance.map(&c.operands);
        for (param, operand) in function.values.iter().zip(&operands) {
            if substitution.of_type(param)? != *self.builder.type_of(*operand) {
                return Err(refuse("the type of an argument differs"));
            }
        }
        let mut inlined = Instance::new(function, substitution, &operands)?;
        self.body(&mut inlined)?;
        for (r, inner) in c.results.iter().zip(&inlined.function.body.results) {
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
        let unit = instance.substitution.unit;
        let given: Vec<bool> = cotangents.iter().map(Option::is_some).collect();
        let function = self.with_pullback(unit, &given)?;
        // The same primal values, perhaps followed by other ones of a pullback.
        instance.values.resize(function.values.len(), UNSET);
        instance.function = function.clone();
        let Some(pullback) = &function.pullback else {
            return Ok(vec![None; function.params.len()]);
        };
        let given = cotangents.iter().flatten();
        for (inner, outer) in pullback.block.params.iter().zip(given) {
            instance.values[inner.index()] = *outer;
        }
        for inst in &pullback.block.insts {
            match inst {
                Inst::Op(i) => self.op(instance, i)?,
                Inst::Call(c) => self.call(instance, c)?,
                Inst::PullbackCall(p) => self.pullback_call(instance, p)?,
            }
        }
        let mut gradients = vec![None; function.params.len()];
        for (param, value) in pullback.each_gradient() {
            gradients[param] = Some(instance.value(value));
        }
        Ok(gradients)
    }

    /// The function of a unit with a pullback that takes just the cotangents that are given.
    fn with_pullback(&mut self, unit: &Unit, given: &[bool]) -> Result<Rc<Function>, LinkError> {
        let function = self.load(unit)?;
        if let Some(p) = &function.pullback
            && (given.iter().enumerate())
                .filter_map(|(i, g)| g.then_some(i))
                .eq(p.cotangents.iter().copied())
            && self.is_exact(unit, &function)?
        {
            return Ok(function);
        }
        let key = (std::ptr::from_ref(unit), given.to_vec());
        if let Some(f) = self.derived.get(&key) {
            return Ok(f.clone());
        }
        // Of the results that have a cotangent only: what the others lead to is not there at all.
        let mut derived = function.as_ref().clone();
        let results = derived.body.results.iter().zip(given);
        derived.body.results = results.filter(|(_, g)| **g).map(|(r, _)| *r).collect();
        let mut infos = HashMap::new();
        for inst in &derived.body.insts {
            if let Inst::Call(c) = inst {
                infos.insert(c.target.name.clone(), self.info(callee(unit, c)?)?);
            }
        }
        derive_pullback(&mut derived, &|name| {
            infos.get(name).map(|i| i.as_ref().clone())
        })
        .map_err(|error| LinkError::Pullback {
            path: unit.path.to_string(),
            at: place(unit, error.location),
            error,
        })?;
        let derived = Rc::new(derived);
        self.derived.insert(key, derived.clone());
        Ok(derived)
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
        let at = at.ok_or_else(|| LinkError::NoPullback {
            path: instance.substitution.unit.path.to_string(),
        })?;
        let inner = &mut instance.calls[at].1;
        let gradients = self.pullback(inner, &cotangents)?;
        for (position, v) in &p.results {
            // Pullbacks that ask for gradients which are not there were derived anew.
            let gradient = gradients.get(*position).copied().flatten();
            instance.values[v.index()] = gradient.ok_or_else(|| LinkError::NoGradient {
                path: instance.substitution.unit.path.to_string(),
                callee: inner.substitution.unit.path.to_string(),
            })?;
        }
        Ok(())
    }
}

pub(super) fn callee(caller: &Unit, call: &Call) -> Result<&'static Unit, LinkError> {
    let found = caller
        .callees
        .iter()
        .find(|(name, _)| *name == call.target.name);
    match found {
        Some((_, callee)) => Ok(callee),
        None => Err(LinkError::Callee {
            path: caller.path.to_string(),
            callee: call.target.name.clone(),
        }),
    }
}
