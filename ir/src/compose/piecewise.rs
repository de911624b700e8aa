//! Elementwise functions in pieces, with PyTorch's derivatives where the pieces meet.

use crate::builder::Builder;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::symbol::Number;

/// `x` cut to what lies between two bounds, all broadcast, see [`ops::CLAMP`].
///
/// # Errors
/// Operands of different types, or that do not broadcast.
pub fn clamp(
    b: &mut Builder,
    x: Value,
    low: Option<Value>,
    high: Option<Value>,
) -> Result<Value, OpError> {
    let (least, greatest) = match b.type_of(x).dtype {
        DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => {
            (f64::NEG_INFINITY, f64::INFINITY)
        }
        DType::I32 | DType::Bool => (f64::from(i32::MIN), f64::from(i32::MAX)),
        DType::U32 => (0.0, f64::from(u32::MAX)),
    };
    let mut shape = b.type_of(x).shape.clone();
    for bound in [low, high].into_iter().flatten() {
        shape = super::broadcast_shapes(&shape, &b.type_of(bound).shape)?;
    }
    let x = super::broadcast_to(b, x, &shape)?;
    let mut bound = |given: Option<Value>, none: f64| match given {
        Some(given) => super::broadcast_to(b, given, &shape),
        None => b.like(none, x),
    };
    let (low, high) = (bound(low, least)?, bound(high, greatest)?);
    b.op(ops::CLAMP, &[x, low, high], Vec::new())
}

/// `x` where it is positive, `slope * x` elsewhere.
///
/// # Errors
/// An `x` that is no float.
pub fn leaky_relu(b: &mut Builder, x: Value, slope: &Number) -> Result<Value, OpError> {
    ops::rules::float(&[b.type_of(x).clone()], 0)?;
    let zero = b.like(0.0, x)?;
    let positive = b.lt(zero, x)?;
    let low = b.scale(x, slope)?;
    b.select(positive, x, low)
}

/// `x` where it is positive, `alpha * (e^x - 1)` elsewhere.
///
/// # Errors
/// An `x` that is no float.
pub fn elu(b: &mut Builder, x: Value, alpha: &Number) -> Result<Value, OpError> {
    let zero = b.like(0.0, x)?;
    let positive = b.lt(zero, x)?;
    // The exponential does not overflow where it is not used.
    let low = b.select(positive, zero, x)?;
    let curve = b.op(ops::EXPM1, &[low], Vec::new())?;
    let curve = b.scale(curve, alpha)?;
    b.select(positive, x, curve)
}

/// Huber's loss of a distance: `d^2 / 2` up to `delta`, `delta * (|d| - delta / 2)` beyond.
///
/// # Errors
/// A distance that is no float.
pub fn huber(b: &mut Builder, distance: Value, delta: &Number) -> Result<Value, OpError> {
    let magnitude = b.abs(distance)?;
    let square = b.square(distance)?;
    let near = b.scale(square, 0.5)?;
    let bound = b.like(delta, magnitude)?;
    let half = b.scale(bound, 0.5)?;
    let shifted = b.sub(magnitude, half)?;
    let far = b.mul(shifted, bound)?;
    let small = b.le(magnitude, bound)?;
    b.select(small, near, far)
}

/// The binary cross entropy of each probability.
///
/// # Errors
/// Operands of different types, or that are no floats.
pub fn binary_cross_entropy(b: &mut Builder, x: Value, target: Value) -> Result<Value, OpError> {
    b.op(ops::BINARY_CROSS_ENTROPY, &[x, target], Vec::new())
}

/// The binary cross entropy of each logit.
///
/// # Errors
/// Operands of different types, or that are no floats.
pub fn binary_cross_entropy_with_logits(
    b: &mut Builder,
    x: Value,
    target: Value,
) -> Result<Value, OpError> {
    b.op(
        ops::BINARY_CROSS_ENTROPY_WITH_LOGITS,
        &[x, target],
        Vec::new(),
    )
}
