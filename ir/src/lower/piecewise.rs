//! Elementwise functions in pieces, with PyTorch's derivatives where the pieces meet.

use crate::builder::Builder;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;

/// `x` cut to what lies between two bounds, all broadcast; its derivative is 0 at the bounds
/// themselves (as in PyTorch 2.15).
///
/// # Errors
/// Operands of different types, or that do not broadcast.
pub fn clamp(
    b: &mut Builder,
    x: Value,
    low: Option<Value>,
    high: Option<Value>,
) -> Result<Value, OpError> {
    let mut out = x;
    if let Some(high) = high {
        let above = super::binary(b, ops::LE, high, x)?;
        out = super::select(b, above, high, out)?;
    }
    if let Some(low) = low {
        let below = super::binary(b, ops::LE, x, low)?;
        out = super::select(b, below, low, out)?;
    }
    Ok(out)
}

/// `x` where it is positive, `slope * x` elsewhere.
///
/// # Errors
/// An `x` that is no number.
pub fn leaky_relu(b: &mut Builder, x: Value, slope: f64) -> Result<Value, OpError> {
    let zero = b.like(0.0, x)?;
    let positive = b.lt(zero, x)?;
    let low = b.scale(x, slope)?;
    b.select(positive, x, low)
}

/// `x` where it is positive, `alpha * (e^x - 1)` elsewhere.
///
/// # Errors
/// An `x` that is no float.
pub fn elu(b: &mut Builder, x: Value, alpha: f64) -> Result<Value, OpError> {
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
pub fn huber(b: &mut Builder, distance: Value, delta: f64) -> Result<Value, OpError> {
    let magnitude = b.abs(distance)?;
    let square = b.square(distance)?;
    let near = b.scale(square, 0.5)?;
    let shifted = b.with(ops::SUB, magnitude, 0.5 * delta)?;
    let far = b.scale(shifted, delta)?;
    let bound = b.like(delta, magnitude)?;
    let small = b.le(magnitude, bound)?;
    b.select(small, near, far)
}

/// The binary cross entropy of a logit: `softplus(x) - x * target`, which does not overflow.
///
/// # Errors
/// Operands of different types.
pub fn binary_cross_entropy_with_logits(
    b: &mut Builder,
    x: Value,
    target: Value,
) -> Result<Value, OpError> {
    let soft = b.op(ops::SOFTPLUS, &[x], Vec::new())?;
    let hit = b.mul(x, target)?;
    b.sub(soft, hit)
}
