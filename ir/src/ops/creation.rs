//! Values out of nothing: constants, indices, extents.

use super::entry::UNTESTED;
use super::rules::one_axis;
use crate::attributes::{Constant, Extent, Iota, Number};
use crate::dtype::DType;
use crate::op::{Arity, Kind, OpDef, OpError, Pullback};
use crate::shape::Type;

/// Refuses a number that is no element of the type: stages would make different elements of it.
fn held(value: f64, dtype: DType) -> Result<(), OpError> {
    match dtype.holds(value) {
        true => Ok(()),
        false => Err(OpError::Number { value, dtype }),
    }
}

/// A constant.
pub(super) const CONST: OpDef = OpDef {
    name: "const",
    doc: "A tensor whose every element is `value`.",
    arity: Arity::Exactly(0),
    attributes: Constant::SPECS,
    infer: |_, a| {
        let a = Constant::from_attributes(a)?;
        match a.value {
            Number::Known(value) => held(value, a.dtype)?,
            // The linker asks again when it has put the number there.
            Number::Const(_) => {}
        }
        Ok(Type::new(a.dtype, a.shape.clone()))
    },
    pullback: Pullback::Zero,
    kind: Kind::Constant,
    test: UNTESTED,
};

/// The index along an axis.
pub(super) const IOTA: OpDef = OpDef {
    name: "iota",
    doc: "A tensor whose every element is its index along `axis`.",
    arity: Arity::Exactly(0),
    attributes: Iota::SPECS,
    infer: |_, a| {
        let Iota { dtype, shape, axis } = Iota::from_attributes(a)?;
        let (_, extent) = one_axis(shape, axis)?;
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
};

/// The value of a dim.
pub(super) const EXTENT: OpDef = OpDef {
    name: "extent",
    doc: "A tensor whose every element is the value of the one dim in `dims`.",
    arity: Arity::Exactly(0),
    attributes: Extent::SPECS,
    infer: |_, a| {
        let a = Extent::from_attributes(a)?;
        if let Some(value) = a.dims.as_constant() {
            held(value as f64, a.dtype)?;
        }
        Ok(Type::new(a.dtype, a.shape.clone()))
    },
    pullback: Pullback::Zero,
    kind: Kind::Extent,
    test: UNTESTED,
};
