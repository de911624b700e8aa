//! The order of elements along an axis.
//!
//! Sorted elements and the greatest of them are taken at the indices that the order gives, which makes
//! their derivatives those of elements that are taken.

use super::entry::{ONE, applied, floats};
use super::rules::{number, one_axis};
use crate::attributes::Sorted;
use crate::dtype::DType;
use crate::op::{Arity, Kind, OpDef, Pullback};
use crate::shape::{Axis, Type};
use std::cmp::Ordering;

/// The indices that sort.
pub(super) const ARGSORT: OpDef = OpDef {
    name: "argsort",
    doc: "The indices (i32) of the elements along `axis` from the least to the greatest, or with `descending` 1 the other way round; equal ones in their order, NaN as the greatest.",
    arity: Arity::Exactly(1),
    attributes: Sorted::SPECS,
    infer: |t, a| {
        let x = number(t, 0)?;
        one_axis(&x.shape, Sorted::from_attributes(a)?.axis)?;
        Ok(Type::new(DType::I32, x.shape.clone()))
    },
    pullback: Pullback::Zero,
    kind: Kind::Sort,
    test: ONE.on(|_| {
        let sorted = |x: &[usize], axis, descending| {
            let axis = Axis::At(axis);
            applied(&[floats(x)], Sorted { axis, descending })
        };
        vec![
            sorted(&[0], 0, false),
            sorted(&[1], 0, true),
            sorted(&[3, 5], 1, false),
            sorted(&[3, 5], 0, true),
            sorted(&[2, 9, 3], 1, true),
            sorted(&[131], 0, false),
        ]
    }),
};

/// Which of two elements stands first from the least to the greatest: NaN is greater than all numbers
/// and equal to itself, and zeros are equal.
pub fn ascending(x: f64, y: f64) -> Ordering {
    x.partial_cmp(&y)
        .unwrap_or_else(|| x.is_nan().cmp(&y.is_nan()))
}
