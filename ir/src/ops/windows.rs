//! Windows that slide along an axis, and the index maps they are made of.
//!
//! A window reads `x[o * step + r * dilation]`: x repeated along the window's axis r, each copy moved by
//! another distance. That move is [`SHEAR`], whose transpose is the shear the other way, so that the
//! transpose of reading windows is a sum of shears: what a convolution and both of its derivatives need
//! is in the table, and a contraction reads its operand through it.

use super::entry::{ONE, applied, constants, floats};
use super::rules::{minus, number, one_axis, operand, plus, times};
use crate::attribute::Attributes;
use crate::attributes::{Along, Shear, Windows};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::{Arity, Kind, OpDef, OpError, Pullback, View};
use crate::shape::{Axis, Type};

/// The opposite order.
pub(super) const FLIP: OpDef = OpDef {
    name: "flip",
    doc: "The elements of `axis` in the opposite order.",
    arity: Arity::Exactly(1),
    attributes: Along::SPECS,
    infer: |t, a| {
        let x = operand(t, 0)?;
        one_axis(&x.shape, Along::from_attributes(a)?.axis)?;
        Ok(x.clone())
    },
    pullback: Pullback::Rule(|b, p| {
        let Along { axis } = Along::from_attributes(p.attributes)?;
        Ok(vec![Some(b.flip(p.cotangent, axis)?)])
    }),
    kind: Kind::View(View::Flip),
    test: ONE.on(|_| {
        let instance = |x: &[usize], axis| {
            let axis = Axis::At(axis);
            applied(&[floats(x)], Along { axis })
        };
        vec![
            instance(&[3, 5], 0),
            instance(&[2, 1], 1),
            instance(&[0, 3], 0),
        ]
    }),
};

/// Rows moved against each other.
pub(super) const SHEAR: OpDef = OpDef {
    name: "shear",
    doc: "Elements moved along `axis`, `slope` times r far where r is the index along `by`: element i of `extent` is x's at `offset + i + slope * r`, or 0 where x has none.",
    arity: Arity::Exactly(1),
    attributes: Shear::SPECS,
    infer: |t, a| {
        let x = number(t, 0)?;
        let map = Shear::from_attributes(a)?;
        let (axis, _) = one_axis(&x.shape, map.axis)?;
        one_axis(&x.shape, map.by)?;
        let outside = |n: &Dim| n.as_constant().is_some_and(|n| n < 0);
        if map.axis == map.by || outside(map.extent) {
            return Err(OpError::Attribute("extent"));
        }
        let mut shape = x.shape.clone();
        if let Some(dim) = shape.dims.get_mut(axis) {
            dim.clone_from(map.extent);
        }
        Ok(Type::new(x.dtype, shape))
    },
    pullback: Pullback::Rule(|b, p| {
        let map = Shear::from_attributes(p.attributes)?;
        let (_, extent) = one_axis(&b.type_of(p.operands[0]).shape, map.axis)?;
        let minus_one = Dim::constant(-1);
        let back = Shear {
            offset: &times(map.offset, &minus_one)?,
            slope: &times(map.slope, &minus_one)?,
            extent: &extent,
            ..map
        };
        Ok(vec![Some(b.shear(p.cotangent, back)?)])
    }),
    kind: Kind::View(View::Shear),
    test: ONE.on(|_| {
        let instance = |x: &[usize], axis, by, map| {
            let [offset, slope, extent] = &constants(map);
            let map = Shear {
                axis: Axis::At(axis),
                by: Axis::At(by),
                offset,
                slope,
                extent,
            };
            applied(&[floats(x)], map)
        };
        vec![
            instance(&[5, 3], 0, 1, [0, 1, 3]),
            instance(&[3, 2, 5], 2, 0, [-3, -2, 7]),
            instance(&[1, 4], 1, 0, [1, 2, 0]),
            instance(&[0, 3], 0, 1, [0, 1, 2]),
            instance(&[3, 0], 0, 1, [1, -1, 2]),
        ]
    }),
};

/// Sliding windows.
pub(super) const WINDOWS: OpDef = OpDef {
    name: "windows",
    doc: "Windows of `size` elements along `axis`, `step` apart, their elements `dilation` apart: the axis becomes the windows, and a new one behind it the places in a window.",
    arity: Arity::Exactly(1),
    attributes: Windows::SPECS,
    infer: |t, a| {
        let x = number(t, 0)?;
        let windows = Windows::from_attributes(a)?;
        let (axis, extent) = one_axis(&x.shape, windows.axis)?;
        let count = count(&windows, &extent)?;
        let mut shape = x.shape.clone();
        shape
            .dims
            .splice(axis..=axis, [count, windows.size.clone()]);
        Ok(Type::new(x.dtype, shape))
    },
    pullback: Pullback::Derived,
    kind: Kind::Function(windows),
    test: ONE.on(|_| {
        let instance = |x: &[usize], axis, sizes| {
            let [size, step, dilation] = &constants(sizes);
            let windows = Windows {
                axis: Axis::At(axis),
                size,
                step,
                dilation,
            };
            applied(&[floats(x)], windows)
        };
        vec![
            instance(&[7, 2], 0, [3, 1, 1]),
            instance(&[2, 7], 1, [3, 2, 1]),
            instance(&[8], 0, [2, 3, 3]),
            instance(&[3], 0, [3, 2, 1]),
            instance(&[2], 0, [3, 1, 1]),
            instance(&[1, 3], 0, [1, 1, 1]),
        ]
    }),
};

/// The places where a window fits into an axis.
fn places(windows: &Windows<'_>, extent: &Dim) -> Result<Dim, OpError> {
    let below = |d: &Dim, least: i64| d.as_constant().is_some_and(|d| d < least);
    for (name, number) in [
        ("size", windows.size),
        ("step", windows.step),
        ("dilation", windows.dilation),
    ] {
        if below(number, 1) {
            return Err(OpError::Attribute(name));
        }
    }
    let one = Dim::constant(1);
    let reach = times(&minus(windows.size, &one)?, windows.dilation)?;
    let places = minus(extent, &reach)?;
    match below(&places, 0) {
        true => Err(OpError::Range {
            start: "0".to_string(),
            stop: plus(&reach, &one)?.to_string(),
            step: windows.dilation.to_string(),
            extent: extent.to_string(),
        }),
        false => Ok(places),
    }
}

/// How many windows there are: every `step`th of the places.
fn count(windows: &Windows<'_>, extent: &Dim) -> Result<Dim, OpError> {
    let places = places(windows, extent)?;
    let one = Dim::constant(1);
    if *windows.step == one {
        return Ok(places);
    }
    let count = plus(&places, &minus(windows.step, &one)?)?.floor_div(windows.step);
    count.ok_or_else(|| OpError::Range {
        start: "0".to_string(),
        stop: places.to_string(),
        step: windows.step.to_string(),
        extent: extent.to_string(),
    })
}

fn windows(b: &mut Builder, operands: &[Value], attributes: &Attributes) -> Result<Value, OpError> {
    let x = operands[0];
    let windows = Windows::from_attributes(attributes)?;
    let mut shape = b.type_of(x).shape.clone();
    let (axis, extent) = one_axis(&shape, windows.axis)?;
    let places = places(&windows, &extent)?;
    let by = Axis::At(axis + 1);
    shape.dims.insert(axis + 1, windows.size.clone());
    let copies = b.broadcast(x, &shape, &[by])?;
    let zero = Dim::constant(0);
    let map = Shear {
        axis: windows.axis,
        by,
        offset: &zero,
        slope: windows.dilation,
        extent: &places,
    };
    let moved = b.shear(copies, map)?;
    if *windows.step == Dim::constant(1) {
        return Ok(moved);
    }
    b.slice(moved, windows.axis, [&zero, &places, windows.step])
}
