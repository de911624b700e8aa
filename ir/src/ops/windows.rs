//! Windows that slide along an axis, and the index maps they are made of.
//!
//! A window reads `x[o * step + r * dilation]`: x repeated along the window's axis r, each copy moved by
//! another distance. That move is [`SHEAR`], whose transpose is the shear the other way, so that the
//! transpose of reading windows is a sum of shears: what a convolution and both of its derivatives need
//! is in the table, and a contraction reads its operand through it.

use super::entry::{AXIS, ONE, attribute};
use super::rules::{check_axes, minus, number, one_axis, operand, plus, times};
use crate::attribute::{Attribute, AttributeKind, Attributes, Of};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::{Arity, Kind, Op, OpDef, OpError, Pullback, View};
use crate::ops;
use crate::shape::{Axis, Shape, Type};

/// The opposite order.
pub const FLIP: Op = Op(&OpDef {
    name: "flip",
    doc: "The elements of `axis` in the opposite order.",
    arity: Arity::Exactly(1),
    attributes: &[AXIS],
    infer: |t, a| {
        let x = operand(t, 0)?;
        one_axis(&x.shape, a, 0)?;
        Ok(x.clone())
    },
    pullback: Pullback::Rule(|b, p| {
        let g = b.op(FLIP, &[p.cotangent], p.attributes.0.clone())?;
        Ok(vec![Some(g)])
    }),
    kind: Kind::View(View::Flip),
    test: ONE,
});

/// A shear's attributes.
#[derive(Clone)]
pub(crate) struct Sheared {
    /// The axis along which elements move.
    pub axis: usize,
    /// The axis whose index says how far.
    pub by: usize,
    /// Element `i` is x's at `offset + i + slope * r`.
    pub offset: Dim,
    pub slope: Dim,
    /// The extent of the axis in the result.
    pub extent: Dim,
}

impl Sheared {
    pub fn of(attributes: &Attributes) -> Option<Sheared> {
        match (attributes.axes(0), attributes.dims(1)) {
            (&[Axis::At(axis), Axis::At(by)], [offset, slope, extent]) => Some(Sheared {
                axis,
                by,
                offset: offset.clone(),
                slope: slope.clone(),
                extent: extent.clone(),
            }),
            _ => None,
        }
    }

    pub fn attributes(self) -> Vec<Attribute> {
        vec![
            Attribute::Axes(vec![Axis::At(self.axis), Axis::At(self.by)]),
            Attribute::Dims(vec![self.offset, self.slope, self.extent]),
        ]
    }
}

/// Rows moved against each other.
pub const SHEAR: Op = Op(&OpDef {
    name: "shear",
    doc: "Elements moved along the first of `axes`, r times `slope` far where r is the index along the second: element i is x's at `offset + i + slope * r`, or 0 where x has none; `map` is offset, slope and the axis's extent.",
    arity: Arity::Exactly(1),
    attributes: &[
        attribute("axes", AttributeKind::Axes(Of::Operand(0))),
        attribute("map", AttributeKind::Dims),
    ],
    infer: |t, a| {
        let x = number(t, 0)?;
        check_axes(&x.shape, a.axes(0))?;
        let map = Sheared::of(a).ok_or(OpError::Attribute("map"))?;
        if map.extent.as_constant().is_some_and(|n| n < 0) {
            return Err(OpError::Range {
                start: map.offset.to_string(),
                stop: plus(&map.offset, &map.extent)?.to_string(),
                step: "1".to_string(),
                extent: map.extent.to_string(),
            });
        }
        let mut shape = x.shape.clone();
        if let Some(dim) = shape.dims.get_mut(map.axis) {
            *dim = map.extent;
        }
        Ok(Type::new(x.dtype, shape))
    },
    pullback: Pullback::Rule(|b, p| {
        let map = Sheared::of(p.attributes).ok_or(OpError::Attribute("map"))?;
        let extent = b.type_of(p.operands[0]).shape.dims.get(map.axis);
        let extent = extent.ok_or(OpError::Attribute("axes"))?.clone();
        let minus_one = Dim::constant(-1);
        let back = Sheared {
            offset: times(&map.offset, &minus_one)?,
            slope: times(&map.slope, &minus_one)?,
            extent,
            ..map
        };
        Ok(vec![Some(b.op(
            SHEAR,
            &[p.cotangent],
            back.attributes(),
        )?)])
    }),
    kind: Kind::View(View::Shear),
    test: ONE,
});

/// Sliding windows.
pub const WINDOWS: Op = Op(&OpDef {
    name: "windows",
    doc: "Windows of `size` elements along `axis`, `step` apart, their elements `dilation` apart: the axis becomes the windows, and one behind it the places in a window; `windows` is size, step, dilation.",
    arity: Arity::Exactly(1),
    attributes: &[AXIS, attribute("windows", AttributeKind::Dims)],
    infer: |t, a| {
        let x = number(t, 0)?;
        let (axis, extent) = one_axis(&x.shape, a, 0)?;
        let windows = Windows::of(a)?;
        let count = windows.count(&extent)?;
        let mut shape = x.shape.clone();
        shape.dims.splice(axis..=axis, [count, windows.size]);
        Ok(Type::new(x.dtype, shape))
    },
    pullback: Pullback::Derived,
    kind: Kind::Function(windows),
    test: ONE,
});

struct Windows {
    size: Dim,
    step: Dim,
    dilation: Dim,
}

impl Windows {
    fn of(attributes: &Attributes) -> Result<Windows, OpError> {
        let [size, step, dilation] = attributes.dims(1) else {
            return Err(OpError::Attribute("windows"));
        };
        let below = |d: &Dim, least: i64| d.as_constant().is_some_and(|d| d < least);
        if below(size, 1) || below(step, 1) || below(dilation, 1) {
            return Err(OpError::Attribute("windows"));
        }
        Ok(Windows {
            size: size.clone(),
            step: step.clone(),
            dilation: dilation.clone(),
        })
    }

    /// The places where a window fits into an axis.
    fn places(&self, extent: &Dim) -> Result<Dim, OpError> {
        let one = Dim::constant(1);
        let reach = times(&minus(&self.size, &one)?, &self.dilation)?;
        let places = minus(extent, &reach)?;
        match places.as_constant() {
            Some(n) if n < 0 => Err(OpError::Range {
                start: "0".to_string(),
                stop: plus(&reach, &one)?.to_string(),
                step: self.dilation.to_string(),
                extent: extent.to_string(),
            }),
            Some(_) | None => Ok(places),
        }
    }

    /// Every `step`th of these places.
    fn count(&self, extent: &Dim) -> Result<Dim, OpError> {
        let places = self.places(extent)?;
        let one = Dim::constant(1);
        if self.step == one {
            return Ok(places);
        }
        let count = plus(&places, &minus(&self.step, &one)?)?.floor_div(&self.step);
        count.ok_or_else(|| OpError::Range {
            start: "0".to_string(),
            stop: places.to_string(),
            step: self.step.to_string(),
            extent: extent.to_string(),
        })
    }
}

fn windows(b: &mut Builder, operands: &[Value], attributes: &Attributes) -> Result<Value, OpError> {
    let x = operands[0];
    let shape = b.type_of(x).shape.clone();
    let (axis, extent) = one_axis(&shape, attributes, 0)?;
    let windows = Windows::of(attributes)?;
    let places = windows.places(&extent)?;
    let mut repeated: Shape = shape;
    repeated.dims.insert(axis + 1, windows.size);
    let copies = b.broadcast(x, &repeated, &[Axis::At(axis + 1)])?;
    let moved = Sheared {
        axis,
        by: axis + 1,
        offset: Dim::constant(0),
        slope: windows.dilation,
        extent: places.clone(),
    };
    let moved = b.op(SHEAR, &[copies], moved.attributes())?;
    if windows.step == Dim::constant(1) {
        return Ok(moved);
    }
    let range = vec![Dim::constant(0), places, windows.step];
    let every = vec![
        Attribute::Axes(vec![Axis::At(axis)]),
        Attribute::Dims(range),
    ];
    b.op(ops::SLICE, &[moved], every)
}
