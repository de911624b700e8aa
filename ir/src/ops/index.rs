//! Elements taken from, and added at, computed indices along an axis.
//!
//! A computed index is clamped to its axis; labels that come in as arguments are checked before
//! anything runs (see [`crate::index_bounds`]).

use super::entry::{AXIS, ONE, TWO};
use super::rules::{index, number, one_axis, same, same_shape};
use crate::attribute::{Attribute, Attributes};
use crate::op::{Arity, Kind, Op, OpDef, OpError, Pullback};
use crate::shape::{Shape, Type};

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
