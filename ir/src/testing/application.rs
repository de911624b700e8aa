//! Applications of any op, for random programs: a new op is tried without a line there.

use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::{Instance, Op, OpError, Pullback};
use crate::ops;
use crate::shape::{Axis, Shape, Type};

/// The ops of the table that take operands and have a derivative, be it zero.
pub fn applicable() -> Vec<Op> {
    let takes = |op: &Op| {
        (op.test.instances)(op)
            .iter()
            .any(|i| !i.operands.is_empty())
    };
    let table = ops::TABLE.iter().copied().filter(takes);
    table
        .filter(|op| !matches!(op.pullback, Pullback::NotDifferentiable(_)))
        .collect()
}

/// Applies an op as one of its entry's instances, to operands that are made of what `pick` gives, with
/// floats of the given type.
///
/// # Errors
/// What the op does not take.
pub fn applied(
    b: &mut Builder,
    op: Op,
    instance: &Instance,
    float: DType,
    pick: &mut dyn FnMut(&Builder) -> Value,
) -> Result<Value, OpError> {
    let mut domains = op.test.domain.iter().copied();
    let last = op.test.domain.last().copied();
    let mut operands = Vec::new();
    for ty in &instance.operands {
        let x = pick(b);
        operands.push(match ty.dtype.is_float() {
            true => {
                let x = fitted(b, x, &ty.shape, float)?;
                inside(b, x, domains.next().or(last))?
            }
            false => fitted(b, x, &ty.shape, ty.dtype)?,
        });
    }
    b.op(op, &operands, instance.attributes.clone())
}

/// Elements of a value in another shape and type: the first ones, with zeros behind where there are few.
fn fitted(b: &mut Builder, x: Value, shape: &Shape, dtype: DType) -> Result<Value, OpError> {
    let Type {
        dtype: of,
        shape: from,
    } = b.type_of(x).clone();
    let count = |shape: &Shape| {
        let extents = shape.extents().ok_or(OpError::Overflow)?;
        Ok(extents.iter().product::<usize>())
    };
    let (found, wanted) = (count(&from)?, count(shape)?);
    let mut x = x;
    if from != *shape && found > 0 {
        let [zero, one] = [0, 1].map(Dim::constant);
        x = b.reshape(x, &Shape::from_extents(&[found]))?;
        if found < wanted {
            // Bools have no zero to pad with.
            let number = if of == DType::Bool { DType::I32 } else { of };
            x = b.cast(x, number)?;
            let missing = Dim::from(wanted - found);
            x = b.pad(x, Axis::At(0), [&zero, &missing, &one])?;
        }
        if found > wanted {
            x = b.slice(x, Axis::At(0), [&zero, &Dim::from(wanted), &one])?;
        }
        x = b.reshape(x, shape)?;
    } else if found == 0 && from != *shape {
        return b.constant(1.0, dtype, shape.clone());
    }
    match b.type_of(x).dtype == dtype {
        true => Ok(x),
        false => b.cast(x, dtype),
    }
}

/// A value whose elements lie in an interval, where there is one.
fn inside(b: &mut Builder, x: Value, domain: Option<(f64, f64)>) -> Result<Value, OpError> {
    let Some((low, high)) = domain else {
        return Ok(x);
    };
    let x = b.tanh(x)?;
    let x = b.scale(x, (high - low) / 2.0)?;
    b.with(ops::ADD, x, (high + low) / 2.0)
}
