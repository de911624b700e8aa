//! The body of a linked function among other instructions.

use crate::batch::{BatchError, batch};
use crate::block::Inst;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::{Function, Value};
use crate::op::{Kind, OpClass, OpError};

impl Builder {
    /// Adds the body of a function without calls, with `operands` for its parameters; gives its results, new
    /// states among them.
    ///
    /// # Errors
    /// Operands that are not as many as the parameters, or not of their types.
    pub fn splice(
        &mut self,
        function: &Function,
        operands: &[Value],
    ) -> Result<Vec<Value>, OpError> {
        let (expected, found) = (function.params.len(), operands.len());
        if expected != found {
            return Err(OpError::Arity { expected, found });
        }
        for (operand, expected) in operands.iter().zip(&function.values) {
            let found = self.type_of(*operand);
            if found != expected {
                return Err(OpError::ShapesDiffer {
                    left: expected.shape.clone(),
                    right: found.shape.clone(),
                });
            }
        }
        let mut renamed = operands.to_vec();
        let others = function.values[expected..].iter();
        renamed.extend(others.map(|ty| self.value(ty.clone())));
        for inst in &function.body.insts {
            let mut inst = inst.clone();
            inst.each_value_mut(&mut |v| *v = renamed[v.index()]);
            self.insts.push(inst);
        }
        Ok(function
            .body
            .results
            .iter()
            .map(|v| renamed[v.index()])
            .collect())
    }
}

impl Function {
    /// The function over a new first axis of those parameters that are `mapped`, and of all results: what it makes of
    /// each slice, at once. Its calls are inlined.
    ///
    /// # Errors
    /// An op that cannot be mapped, a shape with a sequence.
    pub fn mapped(&self, mapped: &[bool], count: usize) -> Result<Function, BatchError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        batch(self, mapped, &Dim::constant(count))
    }

    /// Whether each element of a result is made of the elements that operands have in its place, of scalars and of
    /// constants: then the function of two tensors that lie side by side is that of both as one.
    pub fn is_pointwise(&self) -> bool {
        self.body.insts.iter().all(|inst| {
            let Inst::Op(inst) = inst else { return false };
            match inst.op.kind.class() {
                OpClass::Elementwise(_) => true,
                OpClass::Source => matches!(inst.op.kind, Kind::Constant),
                OpClass::IndexMap => {
                    let of_scalars = |v: &Value| self.type_of(*v).shape.dims.is_empty();
                    let unchanged = matches!(inst.op.kind, Kind::Identity | Kind::Barrier);
                    unchanged || inst.operands.iter().all(of_scalars)
                }
                OpClass::Joined | OpClass::Indexed | OpClass::Combined | OpClass::Function => false,
            }
        })
    }
}
