//! Losses.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use crate::messages;
use sinew_ir::compose::{self, Reduce};
use sinew_ir::{Axis, Builder, DType, OpError, Value, ops};

impl Lowerer<'_, '_> {
    /// What becomes of the losses of rows.
    pub(super) fn reduction_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Reduce> {
        Ok(match self.choice_arg(a, i)? {
            "sum" => Reduce::Sum,
            "none" => Reduce::None,
            _ => Reduce::Mean,
        })
    }

    /// The axis of the classes: PyTorch's, which is the second; the last of a sequence.
    pub(super) fn class_axis(
        &mut self,
        a: &Arguments<'_>,
        x: Value,
        labels: Value,
    ) -> Checked<Axis> {
        if a.has(2) {
            return self.one_axis(a, 2, x);
        }
        let shape = &self.builder.type_of(x).shape;
        let default = match (&shape.sequence, shape.len()) {
            (None, 2..) => 1,
            _ => -1,
        };
        let rows = &self.builder.type_of(labels).shape;
        if let (1, Some((classes, before))) = (default, shape.dims.split_last())
            && shape.len() > 2
            && rows.dims == before
            && shape.dims[1] != *classes
        {
            let error = messages::classes_are_last(&a.name, a.op.name, self.builder.type_of(x));
            return Err(self.report(error));
        }
        self.axis_at(a, 2, x, default)
    }

    pub(super) fn labels(
        &mut self,
        a: &Arguments<'_>,
    ) -> Checked<(Value, Value, [WrittenOperand; 2])> {
        let x = self.tensor_arg(a, 0, None)?;
        let labels = self.tensor_arg(a, 1, Some(DType::I32))?;
        let [scores, found] = [x, labels].map(|v| self.builder.type_of(v));
        if found.shape == scores.shape {
            let error = messages::labels_in_rows(&a.tokens(1), a.op.name, scores);
            return Err(self.report(error));
        }
        if let Some((last, rows)) = found.shape.dims.split_last()
            && last.as_constant() == Some(1)
            && found.shape.len() == scores.shape.len()
        {
            let mut ty = found.clone();
            ty.shape.dims = rows.to_vec();
            let error = messages::labels_in_a_column(&a.tokens(1), a.op.name, scores, &ty);
            return Err(self.report(error));
        }
        let operands = [
            WrittenOperand::new(&a.tokens(0), x),
            WrittenOperand::new(&a.tokens(1), labels),
        ];
        Ok((x, labels, operands))
    }

    pub fn cross_entropy(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, labels, operands) = self.labels(a)?;
        let axis = self.class_axis(a, x, labels)?;
        let reduce = self.reduction_arg(a, 3)?;
        let ignore = self.integer_arg(a, 4)?;
        let smoothing = self.number_arg(a, 5, DType::Float)?;
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::cross_entropy(b, x, labels, axis, ignore, &smoothing, reduce)
        })?;
        Ok(Val::Tensor(built))
    }

    pub fn nll_loss(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, labels, operands) = self.labels(a)?;
        let axis = self.class_axis(a, x, labels)?;
        let reduce = self.reduction_arg(a, 3)?;
        let ignore = self.integer_arg(a, 4)?;
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::nll_loss(b, x, labels, axis, ignore, reduce)
        })?;
        Ok(Val::Tensor(built))
    }

    pub fn mse(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let (x, y) = self.two(left.val, right.val, &left.tokens, &right.tokens)?;
        let reduce = self.reduction_arg(a, 2)?;
        let operands = WrittenOperand::pair((left.tokens, x), (right.tokens, y));
        let built = self.build(&a.name, a.op.name, &operands, |b| match reduce {
            Reduce::Mean => b.op(ops::MSE, &[x, y], Vec::new()),
            Reduce::Sum | Reduce::None => {
                let distance = b.sub(x, y)?;
                let square = b.square(distance)?;
                compose::reduced(b, square, reduce)
            }
        })?;
        Ok(Val::Tensor(built))
    }

    pub fn huber(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let delta = self.number_arg(a, 3, DType::Float)?;
        self.pointwise_loss(a, |b, x, y| {
            let distance = b.sub(x, y)?;
            compose::huber(b, distance, &delta)
        })
    }

    /// A loss of each element, then the reduction that the third argument says.
    pub(super) fn pointwise_loss(
        &mut self,
        a: &Arguments<'_>,
        make: impl Fn(&mut Builder, Value, Value) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let (x, y) = self.two(left.val, right.val, &left.tokens, &right.tokens)?;
        let reduce = self.reduction_arg(a, 2)?;
        let operands = WrittenOperand::pair((left.tokens, x), (right.tokens, y));
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            let losses = make(b, x, y)?;
            compose::reduced(b, losses, reduce)
        })?;
        Ok(Val::Tensor(built))
    }
}
