//! What a unit's results depend on, through all its calls.
//!
//! A text is written where its callees' bodies are not known, so its pullback assumes that each float
//! result of a call depends on each float argument. Here all bodies are known.

use super::LinkError;
use super::inliner::{Inliner, callee};
use crate::block::Inst;
use crate::function::{Function, Value};
use crate::op::Pullback;
use crate::pullback::CalleeInfo;
use crate::unit::Unit;
use std::rc::Rc;

/// For each result of a unit, which parameters it depends on smoothly: the others have no gradient
/// whatever the sizes are, and nothing may move them (a decay of weights neither).
///
/// # Errors
/// As [`super::link`], of texts and calls.
pub fn dependence(unit: &Unit) -> Result<CalleeInfo, LinkError> {
    let info = Inliner::default().info(unit)?;
    Ok(info.as_ref().clone())
}

impl Inliner<'_> {
    /// What a unit's results depend on, found once a link.
    pub(super) fn info(&mut self, unit: &Unit) -> Result<Rc<CalleeInfo>, LinkError> {
        let key = std::ptr::from_ref(unit);
        if let Some(known) = self.infos.get(&key) {
            return Ok(known.clone());
        }
        if self.asked.contains(&key) {
            return Err(LinkError::Recursion(unit.path.to_string()));
        }
        self.asked.push(key);
        let function = self.load(unit)?;
        let depends = self.depends(unit, &function)?;
        self.asked.pop();
        let info = Rc::new(CalleeInfo { depends });
        self.infos.insert(key, info.clone());
        Ok(info)
    }

    fn depends(&mut self, unit: &Unit, function: &Function) -> Result<Vec<Vec<bool>>, LinkError> {
        let params = function.params.len();
        let is_float = |v: Value| function.type_of(v).dtype.is_float();
        let mut of: Vec<Vec<bool>> = vec![vec![false; params]; function.values.len()];
        for (i, t) in function.values[..params].iter().enumerate() {
            of[i][i] = t.dtype.is_float();
        }
        for inst in &function.body.insts {
            match inst {
                Inst::Op(i) => {
                    let smooth = match i.op.pullback {
                        Pullback::Rule(_) | Pullback::Derived | Pullback::NotDifferentiable(_) => {
                            true
                        }
                        Pullback::Zero => false,
                    };
                    if smooth && is_float(i.result) {
                        let from: Vec<bool> = (0..params)
                            .map(|p| i.operands.iter().any(|v| of[v.index()][p]))
                            .collect();
                        of[i.result.index()] = from;
                    }
                }
                Inst::Call(c) => {
                    let info = self.info(callee(unit, c)?)?;
                    for (result, depends) in c.results.iter().zip(&info.depends) {
                        let pairs = || c.operands.iter().zip(depends).filter(|(_, on)| **on);
                        let from: Vec<bool> = (0..params)
                            .map(|p| pairs().any(|(v, _)| of[v.index()][p]))
                            .collect();
                        of[result.index()] = from;
                    }
                }
                // They stand in pullbacks only.
                Inst::PullbackCall(_) => {}
            }
        }
        let results = function.body.results.iter();
        Ok(results.map(|r| of[r.index()].clone()).collect())
    }

    /// Whether the stored pullback of a unit asks its callees for no gradient that they do not have.
    pub(super) fn is_exact(&mut self, unit: &Unit, function: &Function) -> Result<bool, LinkError> {
        let stored = function.pullback.iter().flat_map(|p| &p.block.insts);
        for inst in stored {
            let Inst::PullbackCall(p) = inst else {
                continue;
            };
            let call = function
                .call_of(p.call)
                .ok_or_else(|| LinkError::NoPullback {
                    path: unit.path.to_string(),
                })?;
            let info = self.info(callee(unit, call)?)?;
            if !p.results.iter().all(|(i, _)| info.gives(*i, &p.cotangents)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
