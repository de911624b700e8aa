//! What one op gives, by its kind.

use super::axes::position;
use super::fold::{contract, reduce};
use super::machine::Machine;
use super::view::view_of;
use super::{InterpretError, along, interpret};
use crate::array::{Array, count, offsets, strides};
use crate::attributes::{Along, AlongResult, Constant, Extent, Iota, Running, Sorted};
use crate::block::{Block, OpInst};
use crate::builder::Builder;
use crate::decompose::decomposition;
use crate::dtype::DType;
use crate::function::{Function, Param, ParamKind, Value};
use crate::op::Kind;
use crate::scalar::Scalar;

/// The result of an op.
pub(super) fn result_of(machine: &Machine<'_>, i: &OpInst) -> Result<Array, InterpretError> {
    let ty = machine.function.type_of(i.result);
    let operands = i.operands.iter().map(|v| machine.value(*v));
    let operands: Vec<&Array> = operands.collect::<Result<_, _>>()?;
    let shape = ty
        .shape
        .extents()
        .ok_or_else(|| InterpretError::Unbound(ty.clone()))?;
    let op = i.op.name;
    let missing = || InterpretError::Attributes { op };
    let named = |error| InterpretError::Op { op, error };
    let a = &i.attributes;
    let mut data = match i.op.kind {
        Kind::Constant => {
            let value = Constant::from_attributes(a).map_err(named)?.value.known();
            vec![value.ok_or_else(missing)?; count(&shape)]
        }
        Kind::Iota => {
            let axis =
                position(Iota::from_attributes(a).map_err(named)?.axis).ok_or_else(missing)?;
            let along = |(i, n): (usize, &usize)| (*n, usize::from(i == axis));
            let index = offsets(shape.iter().enumerate().map(along));
            index.into_iter().map(|i| i as f64).collect()
        }
        Kind::Extent => {
            let dim = Extent::from_attributes(a)
                .map_err(named)?
                .dims
                .as_constant();
            vec![dim.ok_or_else(missing)? as f64; count(&shape)]
        }
        Kind::Run(_) | Kind::Probe(_) => return Err(InterpretError::NotLinked(op.into())),
        Kind::Elementwise(scalar) => {
            elementwise(scalar, ty.dtype, count(&shape), &operands).ok_or_else(missing)?
        }
        Kind::View(view) => view_of(view, a, operands[0], &shape).ok_or_else(missing)?,
        Kind::Reduce(reduction) => reduce(reduction, a, operands[0]).ok_or_else(missing)?,
        Kind::Contract => contract(a, operands[0], operands[1], ty.dtype).ok_or_else(missing)?,
        Kind::Concat => {
            let axis = position(AlongResult::from_attributes(a).map_err(named)?.axis);
            concat(axis.ok_or_else(missing)?, &operands, &shape)
        }
        Kind::Gather => {
            let axis =
                position(Along::from_attributes(a).map_err(named)?.axis).ok_or_else(missing)?;
            let (x, index) = (operands[0], operands[1]);
            let places = places(axis, index, &x.shape);
            places.map(|(_, place)| x.data[place]).collect()
        }
        Kind::Scatter => {
            let axis =
                position(Along::from_attributes(a).map_err(named)?.axis).ok_or_else(missing)?;
            let mut out = operands[0].data.clone();
            for (update, place) in places(axis, operands[1], &shape) {
                let sum = [out[place], operands[2].data[update]];
                let sum = Scalar::ADD.evaluate(ty.dtype, ty.dtype, &sum);
                out[place] = sum.ok_or_else(missing)?;
            }
            out
        }
        Kind::Scan(scan) => {
            let form = Running::from_attributes(a).map_err(named)?;
            along::scan(scan, form, &operands).ok_or_else(missing)?
        }
        Kind::Sort => {
            let form = Sorted::from_attributes(a).map_err(named)?;
            along::sort(form, operands[0]).ok_or_else(missing)?
        }
        Kind::Identity | Kind::Barrier => operands[0].data.clone(),
        Kind::Function(_) => return function_over_ops(i, &operands),
    };
    if ty.dtype.is_half() {
        data.iter_mut().for_each(|x| *x = ty.dtype.nearest(*x));
    }
    Ok(Array {
        dtype: ty.dtype,
        shape,
        data,
    })
}

/// What a function over ops gives: that of what it is made of.
fn function_over_ops(i: &OpInst, operands: &[&Array]) -> Result<Array, InterpretError> {
    let mut b = Builder::default();
    let params: Vec<Value> = operands.iter().map(|x| b.value(x.type_of())).collect();
    let here = OpInst {
        operands: params,
        ..i.clone()
    };
    let op = i.op.name;
    let result =
        decomposition(&mut b, &here).ok_or_else(|| InterpretError::NotLinked(op.into()))?;
    let result = result.map_err(|error| InterpretError::Op { op, error })?;
    let params = operands.iter().map(|_| Param {
        name: String::new(),
        kind: ParamKind::Input,
    });
    let function = Function {
        params: params.collect(),
        values: b.values,
        body: Block::body(operands.len(), b.insts, vec![result]),
        ..Function::default()
    };
    let inputs: Vec<Array> = operands.iter().map(|x| (*x).clone()).collect();
    let mut results = interpret(&function, &inputs)?;
    results
        .pop()
        .ok_or_else(|| InterpretError::NotLinked(op.into()))
}

fn elementwise(scalar: Scalar, dtype: DType, n: usize, operands: &[&Array]) -> Option<Vec<f64>> {
    let mut arguments = vec![0.0; operands.len()];
    // Of a selection, the type of what is selected.
    let from = operands.last().map_or(dtype, |x| x.dtype);
    let element = |i: usize| {
        for (a, x) in arguments.iter_mut().zip(operands) {
            *a = x.data[i];
        }
        scalar.evaluate(from, dtype, &arguments)
    };
    (0..n).map(element).collect()
}

fn concat(axis: usize, operands: &[&Array], shape: &[usize]) -> Vec<f64> {
    let to = strides(shape);
    let mut out = vec![0.0; count(shape)];
    let mut start = 0;
    for x in operands {
        let places = offsets(x.shape.iter().copied().zip(to.iter().copied()));
        for (value, place) in x.data.iter().zip(places) {
            out[start * to[axis] + place] = *value;
        }
        start += x.shape[axis];
    }
    out
}

/// For each index: its own place, and the place in `shape` that it points at along `axis`.
fn places<'a>(
    axis: usize,
    index: &'a Array,
    shape: &[usize],
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let to = strides(shape);
    let along = to[axis];
    let last = shape[axis].saturating_sub(1);
    let stride = |(i, n): (usize, &usize)| (*n, if i == axis { 0 } else { to[i] });
    let bases = offsets(index.shape.iter().enumerate().map(stride));
    bases.into_iter().enumerate().map(move |(i, base)| {
        // Clamped: below 0 saturates to 0.
        let at = (index.data[i] as usize).min(last);
        (i, base + at * along)
    })
}
