//! Elements taken from, and added at, computed indices along an axis.
//!
//! A computed index is clamped to its axis; labels that come in as arguments are checked before
//! anything runs (see [`crate::index_bounds`]).

use super::entry::{AXIS, ONE, TWO};
use super::rules::{index, number, one_axis, others, product, same, same_shape};
use crate::attribute::{Attribute, Attributes};
use crate::builder::Builder;
use crate::function::Value;
use crate::op::{Arity, Kind, Op, OpDef, OpError, Pullback};
use crate::shape::{Axis, Shape, Type};

/// Refuses indices whose shape differs from x's in more than the axis, and an axis with nothing in it.
fn along(x: &Shape, indices: &Shape, a: &Attributes) -> Result<(), OpError> {
    let (axis, extent) = one_axis(x, a, 0)?;
    let (_, n) = one_axis(indices, a, 0)?;
    let mut expected = x.clone();
    expected.dims[axis] = n.clone();
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
pub const TAKE_ALONG_AXIS: Op = Op(&OpDef {
    name: "take_along_axis",
    doc: "x's elements at `indices` (i32, x's shape but for `axis`) along `axis`; an index outside is clamped.",
    arity: Arity::Exactly(2),
    attributes: &[AXIS],
    infer: |t, a| {
        let (x, i) = (number(t, 0)?, index(t, 1)?);
        along(&x.shape, &i.shape, a)?;
        Ok(Type::new(x.dtype, i.shape.clone()))
    },
    pullback: Pullback::Rule(|b, p| {
        let zero = b.like(0.0, p.operands[0])?;
        let g = b.op(
            SCATTER_ADD,
            &[zero, p.operands[1], p.cotangent],
            vec![Attribute::Axes(p.attributes.axes(0).to_vec())],
        )?;
        Ok(vec![Some(g), None])
    }),
    kind: Kind::Gather,
    test: ONE,
});

/// Additions at indices.
pub const SCATTER_ADD: Op = Op(&OpDef {
    name: "scatter_add",
    doc: "`base` with each of `updates` added at its index (i32, of the updates' shape) along `axis`, in the order of the updates; an index outside is clamped.",
    arity: Arity::Exactly(3),
    attributes: &[AXIS],
    infer: |t, a| {
        let (base, i, updates) = (number(t, 0)?, index(t, 1)?, number(t, 2)?);
        along(&base.shape, &i.shape, a)?;
        same(&Type::new(base.dtype, i.shape.clone()), updates)?;
        Ok(base.clone())
    },
    pullback: Pullback::Rule(|b, p| {
        let updates = p.wants(2, || {
            b.op(
                TAKE_ALONG_AXIS,
                &[p.cotangent, p.operands[1]],
                vec![Attribute::Axes(p.attributes.axes(0).to_vec())],
            )
        })?;
        Ok(vec![Some(p.cotangent), None, updates])
    }),
    kind: Kind::Scatter,
    test: TWO,
});

/// The shape of slices of `x` at `indices`: the dims of the indices stand in the axis's place.
fn slices(x: &Shape, indices: &Shape, a: &Attributes) -> Result<Shape, OpError> {
    let (axis, extent) = one_axis(x, a, 0)?;
    if x.sequence.is_some() {
        return Err(OpError::Sequence(x.clone()));
    }
    if indices.sequence.is_some() && axis > 0 {
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
        sequence: indices.sequence.clone(),
        dims: [&x.dims[..axis], &indices.dims, &x.dims[axis + 1..]].concat(),
    })
}

/// The indices in a row, repeated over x's other axes; and the shape they have then.
fn in_a_row(
    b: &mut Builder,
    x: &Shape,
    indices: Value,
    a: &Attributes,
) -> Result<(Value, Shape), OpError> {
    let (axis, _) = one_axis(x, a, 0)?;
    let shape = b.type_of(indices).shape.clone();
    if shape.sequence.is_some() {
        // Only a bound sequence has a number of elements; the linker expands when it is bound.
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
pub const TAKE: Op = Op(&OpDef {
    name: "take",
    doc: "x's slices at `indices` (i32, any shape) along `axis`, in whose place the dims of the indices stand; an index outside is clamped.",
    arity: Arity::Exactly(2),
    attributes: &[AXIS],
    infer: |t, a| {
        let (x, i) = (number(t, 0)?, index(t, 1)?);
        Ok(Type::new(x.dtype, slices(&x.shape, &i.shape, a)?))
    },
    pullback: Pullback::Rule(|b, p| {
        let zero = b.like(0.0, p.operands[0])?;
        let g = b.op(
            INDEX_ADD,
            &[zero, p.operands[1], p.cotangent],
            vec![Attribute::Axes(p.attributes.axes(0).to_vec())],
        )?;
        Ok(vec![Some(g), None])
    }),
    kind: Kind::Function(|b, of, a| {
        let shape = b.type_of(of[0]).shape.clone();
        let result = slices(&shape, &b.type_of(of[1]).shape.clone(), a)?;
        let (indices, _) = in_a_row(b, &shape, of[1], a)?;
        let attributes = vec![Attribute::Axes(a.axes(0).to_vec())];
        let taken = b.op(TAKE_ALONG_AXIS, &[of[0], indices], attributes)?;
        b.reshape(taken, &result)
    }),
    test: ONE,
});

/// Additions of slices at indices.
pub const INDEX_ADD: Op = Op(&OpDef {
    name: "index_add",
    doc: "`base` with each slice of `updates` added at its index (i32, any shape) along `axis`, in the order of the indices; an index outside is clamped. What `take` is the pullback of.",
    arity: Arity::Exactly(3),
    attributes: &[AXIS],
    infer: |t, a| {
        let (base, i, updates) = (number(t, 0)?, index(t, 1)?, number(t, 2)?);
        let expected = slices(&base.shape, &i.shape, a)?;
        same(&Type::new(base.dtype, expected), updates)?;
        Ok(base.clone())
    },
    pullback: Pullback::Rule(|b, p| {
        let updates = p.wants(2, || {
            let attributes = vec![Attribute::Axes(p.attributes.axes(0).to_vec())];
            b.op(TAKE, &[p.cotangent, p.operands[1]], attributes)
        })?;
        Ok(vec![Some(p.cotangent), None, updates])
    }),
    kind: Kind::Function(|b, of, a| {
        let shape = b.type_of(of[0]).shape.clone();
        let (indices, wide) = in_a_row(b, &shape, of[1], a)?;
        let updates = b.reshape(of[2], &wide)?;
        let attributes = vec![Attribute::Axes(a.axes(0).to_vec())];
        b.op(SCATTER_ADD, &[of[0], indices, updates], attributes)
    }),
    test: TWO,
});
