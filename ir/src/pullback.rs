//! Derives a function's pullback: the reverse pass, one rule an op.
//!
//! The pullback may use any primal value. Cotangents that come together are added; what no gradient
//! needs is not there. Calls are differentiated by their callee's own pullback, so nothing is inlined
//! here. The pass works on its own output once that is linked into one body: that is how higher
//! orders are made.

use crate::block::{Block, Call, Inst, OpInst, PullbackCall};
use crate::builder::Builder;
use crate::function::{Function, Location, PullbackBody, Value};
use crate::op::{Kind, OpError, Primal, Pullback};
use crate::shape::Type;
use std::collections::{HashMap, HashSet};

/// What the pass needs to know of a function that is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CalleeInfo {
    /// For each result, and in it for each parameter: whether the result depends on the parameter
    /// smoothly. The callee's pullback has a gradient for just those that a result with a cotangent
    /// depends on.
    pub depends: Vec<Vec<bool>>,
}

impl CalleeInfo {
    /// What is assumed of a callee whose body is not known: each float result depends on each float
    /// parameter. The linker, which knows the body, derives the pullback anew where that is too much.
    pub fn assumed<'t>(
        params: impl Iterator<Item = &'t Type>,
        results: impl Iterator<Item = &'t Type>,
    ) -> Self {
        let all: Vec<bool> = params.map(|t| t.dtype.is_float()).collect();
        let of = |t: &Type| match t.dtype.is_float() {
            true => all.clone(),
            false => vec![false; all.len()],
        };
        CalleeInfo {
            depends: results.map(of).collect(),
        }
    }

    /// Whether the callee's pullback has a gradient for a parameter, of results that have cotangents.
    pub(crate) fn gives<T>(&self, param: usize, cotangents: &[Option<T>]) -> bool {
        let results = self.depends.iter().zip(cotangents);
        let mut given = results.filter(|(_, c)| c.is_some());
        given.any(|(d, _)| d.get(param) == Some(&true))
    }
}

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
    /// A function that already has pullback calls in its body: link it first.
    #[error("is the pullback of a call, which must be linked before it has a derivative")]
    NotLinked,
}

/// Gives `function` its pullback.
///
/// All float parameters' gradients are derived, and those of results that do not depend on a
/// parameter smoothly are `None`.
///
/// # Errors
/// An op on the way from a float parameter to a float result that has no derivative.
pub fn derive_pullback(
    function: &mut Function,
    callees: &dyn Fn(&str) -> Option<CalleeInfo>,
) -> Result<(), PullbackError> {
    function.pullback = None;
    let mut pass = Pass {
        builder: Builder::after(function),
        callees,
        active: HashSet::new(),
        cotangents: HashMap::new(),
    };
    for param in &function.body.params {
        if function.type_of(*param).dtype.is_float() {
            pass.active.insert(*param);
        }
    }
    pass.activate(&function.body.insts)?;
    let mut pullback = PullbackBody::default();
    for (i, r) in function.body.results.iter().enumerate() {
        let of = function.type_of(*r).clone();
        if !of.dtype.is_float() {
            continue;
        }
        let cotangent = pass.builder.value(of);
        pullback.block.params.push(cotangent);
        pullback.cotangents.push(i);
        pass.accumulate(*r, cotangent)
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
    function.values = pass.builder.values;
    drop_dead(&mut pullback.block);
    function.pullback = Some(pullback);
    function.compact();
    Ok(())
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
    /// Values that depend smoothly on a float parameter.
    active: HashSet<Value>,
    /// The cotangent of each value that has one so far.
    cotangents: HashMap<Value, Value>,
}

impl Pass<'_> {
    /// Marks what depends smoothly on what is marked.
    fn activate(&mut self, insts: &[Inst]) -> Result<(), PullbackError> {
        for inst in insts {
            match inst {
                Inst::Op(i) => {
                    let from = i.operands.iter().any(|v| self.active.contains(v));
                    let smooth = match i.op.pullback {
                        Pullback::Rule(_) | Pullback::Derived | Pullback::NotDifferentiable(_) => {
                            true
                        }
                        Pullback::Zero => false,
                    };
                    if from && smooth && self.is_float(i.result) {
                        self.active.insert(i.result);
                    }
                }
                Inst::Call(c) => {
                    let info = self.callee(c)?;
                    for (result, depends) in c.results.iter().zip(&info.depends) {
                        let pulls = |(v, on): (&Value, &bool)| *on && self.active.contains(v);
                        if self.is_float(*result) && c.operands.iter().zip(depends).any(pulls) {
                            self.active.insert(*result);
                        }
                    }
                }
                Inst::PullbackCall(p) => {
                    let from = p.cotangents.iter().flatten();
                    if from.into_iter().any(|v| self.active.contains(v)) {
                        return Err(not_linked());
                    }
                }
            }
        }
        Ok(())
    }

    fn is_float(&self, v: Value) -> bool {
        self.builder.type_of(v).dtype.is_float()
    }

    fn callee(&self, call: &Call) -> Result<CalleeInfo, PullbackError> {
        (self.callees)(&call.target.name).ok_or_else(|| PullbackError {
            op: call.target.name.clone(),
            location: call.location,
            error: Box::new(PullbackProblem::UnknownCallee),
        })
    }

    /// Adds to a value's cotangent.
    fn accumulate(&mut self, value: Value, cotangent: Value) -> Result<(), OpError> {
        if !self.active.contains(&value) {
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
                // Not active: `activate` refuses those that are.
                Inst::PullbackCall(_) => {}
            }
        }
        Ok(())
    }

    fn reverse_op(&mut self, i: &OpInst) -> Result<(), PullbackError> {
        let Some(cotangent) = self.cotangents.get(&i.result).copied() else {
            return Ok(());
        };
        self.builder.location = i.location;
        let named = |error| problem(i.op.0.name, i.location, error);
        let wanted: Vec<bool> = i.operands.iter().map(|v| self.active.contains(v)).collect();
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

    /// By the derivative of what the op expands to, which is computed again here; where the body has
    /// it too, the simplifier finds that out.
    fn reverse_derived(&mut self, i: &OpInst, cotangent: Value) -> Result<(), PullbackError> {
        let named = |error| problem(i.op.0.name, i.location, error);
        let build = match i.op.kind {
            Kind::Function(build) => build,
            Kind::Constant
            | Kind::Iota
            | Kind::Extent
            | Kind::Elementwise(_)
            | Kind::View(_)
            | Kind::Reduce(_)
            | Kind::Contract
            | Kind::Concat
            | Kind::Gather
            | Kind::Scatter
            | Kind::Identity => {
                let why = "its entry derives it from an expansion that it does not have";
                return Err(named(OpError::NotDifferentiable(why)));
            }
        };
        let start = self.builder.insts.len();
        let result = build(&mut self.builder, &i.operands, &i.attributes).map_err(named)?;
        let expansion = self.builder.insts[start..].to_vec();
        self.activate(&expansion)?;
        self.accumulate(result, cotangent).map_err(named)?;
        self.reverse(&expansion)
    }

    fn reverse_call(&mut self, c: &Call) -> Result<(), PullbackError> {
        let cotangents: Vec<Option<Value>> = c
            .results
            .iter()
            .map(|r| self.cotangents.get(r).copied())
            .collect();
        let Some(first) = c.results.first() else {
            return Ok(());
        };
        if cotangents.iter().all(Option::is_none) {
            return Ok(());
        }
        let info = self.callee(c)?;
        let mut results = Vec::new();
        for (i, operand) in c.operands.iter().enumerate() {
            if info.gives(i, &cotangents) && self.active.contains(operand) {
                let of = self.builder.type_of(*operand).clone();
                results.push((i, self.builder.value(of)));
            }
        }
        self.builder.location = c.location;
        self.builder.insts.push(Inst::PullbackCall(PullbackCall {
            call: *first,
            cotangents,
            results: results.clone(),
        }));
        for (i, gradient) in results {
            self.accumulate(c.operands[i], gradient)
                .map_err(|error| problem(&c.target.name, c.location, error))?;
        }
        Ok(())
    }
}

fn not_linked() -> PullbackError {
    PullbackError {
        op: "pullback".to_string(),
        location: None,
        error: Box::new(PullbackProblem::NotLinked),
    }
}

/// Removes what no gradient needs.
fn drop_dead(block: &mut Block) {
    let mut live: HashSet<Value> = block.results.iter().copied().collect();
    let mut kept = Vec::with_capacity(block.insts.len());
    for mut inst in std::mem::take(&mut block.insts).into_iter().rev() {
        if let Inst::PullbackCall(p) = &mut inst {
            p.results.retain(|(_, v)| live.contains(v));
        }
        if inst.results().iter().any(|v| live.contains(v)) {
            live.extend(inst.operands());
            kept.push(inst);
        }
    }
    kept.reverse();
    block.insts = kept;
}
