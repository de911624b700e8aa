//! How each op is applied to all slices at once: by its kind.

use crate::attribute::{Attribute, Attributes};
use crate::attributes::DotAxes;
use crate::block::OpInst;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::{Kind, OpError, View};
use crate::ops;
use crate::shape::{Axis, Type};

/// What came of an op.
pub(super) enum Batched {
    /// This.
    Made(Value),
    /// Nothing: it is a function whose ops are mapped one by one.
    Decompose,
}

/// A type with the new axis.
pub(super) fn stacked(ty: &Type, extent: &Dim) -> Type {
    let mut out = ty.clone();
    out.shape.dims.insert(0, extent.clone());
    out
}

fn moved(axes: &[Axis]) -> Vec<Axis> {
    let by_one = |a: &Axis| match a {
        Axis::At(i) => Axis::At(i + 1),
        Axis::Sequence => Axis::Sequence,
    };
    axes.iter().map(by_one).collect()
}

/// The attributes on operands with the new axis in front, which is no business of the op.
fn attributes(i: &OpInst, extent: &Dim) -> Attributes {
    let all = i.attributes.0.iter().map(|a| match a {
        Attribute::Axes(axes) => {
            let mut axes = moved(axes);
            // A permutation tells where every axis goes.
            if let Some(View::Permute) = i.op.kind.view() {
                axes.insert(0, Axis::At(0));
            }
            Attribute::Axes(axes)
        }
        Attribute::Shape(shape) => {
            let mut shape = shape.clone();
            shape.dims.insert(0, extent.clone());
            Attribute::Shape(shape)
        }
        Attribute::Dims(_) | Attribute::DType(_) | Attribute::Number(_) | Attribute::Name(_) => {
            a.clone()
        }
    });
    Attributes(all.collect())
}

/// An op on all slices: its operands have the new axis, and its result is to be of type `expected`.
pub(super) fn apply(
    b: &mut Builder,
    i: &OpInst,
    operands: &[Value],
    extent: &Dim,
    expected: &Type,
) -> Result<Batched, OpError> {
    let attributes = attributes(i, extent);
    let types: Vec<Type> = operands.iter().map(|v| b.type_of(*v).clone()).collect();
    let found = (i.op.infer)(&types, &attributes);
    match i.op.kind {
        // `take` sees its indices' axes as one more of x's, a loss adds up all that there is.
        Kind::Function(_) if found.as_ref() != Ok(expected) => return Ok(Batched::Decompose),
        Kind::Function(_)
        | Kind::Constant
        | Kind::Iota
        | Kind::Extent
        | Kind::Run(_)
        | Kind::Elementwise(_)
        | Kind::View(_)
        | Kind::Reduce(_)
        | Kind::Contract
        | Kind::Concat
        | Kind::Gather
        | Kind::Scatter
        | Kind::Scan(_)
        | Kind::Sort
        | Kind::Identity
        | Kind::Barrier
        | Kind::Probe(_) => {}
    }
    let found = found?;
    if found != *expected {
        let (left, right) = (found.shape, expected.shape.clone());
        return Err(OpError::ShapesDiffer { left, right });
    }
    b.op(i.op, operands, attributes).map(Batched::Made)
}

/// A contraction: over a batch where both operands have the new axis. Where one has it, the axis is a free
/// one of it, so that what is multiplied with one matrix is still one product.
pub(super) fn contract(
    b: &mut Builder,
    operands: &[Value],
    attributes: &Attributes,
    mapped: [bool; 2],
) -> Result<Value, OpError> {
    let axes = DotAxes::from_attributes(attributes)?;
    let of = |axes: &[Axis], mapped: bool| match mapped {
        true => moved(axes),
        false => axes.to_vec(),
    };
    let [x, y] = mapped;
    let mut all = DotAxes {
        batch_x: of(&axes.batch_x, x),
        batch_y: of(&axes.batch_y, y),
        contract_x: of(&axes.contract_x, x),
        contract_y: of(&axes.contract_y, y),
    };
    if x && y {
        all.batch_x.insert(0, Axis::At(0));
        all.batch_y.insert(0, Axis::At(0));
        return b.op(ops::DOT, operands, all);
    }
    // The axis stands in front of the free ones of its operand.
    let free_x = match operands.first() {
        Some(v) => b.type_of(*v).shape.len(),
        None => 0,
    };
    let used = all.batch_x.len() + all.contract_x.len();
    let at = match x {
        true => all.batch_x.len(),
        false => all.batch_x.len() + free_x.saturating_sub(used),
    };
    let product = b.op(ops::DOT, operands, all)?;
    let rank = b.type_of(product).shape.len();
    let others = (0..rank).filter(|i| *i != at);
    let order: Vec<Axis> = [at].into_iter().chain(others).map(Axis::At).collect();
    b.permute(product, &order)
}
