//! Tensors of nothing but a shape.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use crate::parse;
use sinew_ir::compose;
use sinew_ir::{Axis, Number, Shape};

impl Lowerer<'_, '_> {
    pub fn arange(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let n = self.dim_arg(a, 0)?;
        let dtype = self.dtype_arg(a, 1)?;
        let shape = Shape::new(vec![n]);
        let built = self.build(&a.name, a.op.name, &[], |b| {
            b.iota(dtype, shape.clone(), Axis::At(0))
        })?;
        Ok(Val::Tensor(built))
    }

    pub fn linspace(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let (start, stop) = self.two(left.val, right.val, &left.tokens, &right.tokens)?;
        let n = self.dim_arg(a, 2)?;
        let operands = WrittenOperand::pair((left.tokens, start), (right.tokens, stop));
        let built = self.build_with(&a.name, a.op.name, &operands, n, |b, n| {
            compose::linspace(b, start, stop, n)
        })?;
        Ok(Val::Tensor(built))
    }

    pub fn iota(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let shape = self.full_shape_arg(a, 0)?;
        let index = self.axis_arg(a, 1)?;
        let axis = self.build(&a.tokens(1), a.op.name, &[], |_| {
            compose::axis(&shape, index)
        })?;
        let dtype = self.dtype_arg(a, 2)?;
        let built = self.build(&a.name, a.op.name, &[], |b| {
            b.iota(dtype, shape.clone(), axis)
        })?;
        Ok(Val::Tensor(built))
    }

    /// A tensor keeps its element type where `dtype` says no other.
    pub fn full(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let e = a.expr(1);
        if e.is_none_or(|e| parse::structure::number(e).is_some()) {
            let dtype = self.dtype_arg(a, 2)?;
            let value = self.number_arg(a, 1, dtype)?;
            return self.filled(a, &value, 2);
        }
        let given = self.value_arg(a, 1)?;
        let dtype = match given.val {
            Val::Tensor(x) if !a.has(2) => self.builder.type_of(x).dtype,
            _ => self.dtype_arg(a, 2)?,
        };
        let shape = self.full_shape_arg(a, 0)?;
        let x = self.tensor_of(given.val, Some(dtype), &given.tokens)?;
        let operand = WrittenOperand::new(&given.tokens, x);
        let built = self.build(&given.tokens, a.op.name, &[operand], |b| {
            let x = match b.type_of(x).dtype == dtype {
                true => x,
                false => b.cast(x, dtype)?,
            };
            compose::broadcast_to(b, x, &shape)
        })?;
        Ok(Val::Tensor(built))
    }

    /// One number in the shape that the first argument is; its type is argument `dtype`.
    pub(super) fn filled(
        &mut self,
        a: &Arguments<'_>,
        value: &Number,
        dtype: usize,
    ) -> Checked<Val> {
        let shape = self.full_shape_arg(a, 0)?;
        let dtype = self.dtype_arg(a, dtype)?;
        let built = self.build(&a.name, a.op.name, &[], |b| {
            b.constant(value, dtype, shape.clone())
        })?;
        Ok(Val::Tensor(built))
    }

    pub(super) fn like(&mut self, a: &Arguments<'_>, value: f64) -> Checked<Val> {
        self.with_x(a, |b, x| b.like(value, x))
    }
}
