//! The language's operations in terms of the table: NumPy's broadcasting, axes from the right, kept
//! dims, matrix products, einsum.
//!
//! Every function adds instructions to a [`Builder`] and works for all values of the symbols, or
//! refuses. A dim broadcasts when it is the literal 1 or missing; whether a symbol is 1 is never asked.
//! A leading sequence stands for any number of dims in front: it broadcasts against a shape that has
//! no more dims behind it than the sequence's shape has, and against itself.
//!
//! What is not here: names, overloads and defaults of the language (the macro's), and anything that
//! needs values.

mod arrange;
mod attention;
mod contract;
mod convolution;
mod einsum;
mod linear;
mod loss;
mod norm;
mod order;
mod padding;
mod pattern;
mod pieces;
mod piecewise;
mod pooling;
mod position;
mod random;
mod rearrange;
mod region;
mod sliding;
mod sorting;

pub use arrange::{
    concat, diff, expand, flip, meshgrid, narrow, permute, reshape, roll, slice, split, squeeze,
    stack, swapaxes, unsqueeze, windows,
};
pub use attention::{
    Attention, attention, head_dim, merge_heads, softmax_causal, split_heads, where_causal,
};
pub use contract::matmul;
pub use convolution::{convolution, convolution_transposed, with_bias};
pub use einsum::{EinsumError, LetterPlace, einsum};
pub use linear::{eye_like, linspace, turned, with_equal_batches, with_unit_diagonals};
pub use loss::{Labels, Reduce, cross_entropy, nll_loss, reduced};
pub use norm::{Norm, all, any, count_nonzero, norm};
pub use padding::{Widths, pad, pad_edge, pad_reflect};
pub use pattern::{Pattern, PatternError};
pub use pieces::{concat_slices, merge, stack_slices};
pub use piecewise::{
    binary_cross_entropy, binary_cross_entropy_with_logits, clamp, elu, huber, leaky_relu,
};
pub use pooling::{avg_pool, global_avg_pool, max_pool, upsample_linear, upsample_nearest};
pub use position::{argmax, argmin, one_hot, take, take_along_axis, take_points, tril, triu};
pub use random::{draw, dropout};
pub use rearrange::{Arranging, arrange};
pub use region::{Reach, add_at, add_to, reached, set, set_at};
pub use sliding::{Slide, im2col, sliding};
pub use sorting::{argsort, sort, topk};

use crate::attributes::Running;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::{Op, OpError};
use crate::ops;
use crate::ops::rules::others;
use crate::shape::{Axis, Shape};
use crate::symbol::Number;

fn is_one(d: &Dim) -> bool {
    d.as_constant() == Some(1)
}

/// The shape of `x`.
fn shape_of(b: &Builder, x: Value) -> Shape {
    b.type_of(x).shape.clone()
}

/// The shape that two shapes broadcast to: aligned right, literal ones and missing dims give way.
///
/// # Errors
/// Dims that differ; a sequence that would have to line up with dims of its own or of the other.
pub fn broadcast_shapes(left: &Shape, right: &Shape) -> Result<Shape, OpError> {
    let differ = || OpError::ShapesDiffer {
        left: left.clone(),
        right: right.clone(),
    };
    let (m, n) = (left.len(), right.len());
    let sequence = match (&left.sequence, &right.sequence) {
        (None, None) => None,
        // The other's dims must end before the sequence starts.
        (Some(s), None) if n <= m => Some(s.clone()),
        (None, Some(s)) if m <= n => Some(s.clone()),
        (Some(s), Some(t)) if s == t && m == n => Some(s.clone()),
        (Some(_), None) | (None, Some(_)) | (Some(_), Some(_)) => return Err(differ()),
    };
    let rank = m.max(n);
    let mut dims = Vec::with_capacity(rank);
    for i in 0..rank {
        let at = |s: &Shape| (i + s.len()).checked_sub(rank).map(|j| s.dims[j].clone());
        dims.push(match (at(left), at(right)) {
            (Some(a), Some(c)) if a == c => a,
            (Some(a), Some(c)) if is_one(&a) => c,
            (Some(a), Some(c)) if is_one(&c) => a,
            (Some(a), None) => a,
            (None, Some(c)) => c,
            (Some(_), Some(_)) | (None, None) => return Err(differ()),
        });
    }
    Ok(Shape { sequence, dims })
}

/// `x` broadcast to `shape`.
///
/// # Errors
/// A shape that `x` does not broadcast to.
pub fn broadcast_to(b: &mut Builder, x: Value, shape: &Shape) -> Result<Value, OpError> {
    let from = shape_of(b, x);
    if from == *shape {
        return Ok(x);
    }
    if broadcast_shapes(&from, shape)? != *shape {
        return Err(OpError::ShapesDiffer {
            left: from,
            right: shape.clone(),
        });
    }
    let missing = shape.len() - from.len();
    let mut new = Vec::new();
    let mut kept = Shape {
        sequence: from.sequence.clone(),
        dims: Vec::new(),
    };
    if shape.sequence.is_some() && from.sequence.is_none() {
        new.push(Axis::Sequence);
    }
    for (i, d) in shape.dims.iter().enumerate() {
        match i.checked_sub(missing).map(|j| &from.dims[j]) {
            Some(own) if own == d => kept.dims.push(d.clone()),
            Some(_) | None => new.push(Axis::At(i)),
        }
    }
    let squeezed = b.reshape(x, &kept)?;
    b.broadcast(squeezed, shape, &new)
}

/// An elementwise op of two operands that broadcast.
///
/// # Errors
/// Shapes that do not broadcast; what the op refuses.
pub fn binary(b: &mut Builder, op: Op, x: Value, y: Value) -> Result<Value, OpError> {
    let shape = broadcast_shapes(&shape_of(b, x), &shape_of(b, y))?;
    let x = broadcast_to(b, x, &shape)?;
    let y = broadcast_to(b, y, &shape)?;
    b.op(op, &[x, y], Vec::new())
}

/// `condition ? x : y`, all three broadcast.
///
/// # Errors
/// Shapes that do not broadcast; a condition that is no bool; different element types.
pub fn select(b: &mut Builder, condition: Value, x: Value, y: Value) -> Result<Value, OpError> {
    let shape = broadcast_shapes(&shape_of(b, x), &shape_of(b, y))?;
    let shape = broadcast_shapes(&shape_of(b, condition), &shape)?;
    let condition = broadcast_to(b, condition, &shape)?;
    let x = broadcast_to(b, x, &shape)?;
    let y = broadcast_to(b, y, &shape)?;
    b.select(condition, x, y)
}

/// The axis that `index` names: from the right if negative. An axis from the left of a sequence is
/// not known.
///
/// # Errors
/// An axis that the shape does not have, or that only the sequence's length would tell.
pub fn axis(shape: &Shape, index: i64) -> Result<Axis, OpError> {
    let rank = i64::try_from(shape.len()).map_err(|_| OpError::Overflow)?;
    let from_left = if index < 0 {
        index.checked_add(rank)
    } else {
        Some(index)
    };
    match from_left.and_then(|i| usize::try_from(i).ok()) {
        Some(_) if index >= 0 && shape.sequence.is_some() => Err(OpError::Sequence(shape.clone())),
        Some(i) if i < shape.len() => Ok(Axis::At(i)),
        None if shape.sequence.is_some() => Err(OpError::Sequence(shape.clone())),
        Some(_) | None => Err(OpError::NoAxis {
            index,
            shape: shape.clone(),
        }),
    }
}

/// The axes that `indices` name, see [`axis()`].
///
/// # Errors
/// As [`axis()`]; an axis that is named twice.
pub fn axes(shape: &Shape, indices: &[i64]) -> Result<Vec<Axis>, OpError> {
    let mut out = Vec::with_capacity(indices.len());
    for i in indices {
        let axis = axis(shape, *i)?;
        if out.contains(&axis) {
            return Err(OpError::Axis {
                axis,
                shape: shape.clone(),
            });
        }
        out.push(axis);
    }
    Ok(out)
}

/// A reduction (`SUM`, `MAX`, `MIN`, `MEAN`, `LOGSUMEXP`) over axes, which stay as ones if `keepdims`.
///
/// # Errors
/// Axes that `x` does not have; a sequence's axes kept.
pub fn reduce(
    b: &mut Builder,
    op: Op,
    x: Value,
    axes: &[Axis],
    keepdims: bool,
) -> Result<Value, OpError> {
    let mut shape = shape_of(b, x);
    let reduced = b.over(op, x, axes)?;
    if !keepdims {
        return Ok(reduced);
    }
    for axis in axes {
        match axis {
            Axis::At(a) => shape.dims[*a] = Dim::constant(1),
            Axis::Sequence => return Err(OpError::Sequence(shape)),
        }
    }
    b.reshape(reduced, &shape)
}

/// The variance over axes: the mean squared distance from the mean, with `n - correction` for `n`, or 0
/// where that is negative (as in NumPy and PyTorch).
///
/// # Errors
/// Axes that `x` does not have; a correction over a sequence.
pub fn var(
    b: &mut Builder,
    x: Value,
    axes: &[Axis],
    correction: &Number,
    keepdims: bool,
) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    let mean = b.over(ops::MEAN, x, axes)?;
    let mean = b.broadcast(mean, &shape, axes)?;
    let distance = b.sub(x, mean)?;
    let square = b.square(distance)?;
    if *correction == Number::Known(0.0) {
        return reduce(b, ops::MEAN, square, axes, keepdims);
    }
    let sum = reduce(b, ops::SUM, square, axes, keepdims)?;
    let gone = shape.select(axes).ok_or(OpError::Sequence(shape))?;
    let ty = b.type_of(sum).clone();
    if gone.sequence.is_some() {
        return Err(OpError::Sequence(gone));
    }
    let n = b.extent(ops::rules::product(&gone.dims)?, ty.dtype, ty.shape)?;
    let n = b.with(ops::SUB, n, correction)?;
    let n = b.with(ops::MAXIMUM, n, 0.0)?;
    b.div(sum, n)
}

/// `SOFTMAX` or `LOG_SOFTMAX` along an axis.
///
/// # Errors
/// An axis that `x` does not have.
pub fn along(b: &mut Builder, op: Op, x: Value, axis: Axis) -> Result<Value, OpError> {
    b.along(op, &[x], axis)
}

/// The sum of each element of `x` and those before it along an axis.
///
/// # Errors
/// An axis that `x` does not have; bools.
pub fn cumsum(b: &mut Builder, x: Value, axis: Axis) -> Result<Value, OpError> {
    let reverse = false;
    b.op(ops::CUMSUM, &[x], Running { axis, reverse })
}

/// The product of each element of `x` and those before it along an axis.
///
/// # Errors
/// An axis that `x` does not have; bools.
pub fn cumprod(b: &mut Builder, x: Value, axis: Axis) -> Result<Value, OpError> {
    let reverse = false;
    b.op(ops::CUMPROD, &[x], Running { axis, reverse })
}

/// `x` to the power of a number: by squaring for a whole one, `POW` for others.
///
/// # Errors
/// An `x` that is no number; an exponent of an integer that is negative or not whole.
pub fn pow(b: &mut Builder, x: Value, exponent: f64) -> Result<Value, OpError> {
    // Beyond 64, one exponential is cheaper than the products.
    if exponent.fract() == 0.0 && exponent.abs() <= 64.0 {
        return powi(b, x, exponent as i32);
    }
    let y = b.like(exponent, x)?;
    b.op(ops::POW, &[x, y], Vec::new())
}

/// `x` to the power of an integer, by squaring; `1 / x^-n` for a negative one.
///
/// # Errors
/// An `x` that is no number; a negative exponent of an integer.
pub fn powi(b: &mut Builder, x: Value, exponent: i32) -> Result<Value, OpError> {
    let mut rest = exponent.unsigned_abs();
    let mut square = x;
    let mut out: Option<Value> = None;
    while rest > 0 {
        if rest & 1 == 1 {
            out = Some(match out {
                Some(o) => b.mul(o, square)?,
                None => square,
            });
        }
        rest >>= 1;
        if rest > 0 {
            square = b.mul(square, square)?;
        }
    }
    let power = match out {
        Some(o) => o,
        None => b.like(1.0, x)?,
    };
    match exponent < 0 {
        true => b.op(ops::RECIPROCAL, &[power], Vec::new()),
        false => Ok(power),
    }
}

/// The axes of a shape that are not among the given ones.
fn rest(shape: &Shape, axes: &[Axis]) -> Vec<Axis> {
    others(shape, axes)
}
