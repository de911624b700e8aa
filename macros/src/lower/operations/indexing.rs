//! Operations with computed indices.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::{Checked, Reported};
use crate::messages;
use sinew_ir::compose;
use sinew_ir::{Axis, Builder, DType, Dim, Op, OpError, Value};

impl Lowerer<'_, '_> {
    pub(super) fn gathered(
        &mut self,
        a: &Arguments<'_>,
        make: fn(&mut Builder, Value, Value, Axis) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let indices = self.tensor_arg(a, 1, Some(DType::I32))?;
        let axis = self.one_axis(a, 2, x)?;
        let operands = [
            WrittenOperand::new(&a.tokens(0), x),
            WrittenOperand::new(&a.tokens(1), indices),
        ];
        let built = self.build(&a.name, a.op.name, &operands, |b| make(b, x, indices, axis))?;
        Ok(Val::Tensor(built))
    }

    /// Updates added at indices along an axis.
    pub(super) fn scattered(&mut self, a: &Arguments<'_>, op: Op) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        // First, since who gives it first, as PyTorch has it, is told what stands where.
        let axis = self.one_axis(a, 3, x)?;
        let indices = self.tensor_arg(a, 1, Some(DType::I32))?;
        let dtype = self.builder.type_of(x).dtype;
        let updates = self.tensor_arg(a, 2, Some(dtype))?;
        let operands = [
            WrittenOperand::new(&a.tokens(0), x),
            WrittenOperand::new(&a.tokens(1), indices),
            WrittenOperand::new(&a.tokens(2), updates),
        ];
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            b.along(op, &[x, indices, updates], axis)
        })?;
        Ok(Val::Tensor(built))
    }

    /// The dim that argument `i` is.
    pub(super) fn dim_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Dim> {
        let e: syn::Expr = match syn::parse2(a.tokens(i)) {
            Ok(e) => e,
            Err(_) => return Err(Reported),
        };
        self.dim_expr(&e)
    }

    pub fn argsort(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = self.one_axis(a, 1, x)?;
        let descending = self.flag_arg(a, 2)?;
        self.on(a, x, &a.name, |b| compose::argsort(b, x, axis, descending))
    }

    /// The elements in order, and their indices.
    pub fn sort(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = self.one_axis(a, 1, x)?;
        let descending = self.flag_arg(a, 2)?;
        let operand = WrittenOperand::new(&a.tokens(0), x);
        let parts = self.build(&a.name, a.op.name, &[operand], |b| {
            compose::sort(b, x, axis, descending)
        })?;
        Ok(Val::Tuple(parts.map(Val::Tensor).to_vec()))
    }

    /// The greatest elements, and their indices.
    pub fn topk(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let k = self.dim_arg(a, 1)?;
        let axis = self.one_axis(a, 2, x)?;
        let operand = WrittenOperand::new(&a.tokens(0), x);
        if let Axis::At(at) = axis {
            let extent = self.builder.type_of(x).shape.dims[at].clone();
            let error = OpError::Count {
                count: messages::dim(&k),
                extent: messages::dim(&extent),
            };
            let at = (&a.tokens(1), a.op.name);
            self.at_most(at, &operand, [&k, &extent], &error)?;
        }
        let parts = self.build_with(&a.tokens(1), a.op.name, &[operand], k, |b, k| {
            compose::topk(b, x, k, axis)
        })?;
        Ok(Val::Tuple(parts.map(Val::Tensor).to_vec()))
    }

    pub fn one_hot(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let indices = self.tensor_arg(a, 0, Some(DType::I32))?;
        let classes = self.dim_arg(a, 1)?;
        let dtype = self.dtype_arg(a, 2)?;
        self.on(a, indices, &a.name, |b| {
            compose::one_hot(b, indices, classes.clone(), dtype)
        })
    }

    pub fn triu(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let k = self.integer_arg(a, 1)?;
        self.with_x(a, |b, x| compose::triu(b, x, k))
    }

    pub fn tril(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let k = self.integer_arg(a, 1)?;
        self.with_x(a, |b, x| compose::tril(b, x, k))
    }
}
