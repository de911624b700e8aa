//! Values out of nothing: constants, indices, extents.

use super::entry::{AXIS_OF_RESULT, DTYPE, SHAPE, UNTESTED, attribute};
use super::rules::one_axis;
use crate::attribute::AttributeKind;
use crate::dtype::DType;
use crate::op::{Arity, Kind, Op, OpDef, OpError, Pullback};
use crate::shape::Type;

/// Refuses a number that is no element of the type: stages would make different elements of it.
fn held(value: f64, dtype: DType) -> Result<(), OpError> {
    match dtype.holds(value) {
        true => Ok(()),
        false => Err(OpError::Number { value, dtype }),
    }
}

/// A constant.
pub const CONST: Op = Op(&OpDef {
    name: "const",
    doc: "A tensor whose every element is `value`.",
    arity: Arity::Exactly(0),
    attributes: &[attribute("value", AttributeKind::Number), DTYPE, SHAPE],
    infer: |_, a| {
        let dtype = a.dtype(1).ok_or(OpError::Attribute("dtype"))?;
        let shape = a.shape(2).ok_or(OpError::Attribute("shape"))?;
        match a.number(0) {
            Some(value) => held(value, dtype)?,
            // A const's: the linker asks again when it has put the number there.
            None if a.has_number(0) => {}
            None => return Err(OpError::Attribute("value")),
        }
        Ok(Type::new(dtype, shape.clone()))
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
        let (_, extent) = one_axis(shape, a, 2)?;
        if dtype == DType::Bool {
            return Err(OpError::DType {
                operand: 0,
                expected: "a float or an integer",
                found: dtype,
            });
        }
        if let Some(last) = extent.as_constant().filter(|n| *n > 0).map(|n| n - 1) {
            held(last as f64, dtype)?;
        }
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
    infer: |_, a| {
        let [dim] = a.dims(0) else {
            return Err(OpError::Attribute("dims"));
        };
        let dtype = a.dtype(1).ok_or(OpError::Attribute("dtype"))?;
        let shape = a.shape(2).ok_or(OpError::Attribute("shape"))?;
        if let Some(value) = dim.as_constant() {
            held(value as f64, dtype)?;
        }
        Ok(Type::new(dtype, shape.clone()))
    },
    pullback: Pullback::Zero,
    kind: Kind::Extent,
    test: UNTESTED,
});
