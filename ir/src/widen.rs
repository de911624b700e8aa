//! What computes on halves computes in f32: the one place that makes it so.
//!
//! f16 and bf16 are types of storage. An op that computes on them means: its operands in f32, the op, its
//! result rounded to the half once. A function over ops is one op in that: what it is made of, and the
//! derivative of that, is in f32 all through. What only moves elements moves halves. So where functions over
//! ops are decomposed, this is done too, and a program has halves in moves and in casts to and from f32, and
//! nowhere else ([`crate::Stage::Program`]).

use crate::attribute::{Attribute, Attributes};
use crate::block::OpInst;
use crate::builder::Builder;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::{Kind, Op, OpError};
use crate::scalar::Scalar;

/// Whether an op of these element types computes on halves.
pub(crate) fn computes_on_halves(op: Op, operands: &[DType], result: DType) -> bool {
    let any = result.is_half() || operands.iter().any(|d| d.is_half());
    any && match op.kind {
        Kind::Elementwise(Scalar::Cast) => {
            let between = |a: DType, b: DType| a == b || (a.is_half() && b == DType::F32);
            !operands
                .iter()
                .all(|from| between(*from, result) || between(result, *from))
        }
        kind => !kind.moves(),
    }
}

/// What an op on halves is in f32; `None` for one that computes on none.
pub(crate) fn widened(b: &mut Builder, inst: &OpInst) -> Option<Result<Value, OpError>> {
    let operands: Vec<DType> = inst.operands.iter().map(|v| b.type_of(*v).dtype).collect();
    let result = b.type_of(inst.result).dtype;
    if !computes_on_halves(inst.op, &operands, result) {
        return None;
    }
    b.location = inst.location;
    Some(in_f32(b, inst, result, |b, operands, attributes| {
        b.op(inst.op, operands, attributes.clone())
    }))
}

/// What `build` makes of the operands and the attributes of an instruction, halves among them taken as f32,
/// as an element of type `result`.
pub(crate) fn in_f32(
    b: &mut Builder,
    inst: &OpInst,
    result: DType,
    build: impl FnOnce(&mut Builder, &[Value], &Attributes) -> Result<Value, OpError>,
) -> Result<Value, OpError> {
    let mut operands = Vec::with_capacity(inst.operands.len());
    for v in &inst.operands {
        operands.push(cast(b, *v, b.type_of(*v).dtype.computes_in())?);
    }
    let wide = |a: &Attribute| match a {
        Attribute::DType(dtype) => Attribute::DType(dtype.computes_in()),
        Attribute::Axes(_)
        | Attribute::Shape(_)
        | Attribute::Dims(_)
        | Attribute::Number(_)
        | Attribute::Name(_) => a.clone(),
    };
    let attributes: Vec<Attribute> = inst.attributes.0.iter().map(wide).collect();
    let value = build(b, &operands, &attributes.into())?;
    cast(b, value, result)
}

fn cast(b: &mut Builder, v: Value, to: DType) -> Result<Value, OpError> {
    match b.type_of(v).dtype == to {
        true => Ok(v),
        false => b.cast(v, to),
    }
}
