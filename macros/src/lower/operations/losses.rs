//! Losses.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::Operand;
use super::super::value::Val;
use crate::errors::Checked;
use crate::messages;
use sinew_ir::lower::{self, Reduce};
use sinew_ir::{Axis, Builder, DType, OpError, Value, ops};

impl Lowerer<'_, '_> {
    /// What becomes of the losses of rows.
    pub(super) fn reduction_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Reduce> {
        match self.text_arg(a, i)?.map(|s| s.value()).as_deref() {
            None | Some("mean") => Ok(Reduce::Mean),
            Some("sum") => Ok(Reduce::Sum),
            Some("none") => Ok(Reduce::None),
            Some(_) => {
                let error =
                    messages::wants_choice(&a.tokens(i), &a.name, "\"mean\", \"sum\" and \"none\"");
                Err(self.report(error))
            }
        }
    }

    /// The axis of the classes: PyTorch's, which is the second; the last of a sequence.
    pub(super) fn class_axis(&mut self, a: &Arguments<'_>, x: Value) -> Checked<Axis> {
        let shape = &self.builder.type_of(x).shape;
        let default = match (&shape.sequence, shape.len()) {
            (None, 2..) => 1,
            _ => -1,
        };
        self.one_axis(a, 2, x, default)
    }

    pub(super) fn labels(&mut self, a: &Arguments<'_>) -> Checked<(Value, Value, [Operand; 2])> {
        let x = self.tensor_arg(a, 0, None)?;
        let labels = self.tensor_arg(a, 1, Some(DType::I32))?;
        let operands = [
            Operand::of(&a.tokens(0), x),
            Operand::of(&a.tokens(1), labels),
        ];
        Ok((x, labels, operands))
    }

    pub(super) fn cross_entropy(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, labels, operands) = self.labels(a)?;
        let axis = self.class_axis(a, x)?;
        let reduce = self.reduction_arg(a, 3)?;
        let ignore = self.integer_arg(a, 4, -100)?;
        let smoothing = self.number_arg(a, 5, 0.0)?;
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            lower::cross_entropy(b, x, labels, axis, ignore, smoothing, reduce)
        })?;
        Ok(Val::Tensor(built))
    }

    pub(super) fn nll_loss(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, labels, operands) = self.labels(a)?;
        let axis = self.class_axis(a, x)?;
        let reduce = self.reduction_arg(a, 3)?;
        let ignore = self.integer_arg(a, 4, -100)?;
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            lower::nll_loss(b, x, labels, axis, ignore, reduce)
        })?;
        Ok(Val::Tensor(built))
    }

    pub(super) fn mse(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let (x, y) = self.two(left.val, right.val, &left.tokens, &right.tokens)?;
        let reduce = self.reduction_arg(a, 2)?;
        let operands = Operand::pair((left.tokens, x), (right.tokens, y));
        let built = self.build(&a.name, a.op.name, &operands, |b| match reduce {
            Reduce::Mean => b.op(ops::MSE, &[x, y], Vec::new()),
            Reduce::Sum | Reduce::None => {
                let distance = b.sub(x, y)?;
                let square = b.square(distance)?;
                lower::reduced(b, square, reduce)
            }
        })?;
        Ok(Val::Tensor(built))
    }

    pub(super) fn huber(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let delta = self.number_arg(a, 3, 1.0)?;
        self.pointwise_loss(a, |b, x, y| {
            let distance = b.sub(x, y)?;
            lower::huber(b, distance, delta)
        })
    }

    pub(super) fn binary_cross_entropy(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.pointwise_loss(a, lower::binary_cross_entropy_with_logits)
    }

    /// A loss of each element, then the reduction that the third argument says.
    fn pointwise_loss(
        &mut self,
        a: &Arguments<'_>,
        make: impl FnOnce(&mut Builder, Value, Value) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let (x, y) = self.two(left.val, right.val, &left.tokens, &right.tokens)?;
        let reduce = self.reduction_arg(a, 2)?;
        let operands = Operand::pair((left.tokens, x), (right.tokens, y));
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            let losses = make(b, x, y)?;
            lower::reduced(b, losses, reduce)
        })?;
        Ok(Val::Tensor(built))
    }
}
