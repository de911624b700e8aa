//! Builds functions: every instruction is typed as it is added.

use crate::attribute::Attributes;
use crate::attributes::Constant;
use crate::block::{Inst, OpInst};
use crate::dtype::DType;
use crate::function::{Function, Location, Value};
use crate::op::{Arity, Op, OpError};
use crate::shape::{Shape, Type};
use crate::symbol::Number;

/// Adds instructions to a function's values and to one list of instructions.
///
/// The list is the function's body or its pullback's; the caller puts it where it belongs.
#[derive(Default)]
pub struct Builder {
    /// The type of every value so far.
    pub values: Vec<Type>,
    /// The instructions added.
    pub insts: Vec<Inst>,
    /// The place given to the instructions that are added.
    pub location: Option<Location>,
}

impl Builder {
    /// A builder that goes on after the values of `function`.
    pub fn after(function: &Function) -> Self {
        Builder {
            values: function.values.clone(),
            insts: Vec::new(),
            location: None,
        }
    }

    /// The type of a value.
    pub fn type_of(&self, value: Value) -> &Type {
        &self.values[value.index()]
    }

    /// A new value of the given type, defined by whoever asks for it.
    pub fn value(&mut self, ty: Type) -> Value {
        let id = u32::try_from(self.values.len()).expect("fewer than 2^32 values fit in memory");
        self.values.push(ty);
        Value(id)
    }

    /// Applies `op`; its result's type is inferred.
    ///
    /// # Errors
    /// What the op's entry refuses.
    pub fn op(
        &mut self,
        op: Op,
        operands: &[Value],
        attributes: impl Into<Attributes>,
    ) -> Result<Value, OpError> {
        self.apply(op, operands, attributes.into())
    }

    fn apply(
        &mut self,
        op: Op,
        operands: &[Value],
        attributes: Attributes,
    ) -> Result<Value, OpError> {
        if let Arity::Exactly(expected) = op.arity
            && expected != operands.len()
        {
            let found = operands.len();
            return Err(OpError::Arity { expected, found });
        }
        let types: Vec<Type> = operands.iter().map(|v| self.type_of(*v).clone()).collect();
        let ty = (op.infer)(&types, &attributes)?;
        let result = self.value(ty);
        self.insts.push(Inst::Op(OpInst {
            op,
            operands: operands.to_vec(),
            attributes,
            result,
            location: self.location,
        }));
        Ok(result)
    }

    /// A constant of the given type: every element is `value`.
    ///
    /// # Errors
    /// A value that the element type does not hold.
    pub fn constant(
        &mut self,
        value: impl Into<Number>,
        dtype: DType,
        shape: Shape,
    ) -> Result<Value, OpError> {
        let (value, shape) = (&value.into(), &shape);
        self.op(
            crate::ops::CONST,
            &[],
            Constant {
                value,
                dtype,
                shape,
            },
        )
    }
}
