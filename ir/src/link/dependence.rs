//! What a unit's results depend on, through all its calls.
//!
//! A text is written where its callees' bodies are not known, so its pullback assumes that each float
//! result of a call depends on each float argument. Here all bodies are known.

use super::calls::callee;
use super::inliner::Inliner;
use super::{LinkError, extent};
use crate::activity::{CalleeInfo, Flow};
use crate::block::Inst;
use crate::call::{Call, CallMode, PullbackCall};
use crate::function::{Function, Origin, Value};
use crate::unit::Unit;
use std::collections::HashMap;
use std::rc::Rc;

/// For each result of a unit, which parameters it depends on smoothly: the others have no gradient
/// whatever the sizes are, and nothing may move them (a decay of weights neither).
///
/// # Errors
/// As [`super::link`], of texts and calls.
pub fn dependence(unit: &Unit) -> Result<CalleeInfo, LinkError> {
    let mut inliner = Inliner::default();
    extent::check(&mut inliner, unit)?;
    let info = inliner.info(unit)?;
    Ok(info.as_ref().clone())
}

impl<'u> Inliner<'u> {
    /// What a unit's results depend on, found once a link.
    pub(super) fn info(&mut self, unit: &'u Unit) -> Result<Rc<CalleeInfo>, LinkError> {
        let key = std::ptr::from_ref(unit);
        if let Some(known) = self.infos.get(&key) {
            return Ok(known.clone());
        }
        if self.asked.contains(&key) {
            return Err(LinkError::Recursion(unit.path.to_string()));
        }
        self.asked.push(key);
        let function = self.dependent(unit)?;
        let depends = self.depends(unit, &function)?;
        let kept = self.kept(unit, &function)?;
        self.asked.pop();
        let info = CalleeInfo {
            depends,
            kept: Vec::new(),
        };
        let info = Rc::new(info.keeping(kept));
        self.infos.insert(key, info.clone());
        Ok(info)
    }

    fn depends(
        &mut self,
        unit: &'u Unit,
        function: &Function,
    ) -> Result<Vec<Vec<bool>>, LinkError> {
        // Who writes a pullback says what a result depends on: on all that it has a gradient for.
        if let Some(p) = &function.pullback
            && p.origin == Origin::Written
        {
            let params = 0..function.params.len();
            let on: Vec<bool> = params.map(|i| p.gradients.contains(&i)).collect();
            let results =
                (0..function.body.results.len()).map(|r| match p.cotangents.contains(&r) {
                    true => on.clone(),
                    false => vec![false; on.len()],
                });
            return Ok(results.collect());
        }
        let flow = Flow::from_block(&function.body, &function.values, &mut |c| {
            self.effect(unit, c)
        })?;
        Ok(flow.dependence(&function.body.params, &function.body.results))
    }

    /// What the results of a call depend on, of its operands.
    fn effect(&mut self, unit: &'u Unit, call: &Call) -> Result<CalleeInfo, LinkError> {
        CalleeInfo::of_call(call, &mut |name| {
            let info = self.info(callee(unit, name)?)?;
            Ok(info.as_ref().clone())
        })
    }

    /// Whether a result of a call that has a cotangent in a pullback of it depends on one of its operands.
    pub(super) fn gives(
        &mut self,
        unit: &'u Unit,
        function: &Function,
        p: &PullbackCall,
        operand: usize,
    ) -> Result<bool, LinkError> {
        let calls = function.calls();
        let call = calls.get(&p.call).ok_or_else(|| LinkError::NoPullback {
            path: unit.path.to_string(),
        })?;
        Ok(self.effect(unit, call)?.gives(operand, &p.cotangents))
    }

    /// The states that a function gives back as it got them: the result, and the parameter.
    fn kept(
        &mut self,
        unit: &'u Unit,
        function: &Function,
    ) -> Result<Vec<(usize, usize)>, LinkError> {
        if function.states.is_empty() {
            return Ok(Vec::new());
        }
        // What each value is that a call or a loop gives back as it got it.
        let mut same: HashMap<Value, Value> = HashMap::new();
        let mut insts = Vec::new();
        function.body.each_inst(&mut |inst| insts.push(inst));
        for inst in insts {
            match inst {
                Inst::Call(c) => {
                    let kept = self.effect(unit, c)?.kept;
                    let pairs = kept
                        .iter()
                        .filter_map(|(r, p)| c.results.get(*r).zip(c.operands.get(*p)));
                    same.extend(pairs.map(|(r, v)| (*r, *v)));
                }
                Inst::Loop(l) => {
                    let params = l.carried_params().iter().zip(&l.body.results);
                    let ends = l.results.iter().zip(&l.carried);
                    for ((param, next), (result, first)) in params.zip(ends) {
                        if param == next {
                            same.insert(*result, *first);
                        }
                    }
                }
                Inst::Op(_) | Inst::PullbackCall(_) => {}
            }
        }
        let from = function.returned().len();
        let kept = function.new_states().enumerate();
        let kept = kept.filter(|(_, (param, value))| {
            let mut value = *value;
            while let Some(before) = same.get(&value) {
                value = *before;
            }
            value.index() == *param
        });
        Ok(kept.map(|(i, (param, _))| (from + i, param)).collect())
    }

    /// Whether the stored pullback of a unit asks its callees for no gradient that they do not have, and
    /// all states that it takes for kept are so.
    pub(super) fn is_exact(
        &mut self,
        unit: &'u Unit,
        function: &Function,
    ) -> Result<bool, LinkError> {
        for inst in &function.body.insts {
            if let Inst::Call(c) = inst
                && !self.keeps_states(unit, c)?
            {
                return Ok(false);
            }
        }
        let calls = function.calls();
        let stored = function.pullback.iter().flat_map(|p| &p.block.insts);
        for inst in stored {
            let Inst::PullbackCall(p) = inst else {
                continue;
            };
            let call = calls.get(&p.call).ok_or_else(|| LinkError::NoPullback {
                path: unit.path.to_string(),
            })?;
            let info = self.effect(unit, call)?;
            if !p.results.iter().all(|(i, _)| info.gives(*i, &p.cotangents)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a call keeps all states that its callee may change.
    fn keeps_states(&mut self, unit: &'u Unit, call: &Call) -> Result<bool, LinkError> {
        let function = self.dependent(callee(unit, &call.target.name)?)?;
        if function.states.is_empty() {
            return Ok(true);
        }
        let from = function.returned().len();
        let states = function.states.iter().enumerate();
        let mut states: Vec<(usize, usize)> = states.map(|(i, p)| (from + i, *p)).collect();
        if let CallMode::Loop(l) = &call.mode {
            states = l.kept(&states);
        }
        let info = self.effect(unit, call)?;
        Ok(states.iter().all(|state| info.kept.contains(state)))
    }
}
