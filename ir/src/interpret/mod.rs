//! The reference interpreter: what a program means, in f64.
//!
//! Short and slow on purpose; every emitter is tested against it. Floats of any width are computed in
//! f64, halves rounded to their type by the op that gives them, and integers wrap at 32 bits. It takes
//! functions whose dims are numbers: linked programs, and hand-made ones with functions over ops still in
//! them, which it decomposes.

mod along;
mod axes;
mod error;
mod fold;
mod instruction;
mod machine;
mod view;

pub use error::InterpretError;

use crate::array::Array;
use crate::decompose::decompose;
use crate::dtype::DType;
use crate::function::{Function, Location, Value};
use machine::Machine;
use std::ops::ControlFlow;

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
    let least = match array.dtype {
        // Those of an f16 are normal numbers of an f32, in which it is computed with.
        DType::F32 | DType::F16 | DType::Bf16 => f64::from(f32::MIN_POSITIVE),
        DType::Float | DType::F64 => f64::MIN_POSITIVE,
        DType::I32 | DType::U32 | DType::Bool => return,
    };
    for x in &mut array.data {
        *x = array.dtype.nearest(*x);
        if x.abs() < least {
            *x = 0.0_f64.copysign(*x);
        }
    }
}
