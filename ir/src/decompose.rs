//! Replaces functions over ops (`relu`, `softmax`) by the ops they are made of: the one place that
//! knows what they are. What computes on halves goes with them ([`crate::widen`]).

use crate::block::{Block, Inst, OpInst};
use crate::builder::Builder;
use crate::dtype::DType;
use crate::function::{Function, Location, Value};
use crate::op::{Kind, OpError};
use crate::shape::Type;
use crate::widen::{computes_on_halves, in_f32, widened};

/// A function over ops that its entry refuses.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{op}` {error}")]
pub struct DecomposeError {
    /// Its op.
    pub op: &'static str,
    /// Where it was written.
    pub location: Option<Location>,
    /// The complaint.
    pub error: Box<OpError>,
}

/// Adds what `inst` is made of to the builder, one level deep: what comes may hold functions over ops
/// again. `None` for an op that is one of its own. A function of halves is that of f32, rounded once.
pub(crate) fn decomposition(b: &mut Builder, inst: &OpInst) -> Option<Result<Value, OpError>> {
    let Kind::Function(build) = inst.op.kind else {
        return None;
    };
    b.location = inst.location;
    let types: Vec<Type> = inst
        .operands
        .iter()
        .map(|v| b.type_of(*v).clone())
        .collect();
    let result = match (inst.op.infer)(&types, &inst.attributes) {
        Ok(ty) => ty.dtype,
        Err(error) => return Some(Err(error)),
    };
    let dtypes: Vec<DType> = types.iter().map(|t| t.dtype).collect();
    Some(match computes_on_halves(inst.op, &dtypes, result) {
        true => in_f32(b, inst, result, build),
        false => build(b, &inst.operands, &inst.attributes),
    })
}

/// Decomposes every function over ops in the body of `function`, and writes out in f32 what computes on
/// halves; values are numbered anew then.
///
/// # Errors
/// What the entry of one refuses.
pub fn decompose(function: &mut Function) -> Result<(), DecomposeError> {
    let mut decomposer = Decomposer {
        builder: Builder {
            values: std::mem::take(&mut function.values),
            ..Builder::default()
        },
        renamed: Vec::new(),
    };
    let decomposed = decomposer.block(&mut function.body);
    function.values = decomposer.builder.values;
    decomposed?;
    if !decomposer.renamed.is_empty() {
        function.compact();
    }
    Ok(())
}

struct Decomposer {
    builder: Builder,
    /// What stands for a value now; values beyond the end are themselves.
    renamed: Vec<Option<Value>>,
}

impl Decomposer {
    fn rename(&self, values: &mut [Value]) {
        values.iter_mut().for_each(|v| *v = self.renamed(*v));
    }

    fn renamed(&self, v: Value) -> Value {
        self.renamed.get(v.index()).copied().flatten().unwrap_or(v)
    }

    fn block(&mut self, block: &mut Block) -> Result<(), DecomposeError> {
        let outer = std::mem::take(&mut self.builder.insts);
        let insts = std::mem::take(&mut block.insts);
        let done = insts.into_iter().try_for_each(|inst| self.inst(inst));
        block.insts = std::mem::replace(&mut self.builder.insts, outer);
        self.rename(&mut block.results);
        done
    }

    fn inst(&mut self, mut inst: Inst) -> Result<(), DecomposeError> {
        match &mut inst {
            Inst::Op(i) => self.rename(&mut i.operands),
            Inst::Call(c) => self.rename(&mut c.operands),
            Inst::PullbackCall(p) => {
                for v in p.cotangents.iter_mut().flatten() {
                    *v = self.renamed(*v);
                }
            }
            Inst::Loop(l) => {
                self.rename(&mut l.carried);
                for s in &mut l.sliced {
                    s.value = self.renamed(s.value);
                }
                self.block(&mut l.body)?;
            }
        }
        let Inst::Op(i) = &inst else {
            self.builder.insts.push(inst);
            return Ok(());
        };
        let outer = std::mem::take(&mut self.builder.insts);
        let built = decomposition(&mut self.builder, i).or_else(|| widened(&mut self.builder, i));
        let inner = std::mem::replace(&mut self.builder.insts, outer);
        let Some(built) = built else {
            self.builder.insts.push(inst);
            return Ok(());
        };
        let result = built.map_err(|error| DecomposeError {
            op: i.op.name,
            location: i.location,
            error: Box::new(error),
        })?;
        inner.into_iter().try_for_each(|inst| self.inst(inst))?;
        let (at, result) = (i.result.index(), self.renamed(result));
        if self.renamed.len() <= at {
            self.renamed.resize(at + 1, None);
        }
        self.renamed[at] = Some(result);
        Ok(())
    }
}
