//! Operations over axes.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use sinew_ir::compose::{self, Norm};
use sinew_ir::{Axis, Builder, DType, Op, OpError, Value};

impl Lowerer<'_, '_> {
    /// The axes of `x` that argument `i` names; all of them without it.
    pub(super) fn axes(&mut self, a: &Arguments<'_>, i: usize, x: Value) -> Checked<Vec<Axis>> {
        let shape = self.builder.type_of(x).shape.clone();
        match self.axes_arg(a, i)? {
            None => Ok(shape.axes()),
            Some(list) => {
                let operand = WrittenOperand::new(&a.tokens(0), x);
                self.build(&a.tokens(i), a.op.name, &[operand], |_| {
                    compose::axes(&shape, &list)
                })
            }
        }
    }

    pub(super) fn one_axis(&mut self, a: &Arguments<'_>, i: usize, x: Value) -> Checked<Axis> {
        let axis = self.axis_arg(a, i)?;
        self.axis_at(a, i, x, axis)
    }

    /// The axis of `x` that a number names, which argument `i` gave.
    pub(super) fn axis_at(
        &mut self,
        a: &Arguments<'_>,
        i: usize,
        x: Value,
        axis: i64,
    ) -> Checked<Axis> {
        let shape = self.builder.type_of(x).shape.clone();
        let operand = WrittenOperand::new(&a.tokens(0), x);
        self.build(&a.tokens(i), a.op.name, &[operand], |_| {
            compose::axis(&shape, axis)
        })
    }

    pub(super) fn reduction(&mut self, a: &Arguments<'_>, op: Op) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axes = self.axes(a, 1, x)?;
        let keep = self.flag_arg(a, 2)?;
        self.on(a, x, &a.name, |b| compose::reduce(b, op, x, &axes, keep))
    }

    pub fn var(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axes = self.axes(a, 1, x)?;
        let correction = self.number_arg(a, 2, DType::Float)?;
        let keep = self.flag_arg(a, 3)?;
        self.on(a, x, &a.name, |b| {
            compose::var(b, x, &axes, &correction, keep)
        })
    }

    pub(super) fn position(
        &mut self,
        a: &Arguments<'_>,
        make: fn(&mut Builder, Value, Option<Axis>, bool) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = match a.has(1) {
            true => Some(self.one_axis(a, 1, x)?),
            false => None,
        };
        let keep = self.flag_arg(a, 2)?;
        self.on(a, x, &a.name, |b| make(b, x, axis, keep))
    }

    pub(super) fn along(&mut self, a: &Arguments<'_>, op: Op) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = self.one_axis(a, 1, x)?;
        self.on(a, x, &a.name, |b| compose::along(b, op, x, axis))
    }

    /// A reduction that counts.
    pub fn counted_axes(
        &mut self,
        a: &Arguments<'_>,
        make: fn(&mut Builder, Value, &[Axis], bool) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axes = self.axes(a, 1, x)?;
        let keep = self.flag_arg(a, 2)?;
        self.on(a, x, &a.name, |b| make(b, x, &axes, keep))
    }

    pub fn norm(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axes = self.axes(a, 1, x)?;
        let norm = match self.one_of_texts(a, 2)? {
            Some("inf") => Norm::Greatest,
            Some(_) => Norm::Least,
            None => Norm::Power(self.number_arg(a, 2, DType::Float)?),
        };
        let keep = self.flag_arg(a, 3)?;
        self.on(a, x, &a.name, |b| compose::norm(b, x, &axes, &norm, keep))
    }

    pub fn std(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axes = self.axes(a, 1, x)?;
        let correction = self.number_arg(a, 2, DType::Float)?;
        let keep = self.flag_arg(a, 3)?;
        self.on(a, x, &a.name, |b| {
            let var = compose::var(b, x, &axes, &correction, keep)?;
            b.sqrt(var)
        })
    }
}
