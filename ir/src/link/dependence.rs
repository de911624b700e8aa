//! What a unit's results depend on, through all its calls.
//!
//! A text is written where its callees' bodies are not known, so its pullback assumes that each float
//! result of a call depends on each float argument. Here all bodies are known.

use super::calls::callee;
use super::inliner::Inliner;
use super::{LinkError, extent};
use crate::activity::{CalleeInfo, Flow};
use crate::block::Inst;
use crate::call::Call;
use crate::function::{Function, Origin};
use crate::unit::Unit;
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
        let function = self.inlinable(unit)?;
        let depends = self.depends(unit, &function)?;
        self.asked.pop();
        let info = Rc::new(CalleeInfo { depends });
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

    /// Whether the stored pullback of a unit asks its callees for no gradient that they do not have.
    pub(super) fn is_exact(
        &mut self,
        unit: &'u Unit,
        function: &Function,
    ) -> Result<bool, LinkError> {
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
}
