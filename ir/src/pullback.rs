//! Derives a function's pullback: the reverse pass, one rule an op.
//!
//! The pullback may use any primal value. Cotangents that come together are added; what no gradient
//! needs is not there. Calls are differentiated by their callee's own pullback, so nothing is inlined
//! here; loops are reversed by loops ([`crate::reverse`]). The pass works on its own output once that
//! is linked into one body: that is how higher orders are made.

use crate::activity::{CalleeInfo, Flow, is_smooth};
use crate::block::{Block, Inst, Loop, OpInst};
use crate::builder::Builder;
use crate::call::{Call, CallMode, PullbackCall, Target};
use crate::dead::eliminate_in_pullback;
use crate::decompose::decomposition;
use crate::function::{Function, Location, Origin, PullbackBody, Value};
use crate::op::{OpError, Primal, Pullback};
use crate::reverse::{Gradients, ReverseLoop, Stacks};
use crate::shape::Type;
use crate::verify::{VerifyError, verify};
use std::collections::{HashMap, HashSet};

/// A function without a derivative.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{op}` {error}")]
pub struct PullbackError {
    /// The op, or the function called.
    pub op: String,
    /// Where it was written.
    pub location: Option<Location>,
    /// What is wrong with it.
    pub error: Box<PullbackProblem>,
}

/// Why there is no derivative.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PullbackProblem {
    /// The op has none, or its rule was refused.
    #[error("{0}")]
    Op(OpError),
    /// A call of a function that nothing is known of.
    #[error("is not known, so it has no derivative")]
    UnknownCallee,
    /// A derivation that breaks a rule of functions: a mistake in Sinew.
    #[error("broke a rule when its pullback was derived: {0}")]
    Broken(VerifyError),
}

/// Gives `function` its pullback, which takes the cotangents of all float results but states, and gives
/// the gradients of all float parameters that these depend on smoothly.
///
/// What loops must keep for it is added to what they stack. A function that uses the pullback of a call
/// has none afterwards: the linker derives it, where that call is inlined. A pullback that is written by
/// hand stays.
///
/// # Errors
/// An op on the way from a float parameter to a float result that has no derivative.
pub fn derive_pullback(
    function: &mut Function,
    callees: &dyn Fn(&str) -> Option<CalleeInfo>,
) -> Result<(), PullbackError> {
    let mut given = vec![true; function.returned().len()];
    given.resize(function.body.results.len(), false);
    derive_pullback_of(function, &given, callees)
}

/// As [`derive_pullback`], with the cotangents of those results alone that are `given`: what the others
/// lead to is not there at all.
pub(crate) fn derive_pullback_of(
    function: &mut Function,
    given: &[bool],
    callees: &dyn Fn(&str) -> Option<CalleeInfo>,
) -> Result<(), PullbackError> {
    if function.pullback.as_ref().map(|p| p.origin) == Some(Origin::Written) {
        return Ok(());
    }
    function.pullback = None;
    let float = |v: &Value| function.type_of(*v).dtype.is_float();
    let results = function.body.results.iter().zip(given).enumerate();
    let results: Vec<(usize, Value)> = results
        .filter(|(_, (v, given))| **given && float(v))
        .map(|(i, (v, _))| (i, *v))
        .collect();
    let flow = Flow::from_block(&function.body, &function.values, &mut |c| {
        effect(callees, c)
    })?;
    let seeds: Vec<Value> = function.body.params.iter().copied().filter(float).collect();
    let ends: Vec<Value> = results.iter().map(|(_, v)| *v).collect();
    let mut pass = Pass {
        builder: Builder::after(function),
        callees,
        active: flow.forward(&seeds),
        useful: flow.backward(&ends),
        cotangents: HashMap::new(),
        stacks: Stacks::default(),
    };
    if pass.needs_linking(&function.body) {
        return Ok(());
    }
    let mut pullback = PullbackBody::default();
    for (i, r) in results {
        let cotangent = pass.builder.value(function.type_of(r).clone());
        pullback.block.params.push(cotangent);
        pullback.cotangents.push(i);
        pass.accumulate(r, cotangent)
            .map_err(|error| problem("add", None, error))?;
    }
    pass.reverse(&function.body.insts)?;
    for (i, param) in function.body.params.iter().enumerate() {
        if let Some(gradient) = pass.cotangents.get(param) {
            pullback.block.results.push(*gradient);
            pullback.gradients.push(i);
        }
    }
    pullback.block.insts = pass.builder.insts;
    pass.stacks.apply(&mut function.body);
    function.values = pass.builder.values;
    function.pullback = Some(pullback);
    eliminate_in_pullback(function);
    function.compact();
    match cfg!(debug_assertions) {
        true => verify(function).map_err(|error| broken(function, error)),
        false => Ok(()),
    }
}

/// What the results of a call depend on, of its operands.
fn effect(
    callees: &dyn Fn(&str) -> Option<CalleeInfo>,
    call: &Call,
) -> Result<CalleeInfo, PullbackError> {
    CalleeInfo::of_call(call, &mut |name| {
        callees(name).ok_or_else(|| PullbackError {
            op: name.to_string(),
            location: call.location,
            error: Box::new(PullbackProblem::UnknownCallee),
        })
    })
}

fn broken(function: &Function, error: VerifyError) -> PullbackError {
    PullbackError {
        op: function.name.clone(),
        location: None,
        error: Box::new(PullbackProblem::Broken(error)),
    }
}

fn problem(op: &str, location: Option<Location>, error: OpError) -> PullbackError {
    PullbackError {
        op: op.to_string(),
        location,
        error: Box::new(PullbackProblem::Op(error)),
    }
}

struct Pass<'a> {
    builder: Builder,
    callees: &'a dyn Fn(&str) -> Option<CalleeInfo>,
    /// For each value: whether it depends smoothly on a float parameter. Those of expansions are added
    /// as they are met.
    active: Vec<bool>,
    /// For each value of the function: whether a result that has a cotangent depends smoothly on it.
    useful: Vec<bool>,
    /// The cotangent of each value that has one so far.
    cotangents: HashMap<Value, Value>,
    /// What loops keep for their reverses.
    stacks: Stacks,
}

impl Pass<'_> {
    fn is_active(&self, v: Value) -> bool {
        self.active.get(v.index()) == Some(&true)
    }

    /// Whether a cotangent would come to the pullback of a call.
    fn needs_linking(&self, body: &Block) -> bool {
        let wanted = |v: &Value| self.is_active(*v) && self.useful[v.index()];
        body.insts.iter().any(|inst| match inst {
            Inst::PullbackCall(p) => p.results.iter().any(|(_, v)| wanted(v)),
            Inst::Op(_) | Inst::Call(_) | Inst::Loop(_) => false,
        })
    }

    /// Adds to a value's cotangent.
    fn accumulate(&mut self, value: Value, cotangent: Value) -> Result<(), OpError> {
        if !self.is_active(value) {
            return Ok(());
        }
        let sum = match self.cotangents.get(&value) {
            Some(sum) => self.builder.add(*sum, cotangent)?,
            None => cotangent,
        };
        self.cotangents.insert(value, sum);
        Ok(())
    }

    /// The instructions' cotangents, last first.
    fn reverse(&mut self, insts: &[Inst]) -> Result<(), PullbackError> {
        for inst in insts.iter().rev() {
            match inst {
                Inst::Op(i) => self.reverse_op(i)?,
                Inst::Call(c) => self.reverse_call(c)?,
                // No cotangent comes here, see `needs_linking`.
                Inst::PullbackCall(_) => {}
                Inst::Loop(l) => self.reverse_loop(l)?,
            }
        }
        Ok(())
    }

    fn reverse_op(&mut self, i: &OpInst) -> Result<(), PullbackError> {
        let Some(cotangent) = self.cotangents.get(&i.result).copied() else {
            return Ok(());
        };
        self.builder.location = i.location;
        let named = |error| problem(i.op.name, i.location, error);
        let wanted: Vec<bool> = i.operands.iter().map(|v| self.is_active(*v)).collect();
        let found = match i.op.pullback {
            Pullback::Rule(rule) => {
                let primal = Primal {
                    operands: &i.operands,
                    attributes: &i.attributes,
                    result: i.result,
                    cotangent,
                    wanted: &wanted,
                };
                rule(&mut self.builder, &primal).map_err(named)?
            }
            Pullback::Derived => return self.reverse_derived(i, cotangent),
            Pullback::Zero => Vec::new(),
            Pullback::NotDifferentiable(why) => {
                return Err(named(OpError::NotDifferentiable(why)));
            }
        };
        for (operand, found) in i.operands.iter().zip(found) {
            if let Some(found) = found {
                self.accumulate(*operand, found).map_err(named)?;
            }
        }
        Ok(())
    }

    /// By the derivative of what the op decomposes into, which is computed again here; where the body has
    /// it too, the simplifier finds that out.
    fn reverse_derived(&mut self, i: &OpInst, cotangent: Value) -> Result<(), PullbackError> {
        let named = |error| problem(i.op.name, i.location, error);
        let start = self.builder.insts.len();
        let Some(result) = decomposition(&mut self.builder, i) else {
            let why = "its entry derives it from a decomposition that it does not have";
            return Err(named(OpError::NotDifferentiable(why)));
        };
        let result = result.map_err(named)?;
        let decomposition = self.builder.insts[start..].to_vec();
        for inner in decomposition.iter().filter_map(Inst::op) {
            let from = inner.operands.iter().any(|v| self.is_active(*v));
            let float = self.builder.type_of(inner.result).dtype.is_float();
            if from && float && is_smooth(inner) {
                let end = self.active.len().max(inner.result.index() + 1);
                self.active.resize(end, false);
                self.active[inner.result.index()] = true;
            }
        }
        self.accumulate(result, cotangent).map_err(named)?;
        self.reverse(&decomposition)
    }

    fn reverse_call(&mut self, c: &Call) -> Result<(), PullbackError> {
        let mut cotangents = self.cotangents_of(&c.results);
        let Some(first) = c.results.first() else {
            return Ok(());
        };
        if cotangents.iter().all(Option::is_none) {
            return Ok(());
        }
        if let CallMode::Rule(rule) = &c.mode {
            return self.reverse_by_rule(c, rule, cotangents);
        }
        let info = effect(self.callees, c)?;
        let named = |error| problem(&c.target.name, c.location, error);
        for (result, operand) in &info.kept {
            let state = c.operands.get(*operand).filter(|v| self.is_active(**v));
            if let (Some(state), Some(at)) = (state, cotangents.get_mut(*result))
                && let Some(cotangent) = at.take()
            {
                self.accumulate(*state, cotangent).map_err(named)?;
            }
        }
        if cotangents.iter().all(Option::is_none) {
            return Ok(());
        }
        let mut results = Vec::new();
        for (i, operand) in c.operands.iter().enumerate() {
            if info.gives(i, &cotangents) && self.is_active(*operand) {
                let ty = self.builder.type_of(*operand).clone();
                results.push((i, self.builder.value(ty)));
            }
        }
        self.builder.location = c.location;
        self.builder.insts.push(Inst::PullbackCall(PullbackCall {
            call: *first,
            cotangents,
            results: results.clone(),
        }));
        for (i, gradient) in results {
            self.accumulate(c.operands[i], gradient).map_err(named)?;
        }
        Ok(())
    }

    /// Calls the rule in place of a pullback: it takes cotangents of all float results.
    fn reverse_by_rule(
        &mut self,
        c: &Call,
        rule: &Target,
        cotangents: Vec<Option<Value>>,
    ) -> Result<(), PullbackError> {
        let named = |error| problem(&rule.name, c.location, error);
        let float = |b: &Builder, v: &Value| b.type_of(*v).dtype.is_float();
        self.builder.location = c.location;
        let mut operands = c.operands.clone();
        for (result, cotangent) in c.results.iter().zip(cotangents) {
            let Type { dtype, shape } = self.builder.type_of(*result).clone();
            operands.extend(match cotangent {
                Some(cotangent) => Some(cotangent),
                None if dtype.is_float() => {
                    let zero = self.builder.constant(0.0, dtype, shape);
                    Some(zero.map_err(named)?)
                }
                None => None,
            });
        }
        let floats = c.operands.iter().filter(|v| float(&self.builder, v));
        let floats: Vec<Value> = floats.copied().collect();
        let mut gradients = Vec::with_capacity(floats.len());
        for v in &floats {
            let ty = self.builder.type_of(*v).clone();
            gradients.push(self.builder.value(ty));
        }
        let (target, results) = (rule.clone(), gradients.clone());
        let mut call = Call::plain(target, operands, results, c.location);
        call.mode = CallMode::ByRule;
        self.builder.insts.push(Inst::Call(call));
        for (v, gradient) in floats.into_iter().zip(gradients) {
            self.accumulate(v, gradient).map_err(named)?;
        }
        Ok(())
    }

    fn cotangents_of(&self, values: &[Value]) -> Vec<Option<Value>> {
        let cotangent = |v: &Value| self.cotangents.get(v).copied();
        values.iter().map(cotangent).collect()
    }

    fn reverse_loop(&mut self, l: &Loop) -> Result<(), PullbackError> {
        let cotangents = self.cotangents_of(&l.results);
        if cotangents.iter().all(Option::is_none) {
            return Ok(());
        }
        let named = |error| problem("loop", l.location, error);
        let params = l.carried_params().iter();
        let carried: Vec<bool> = params
            .map(|v| self.is_active(*v) && self.useful[v.index()])
            .collect();
        let b = &mut self.builder;
        let reverse = ReverseLoop::open(b, l, &cotangents, &carried).map_err(named)?;
        // Cotangents in the body are those of one iteration.
        let outer = std::mem::take(&mut self.cotangents);
        for (value, cotangent) in l.body.results.iter().zip(&reverse.cotangents) {
            if let Some(cotangent) = cotangent {
                self.accumulate(*value, *cotangent).map_err(named)?;
            }
        }
        self.reverse(&l.body.insts)?;
        let inner = std::mem::replace(&mut self.cotangents, outer);
        let cotangent = |v: &Value| inner.get(v).copied();
        let mut own = HashSet::new();
        l.body.each_definition(&mut |v| {
            own.insert(v);
        });
        let mut captured: Vec<Value> = inner.keys().copied().collect();
        captured.retain(|v| !own.contains(v) && v.index() < self.useful.len());
        captured.sort_unstable();
        let found = Gradients {
            carried: l.carried_params().iter().map(cotangent).collect(),
            sliced: l.slice_params().iter().map(cotangent).collect(),
            captured: captured.iter().filter_map(cotangent).collect(),
        };
        let (b, stacks) = (&mut self.builder, &mut self.stacks);
        let out = reverse.close(b, stacks, l, &found).map_err(named)?;
        let sliced = l.sliced.iter().map(|s| s.value);
        let given = l.carried.iter().copied().chain(sliced).chain(captured);
        let some = out.captured.into_iter().map(Some);
        let gradients = out.carried.into_iter().chain(out.sliced).chain(some);
        for (value, gradient) in given.zip(gradients) {
            if let Some(gradient) = gradient {
                self.accumulate(value, gradient).map_err(named)?;
            }
        }
        Ok(())
    }
}
