//! The reference interpreter: what a program means, in f64.
//!
//! Short and slow on purpose; every emitter is tested against it. Floats of any width are computed in
//! f64, integers wrap at 32 bits. It takes functions whose dims are numbers: linked programs, and
//! hand-made ones with functions over ops still in them, which it decomposes.

mod along;

use crate::array::{Array, count, offsets, strides};
use crate::attribute::Attributes;
use crate::attributes::{
    Along, AlongResult, Broadcast, Constant, DotAxes, Extent, Iota, Over, Pad, Permute, Running,
    Shear, Slice, Sorted,
};
use crate::block::{Block, Inst, Loop, OpInst};
use crate::builder::Builder;
use crate::decompose::{decompose, decomposition};
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::{Function, Location, Param, ParamKind, Value};
use crate::op::{Kind, OpError, Reduction, View};
use crate::scalar::Scalar;
use crate::shape::{Axis, Type};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Why a function cannot be interpreted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InterpretError {
    /// Not as many inputs as parameters.
    #[error("takes {expected} inputs, got {found}")]
    Inputs {
        /// The number of parameters.
        expected: usize,
        /// The number of inputs.
        found: usize,
    },
    /// An input of another type than its parameter.
    #[error("input `{name}` is {found}, and must be {expected}")]
    Input {
        /// The parameter.
        name: String,
        /// Its type.
        expected: Type,
        /// The input's.
        found: Type,
    },
    /// A call: the function is not linked.
    #[error("`{0}` is not linked")]
    NotLinked(String),
    /// A dim without a value.
    #[error("the type {0} has no known extents")]
    Unbound(Type),
    /// A decomposition that its entry refuses.
    #[error("`{op}` {error}")]
    Op {
        /// The op.
        op: &'static str,
        /// The complaint.
        error: OpError,
    },
    /// An attribute that is missing or does not fit: the verifier refuses such functions.
    #[error("`{op}` does not have the attributes of its entry")]
    Attributes {
        /// The op.
        op: &'static str,
    },
}

/// The first instruction that made a NaN or an infinity that its operands do not account for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonFinite {
    /// Its op.
    pub op: &'static str,
    /// What it defines.
    pub value: Value,
    /// Its place in the body.
    pub index: usize,
    /// Where it was written.
    pub location: Option<Location>,
}

/// The results of `function` for the given inputs, one a parameter.
///
/// # Errors
/// Inputs that do not fit; a function that is not linked.
pub fn interpret(function: &Function, inputs: &[Array]) -> Result<Vec<Array>, InterpretError> {
    let mut machine = Machine::new(function, inputs)?;
    machine.body(&function.body, &mut |_, _, _| Ok(ControlFlow::Continue(())))?;
    let results = function.body.results.iter();
    results.map(|r| machine.value(*r).cloned()).collect()
}

/// As [`interpret`], with each input and each op's result put `through` something before it is used, and
/// functions over ops taken for the ops they are made of, as emitters do.
///
/// Rounding them to their element type gives what a program means in that type; disturbing their last
/// digits shows what its results owe to rounding.
///
/// # Errors
/// As [`interpret`].
pub fn interpret_through(
    function: &Function,
    inputs: &[Array],
    through: &mut dyn FnMut(&mut Array),
) -> Result<Vec<Array>, InterpretError> {
    let mut function = function.clone();
    decompose(&mut function).map_err(|e| InterpretError::Op {
        op: e.op,
        error: *e.error,
    })?;
    let mut machine = Machine::new(&function, inputs)?;
    machine.values.iter_mut().flatten().for_each(&mut *through);
    machine.body(&function.body, &mut |_, _, result| {
        through(result);
        Ok(ControlFlow::Continue(()))
    })?;
    let results = function.body.results.iter();
    results.map(|r| machine.value(*r).cloned()).collect()
}

/// Runs `function` and finds the first instruction whose result has an infinity while none of its
/// operands has one, or a NaN while none has a NaN: an infinity may be meant (a mask), and still makes
/// a NaN of a row that has nothing else. Constants do not count: what is written down is meant.
///
/// Unlike [`interpret`] it holds each value as its element type does, and takes denormal numbers for
/// zeros, since compiled code does: `1 / (a - b)` may be infinite in f32 only, and so may `log(1e-40)`.
///
/// # Errors
/// As [`interpret`].
pub fn first_non_finite(
    function: &Function,
    inputs: &[Array],
) -> Result<Option<NonFinite>, InterpretError> {
    let mut machine = Machine::new(function, inputs)?;
    machine.values.iter_mut().flatten().for_each(hold);
    let finite = |a: &Array| a.data.iter().all(|x| x.is_finite());
    let has_nan = |a: &Array| a.data.iter().any(|x| x.is_nan());
    let mut first = None;
    machine.body(&function.body, &mut |machine, i, result| {
        hold(result);
        if finite(result) || i.operands.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let (mut all_finite, mut no_nan) = (true, true);
        for v in &i.operands {
            let operand = machine.value(*v)?;
            all_finite &= finite(operand);
            no_nan &= !has_nan(operand);
        }
        if all_finite || (no_nan && has_nan(result)) {
            first = Some(NonFinite {
                op: i.op.name,
                value: i.result,
                index: machine.index,
                location: i.location,
            });
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(first)
}

/// Rounds elements to their type, and those below its least normal number to zero.
fn hold(array: &mut Array) {
    let (round, least): (fn(f64) -> f64, f64) = match array.dtype {
        DType::F32 => (|x| f64::from(x as f32), f64::from(f32::MIN_POSITIVE)),
        DType::Float | DType::F64 => (|x| x, f64::MIN_POSITIVE),
        DType::I32 | DType::U32 | DType::Bool => return,
    };
    for x in &mut array.data {
        *x = round(*x);
        if x.abs() < least {
            *x = 0.0_f64.copysign(*x);
        }
    }
}

/// Looks at each op's result before it is used, and tells whether to go on.
type Watch<'w> =
    dyn FnMut(&Machine<'_>, &OpInst, &mut Array) -> Result<ControlFlow<()>, InterpretError> + 'w;

/// A run of a function.
struct Machine<'f> {
    function: &'f Function,
    /// What each value is now; a program's values together take many times its working memory, so each
    /// goes with its last use.
    values: Vec<Option<Array>>,
    /// The position in the function's body of the instruction that runs.
    index: usize,
}

impl<'f> Machine<'f> {
    fn new(function: &'f Function, inputs: &[Array]) -> Result<Self, InterpretError> {
        if inputs.len() != function.params.len() {
            return Err(InterpretError::Inputs {
                expected: function.params.len(),
                found: inputs.len(),
            });
        }
        let mut values: Vec<Option<Array>> = vec![None; function.values.len()];
        for (i, input) in inputs.iter().enumerate() {
            let expected = &function.values[i];
            if *expected != input.type_of() || count(&input.shape) != input.data.len() {
                return Err(InterpretError::Input {
                    name: function.params[i].name.clone(),
                    expected: expected.clone(),
                    found: input.type_of(),
                });
            }
            values[i] = Some(input.clone());
        }
        Ok(Machine {
            function,
            values,
            index: 0,
        })
    }

    fn value(&self, v: Value) -> Result<&Array, InterpretError> {
        // The verifier refuses uses before definitions; an unlinked function may still have them.
        let found = self.values.get(v.index()).and_then(Option::as_ref);
        found.ok_or_else(|| InterpretError::NotLinked(v.to_string()))
    }

    fn set(&mut self, v: Value, array: Array) -> Result<(), InterpretError> {
        let place = self.values.get_mut(v.index());
        *place.ok_or_else(|| InterpretError::NotLinked(v.to_string()))? = Some(array);
        Ok(())
    }

    /// Runs a function's body, or as much of it as is watched.
    fn body(&mut self, block: &Block, watch: &mut Watch<'_>) -> Result<(), InterpretError> {
        let dead = last_uses(block);
        for (index, (inst, dead)) in block.insts.iter().zip(&dead).enumerate() {
            self.index = index;
            if self.inst(inst, watch)?.is_break() {
                break;
            }
            self.release(dead);
        }
        Ok(())
    }

    fn release(&mut self, dead: &[Value]) {
        for v in dead {
            if let Some(value) = self.values.get_mut(v.index()) {
                *value = None;
            }
        }
    }

    fn inst(
        &mut self,
        inst: &Inst,
        watch: &mut Watch<'_>,
    ) -> Result<ControlFlow<()>, InterpretError> {
        match inst {
            Inst::Op(i) => {
                let mut result = step(self, i)?;
                let flow = watch(self, i, &mut result)?;
                self.set(i.result, result)?;
                Ok(flow)
            }
            Inst::Loop(l) => self.iterate(l, watch),
            Inst::Call(_) | Inst::PullbackCall(_) => {
                Err(InterpretError::NotLinked(self.function.name.clone()))
            }
        }
    }

    fn iterate(
        &mut self,
        l: &Loop,
        watch: &mut Watch<'_>,
    ) -> Result<ControlFlow<()>, InterpretError> {
        let dead = last_uses(&l.body);
        let unbound = |v: Value| InterpretError::Unbound(self.function.type_of(v).clone());
        let Some((&index, trip)) = l.body.params.first().zip(l.trip.as_extent()) else {
            return Err(InterpretError::NotLinked(self.function.name.clone()));
        };
        let mut stacks = Vec::new();
        for (_, _, result) in l.stacks() {
            let ty = self.function.type_of(result);
            let shape = ty.shape.extents().ok_or_else(|| unbound(result))?;
            stacks.push(Array::filled(ty.dtype, &shape, 0.0));
        }
        let carried = l.carried.iter().map(|v| self.value(*v).cloned());
        let mut carried: Vec<Array> = carried.collect::<Result<_, _>>()?;
        for at in l.order.indices(trip) {
            self.set(index, Array::filled(DType::I32, &[], at as f64))?;
            for (param, value) in l.carried_params().iter().zip(carried) {
                self.set(*param, value)?;
            }
            for (param, s) in l.slice_params().iter().zip(&l.sliced) {
                let slice = self.value(s.value)?.slice(s.axis, at);
                self.set(*param, slice)?;
            }
            for (inst, dead) in l.body.insts.iter().zip(&dead) {
                if self.inst(inst, watch)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                self.release(dead);
            }
            let next = l.body.results.iter().take(l.carried.len());
            carried = next
                .map(|v| self.value(*v).cloned())
                .collect::<Result<_, _>>()?;
            for ((value, axis, _), stack) in l.stacks().zip(&mut stacks) {
                stack.set_slice(axis, at, self.value(value)?);
            }
        }
        for (result, array) in l.results.iter().zip(carried.into_iter().chain(stacks)) {
            self.set(*result, array)?;
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// For each instruction, the values of its own block that nothing in the block uses behind it.
fn last_uses(block: &Block) -> Vec<Vec<Value>> {
    let mut last: HashMap<Value, usize> = block.params.iter().map(|v| (*v, 0)).collect();
    for (index, inst) in block.insts.iter().enumerate() {
        inst.each_operand(&mut |v| {
            if let Some(last) = last.get_mut(&v) {
                *last = index;
            }
        });
        inst.each_result(&mut |v| {
            last.insert(v, index);
        });
    }
    for r in &block.results {
        last.remove(r);
    }
    let mut out = vec![Vec::new(); block.insts.len()];
    for (value, index) in last {
        if let Some(dead) = out.get_mut(index) {
            dead.push(value);
        }
    }
    out
}

fn step(machine: &Machine<'_>, i: &OpInst) -> Result<Array, InterpretError> {
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
    let data = match i.op.kind {
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
        Kind::Identity => operands[0].data.clone(),
        Kind::Function(_) => return function_over_ops(i, &operands),
    };
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

/// An axis of a shape without a sequence.
fn position(axis: Axis) -> Option<usize> {
    match axis {
        Axis::At(a) => Some(a),
        Axis::Sequence => None,
    }
}

/// Axes of a shape without a sequence.
fn positions(axes: &[Axis]) -> Vec<usize> {
    axes.iter().filter_map(|a| position(*a)).collect()
}

/// The axes of a shape that are not in `axes`.
fn free(rank: usize, axes: &[usize]) -> Vec<usize> {
    (0..rank).filter(|a| !axes.contains(a)).collect()
}

/// Offsets in an array over some of its axes, in their order.
fn over(x: &Array, axes: &[usize]) -> Vec<usize> {
    let strides = strides(&x.shape);
    offsets(axes.iter().map(|a| (x.shape[*a], strides[*a])))
}

fn view_of(view: View, a: &Attributes, x: &Array, shape: &[usize]) -> Option<Vec<f64>> {
    let from = strides(&x.shape);
    let pick = |offsets: Vec<usize>| offsets.into_iter().map(|o| x.data[o]).collect();
    Some(match view {
        View::Broadcast => {
            let new = positions(Broadcast::from_attributes(a).ok()?.new);
            let mut own = from.iter();
            let stride = |(i, n): (usize, &usize)| match new.contains(&i) {
                true => (*n, 0),
                false => (*n, own.next().copied().unwrap_or(0)),
            };
            pick(offsets(shape.iter().enumerate().map(stride)))
        }
        View::Reshape => x.data.clone(),
        View::Permute => pick(over(x, &positions(Permute::from_attributes(a).ok()?.axes))),
        View::Slice => {
            let Slice { axis, range } = Slice::from_attributes(a).ok()?;
            let (axis, start, step) = (position(axis)?, place(range.start)?, place(range.step)?);
            let stride = |(i, n): (usize, &usize)| match i == axis {
                true => (*n, from[i] * step),
                false => (*n, from[i]),
            };
            let first = if count(shape) == 0 {
                0
            } else {
                start * from[axis]
            };
            let offsets = offsets(shape.iter().enumerate().map(stride));
            offsets.into_iter().map(|o| x.data[first + o]).collect()
        }
        View::Pad => {
            let Pad { axis, widths } = Pad::from_attributes(a).ok()?;
            let (axis, low, step) = (position(axis)?, place(widths.low)?, place(widths.step)?);
            let to = strides(shape);
            let stride = |(i, n): (usize, &usize)| match i == axis {
                true => (*n, to[i] * step),
                false => (*n, to[i]),
            };
            let mut out = vec![0.0; count(shape)];
            let places = offsets(x.shape.iter().enumerate().map(stride));
            for (value, place) in x.data.iter().zip(places) {
                out[low * to[axis] + place] = *value;
            }
            out
        }
        View::Flip => {
            let axis = position(Along::from_attributes(a).ok()?.axis)?;
            let moved = |_: usize, i: i64| shape[axis] as i64 - 1 - i;
            moved_along(x, axis, shape[axis], &moved)
        }
        View::Shear => {
            let map = Shear::from_attributes(a).ok()?;
            let (axis, by) = (position(map.axis)?, position(map.by)?);
            let (offset, slope) = (map.offset.as_constant()?, map.slope.as_constant()?);
            let step = strides(shape)[by];
            let row = |place: usize| (place / step % shape[by]) as i64;
            let moved = |place: usize, i: i64| offset + i + slope * row(place);
            moved_along(x, axis, shape[axis], &moved)
        }
    })
}

/// The elements of `x` with another extent along an axis: the one with the row-major number and the
/// index along the axis that `moved` is given is x's at the index it gives; 0 outside of `x`.
fn moved_along(
    x: &Array,
    axis: usize,
    extent: usize,
    moved: &dyn Fn(usize, i64) -> i64,
) -> Vec<f64> {
    let inner: usize = x.shape[axis + 1..].iter().product();
    let outer: usize = x.shape[..axis].iter().product();
    let own = x.shape[axis];
    (0..outer * extent * inner)
        .map(|place| {
            let i = place / inner % extent;
            match usize::try_from(moved(place, i as i64)) {
                Ok(from) if from < own => {
                    x.data[(place / inner / extent * own + from) * inner + place % inner]
                }
                Ok(_) | Err(_) => 0.0,
            }
        })
        .collect()
}

/// A place along an axis; one that is negative, around nothing, counts as 0.
fn place(dim: &Dim) -> Option<usize> {
    Some(usize::try_from(dim.as_constant()?).unwrap_or(0))
}

fn reduce(reduction: Reduction, a: &Attributes, x: &Array) -> Option<Vec<f64>> {
    let gone = positions(Over::from_attributes(a).ok()?.axes);
    let kept = over(x, &free(x.shape.len(), &gone));
    // Row-major order, in which the first maximum is the first.
    let mut gone = gone;
    gone.sort_unstable();
    let inner = over(x, &gone);
    let row = |base: &usize| {
        let base = *base;
        inner.iter().map(move |o| x.data[base + o])
    };
    let start = reduction.identity(x.dtype);
    let reduced = kept.iter().map(|base| match reduction.combine() {
        Some(scalar) => {
            row(base).try_fold(start, |sum, v| scalar.evaluate(x.dtype, x.dtype, &[sum, v]))
        }
        None => Some(first_maximum(row(base)) as f64),
    });
    reduced.collect()
}

/// The position of the first maximum, of the first NaN if there is one.
fn first_maximum(row: impl Iterator<Item = f64>) -> usize {
    let mut best: Option<(usize, f64)> = None;
    for (i, v) in row.enumerate() {
        let beats = match best {
            None => true,
            Some((_, b)) => !b.is_nan() && (v > b || v.is_nan()),
        };
        if beats {
            best = Some((i, v));
        }
    }
    best.map_or(0, |(i, _)| i)
}

fn contract(a: &Attributes, x: &Array, y: &Array, dtype: DType) -> Option<Vec<f64>> {
    let axes = DotAxes::from_attributes(a).ok()?;
    let (batch_x, batch_y) = (positions(&axes.batch_x), positions(&axes.batch_y));
    let (inner_x, inner_y) = (positions(&axes.contract_x), positions(&axes.contract_y));
    let free_x = free(x.shape.len(), &[&batch_x[..], &inner_x].concat());
    let free_y = free(y.shape.len(), &[&batch_y[..], &inner_y].concat());
    let inner: Vec<(usize, usize)> = std::iter::zip(over(x, &inner_x), over(y, &inner_y)).collect();
    let (rows, columns) = (over(x, &free_x), over(y, &free_y));
    let mut out = Vec::new();
    for (bx, by) in std::iter::zip(over(x, &batch_x), over(y, &batch_y)) {
        for m in &rows {
            for n in &columns {
                let mut sum = 0.0;
                for (kx, ky) in &inner {
                    let product = [x.data[bx + m + kx], y.data[by + n + ky]];
                    let product = Scalar::MUL.evaluate(dtype, dtype, &product)?;
                    sum = Scalar::ADD.evaluate(dtype, dtype, &[sum, product])?;
                }
                out.push(sum);
            }
        }
    }
    Some(out)
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
