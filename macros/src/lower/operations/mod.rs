//! Operations in bodies, by what their declarations ([`crate::operations`]) say of them.

mod arrangement;
mod attention;
mod classes;
mod contraction;
mod creation;
mod ctc;
mod defined;
mod derivatives;
mod elementwise;
mod indexing;
mod linear;
mod losses;
mod map;
mod patterns;
mod probes;
mod random;
mod reduction;
mod sliding;

use super::Lowerer;
use super::arguments::Arguments;
use super::build::WrittenOperand;
use super::call::Given;
use super::substitution::Dims;
use super::value::Val;
use crate::errors::Checked;
use crate::operations::{Lowering, Operation};
pub use defined::Defined;
use quote::ToTokens;
use sinew_ir::{Builder, OpError, Value};

impl Lowerer<'_, '_> {
    /// A call of an operation, as a function or as a method.
    pub fn operation(
        &mut self,
        op: &'static Operation,
        name: &syn::Ident,
        receiver: Option<Given>,
        args: &syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
    ) -> Checked<Val> {
        let a = &Arguments::new(self.scope, op, name, receiver, args)?;
        match op.lowering {
            Lowering::Unary(op) => self.unary_op(a, op),
            Lowering::Binary(op) => self.binary_op(a, op),
            Lowering::Reduction(op) => self.reduction(a, op),
            Lowering::Along(op) => self.along(a, op),
            Lowering::Scatter(op) => self.scattered(a, op),
            Lowering::Position(make) => self.position(a, make),
            Lowering::Gather(make) => self.gathered(a, make),
            Lowering::Number(make) => self.with_number(a, make),
            Lowering::Axis(make) => self.on_axis(a, make),
            Lowering::Loss(definition) => self.loss(a, definition),
            Lowering::Filled(value) => self.filled(a, &value.into(), 1),
            Lowering::Like(value) => self.like(a, value),
            Lowering::Defined(definition) => self.defined(a, definition),
            Lowering::Special(lower) => lower(self, a),
        }
    }

    /// An operation of one tensor.
    pub(super) fn with_x(
        &mut self,
        a: &Arguments<'_>,
        make: impl Fn(&mut Builder, Value) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let at = a.name.to_token_stream();
        self.on(a, x, &at, |b| make(b, x))
    }

    /// An operation of one tensor, where `at` is to blame for what is not the tensor's type.
    pub(super) fn on(
        &mut self,
        a: &Arguments<'_>,
        x: Value,
        at: &impl ToTokens,
        make: impl Fn(&mut Builder) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        self.on_with(a, x, at, (), |b, ()| make(b))
    }

    /// As [`Self::on`], with dims that arguments gave.
    pub(super) fn on_with<D: Dims>(
        &mut self,
        a: &Arguments<'_>,
        x: Value,
        at: &impl ToTokens,
        dims: D,
        make: impl Fn(&mut Builder, &D) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let operand = WrittenOperand::new(&a.tokens(0), x);
        let built = self.build_with(at, a.op.name, &[operand], dims, make)?;
        Ok(Val::Tensor(built))
    }
}
