//! Values that run along an axis: sums, products, and the linear recurrence that they are cases of.
//!
//! A row of n elements takes n steps ([`Scan`]). Derivatives are such values again, so that they take n
//! steps too, and are right where factors are 0.

use super::entry::{ONE, TWO, applied, floats, tested};
use super::rules::{number, one_axis, same};
use crate::attribute::Attributes;
use crate::attributes::Running;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::{Arity, Instance, Kind, OpDef, OpError, Primal, Pullback, Scan};
use crate::shape::{Axis, Shape, Type};

fn running(types: &[Type], attributes: &Attributes) -> Result<Type, OpError> {
    let x = number(types, 0)?;
    one_axis(&x.shape, Running::from_attributes(attributes)?.axis)?;
    Ok(x.clone())
}

/// The sum of an element and all before it.
pub(super) const CUMSUM: OpDef = OpDef {
    name: "cumsum",
    doc: "The sum of each element and those before it along `axis`; with `reverse` 1, of those behind it.",
    arity: Arity::Exactly(1),
    attributes: Running::SPECS,
    infer: running,
    pullback: Pullback::Rule(|b, p| {
        let back = reversed(Running::from_attributes(p.attributes)?);
        Ok(vec![Some(b.op(super::CUMSUM, &[p.cotangent], back)?)])
    }),
    kind: Kind::Scan(Scan::Sum),
    test: ONE.on(|_| along_rows(1)),
};

/// The product of an element and all before it.
pub(super) const CUMPROD: OpDef = OpDef {
    name: "cumprod",
    doc: "The product of each element and those before it along `axis`; with `reverse` 1, of those behind it. Its derivative is that of the other factors where some are 0, too.",
    arity: Arity::Exactly(1),
    attributes: Running::SPECS,
    infer: running,
    pullback: Pullback::Rule(cumprod_pullback),
    kind: Kind::Scan(Scan::Product),
    test: tested(&[(-1.5, 1.5)], &[]).on(|_| along_rows(1)),
};

/// A linear recurrence.
pub(super) const RECURRENCE: OpDef = OpDef {
    name: "recurrence",
    doc: "`h_i = x_i * h_(i-1) + y_i` along `axis`, 0 in front of the first; with `reverse` 1, from the last element to the first.",
    arity: Arity::Exactly(2),
    attributes: Running::SPECS,
    infer: |t, a| {
        same(number(t, 0)?, number(t, 1)?)?;
        running(t, a)
    },
    pullback: Pullback::Rule(|b, p| {
        // s_i = g_i + x_(i+1) * s_(i+1) is what h_i owes to all behind it.
        let form = Running::from_attributes(p.attributes)?;
        let next = moved(b, p.operands[0], reversed(form.clone()))?;
        let operands = [next, p.cotangent];
        let owed = b.op(super::RECURRENCE, &operands, reversed(form.clone()))?;
        let factor = p.wants(0, || {
            let before = moved(b, p.result, form)?;
            b.mul(owed, before)
        })?;
        Ok(vec![factor, Some(owed)])
    }),
    kind: Kind::Scan(Scan::Linear),
    test: TWO.on(|_| along_rows(2)),
};

/// The same in the other direction.
fn reversed(form: Running) -> Running {
    Running {
        reverse: !form.reverse,
        ..form
    }
}

/// For each element the one before it in the direction of a run; 0 for the first.
fn moved(b: &mut Builder, x: Value, form: Running) -> Result<Value, OpError> {
    let Running { axis, reverse } = form;
    let (_, extent) = one_axis(&b.type_of(x).shape, axis)?;
    let (nothing, one) = (Dim::constant(0), Dim::constant(1));
    let longer = extent.checked_add(&one).ok_or(OpError::Overflow)?;
    let (widths, range) = match reverse {
        false => ([&one, &nothing, &one], [&nothing, &extent, &one]),
        true => ([&nothing, &one, &one], [&one, &longer, &one]),
    };
    let padded = b.pad(x, axis, widths)?;
    b.slice(padded, axis, range)
}

/// The product of the factors before an element, times what the factors behind it make of the
/// cotangents: `s_i = g_i + x_(i+1) * s_(i+1)`. Nothing is divided, so no factor need be other than 0.
fn cumprod_pullback(b: &mut Builder, p: &Primal<'_>) -> Result<Vec<Option<Value>>, OpError> {
    let form = Running::from_attributes(p.attributes)?;
    let next = moved(b, p.operands[0], reversed(form.clone()))?;
    let owed = b.op(
        super::RECURRENCE,
        &[next, p.cotangent],
        reversed(form.clone()),
    )?;
    let before = product_before(b, p.result, form)?;
    Ok(vec![Some(b.mul(before, owed)?)])
}

/// What a running product was before each element: 1, the product of nothing, before the first.
fn product_before(b: &mut Builder, products: Value, form: Running) -> Result<Value, OpError> {
    let before = moved(b, products, form.clone())?;
    let one = b.like(1.0, products)?;
    let first = first(b, products, form)?;
    b.select(first, one, before)
}

/// For each element the product of the others along an axis: of those before it, times those behind it.
/// Nothing is divided, so that it is right where factors are 0, in derivatives of any order.
pub(super) fn product_of_others(b: &mut Builder, x: Value, axis: Axis) -> Result<Value, OpError> {
    let mut side = |reverse| {
        let form = Running { axis, reverse };
        let products = b.op(super::CUMPROD, &[x], form.clone())?;
        product_before(b, products, form)
    };
    let (before, behind) = (side(false)?, side(true)?);
    b.mul(before, behind)
}

/// Whether each element is the first one of a run.
fn first(b: &mut Builder, x: Value, form: Running) -> Result<Value, OpError> {
    let Running { axis, reverse } = form;
    let shape: Shape = b.type_of(x).shape.clone();
    let (_, extent) = one_axis(&shape, axis)?;
    let index = b.iota(crate::dtype::DType::I32, shape.clone(), axis)?;
    let first = match reverse {
        false => b.like(0.0, index)?,
        true => {
            let extent = b.extent(extent, crate::dtype::DType::I32, shape)?;
            b.with(super::SUB, extent, 1.0)?
        }
    };
    b.eq(index, first)
}

/// Rows of no, one and more elements, in both directions, along each axis.
fn along_rows(operands: usize) -> Vec<Instance> {
    let row = |shape: &[usize], axis, reverse| {
        let axis = Axis::At(axis);
        applied(&vec![floats(shape); operands], Running { axis, reverse })
    };
    vec![
        row(&[0], 0, false),
        row(&[1], 0, true),
        row(&[3, 5], 1, false),
        row(&[3, 5], 0, true),
        row(&[2, 7, 3], 1, false),
        row(&[17], 0, false),
        row(&[17], 0, true),
    ]
}
