//! What one row makes of its elements one after the other: values that run along an axis, and the order
//! of the elements.

use super::axes::position;
use crate::array::{Array, offsets, strides};
use crate::attributes::{Running, Sorted};
use crate::op::Scan;
use crate::ops::ascending;
use crate::shape::Axis;

/// The places of the elements of each row along an axis.
fn rows(shape: &[usize], axis: Axis) -> Option<Vec<Vec<usize>>> {
    let axis = position(axis)?;
    let (extent, along) = (*shape.get(axis)?, strides(shape)[axis]);
    let steps = strides(shape);
    let around = (0..shape.len()).filter(|d| *d != axis);
    let starts = offsets(around.map(|d| (shape[d], steps[d])));
    let row = |start: usize| (0..extent).map(|i| start + i * along).collect();
    Some(starts.into_iter().map(row).collect())
}

/// The running value at each element.
pub(super) fn scan(scan: Scan, form: Running, operands: &[&Array]) -> Option<Vec<f64>> {
    let first = operands.first()?;
    let dtype = first.dtype;
    let mut out = vec![0.0; first.data.len()];
    for mut row in rows(&first.shape, form.axis)? {
        if form.reverse {
            row.reverse();
        }
        let mut value = scan.start();
        for place in row {
            let elements: Vec<f64> = operands.iter().map(|x| x.data[place]).collect();
            value = scan.next(value, &elements, &mut |scalar, pair| {
                scalar.evaluate(dtype, dtype, &pair)
            })?;
            out[place] = value;
        }
    }
    Some(out)
}

/// The index of the element that belongs at each place.
pub(super) fn sort(form: Sorted, x: &Array) -> Option<Vec<f64>> {
    let mut out = vec![0.0; x.data.len()];
    for row in rows(&x.shape, form.axis)? {
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|i, j| {
            let (first, second) = (x.data[row[*i]], x.data[row[*j]]);
            match form.descending {
                false => ascending(first, second),
                true => ascending(second, first),
            }
        });
        for (place, index) in row.iter().zip(order) {
            out[*place] = index as f64;
        }
    }
    Some(out)
}
