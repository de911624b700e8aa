//! Applications of any op, for random programs: a new op is tried without a line there.

use sinew_ir::{
    Axis, Block, Builder, DType, Dim, Function, Instance, Op, OpError, Param, ParamKind, Shape,
    Type, Value, derive_pullback, ops,
};
use std::sync::OnceLock;

/// The ops of the table that take operands and have a derivative, be it zero.
pub fn applicable() -> &'static [Op] {
    static OPS: OnceLock<Vec<Op>> = OnceLock::new();
    OPS.get_or_init(|| {
        let chosen = |op: &Op| (op.test.instances)(op).iter().any(|i| is_derived(*op, i));
        ops::TABLE.iter().copied().filter(chosen).collect()
    })
}

/// Whether an application has operands and a pullback.
fn is_derived(op: Op, instance: &Instance) -> bool {
    let mut b = Builder::default();
    let types = instance.operands.iter().cloned();
    let operands: Vec<Value> = types.map(|ty| b.value(ty)).collect();
    let Ok(result) = b.op(op, &operands, instance.attributes.clone()) else {
        return false;
    };
    let param = |i| Param {
        name: format!("x{i}"),
        kind: ParamKind::Input,
    };
    let mut function = Function {
        name: op.name.to_string(),
        params: (0..operands.len()).map(param).collect(),
        values: b.values,
        body: Block::body(operands.len(), b.insts, vec![result]),
        ..Function::default()
    };
    !operands.is_empty() && derive_pullback(&mut function, &|_| None).is_ok()
}

/// Applies an op as one of its entry's instances, to operands that are made of what `pick` gives, with
/// floats of the given type.
///
/// # Errors
/// What the op does not take; casts to another float.
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
    let types: Vec<Type> = operands.iter().map(|x| b.type_of(*x).clone()).collect();
    let found = (op.infer)(&types, &instance.attributes)?.dtype;
    if found.is_float() && found != float {
        // The interpreter rounds to no other float, compiled code does.
        let (operand, expected) = (0, "cast to the program's float");
        return Err(OpError::DType {
            operand,
            expected,
            found,
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
