//! Values out of nothing: constants, indices, extents.

use super::entry::{AXIS_OF_RESULT, DTYPE, SHAPE, UNTESTED, attribute};
use super::rules::one_axis;
use crate::attribute::AttributeKind;
use crate::op::{Arity, Kind, Op, OpDef, OpError, Pullback};
use crate::shape::Type;

/// A constant.
pub const CONST: Op = Op(&OpDef {
    name: "const",
    doc: "A tensor whose every element is `value`.",
    arity: Arity::Exactly(0),
    attributes: &[attribute("value", AttributeKind::Number), DTYPE, SHAPE],
    infer: |_, a| match (a.has_number(0), a.dtype(1), a.shape(2)) {
        (true, Some(d), Some(s)) => Ok(Type::new(d, s.clone())),
        (false, ..) => Err(OpError::Attribute("value")),
        (_, None, _) => Err(OpError::Attribute("dtype")),
        (_, _, None) => Err(OpError::Attribute("shape")),
    },
    pullback: Pullback::Zero,
    kind: Kind::Constant,
    test: UNTESTED,
});

/// The index along an axis.
pub const IOTA: Op = Op(&OpDef {
    name: "iota",
    doc: "A tensor whose every element is its index along `axis`.",
    arity: Arity::Exactly(0),
    attributes: &[DTYPE, SHAPE, AXIS_OF_RESULT],
    infer: |_, a| {
        let dtype = a.dtype(0).ok_or(OpError::Attribute("dtype"))?;
        let shape = a.shape(1).ok_or(OpError::Attribute("shape"))?;
        one_axis(shape, a, 2)?;
        Ok(Type::new(dtype, shape.clone()))
    },
    pullback: Pullback::Zero,
    kind: Kind::Iota,
    test: UNTESTED,
});

/// The value of a dim.
pub const EXTENT: Op = Op(&OpDef {
    name: "extent",
    doc: "A tensor whose every element is the value of the one dim in `dims`.",
    arity: Arity::Exactly(0),
    attributes: &[attribute("dims", AttributeKind::Dims), DTYPE, SHAPE],
    infer: |_, a| match (a.dims(0), a.dtype(1), a.shape(2)) {
        ([_], Some(d), Some(s)) => Ok(Type::new(d, s.clone())),
        (_, None, _) => Err(OpError::Attribute("dtype")),
        (_, _, None) => Err(OpError::Attribute("shape")),
        (..) => Err(OpError::Attribute("dims")),
    },
    pullback: Pullback::Zero,
    kind: Kind::Extent,
    test: UNTESTED,
});
