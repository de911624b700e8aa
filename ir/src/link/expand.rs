//! Replaces functions over ops (`relu`, `softmax`) by the ops they are made of.

use super::{LinkError, op_error, take_builder};
use crate::block::{Inst, OpInst};
use crate::builder::Builder;
use crate::function::{Function, Value};
use crate::op::Kind;
use crate::unit::Unit;

/// Expands every [`Kind::Function`] op of a linked body.
pub(super) fn expand(unit: &Unit, function: &mut Function) -> Result<(), LinkError> {
    let mut expander = Expander {
        unit,
        builder: take_builder(&mut function.values),
        renamed: Vec::new(),
    };
    for inst in std::mem::take(&mut function.body.insts) {
        match inst {
            Inst::Op(i) => expander.op(i)?,
            call @ (Inst::Call(_) | Inst::PullbackCall(_)) => expander.builder.insts.push(call),
        }
    }
    for r in &mut function.body.results {
        *r = expander.renamed(*r);
    }
    function.body.insts = expander.builder.insts;
    function.values = expander.builder.values;
    Ok(())
}

struct Expander<'u> {
    unit: &'u Unit,
    builder: Builder,
    /// What stands for a value now; values beyond the end are themselves.
    renamed: Vec<Option<Value>>,
}

impl Expander<'_> {
    fn renamed(&self, v: Value) -> Value {
        self.renamed.get(v.index()).copied().flatten().unwrap_or(v)
    }

    fn op(&mut self, mut i: OpInst) -> Result<(), LinkError> {
        for v in &mut i.operands {
            *v = self.renamed(*v);
        }
        let Kind::Function(build) = i.op.kind else {
            self.builder.insts.push(Inst::Op(i));
            return Ok(());
        };
        let outer = std::mem::take(&mut self.builder.insts);
        self.builder.location = i.location;
        let built = build(&mut self.builder, &i.operands, &i.attributes);
        let inner = std::mem::replace(&mut self.builder.insts, outer);
        let result = built.map_err(|e| op_error(self.unit, i.op.0.name, i.location, e))?;
        for inst in inner {
            match inst {
                Inst::Op(i) => self.op(i)?,
                call @ (Inst::Call(_) | Inst::PullbackCall(_)) => self.builder.insts.push(call),
            }
        }
        let result = self.renamed(result);
        let at = i.result.index();
        if self.renamed.len() <= at {
            self.renamed.resize(at + 1, None);
        }
        self.renamed[at] = Some(result);
        Ok(())
    }
}
