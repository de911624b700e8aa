//! Losses of rows of classes, each with a label.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use crate::messages;
use sinew_ir::compose::{self, Labels};
use sinew_ir::{Axis, DType, Value};

impl Lowerer<'_, '_> {
    /// The axis of the classes: PyTorch's, which is the second; the last of a sequence.
    fn class_axis(&mut self, a: &Arguments<'_>, x: Value, labels: Value) -> Checked<Axis> {
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

    /// The scores, and how their rows are labelled: the second argument, the axis behind it, what becomes of the
    /// losses, and what is ignored; weights of the classes in place `weight`.
    fn labelled(
        &mut self,
        a: &Arguments<'_>,
        weight: usize,
    ) -> Checked<(Value, Labels, Vec<WrittenOperand>)> {
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
        let axis = self.class_axis(a, x, labels)?;
        let reduce = self.reduction_arg(a, 3)?;
        let ignore_index = self.integer_arg(a, 4)?;
        let mut operands = vec![
            WrittenOperand::new(&a.tokens(0), x),
            WrittenOperand::new(&a.tokens(1), labels),
        ];
        let weight = match a.has(weight) {
            true => {
                let of_classes = self.weights_of_classes(a, weight, x, axis)?;
                operands.push(WrittenOperand::new(&a.tokens(weight), of_classes));
                Some(of_classes)
            }
            false => None,
        };
        let labels = Labels {
            of_rows: labels,
            axis,
            ignore_index,
            weight,
            reduce,
        };
        Ok((x, labels, operands))
    }

    /// A number for each class.
    fn weights_of_classes(
        &mut self,
        a: &Arguments<'_>,
        i: usize,
        x: Value,
        axis: Axis,
    ) -> Checked<Value> {
        let weight = self.tensor_arg(a, i, None)?;
        let [scores, found] = [x, weight].map(|v| self.builder.type_of(v).clone());
        let Some(classes) = self.extent(x, axis) else {
            return Ok(weight);
        };
        let facts =
            [(0, &scores), (i, &found)].map(|(i, ty)| messages::operand("", &a.tokens(i), ty));
        let message = messages::weights_of_classes(&a.tokens(i), a.op.name, &classes, &facts);
        let mut wanted = found.clone();
        wanted.shape.sequence = None;
        wanted.shape.dims = vec![classes];
        self.same_type(&found, &wanted, &message)?;
        Ok(weight)
    }

    /// `cross_entropy(x, labels, axis, reduction, ignore_index, label_smoothing, weight)`
    pub fn cross_entropy(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, labels, operands) = self.labelled(a, 6)?;
        let smoothing = self.number_arg(a, 5, DType::Float)?;
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::cross_entropy(b, x, &labels, &smoothing)
        })?;
        Ok(Val::Tensor(built))
    }

    /// `nll_loss(x, labels, axis, reduction, ignore_index, weight)`
    pub fn nll_loss(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, labels, operands) = self.labelled(a, 5)?;
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::nll_loss(b, x, &labels)
        })?;
        Ok(Val::Tensor(built))
    }
}
