//! Attention: which positions see which, and the weighted mean of what they see.

use super::{along, binary, broadcast_to, dropout, matmul, reshape, select, shape_of, swapaxes};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::ops::rules::times;
use crate::shape::{Axis, Shape};
use crate::symbol::Number;

/// The last two dims of `x`: rows and columns.
fn square(b: &Builder, x: Value) -> Result<Shape, OpError> {
    let shape = shape_of(b, x);
    match shape.len().checked_sub(2) {
        Some(first) => Ok(Shape::new(shape.dims[first..].to_vec())),
        None => Err(OpError::NoAxis { index: -2, shape }),
    }
}

/// Whether a column is not behind its row, for the last two axes of `x`: `[rows, columns]`.
///
/// # Errors
/// Fewer than two axes.
pub fn causal(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let shape = square(b, x)?;
    let rows = b.iota(DType::I32, shape.clone(), Axis::At(0))?;
    let columns = b.iota(DType::I32, shape, Axis::At(1))?;
    b.le(columns, rows)
}

/// `x` where a column is not behind its row, `y` elsewhere.
///
/// # Errors
/// Fewer than two axes; a y of another type, or that does not broadcast with x.
pub fn where_causal(b: &mut Builder, x: Value, y: Value) -> Result<Value, OpError> {
    let seen = causal(b, x)?;
    select(b, seen, x, y)
}

/// Softmax of each row over the columns that are not behind it; 0 for the others.
///
/// # Errors
/// Fewer than two axes; an `x` that is no float.
pub fn softmax_causal(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    ops::rules::float(&[b.type_of(x).clone()], 0)?;
    let dtype = b.type_of(x).dtype;
    let out = b.constant(f64::NEG_INFINITY, dtype, Shape::scalar())?;
    let scores = where_causal(b, x, out)?;
    let last = super::axis(&shape_of(b, scores), -1)?;
    along(b, ops::SOFTMAX, scores, last)
}

/// Softmax over the last axis of what a mask (a bool that broadcasts) allows; 0 for all else, and in rows in which
/// nothing is allowed.
fn softmax_where(b: &mut Builder, x: Value, allowed: Value) -> Result<Value, OpError> {
    let dtype = b.type_of(x).dtype;
    // Far below all scores, and finite, so that a row of it has slopes.
    let low = match dtype {
        DType::F16 => -6e4,
        _ => -1e30,
    };
    let low = b.constant(low, dtype, Shape::scalar())?;
    let scores = select(b, allowed, x, low)?;
    let last = super::axis(&shape_of(b, scores), -1)?;
    let weights = along(b, ops::SOFTMAX, scores, last)?;
    let none = b.constant(0.0, dtype, Shape::scalar())?;
    select(b, allowed, weights, none)
}

/// How attention is done.
#[derive(Clone, Debug, Default)]
pub struct Attention {
    /// What may be seen (a bool), or what is added to the scores; it broadcasts with these.
    pub mask: Option<Value>,
    /// Whether columns behind their rows are not seen.
    pub causal: bool,
    /// With what probability a weight is left out where the run trains, and the place that draws.
    pub dropout: Option<(Number, i64)>,
    /// What scores are multiplied with; one over the root of the width without it.
    pub scale: Option<Number>,
}

/// `softmax(q k^T scale) v`: q is `[.., H, L, D]`, k `[.., K, S, D]`, v `[.., K, S, E]`, where `K` divides `H` and
/// each head of k and v is for `H / K` of q that follow each other. Without a third axis from the right there is
/// one head.
///
/// # Errors
/// Axes that do not go together; a mask that does not broadcast.
pub fn attention(
    b: &mut Builder,
    [q, k, v]: [Value; 3],
    how: &Attention,
) -> Result<Value, OpError> {
    let of_q = shape_of(b, q);
    let (heads, groups) = (head_dim(&of_q), head_dim(&shape_of(b, k)));
    // One head of q meets all of k by broadcasting.
    let grouped = heads != groups && heads != Dim::constant(1);
    let rows = match grouped {
        true => with_heads_in_rows(b, q, &groups)?,
        false => q,
    };
    let across = swapaxes(b, k, -1, -2)?;
    let mut scores = matmul(b, rows, across)?;
    if grouped {
        let columns = shape_of(b, scores).dims.last().cloned();
        scores = rows_as_heads(b, scores, &of_q, columns)?;
    }
    let scale = match &how.scale {
        Some(scale) => b.like(scale, scores)?,
        None => {
            let ty = b.type_of(scores).clone();
            let width = of_q.dims.last().cloned().unwrap_or_default();
            let width = b.extent(width, ty.dtype, Shape::scalar())?;
            let scale = b.op(ops::RSQRT, &[width], Vec::new())?;
            broadcast_to(b, scale, &ty.shape)?
        }
    };
    let scores = b.mul(scores, scale)?;
    let mut weights = weights(b, scores, how)?;
    if let Some((p, site)) = &how.dropout {
        weights = dropout(b, weights, p, *site)?;
    }
    if !grouped {
        return matmul(b, weights, v);
    }
    let weights = with_heads_in_rows(b, weights, &groups)?;
    let seen = matmul(b, weights, v)?;
    let width = shape_of(b, seen).dims.last().cloned();
    rows_as_heads(b, seen, &of_q, width)
}

fn weights(b: &mut Builder, scores: Value, how: &Attention) -> Result<Value, OpError> {
    let last = super::axis(&shape_of(b, scores), -1)?;
    match (how.mask, how.causal) {
        (None, false) => along(b, ops::SOFTMAX, scores, last),
        (None, true) => softmax_causal(b, scores),
        (Some(mask), causal) if b.type_of(mask).dtype == DType::Bool => {
            let allowed = match causal {
                true => {
                    let seen = self::causal(b, scores)?;
                    binary(b, ops::AND, mask, seen)?
                }
                false => mask,
            };
            softmax_where(b, scores, allowed)
        }
        (Some(mask), causal) => {
            let scores = binary(b, ops::ADD, scores, mask)?;
            match causal {
                true => softmax_causal(b, scores),
                false => along(b, ops::SOFTMAX, scores, last),
            }
        }
    }
}

/// The dim of heads: the third from the right, 1 without one.
pub fn head_dim(shape: &Shape) -> Dim {
    let at = shape.len().checked_sub(3);
    at.and_then(|i| shape.dims.get(i).cloned())
        .unwrap_or_else(|| Dim::constant(1))
}

/// The heads of a group one after the other in the axis of rows: `[.., H, L, D]` to `[.., K, H / K * L, D]`.
fn with_heads_in_rows(b: &mut Builder, x: Value, groups: &Dim) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    let Some(first) = shape.len().checked_sub(3) else {
        return Err(OpError::NoAxis { index: -3, shape });
    };
    let each = shape.dims[first].exact_div(groups);
    let each = each.ok_or_else(|| OpError::InnerDims {
        left: shape.dims[first].to_string(),
        right: groups.to_string(),
    })?;
    let mut to = shape.clone();
    to.dims[first] = groups.clone();
    to.dims[first + 1] = times(&each, &shape.dims[first + 1])?;
    b.reshape(x, &to)
}

/// The way back, to the heads and rows of `of_q`, and the columns of x.
fn rows_as_heads(
    b: &mut Builder,
    x: Value,
    of_q: &Shape,
    columns: Option<Dim>,
) -> Result<Value, OpError> {
    let mut to = of_q.clone();
    to.dims.pop();
    to.dims.extend(columns);
    b.reshape(x, &to)
}

/// The last axis as heads: `[.., T, H * D]` to `[.., H, T, D]`.
///
/// # Errors
/// Fewer than two axes; a last one that is not known to be a multiple of `heads`.
pub fn split_heads(b: &mut Builder, x: Value, heads: &Dim) -> Result<Value, OpError> {
    let rows = square(b, x)?.dims.swap_remove(0);
    let mut dims: Vec<Option<Dim>> = shape_of(b, x).dims.into_iter().map(Some).collect();
    dims.truncate(dims.len() - 2);
    dims.extend([Some(rows), Some(heads.clone()), None]);
    let split = reshape(b, x, &dims)?;
    swapaxes(b, split, -2, -3)
}

/// The heads in the last axis: `[.., H, T, D]` to `[.., T, H * D]`.
///
/// # Errors
/// Fewer than three axes.
pub fn merge_heads(b: &mut Builder, x: Value) -> Result<Value, OpError> {
    let ordered = swapaxes(b, x, -2, -3)?;
    let mut to = shape_of(b, ordered);
    let (width, heads) = (to.dims.pop(), to.dims.pop());
    let all = times(&heads.unwrap_or_default(), &width.unwrap_or_default())?;
    to.dims.push(all);
    b.reshape(ordered, &to)
}
