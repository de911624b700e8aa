//! Elements around a tensor: a number, its own edge, or its own elements mirrored.

use super::arrange::{extent_of, flip, slice};
use super::{broadcast_to, concat, shape_of};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::ops::rules::{minus, plus};
use crate::shape::Axis;
use crate::symbol::Number;

/// How many elements are put in front of and behind an axis.
pub type Widths = (Axis, Dim, Dim);

/// `value` in front of and behind the elements: for each axis in `widths`, how many.
///
/// # Errors
/// An axis that x does not have; negative widths.
pub fn pad(b: &mut Builder, x: Value, widths: &[Widths], value: &Number) -> Result<Value, OpError> {
    let zeros = |b: &mut Builder, mut x: Value| {
        for (axis, low, high) in widths {
            if *low == Dim::constant(0) && *high == Dim::constant(0) {
                continue;
            }
            x = b.pad(x, *axis, [low, high, &Dim::constant(1)])?;
        }
        Ok::<Value, OpError>(x)
    };
    let padded = zeros(b, x)?;
    if *value == Number::Known(0.0) || padded == x {
        return Ok(padded);
    }
    let ones = b.like(1.0, x)?;
    let inside = zeros(b, ones)?;
    let outside = b.with(ops::EQ, inside, 0.0)?;
    let around = b.like(value, padded)?;
    b.select(outside, around, padded)
}

/// The first element of each axis in front of it, the last behind (NumPy's `edge`).
///
/// # Errors
/// As [`pad`]; an axis of no elements.
pub fn pad_edge(b: &mut Builder, x: Value, widths: &[Widths]) -> Result<Value, OpError> {
    let one = Dim::constant(1);
    let each = |b: &mut Builder, x: Value, axis: Axis, at: &Dim, count: &Dim| {
        let end = slice(b, x, axis, at.clone(), plus(at, &one)?, one.clone())?;
        let mut shape = shape_of(b, end);
        if let Axis::At(i) = axis {
            shape.dims[i] = count.clone();
        }
        broadcast_to(b, end, &shape)
    };
    around(b, x, widths, |b, x, axis, low, high| {
        let last = minus(&extent_of(&shape_of(b, x), axis)?, &one)?;
        let front = low
            .map(|n| each(b, x, axis, &Dim::constant(0), n))
            .transpose()?;
        let back = high.map(|n| each(b, x, axis, &last, n)).transpose()?;
        Ok([front, back])
    })
}

/// The elements next to each end mirrored in it; the end itself is not repeated (NumPy's `reflect`).
///
/// # Errors
/// As [`pad`]; as many elements as the axis has, or more.
pub fn pad_reflect(b: &mut Builder, x: Value, widths: &[Widths]) -> Result<Value, OpError> {
    let one = Dim::constant(1);
    around(b, x, widths, |b, x, axis, low, high| {
        let last = minus(&extent_of(&shape_of(b, x), axis)?, &one)?;
        let mut mirrored = |start: Dim, stop: Dim| {
            let part = slice(b, x, axis, start, stop, one.clone())?;
            flip(b, part, axis)
        };
        let front = low
            .map(|n| mirrored(one.clone(), plus(n, &one)?))
            .transpose()?;
        let back = high
            .map(|n| mirrored(minus(&last, n)?, last.clone()))
            .transpose()?;
        Ok([front, back])
    })
}

/// What `ends` makes in front of and behind each axis; widths of 0 are left out.
fn around(
    b: &mut Builder,
    mut x: Value,
    widths: &[Widths],
    ends: impl Fn(
        &mut Builder,
        Value,
        Axis,
        Option<&Dim>,
        Option<&Dim>,
    ) -> Result<[Option<Value>; 2], OpError>,
) -> Result<Value, OpError> {
    for (axis, low, high) in widths {
        let some = |d: &Dim| *d != Dim::constant(0);
        let [front, back] = ends(
            b,
            x,
            *axis,
            Some(low).filter(|d| some(d)),
            Some(high).filter(|d| some(d)),
        )?;
        let parts: Vec<Value> = front.into_iter().chain([x]).chain(back).collect();
        if parts.len() > 1 {
            x = concat(b, &parts, *axis)?;
        }
    }
    Ok(x)
}
