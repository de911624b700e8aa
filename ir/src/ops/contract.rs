//! The contraction: matrix products, inner and outer products, all of einsum's pairs.

use super::entry::{TWO, applied, at, floats};
use super::rules::{check_axes, dim_at, float, others};
use crate::attributes::DotAxes;
use crate::builder::Builder;
use crate::function::Value;
use crate::op::{Arity, Instance, Kind, OpDef, OpError, Primal, Pullback};
use crate::shape::{Axis, Shape, Type};

/// A contraction.
pub(super) const DOT: OpDef = OpDef {
    name: "dot",
    doc: "The products of x and y summed over the contracted pairs of axes; result: batch, free axes of x, free axes of y. A sequence leads the result or is contracted without batch axes.",
    arity: Arity::Exactly(2),
    attributes: DotAxes::SPECS,
    infer: |t, a| {
        let (x, y) = (float(t, 0)?, float(t, 1)?);
        if x.dtype != y.dtype {
            return Err(OpError::DTypesDiffer {
                left: x.dtype,
                right: y.dtype,
            });
        }
        let axes = DotAxes::from_attributes(a)?;
        Ok(Type::new(x.dtype, result_shape(&x.shape, &y.shape, &axes)?))
    },
    pullback: Pullback::Rule(pullback),
    kind: Kind::Contract,
    test: TWO.on(instances),
};

fn instances(_: &OpDef) -> Vec<Instance> {
    let dot = |x: &[usize], y: &[usize], axes: [&[usize]; 4]| {
        let [batch_x, batch_y, contract_x, contract_y] = axes.map(at);
        let axes = DotAxes {
            batch_x,
            batch_y,
            contract_x,
            contract_y,
        };
        applied(&[floats(x), floats(y)], axes)
    };
    vec![
        dot(&[3, 4], &[4, 5], [&[], &[], &[1], &[0]]),
        dot(&[4, 3], &[5, 4], [&[], &[], &[0], &[1]]),
        dot(&[2, 3, 4], &[4, 2, 5], [&[0], &[1], &[2], &[0]]),
        dot(&[3], &[3], [&[], &[], &[0], &[0]]),
        dot(&[3], &[2], [&[], &[], &[], &[]]),
        dot(&[3, 2], &[2, 3], [&[1, 0], &[0, 1], &[], &[]]),
        dot(&[2, 3, 4], &[4, 3, 5], [&[], &[], &[1, 2], &[1, 0]]),
        dot(&[3, 0], &[0, 2], [&[], &[], &[1], &[0]]),
        dot(&[0, 3], &[3, 1], [&[], &[], &[1], &[0]]),
    ]
}

fn result_shape(x: &Shape, y: &Shape, axes: &DotAxes) -> Result<Shape, OpError> {
    let used_x = [&axes.batch_x[..], &axes.contract_x[..]].concat();
    let used_y = [&axes.batch_y[..], &axes.contract_y[..]].concat();
    check_axes(x, &used_x)?;
    check_axes(y, &used_y)?;
    if axes.batch_x.len() != axes.batch_y.len() {
        return Err(OpError::Attribute("batch_y"));
    }
    if axes.contract_x.len() != axes.contract_y.len() {
        return Err(OpError::Attribute("contract_y"));
    }
    for (i, j) in used_x.iter().zip(&used_y) {
        let name = |s: &Shape, axis| match dim_at(s, axis) {
            Some(d) => d.to_string(),
            None => s.sequence.iter().map(|q| format!("[{q}]")).collect(),
        };
        let (left, right) = (name(x, *i), name(y, *j));
        let same = match (i, j) {
            (Axis::Sequence, Axis::Sequence) => x.sequence == y.sequence,
            (Axis::At(_), Axis::At(_)) => dim_at(x, *i) == dim_at(y, *j),
            (Axis::Sequence, Axis::At(_)) | (Axis::At(_), Axis::Sequence) => false,
        };
        if !same {
            return Err(OpError::InnerDims { left, right });
        }
    }
    // The gradient of a contracted sequence has the sequence behind the batch: not a shape.
    if axes.contract_x.contains(&Axis::Sequence) && !axes.batch_x.is_empty() {
        return Err(OpError::Sequence(x.clone()));
    }
    let mut out = Shape::scalar();
    let batch = axes.batch_x.iter().map(|a| (x, *a));
    let free_x = others(x, &used_x).into_iter().map(|a| (x, a));
    let free_y = others(y, &used_y).into_iter().map(|a| (y, a));
    for (i, (shape, axis)) in batch.chain(free_x).chain(free_y).enumerate() {
        match (axis, dim_at(shape, axis)) {
            (Axis::Sequence, _) if i == 0 => out.sequence.clone_from(&shape.sequence),
            (Axis::Sequence, _) => return Err(OpError::Sequence(shape.clone())),
            (Axis::At(_), Some(d)) => out.dims.push(d.clone()),
            (Axis::At(_), None) => {
                return Err(OpError::Axis {
                    axis,
                    shape: shape.clone(),
                });
            }
        }
    }
    Ok(out)
}

/// Each operand's cotangent is a contraction of the result's with the other operand.
fn pullback(b: &mut Builder, p: &Primal<'_>) -> Result<Vec<Option<Value>>, OpError> {
    let (x, y) = (p.operands[0], p.operands[1]);
    let forward = DotAxes::from_attributes(p.attributes)?;
    let backward = DotAxes {
        batch_x: forward.batch_y.clone(),
        batch_y: forward.batch_x.clone(),
        contract_x: forward.contract_y.clone(),
        contract_y: forward.contract_x.clone(),
    };
    let free_x = others(
        &b.type_of(x).shape,
        &[&forward.batch_x[..], &forward.contract_x[..]].concat(),
    );
    let free_y = others(
        &b.type_of(y).shape,
        &[&forward.batch_y[..], &forward.contract_y[..]].concat(),
    );
    let result = b.type_of(p.result).shape.axes();
    let (batch, free) = result.split_at(forward.batch_x.len());
    let (of_x, of_y) = free.split_at(free_x.len());
    let dx = p.wants(0, || {
        toward(
            b,
            p.cotangent,
            batch,
            (of_x, &free_x),
            (of_y, &free_y),
            (x, y),
            &forward,
        )
    })?;
    let dy = p.wants(1, || {
        toward(
            b,
            p.cotangent,
            batch,
            (of_y, &free_y),
            (of_x, &free_x),
            (y, x),
            &backward,
        )
    })?;
    Ok(vec![dx, dy])
}

/// The cotangent of `x`: `g` contracted with `y` over what is free of `y`, in the order of `x`'s axes.
///
/// `kept` and `gone` are the free axes of x and of y: in the result, and in the operand.
fn toward(
    b: &mut Builder,
    g: Value,
    batch: &[Axis],
    kept: (&[Axis], &[Axis]),
    gone: (&[Axis], &[Axis]),
    (x, y): (Value, Value),
    axes: &DotAxes,
) -> Result<Value, OpError> {
    // Which axis of x each axis of the product is.
    let in_y_order: Vec<Axis> = others(&b.type_of(y).shape, &[&axes.batch_y[..], gone.1].concat())
        .into_iter()
        .filter_map(|a| {
            let i = axes.contract_y.iter().position(|c| *c == a)?;
            axes.contract_x.get(i).copied()
        })
        .collect();
    // A sequence must lead, and comes out of y where it was contracted. Else the order that needs no
    // permutation is the better one.
    let from_y = [&axes.batch_x[..], &in_y_order, kept.1].concat();
    let y_first = axes.contract_x.contains(&Axis::Sequence) || from_y == b.type_of(x).shape.axes();
    let (product, order) = if y_first {
        let product = b.dot(
            y,
            g,
            &DotAxes {
                batch_x: axes.batch_y.clone(),
                batch_y: batch.to_vec(),
                contract_x: gone.1.to_vec(),
                contract_y: gone.0.to_vec(),
            },
        )?;
        (product, from_y)
    } else {
        let product = b.dot(
            g,
            y,
            &DotAxes {
                batch_x: batch.to_vec(),
                batch_y: axes.batch_y.clone(),
                contract_x: gone.0.to_vec(),
                contract_y: gone.1.to_vec(),
            },
        )?;
        (product, [&axes.batch_x[..], kept.1, &in_y_order].concat())
    };
    let there = b.type_of(product).shape.axes();
    let back: Vec<Axis> = b
        .type_of(x)
        .shape
        .axes()
        .iter()
        .filter_map(|a| order.iter().position(|o| o == a))
        .filter_map(|i| there.get(i).copied())
        .collect();
    b.permute(product, &back)
}
