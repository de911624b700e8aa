//! Operations of single elements, and choices between elements.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use crate::messages;
use sinew_ir::compose;
use sinew_ir::{Builder, DType, Number, Op, OpError, Value, ops};

impl Lowerer<'_, '_> {
    pub(super) fn unary_op(&mut self, a: &Arguments<'_>, op: Op) -> Checked<Val> {
        self.with_x(a, |b, x| b.op(op, &[x], Vec::new()))
    }

    pub fn gelu(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let op = match self.choice_arg(a, 1)? {
            "tanh" => ops::GELU_TANH,
            _ => ops::GELU,
        };
        self.unary_op(a, op)
    }

    pub fn powi(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let exponent = self.integer_arg(a, 1)?;
        self.with_x(a, |b, x| compose::powi(b, x, exponent))
    }

    pub fn clamp(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let dtype = self.builder.type_of(x).dtype;
        let (low, high) = (
            self.tensor_arg(a, 1, Some(dtype)),
            self.tensor_arg(a, 2, Some(dtype)),
        );
        let (low, high) = (low?, high?);
        let operands = [
            WrittenOperand::new(&a.tokens(0), x),
            WrittenOperand::new(&a.tokens(1), low),
            WrittenOperand::new(&a.tokens(2), high),
        ];
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::clamp(b, x, Some(low), Some(high))
        })?;
        Ok(Val::Tensor(built))
    }

    pub fn select(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let condition = self.tensor_arg(a, 0, Some(DType::Bool))?;
        let (x, y) = (self.value_arg(a, 1), self.value_arg(a, 2));
        let (x, y) = (x?, y?);
        let (vx, vy) = self.two(x.val, y.val, &x.tokens, &y.tokens)?;
        let operands = [
            WrittenOperand::new(&a.tokens(0), condition),
            WrittenOperand::new(&x.tokens, vx),
            WrittenOperand::new(&y.tokens, vy),
        ];
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::select(b, condition, vx, vy)
        })?;
        Ok(Val::Tensor(built))
    }

    pub fn cast(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let dtype = self.dtype_arg(a, 1)?;
        self.with_x(a, |b, x| b.cast(x, dtype))
    }

    /// An operation of a tensor and a number.
    pub(super) fn with_number(
        &mut self,
        a: &Arguments<'_>,
        make: fn(&mut Builder, Value, &Number) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let number = self.number_arg(a, 1, DType::Float)?;
        self.with_x(a, |b, x| make(b, x, &number))
    }

    /// A literal exponent by products where that is exact, any other by `POW`.
    pub fn pow(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let literal = syn::parse2(a.tokens(1)).ok();
        match literal.as_ref().and_then(crate::parse::structure::number) {
            Some(n) if n.is_finite() => self.with_x(a, |b, x| compose::pow(b, x, n)),
            Some(_) => Err(self.report(messages::number_range(&a.tokens(1)))),
            None => self.binary_op(a, ops::POW),
        }
    }
}
