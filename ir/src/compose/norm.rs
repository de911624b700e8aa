//! Norms of what lies along axes, and how many of it are not zero.

use super::reduce;
use crate::builder::Builder;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::shape::Axis;
use crate::symbol::Number;

/// Which norm.
#[derive(Clone, Debug, PartialEq)]
pub enum Norm {
    /// The greatest magnitude.
    Greatest,
    /// The least magnitude.
    Least,
    /// The root of the sum of powers of the magnitudes; of the power 0, how many are not 0.
    Power(Number),
}

/// The norm over axes. Its derivative is 0 where it is 0, and for elements of 0, as in PyTorch.
///
/// # Errors
/// An `x` that is no float; axes that `x` does not have; a sequence's axes kept.
pub fn norm(
    b: &mut Builder,
    x: Value,
    axes: &[Axis],
    norm: &Norm,
    keepdims: bool,
) -> Result<Value, OpError> {
    ops::rules::float(&[b.type_of(x).clone()], 0)?;
    let power = match norm {
        Norm::Greatest | Norm::Least => {
            let op = match norm {
                Norm::Greatest => ops::MAX,
                _ => ops::MIN,
            };
            let magnitude = b.abs(x)?;
            return reduce(b, op, magnitude, axes, keepdims);
        }
        Norm::Power(power) => power,
    };
    if *power == Number::Known(0.0) {
        let dtype = b.type_of(x).dtype;
        let other = b.with(ops::NE, x, 0.0)?;
        let ones = b.cast(other, dtype)?;
        return reduce(b, ops::SUM, ones, axes, keepdims);
    }
    if *power == Number::Known(1.0) {
        let magnitude = b.abs(x)?;
        return reduce(b, ops::SUM, magnitude, axes, keepdims);
    }
    if *power == Number::Known(2.0) {
        let square = b.square(x)?;
        let sum = reduce(b, ops::SUM, square, axes, keepdims)?;
        return but_of_zero(b, sum, Builder::sqrt);
    }
    let magnitude = b.abs(x)?;
    let powers = but_of_zero(b, magnitude, |b, x| {
        let power = b.like(power, x)?;
        b.op(ops::POW, &[x, power], Vec::new())
    })?;
    let sum = reduce(b, ops::SUM, powers, axes, keepdims)?;
    but_of_zero(b, sum, |b, x| {
        let power = b.like(power, x)?;
        let root = b.op(ops::RECIPROCAL, &[power], Vec::new())?;
        b.op(ops::POW, &[x, root], Vec::new())
    })
}

/// A function of x where it is not 0, and 0 with no slope where it is.
fn but_of_zero(
    b: &mut Builder,
    x: Value,
    function: impl Fn(&mut Builder, Value) -> Result<Value, OpError>,
) -> Result<Value, OpError> {
    let zero = b.like(0.0, x)?;
    let one = b.like(1.0, x)?;
    let is_zero = b.eq(x, zero)?;
    // What is not chosen has a finite slope too.
    let inside = b.select(is_zero, one, x)?;
    let made = function(b, inside)?;
    b.select(is_zero, zero, made)
}

/// How many elements are not 0, as i32.
///
/// # Errors
/// Axes that `x` does not have; a sequence's axes kept.
pub fn count_nonzero(
    b: &mut Builder,
    x: Value,
    axes: &[Axis],
    keepdims: bool,
) -> Result<Value, OpError> {
    let other = truth(b, x)?;
    let ones = b.cast(other, DType::I32)?;
    reduce(b, ops::SUM, ones, axes, keepdims)
}

/// Whether some element is not 0, and is true; of no elements that is false.
///
/// # Errors
/// As [`count_nonzero`].
pub fn any(b: &mut Builder, x: Value, axes: &[Axis], keepdims: bool) -> Result<Value, OpError> {
    let count = count_nonzero(b, x, axes, keepdims)?;
    b.with(ops::NE, count, 0.0)
}

/// Whether no element is 0, and none false; of no elements that is true.
///
/// # Errors
/// As [`count_nonzero`].
pub fn all(b: &mut Builder, x: Value, axes: &[Axis], keepdims: bool) -> Result<Value, OpError> {
    let holds = truth(b, x)?;
    let not = b.op(ops::NOT, &[holds], Vec::new())?;
    let count = count_nonzero(b, not, axes, keepdims)?;
    b.with(ops::EQ, count, 0.0)
}

/// A number as a bool: whether it is not 0.
fn truth(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    match b.type_of(x).dtype {
        DType::Bool => Ok(x),
        _ => b.cast(x, DType::Bool),
    }
}
