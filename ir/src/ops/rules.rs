//! What the type rules of the table are made of: checks of operands and axes.

use crate::attribute::Attributes;
use crate::attributes::Over;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::op::OpError;
use crate::shape::{Axis, Shape, Type};

/// The type of the operand at position `i`.
pub(super) fn operand(types: &[Type], i: usize) -> Result<&Type, OpError> {
    types.get(i).ok_or(OpError::Arity {
        expected: i + 1,
        found: types.len(),
    })
}

fn refuse<T>(operand: usize, expected: &'static str, found: DType) -> Result<T, OpError> {
    Err(OpError::DType {
        operand,
        expected,
        found,
    })
}

/// The operand at position `i`, which must be a float.
pub(crate) fn float(types: &[Type], i: usize) -> Result<&Type, OpError> {
    let t = operand(types, i)?;
    match t.dtype.is_float() {
        true => Ok(t),
        false => refuse(i, "a float", t.dtype),
    }
}

/// The operand at position `i`, which must be a float or an integer.
pub(super) fn number(types: &[Type], i: usize) -> Result<&Type, OpError> {
    let t = operand(types, i)?;
    match t.dtype {
        DType::Bool => refuse(i, "a float or an integer", t.dtype),
        DType::Float
        | DType::F32
        | DType::F64
        | DType::F16
        | DType::Bf16
        | DType::I32
        | DType::U32 => Ok(t),
    }
}

/// The operand at position `i`, which must be a bool.
pub(super) fn boolean(types: &[Type], i: usize) -> Result<&Type, OpError> {
    let t = operand(types, i)?;
    match t.dtype == DType::Bool {
        true => Ok(t),
        false => refuse(i, "bool", t.dtype),
    }
}

/// The operand at position `i`, which must be an integer.
pub(crate) fn integer(types: &[Type], i: usize) -> Result<&Type, OpError> {
    let t = operand(types, i)?;
    match t.dtype.is_integer() {
        true => Ok(t),
        false => refuse(i, "i32 or u32", t.dtype),
    }
}

/// The operand at position `i`, which must be i32.
pub(crate) fn index(types: &[Type], i: usize) -> Result<&Type, OpError> {
    let t = operand(types, i)?;
    match t.dtype == DType::I32 {
        true => Ok(t),
        false => refuse(i, "i32", t.dtype),
    }
}

/// Refuses two types that are not the same.
pub(super) fn same(left: &Type, right: &Type) -> Result<(), OpError> {
    same_dtype(left.dtype, right.dtype)?;
    same_shape(&left.shape, &right.shape)
}

/// Refuses two element types that are not the same.
pub(crate) fn same_dtype(left: DType, right: DType) -> Result<(), OpError> {
    match left == right {
        true => Ok(()),
        false => Err(OpError::DTypesDiffer { left, right }),
    }
}

/// Refuses two shapes that are not the same.
pub(crate) fn same_shape(left: &Shape, right: &Shape) -> Result<(), OpError> {
    match left == right {
        true => Ok(()),
        false => Err(OpError::ShapesDiffer {
            left: left.clone(),
            right: right.clone(),
        }),
    }
}

/// Refuses axes that the shape does not have, or that are there twice.
pub(super) fn check_axes(shape: &Shape, axes: &[Axis]) -> Result<(), OpError> {
    for (i, axis) in axes.iter().enumerate() {
        let there = match axis {
            Axis::Sequence => shape.sequence.is_some(),
            Axis::At(a) => *a < shape.dims.len(),
        };
        if !there || axes[..i].contains(axis) {
            return Err(OpError::Axis {
                axis: *axis,
                shape: shape.clone(),
            });
        }
    }
    Ok(())
}

/// The place and the dim of an axis, which is none of the sequence's.
pub(crate) fn one_axis(shape: &Shape, axis: Axis) -> Result<(usize, Dim), OpError> {
    match axis {
        Axis::At(a) => match shape.dims.get(a) {
            Some(d) => Ok((a, d.clone())),
            None => Err(OpError::Axis {
                axis,
                shape: shape.clone(),
            }),
        },
        Axis::Sequence => Err(OpError::Sequence(shape.clone())),
    }
}

/// The type rule of what takes numbers over axes, which go.
pub(super) fn reduced(types: &[Type], attributes: &Attributes) -> Result<Type, OpError> {
    let x = number(types, 0)?;
    let Over { axes } = Over::from_attributes(attributes)?;
    Ok(Type::new(x.dtype, without(&x.shape, axes)?))
}

/// The axes of `shape` that are not in `axes`, in order.
pub(crate) fn others(shape: &Shape, axes: &[Axis]) -> Vec<Axis> {
    let all = shape.axes();
    all.into_iter().filter(|a| !axes.contains(a)).collect()
}

/// The shape without the given axes.
pub(crate) fn without(shape: &Shape, axes: &[Axis]) -> Result<Shape, OpError> {
    check_axes(shape, axes)?;
    shape
        .select(&others(shape, axes))
        .ok_or_else(|| OpError::Sequence(shape.clone()))
}

/// The dim of an axis, which is none of the sequence's.
pub(crate) fn dim_at(shape: &Shape, axis: Axis) -> Option<&Dim> {
    match axis {
        Axis::Sequence => None,
        Axis::At(a) => shape.dims.get(a),
    }
}

/// The product of dims.
pub(crate) fn product<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Result<Dim, OpError> {
    dims.into_iter().try_fold(Dim::constant(1), |acc, d| {
        acc.checked_mul(d).ok_or(OpError::Overflow)
    })
}

/// `a + b`
pub(crate) fn plus(a: &Dim, b: &Dim) -> Result<Dim, OpError> {
    a.checked_add(b).ok_or(OpError::Overflow)
}

/// `a - b`
pub(crate) fn minus(a: &Dim, b: &Dim) -> Result<Dim, OpError> {
    a.checked_sub(b).ok_or(OpError::Overflow)
}

/// `a * b`
pub(crate) fn times(a: &Dim, b: &Dim) -> Result<Dim, OpError> {
    a.checked_mul(b).ok_or(OpError::Overflow)
}
