//! Which values depend smoothly on which: what has a cotangent, and what results depend on.

use crate::block::{Block, Inst, OpInst};
use crate::call::{Call, CallMode, LoopMode, LoopParam};
use crate::function::{Function, Value};
use crate::op::Pullback;
use crate::shape::Type;
use std::collections::HashMap;

/// What is known of a function that is called: on what its results depend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CalleeInfo {
    /// For each result, and in it for each parameter: whether the result depends on the parameter
    /// smoothly. The callee's pullback has a gradient for just those that a result with a cotangent
    /// depends on.
    pub depends: Vec<Vec<bool>>,
    /// The states that come back as they went in: the result, and the parameter that it is. Their
    /// cotangents go past the callee.
    pub kept: Vec<(usize, usize)>,
}

impl CalleeInfo {
    /// What is assumed of a callee whose body is not known: each float result depends on each float
    /// parameter. The linker, which knows the body, derives the pullback anew where that is too much.
    pub fn assumed<'t>(
        params: impl Iterator<Item = &'t Type>,
        results: impl Iterator<Item = &'t Type>,
    ) -> Self {
        let all: Vec<bool> = params.map(|t| t.dtype.is_float()).collect();
        let dependence = |t: &Type| match t.dtype.is_float() {
            true => all.clone(),
            false => vec![false; all.len()],
        };
        CalleeInfo {
            depends: results.map(dependence).collect(),
            kept: Vec::new(),
        }
    }

    /// The same of a callee with states, each a result and the parameter that it was, which are assumed
    /// to come back as they went in.
    pub fn keeping(mut self, states: Vec<(usize, usize)>) -> Self {
        for (result, param) in &states {
            if let Some(depends) = self.depends.get_mut(*result) {
                let all = depends.iter_mut().enumerate();
                all.for_each(|(p, on)| *on = p == *param);
            }
        }
        self.kept = states;
        self
    }

    /// What the results of a function depend on, whose callees are known.
    ///
    /// # Errors
    /// The name of a callee that is not.
    pub fn of_function(
        function: &Function,
        callee: &dyn Fn(&str) -> Option<CalleeInfo>,
    ) -> Result<CalleeInfo, String> {
        let mut known = |name: &str| callee(name).ok_or_else(|| name.to_string());
        let flow = Flow::from_block(&function.body, &function.values, &mut |call| {
            CalleeInfo::of_call(call, &mut known)
        })?;
        Ok(CalleeInfo {
            depends: flow.dependence(&function.body.params, &function.body.results),
            kept: Vec::new(),
        })
    }

    /// Whether the callee's pullback has a gradient for a parameter, of results that have cotangents.
    pub(crate) fn gives<T>(&self, param: usize, cotangents: &[Option<T>]) -> bool {
        let results = self.depends.iter().zip(cotangents);
        let mut given = results.filter(|(_, c)| c.is_some());
        given.any(|(d, _)| d.get(param) == Some(&true))
    }

    /// The results of a call on its operands, by what is known of each function that it may be of. Whoever
    /// writes a rule says that each float result depends on each float operand.
    pub(crate) fn of_call<E>(
        call: &Call,
        callee: &mut dyn FnMut(&str) -> Result<CalleeInfo, E>,
    ) -> Result<CalleeInfo, E> {
        if let CallMode::Rule(_) = call.mode {
            return Ok(CalleeInfo {
                depends: vec![vec![true; call.operands.len()]; call.results.len()],
                kept: Vec::new(),
            });
        }
        let mut out = callee(&call.target.name)?;
        match &call.mode {
            CallMode::Plain | CallMode::Checkpoint | CallMode::Rule(_) | CallMode::ByRule => {}
            CallMode::Loop(l) => out = out.looped(l),
            CallMode::Choice(alternatives) => {
                for a in alternatives {
                    let other = callee(&a.target.name)?;
                    out.kept.retain(|state| other.kept.contains(state));
                    let depends = out.depends.iter_mut().flatten();
                    for (d, o) in depends.zip(other.depends.iter().flatten()) {
                        *d |= o;
                    }
                }
            }
        }
        Ok(out)
    }

    /// The results of a loop on its operands: through any number of iterations, and through none, where
    /// what is carried is what it was at first.
    pub(crate) fn looped(&self, l: &LoopMode) -> CalleeInfo {
        let (params, results) = (l.carried_params(), l.carried_results());
        let depends =
            |r: usize, p: usize| self.depends.get(r).and_then(|d| d.get(p)) == Some(&true);
        let reached = |start: Vec<bool>| {
            let mut found = start;
            let mut open: Vec<usize> = (0..found.len()).filter(|r| found[*r]).collect();
            while let Some(r) = open.pop() {
                let Some(at) = results.iter().position(|c| *c == r) else {
                    continue;
                };
                for (next, found) in found.iter_mut().enumerate() {
                    if !*found && params.get(at).is_some_and(|p| depends(next, *p)) {
                        *found = true;
                        open.push(next);
                    }
                }
            }
            found
        };
        let columns = l.operands().map(|(p, role)| {
            let mut start: Vec<bool> = (0..l.results.len()).map(|r| depends(r, p)).collect();
            if role == LoopParam::Carried
                && let Some(at) = params.iter().position(|c| *c == p)
                && let Some(r) = results.get(at)
            {
                start[*r] = true;
            }
            reached(start)
        });
        let columns: Vec<Vec<bool>> = columns.collect();
        let rows = (0..l.results.len()).map(|r| columns.iter().map(|c| c[r]).collect());
        CalleeInfo {
            depends: rows.collect(),
            kept: l.kept(&self.kept),
        }
    }
}

/// Whether an op's result depends smoothly on its operands, if it is a float.
pub(crate) fn is_smooth(inst: &OpInst) -> bool {
    match inst.op.pullback {
        Pullback::Rule(_) | Pullback::Derived | Pullback::NotDifferentiable(_) => true,
        Pullback::Zero => false,
    }
}

/// How the values of a block flow into each other smoothly, through loops too.
pub(crate) struct Flow {
    /// Pairs: a value, and one that depends on it directly.
    pairs: Vec<(Value, Value)>,
    values: usize,
}

impl Flow {
    /// The flow of a block, given what each call's results depend on of its operands.
    pub(crate) fn from_block<E>(
        block: &Block,
        types: &[Type],
        callee: &mut dyn FnMut(&Call) -> Result<CalleeInfo, E>,
    ) -> Result<Flow, E> {
        let mut pairs = Vec::new();
        let mut failed = None;
        let mut calls: HashMap<Value, &Call> = HashMap::new();
        let mut flows = |from: Value, to: Value| {
            if types[from.index()].dtype.is_float() && types[to.index()].dtype.is_float() {
                pairs.push((from, to));
            }
        };
        block.each_inst(&mut |inst| match inst {
            Inst::Op(i) if is_smooth(i) => i.operands.iter().for_each(|v| flows(*v, i.result)),
            Inst::Op(_) => {}
            Inst::Call(c) if failed.is_none() => {
                calls.extend(c.results.first().map(|first| (*first, c)));
                match callee(c) {
                    Ok(info) => {
                        for (result, depends) in c.results.iter().zip(&info.depends) {
                            let operands = c.operands.iter().zip(depends);
                            let on = operands.filter(|(_, on)| **on);
                            on.for_each(|(v, _)| flows(*v, *result));
                        }
                    }
                    Err(error) => failed = Some(error),
                }
            }
            Inst::Call(_) => {}
            // Linear in the cotangents; what else it computes with are the call's values.
            Inst::PullbackCall(p) => {
                let primal = calls.get(&p.call).into_iter().flat_map(|c| &c.operands);
                for v in p.cotangents.iter().flatten().chain(primal) {
                    p.results.iter().for_each(|(_, to)| flows(*v, *to));
                }
            }
            Inst::Loop(l) => {
                let ends = l.carried_params().iter().zip(&l.results);
                let from = l.carried.iter().zip(&l.body.results);
                for ((param, result), (first, next)) in ends.zip(from) {
                    for v in [*first, *next] {
                        flows(v, *param);
                        flows(v, *result);
                    }
                }
                for (param, s) in l.slice_params().iter().zip(&l.sliced) {
                    flows(s.value, *param);
                }
                l.stacks().for_each(|(value, _, stack)| flows(value, stack));
            }
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(Flow {
                pairs,
                values: types.len(),
            }),
        }
    }

    /// What depends on any of `seeds`, and they themselves.
    pub(crate) fn forward(&self, seeds: &[Value]) -> Vec<bool> {
        Edges::new(self.values, self.pairs.iter().copied()).reach(seeds)
    }

    /// What any of `ends` depends on, and they themselves.
    pub(crate) fn backward(&self, ends: &[Value]) -> Vec<bool> {
        Edges::new(self.values, self.pairs.iter().map(|(a, b)| (*b, *a))).reach(ends)
    }

    /// For each of `ends`, on which of `params` it depends.
    pub(crate) fn dependence(&self, params: &[Value], ends: &[Value]) -> Vec<Vec<bool>> {
        let edges = Edges::new(self.values, self.pairs.iter().copied());
        let reached: Vec<Vec<bool>> = params.iter().map(|p| edges.reach(&[*p])).collect();
        let on = |end: &Value| reached.iter().map(|r| r[end.index()]).collect();
        ends.iter().map(on).collect()
    }
}

/// Pairs, sorted by their first value.
struct Edges {
    starts: Vec<usize>,
    ends: Vec<Value>,
}

impl Edges {
    fn new(values: usize, pairs: impl Iterator<Item = (Value, Value)> + Clone) -> Self {
        let mut starts = vec![0; values + 1];
        for (from, _) in pairs.clone() {
            starts[from.index() + 1] += 1;
        }
        for i in 0..values {
            starts[i + 1] += starts[i];
        }
        let mut ends = vec![Value(0); starts[values]];
        let mut free = starts.clone();
        for (from, to) in pairs {
            ends[free[from.index()]] = to;
            free[from.index()] += 1;
        }
        Edges { starts, ends }
    }

    fn reach(&self, seeds: &[Value]) -> Vec<bool> {
        let mut found = vec![false; self.starts.len() - 1];
        let mut open = seeds.to_vec();
        while let Some(v) = open.pop() {
            if !std::mem::replace(&mut found[v.index()], true) {
                let ends = self.starts[v.index()]..self.starts[v.index() + 1];
                open.extend(&self.ends[ends]);
            }
        }
        found
    }
}
