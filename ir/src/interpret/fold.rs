//! What takes many elements to one: reductions and contractions.

use super::axes::{free, over, positions};
use crate::array::Array;
use crate::attribute::Attributes;
use crate::attributes::{DotAxes, Over};
use crate::dtype::DType;
use crate::op::Reduction;
use crate::scalar::Scalar;

pub(super) fn reduce(reduction: Reduction, a: &Attributes, x: &Array) -> Option<Vec<f64>> {
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

pub(super) fn contract(a: &Attributes, x: &Array, y: &Array, dtype: DType) -> Option<Vec<f64>> {
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
