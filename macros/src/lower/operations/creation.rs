//! Tensors of nothing but a shape.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::value::Val;
use crate::errors::Checked;
use sinew_ir::compose;
use sinew_ir::{Axis, Shape};

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

    pub fn full(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let value = self.number_arg(a, 1)?;
        self.filled(a, value, 2)
    }

    /// One number in the shape that the first argument is; its type is argument `dtype`.
    pub(super) fn filled(&mut self, a: &Arguments<'_>, value: f64, dtype: usize) -> Checked<Val> {
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
