//! Random tensors, and dropout.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::value::Val;
use crate::errors::Checked;
use sinew_ir::attributes::{Bernoulli, Draw, Interval, Normal};
use sinew_ir::{Attributes, Condition, DType, Op, Test, compose, ops};

impl Lowerer<'_, '_> {
    /// A number for a place that draws, by which it is told from others in its function.
    pub(super) fn site(&mut self) -> i64 {
        self.sites += 1;
        self.sites - 1
    }

    fn drawn(&mut self, a: &Arguments<'_>, op: Op, attributes: Attributes) -> Checked<Val> {
        let site = self.site();
        let built = self.build(&a.name, a.op.name, &[], |b| {
            compose::draw(b, op, attributes.clone(), site)
        })?;
        Ok(Val::Tensor(built))
    }

    pub fn dropout(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let p = self.number_arg(a, 1, DType::Float)?;
        let x = self.tensor_arg(a, 0, None)?;
        let site = self.site();
        let at = match a.has(1) {
            true => a.tokens(1),
            false => a.tokens(0),
        };
        self.on(a, x, &at, |b| compose::dropout(b, x, &p, site))
    }

    /// Whether the run trains.
    pub fn training(&mut self, _: &Arguments<'_>) -> Checked<Val> {
        Ok(Val::Flag(Box::new(Condition::from(Test::Training))))
    }

    pub fn uniform(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let shape = &self.full_shape_arg(a, 0)?;
        let low = &self.number_arg(a, 1, DType::Float)?;
        let high = &self.number_arg(a, 2, DType::Float)?;
        let dtype = self.dtype_arg(a, 3)?;
        let form = Interval {
            low,
            high,
            dtype,
            shape,
        };
        self.drawn(a, ops::UNIFORM, form.into())
    }

    pub fn randn(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let shape = &self.full_shape_arg(a, 0)?;
        let dtype = self.dtype_arg(a, 1)?;
        self.drawn(a, ops::RANDN, Normal { dtype, shape }.into())
    }

    pub fn bernoulli(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let shape = &self.full_shape_arg(a, 0)?;
        let p = &self.number_arg(a, 1, DType::Float)?;
        self.drawn(a, ops::BERNOULLI, Bernoulli { p, shape }.into())
    }

    pub fn randint(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let shape = &self.full_shape_arg(a, 0)?;
        let low = &self.number_arg(a, 1, DType::Float)?;
        let high = &self.number_arg(a, 2, DType::Float)?;
        self.drawn(a, ops::RANDINT, Draw { low, high, shape }.into())
    }
}
