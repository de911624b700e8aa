//! Inlines functions.
//!
//! Each call becomes an [`Instance`]: the callee's function, what its symbols are there, and where
//! each of its values went. The pullback of a call is the callee's pullback over that instance, so it
//! finds the primal values of its own call. What is not needed in the end, the simplifier drops.

use super::calls::{Called, callee};
use super::flat::{Inlinable, PullbackSource};
use super::map::OverAxes;
use super::rule::Kepts;
use super::site::{Given, Place};
use super::substitution::Substitution;
use super::{Assumptions, LinkError, check, op_error, place};
use crate::activity::CalleeInfo;
use crate::block::{Inst, OpInst};
use crate::builder::Builder;
use crate::function::{Function, Origin, Value};
use crate::op::Probe;
use crate::pullback::derive_pullback_of;
use crate::reverse::Stacks;
use crate::shape::Type;
use crate::unit::Unit;
use crate::verify::Stage;
use std::collections::HashMap;
use std::rc::Rc;

/// A function inlined at one place.
pub(super) struct Instance<'u> {
    pub(super) function: Rc<Function>,
    pub(super) pullback: PullbackSource,
    pub(super) substitution: Substitution<'u>,
    pub(super) place: Place,
    /// Callees that the function brings along.
    pub(super) kept: Rc<Kepts>,
    /// Where each value of the function went; `UNSET` before it is met.
    values: Vec<Value>,
    /// The calls in its body, by their first result.
    pub(super) calls: HashMap<Value, Called<'u>>,
}

const UNSET: Value = Value(u32::MAX);

impl<'u> Instance<'u> {
    pub(super) fn new(
        inlinable: Inlinable,
        substitution: Substitution<'u>,
        place: Place,
        operands: &[Value],
    ) -> Result<Self, LinkError> {
        let Inlinable {
            function,
            pullback,
            kept,
        } = inlinable;
        substitution.check(&function)?;
        let mut values = vec![UNSET; function.values.len()];
        values[..operands.len()].copy_from_slice(operands);
        Ok(Instance {
            function,
            pullback,
            substitution,
            place,
            kept,
            values,
            calls: HashMap::new(),
        })
    }

    /// The function, to be inlined at another place.
    pub(super) fn inlinable(&self) -> Inlinable {
        Inlinable {
            function: self.function.clone(),
            pullback: self.pullback.clone(),
            kept: self.kept.clone(),
        }
    }

    /// Where a value of the function went.
    pub(super) fn value(&self, v: Value) -> Value {
        self.values[v.index()]
    }

    pub(super) fn set(&mut self, v: Value, to: Value) {
        self.values[v.index()] = to;
    }

    pub(super) fn map(&self, values: &[Value]) -> Vec<Value> {
        values.iter().map(|v| self.value(*v)).collect()
    }
}

/// Collects the instructions of a program.
#[derive(Default)]
pub(super) struct Inliner<'u> {
    pub(super) builder: Builder,
    /// What loops keep for their reverses.
    pub(super) stacks: Stacks,
    /// What the run gives.
    pub(super) given: Given,
    /// Whether what is inlined is computed a second time: runs look at the first.
    pub(super) again: bool,
    /// What is assumed of symbols that choose, where all ways are gone: in symbols of the root.
    pub(super) assumed: Option<Assumptions>,
    /// Callees that go along with the function that is being inlined, where calls with rules stay.
    pub(super) keeping: Option<Kepts>,
    /// Whether units draw random elements, by address.
    pub(super) drawing: HashMap<*const Unit, bool>,
    /// Parsed units by address.
    loaded: HashMap<*const Unit, Rc<Function>>,
    /// Units whose bodies use pullbacks of calls, with all their calls inlined in symbols.
    pub(super) flat: HashMap<*const Unit, Result<Inlinable, LinkError>>,
    /// Units that are mapped over axes.
    pub(super) over_axes: OverAxes,
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
        let parsed = unit.function().map_err(|error| LinkError::Parse {
            path: unit.path.to_string(),
            error,
        })?;
        check(unit, &parsed, Stage::Unit)?;
        let parsed = Rc::new(parsed);
        self.loaded.insert(key, parsed.clone());
        Ok(parsed)
    }

    /// Runs something on an inliner of the same units that has no instructions yet.
    pub(super) fn apart<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, LinkError>,
    ) -> Result<T, LinkError> {
        let builder = std::mem::take(&mut self.builder);
        let stacks = std::mem::take(&mut self.stacks);
        let given = std::mem::take(&mut self.given);
        let keeping = std::mem::take(&mut self.keeping);
        let open = self.open.len();
        let done = run(self);
        self.open.truncate(open);
        self.builder = builder;
        self.stacks = stacks;
        self.given = given;
        self.keeping = keeping;
        done
    }

    /// Inlines the body of an instance.
    pub(super) fn body(&mut self, instance: &mut Instance<'u>) -> Result<(), LinkError> {
        let unit = instance.substitution.unit;
        if self.open.iter().any(|u| std::ptr::eq(*u, unit)) {
            return Err(LinkError::Recursion(unit.path.to_string()));
        }
        self.open.push(unit);
        let function = instance.function.clone();
        self.insts(instance, &function.body.insts)?;
        self.open.pop();
        Ok(())
    }

    pub(super) fn insts(
        &mut self,
        instance: &mut Instance<'u>,
        insts: &[Inst],
    ) -> Result<(), LinkError> {
        insts.iter().try_for_each(|inst| match inst {
            Inst::Op(i) => self.op(instance, i),
            Inst::Call(c) => self.call(instance, c),
            Inst::PullbackCall(p) => self.pullback_call(instance, p),
            Inst::Loop(l) => self.iterate(instance, l),
        })
    }

    fn op(&mut self, instance: &mut Instance<'u>, i: &OpInst) -> Result<(), LinkError> {
        if let Some(value) = i.op.kind.run_value() {
            return self.run_value(instance, i, value);
        }
        if self.again && i.op.kind.probe() == Some(Probe::Capture) {
            instance.set(i.result, instance.value(i.operands[0]));
            return Ok(());
        }
        let s = &instance.substitution;
        let attributes = s.attributes(&instance.function, i)?;
        let operands = instance.map(&i.operands);
        let types: Vec<Type> = operands
            .iter()
            .map(|v| self.builder.type_of(*v).clone())
            .collect();
        // Inferred anew: ranges and the like are only checked where sizes are known.
        let ty = (i.op.infer)(&types, &attributes)
            .map_err(|error| op_error(s.unit, i.op.name, i.location, error))?;
        let result = self.builder.value(ty);
        self.builder.insts.push(Inst::Op(OpInst {
            op: i.op,
            operands,
            attributes,
            result,
            location: i.location.map(|l| l.in_file(s.unit.file)),
        }));
        instance.set(i.result, result);
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
        let function = match &instance.pullback {
            PullbackSource::Stored => self.with_pullback(unit, &given)?,
            PullbackSource::Flat => instance.function.clone(),
            PullbackSource::Refused(error) => return Err(error.clone()),
        };
        // The same primal values, perhaps followed by other ones of a pullback.
        instance.values.resize(function.values.len(), UNSET);
        instance.function = function.clone();
        let Some(pullback) = &function.pullback else {
            return Ok(vec![None; function.params.len()]);
        };
        for (at, inner) in pullback.cotangents.iter().zip(&pullback.block.params) {
            let outer = match cotangents.get(*at).copied().flatten() {
                Some(outer) => outer,
                None => {
                    let ty = instance.substitution.of_type(function.type_of(*inner))?;
                    self.zero(unit, ty)?
                }
            };
            instance.set(*inner, outer);
        }
        self.insts(instance, &pullback.block.insts)?;
        let mut gradients = vec![None; function.params.len()];
        for (param, value) in pullback.each_gradient() {
            gradients[param] = Some(instance.value(value));
        }
        Ok(gradients)
    }

    /// The stored function of a unit with a pullback that takes just the cotangents that are given; one
    /// that is written by hand takes all.
    fn with_pullback(&mut self, unit: &'u Unit, given: &[bool]) -> Result<Rc<Function>, LinkError> {
        let function = self.load(unit)?;
        if let Some(p) = &function.pullback
            && (p.origin == Origin::Written
                || ((given.iter().enumerate())
                    .filter_map(|(i, g)| g.then_some(i))
                    .eq(p.cotangents.iter().copied())
                    && self.is_exact(unit, &function)?))
        {
            return Ok(function);
        }
        let key = (std::ptr::from_ref(unit), given.to_vec());
        if let Some(f) = self.derived.get(&key) {
            return Ok(f.clone());
        }
        let mut derived = function.as_ref().clone();
        let mut infos = HashMap::new();
        for inst in &derived.body.insts {
            if let Inst::Call(c) = inst {
                for target in c.targets() {
                    let info = self.info(callee(unit, &target.name)?)?;
                    infos.insert(target.name.clone(), info);
                }
            }
        }
        derive_pullback_of(&mut derived, given, &|name| {
            infos.get(name).map(|i| i.as_ref().clone())
        })
        .map_err(|error| LinkError::Pullback {
            path: unit.path.to_string(),
            at: place(unit, error.location),
            error,
        })?;
        check(unit, &derived, Stage::Unit)?;
        let derived = Rc::new(derived);
        self.derived.insert(key, derived.clone());
        Ok(derived)
    }
}
