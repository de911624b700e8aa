//! Elements taken from, and added at, computed indices along an axis.
//!
//! A computed index is clamped to its axis; labels that come in as arguments are checked before
//! anything runs (see [`crate::index_bounds`]).

use super::entry::{ONE, TWO, applied_along, floats, indices};
use super::rules::{index, number, one_axis, others, product, same, same_shape};
use crate::attributes::Along;
use crate::builder::Builder;
use crate::function::Value;
use crate::op::{Arity, Kind, OpDef, OpError, Pullback};
use crate::shape::{Axis, Shape, Type};

/// Refuses indices whose shape differs from x's in more than the axis, and an axis with nothing in it.
fn fit(x: &Shape, indices: &Shape, axis: Axis) -> Result<(), OpError> {
    let (at, extent) = one_axis(x, axis)?;
    let (_, n) = one_axis(indices, axis)?;
    let mut expected = x.clone();
    expected.dims[at] = n.clone();
    same_shape(&expected, indices)?;
    if extent.as_constant() == Some(0) && n.as_constant() != Some(0) {
        return Err(OpError::Range {
            start: "0".into(),
            stop: n.to_string(),
            step: "1".into(),
            extent: extent.to_string(),
        });
    }
    Ok(())
}

/// Elements at indices.
pub(super) const TAKE_ALONG_AXIS: OpDef = OpDef {
    name: "take_along_axis",
    doc: "x's elements at `indices` (i32, x's shape but for `axis`) along `axis`; an index outside is clamped.",
    arity: Arity::Exactly(2),
    attributes: Along::SPECS,
    infer: |t, a| {
        let (x, i) = (number(t, 0)?, index(t, 1)?);
        fit(&x.shape, &i.shape, Along::from_attributes(a)?.axis)?;
        Ok(Type::new(x.dtype, i.shape.clone()))
    },
    pullback: Pullback::Rule(|b, p| {
        let zero = b.like(0.0, p.operands[0])?;
        let operands = [zero, p.operands[1], p.cotangent];
        let g = b.op(
            super::SCATTER_ADD,
            &operands,
            Along::from_attributes(p.attributes)?,
        )?;
        Ok(vec![Some(g), None])
    }),
    kind: Kind::Gather,
    test: ONE.on(|_| {
        let take = |x: &[usize], i: &[usize], axis| applied_along(&[floats(x), indices(i)], axis);
        vec![
            take(&[3, 5], &[3, 4], 1),
            take(&[5, 2], &[7, 2], 0),
            take(&[3], &[0], 0),
        ]
    }),
};

/// Additions at indices.
pub(super) const SCATTER_ADD: OpDef = OpDef {
    name: "scatter_add",
    doc: "`base` with each of `updates` added at its index (i32, of the updates' shape) along `axis`, in the order of the updates; an index outside is clamped.",
    arity: Arity::Exactly(3),
    attributes: Along::SPECS,
    infer: |t, a| {
        let (base, i, updates) = (number(t, 0)?, index(t, 1)?, number(t, 2)?);
        fit(&base.shape, &i.shape, Along::from_attributes(a)?.axis)?;
        same(&Type::new(base.dtype, i.shape.clone()), updates)?;
        Ok(base.clone())
    },
    pullback: Pullback::Rule(|b, p| {
        let updates = p.wants(2, || {
            let operands = [p.cotangent, p.operands[1]];
            b.op(
                super::TAKE_ALONG_AXIS,
                &operands,
                Along::from_attributes(p.attributes)?,
            )
        })?;
        Ok(vec![Some(p.cotangent), None, updates])
    }),
    kind: Kind::Scatter,
    test: TWO.on(|_| {
        let add = |x: &[usize], i: &[usize], axis| {
            let operands = [floats(x), indices(i), floats(i)];
            applied_along(&operands, axis)
        };
        vec![add(&[3, 5], &[3, 4], 1), add(&[3], &[7], 0)]
    }),
};

/// The shape of slices of `x` at `indices`: the dims of the indices stand in the axis's place.
fn slices(x: &Shape, indices: &Shape, axis: Axis) -> Result<Shape, OpError> {
    let (axis, extent) = one_axis(x, axis)?;
    if indices.sequence.is_some() && (axis > 0 || x.sequence.is_some()) {
        return Err(OpError::Sequence(indices.clone()));
    }
    let none = |d: &crate::Dim| d.as_constant() == Some(0);
    if none(&extent) && !indices.dims.iter().any(none) {
        return Err(OpError::Range {
            start: "0".into(),
            stop: product(&indices.dims)?.to_string(),
            step: "1".into(),
            extent: extent.to_string(),
        });
    }
    Ok(Shape {
        sequence: x.sequence.as_ref().or(indices.sequence.as_ref()).cloned(),
        dims: [&x.dims[..axis], &indices.dims, &x.dims[axis + 1..]].concat(),
    })
}

/// The indices in a row, repeated over x's other axes; and the shape they have then.
fn in_a_row(
    b: &mut Builder,
    x: &Shape,
    indices: Value,
    axis: Axis,
) -> Result<(Value, Shape), OpError> {
    let (axis, _) = one_axis(x, axis)?;
    let shape = b.type_of(indices).shape.clone();
    if shape.sequence.is_some() {
        // Only a bound sequence has a number of elements; the linker decomposes when it is bound.
        return Err(OpError::Sequence(shape));
    }
    let n = product(&shape.dims)?;
    let mut wide = x.clone();
    wide.dims[axis] = n.clone();
    let row = b.reshape(indices, &Shape::new(vec![n]))?;
    let others = others(&wide, &[Axis::At(axis)]);
    Ok((b.broadcast(row, &wide, &others)?, wide))
}

/// Slices at indices.
pub(super) const TAKE: OpDef = OpDef {
    name: "take",
    doc: "x's slices at `indices` (i32, any shape) along `axis`, in whose place the dims of the indices stand; an index outside is clamped.",
    arity: Arity::Exactly(2),
    attributes: Along::SPECS,
    infer: |t, a| {
        let (x, i) = (number(t, 0)?, index(t, 1)?);
        let slices = slices(&x.shape, &i.shape, Along::from_attributes(a)?.axis)?;
        Ok(Type::new(x.dtype, slices))
    },
    pullback: Pullback::Rule(|b, p| {
        let zero = b.like(0.0, p.operands[0])?;
        let operands = [zero, p.operands[1], p.cotangent];
        let g = b.op(
            super::INDEX_ADD,
            &operands,
            Along::from_attributes(p.attributes)?,
        )?;
        Ok(vec![Some(g), None])
    }),
    kind: Kind::Function(|b, operands, a| {
        let shape = b.type_of(operands[0]).shape.clone();
        let Along { axis } = Along::from_attributes(a)?;
        let result = slices(&shape, &b.type_of(operands[1]).shape.clone(), axis)?;
        let (indices, _) = in_a_row(b, &shape, operands[1], axis)?;
        let taken = b.along(super::TAKE_ALONG_AXIS, &[operands[0], indices], axis)?;
        b.reshape(taken, &result)
    }),
    test: ONE.on(|_| {
        let take = |x: &[usize], i: &[usize], axis| applied_along(&[floats(x), indices(i)], axis);
        vec![
            take(&[5, 3], &[2, 3], 0),
            take(&[2, 5, 3], &[4], 1),
            take(&[5], &[], 0),
        ]
    }),
};

/// Additions of slices at indices.
pub(super) const INDEX_ADD: OpDef = OpDef {
    name: "index_add",
    doc: "`base` with each slice of `updates` added at its index (i32, any shape) along `axis`, in the order of the indices; an index outside is clamped. What `take` is the pullback of.",
    arity: Arity::Exactly(3),
    attributes: Along::SPECS,
    infer: |t, a| {
        let (base, i, updates) = (number(t, 0)?, index(t, 1)?, number(t, 2)?);
        let expected = slices(&base.shape, &i.shape, Along::from_attributes(a)?.axis)?;
        same(&Type::new(base.dtype, expected), updates)?;
        Ok(base.clone())
    },
    pullback: Pullback::Rule(|b, p| {
        let updates = p.wants(2, || {
            let operands = [p.cotangent, p.operands[1]];
            b.op(
                super::TAKE,
                &operands,
                Along::from_attributes(p.attributes)?,
            )
        })?;
        Ok(vec![Some(p.cotangent), None, updates])
    }),
    kind: Kind::Function(|b, operands, a| {
        let shape = b.type_of(operands[0]).shape.clone();
        let Along { axis } = Along::from_attributes(a)?;
        let (indices, wide) = in_a_row(b, &shape, operands[1], axis)?;
        let updates = b.reshape(operands[2], &wide)?;
        b.along(super::SCATTER_ADD, &[operands[0], indices, updates], axis)
    }),
    test: TWO.on(|_| {
        let add = |x: &[usize], i: &[usize], slices: &[usize], axis| {
            let operands = [floats(x), indices(i), floats(slices)];
            applied_along(&operands, axis)
        };
        vec![
            add(&[5, 3], &[2, 3], &[2, 3, 3], 0),
            add(&[2, 5], &[4], &[2, 4], 1),
        ]
    }),
};
