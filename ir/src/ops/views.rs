//! The operand's elements seen through another index map; concatenation, their inverse.

use super::entry::{AXIS, AXIS_OF_RESULT, ONE, SHAPE, TWO, attribute};
use super::rules::{check_axes, minus, number, one_axis, operand, others, plus, product, times};
use crate::attribute::{Attribute, AttributeKind, Attributes, Of};
use crate::dim::Dim;
use crate::op::{Arity, Kind, Op, OpDef, OpError, Pullback, View};
use crate::shape::{Axis, Shape, Type};

/// New axes.
pub const BROADCAST: Op = Op(&OpDef {
    name: "broadcast",
    doc: "x repeated along the axes `new` of `shape`; the other axes are x's, in order.",
    arity: Arity::Exactly(1),
    attributes: &[SHAPE, attribute("new", AttributeKind::Axes(Of::Result))],
    infer: |t, a| {
        let x = operand(t, 0)?;
        let shape = a.shape(0).ok_or(OpError::Attribute("shape"))?;
        let kept = super::rules::without(shape, a.axes(1))?;
        super::rules::same_shape(&x.shape, &kept)?;
        Ok(Type::new(x.dtype, shape.clone()))
    },
    pullback: Pullback::Rule(|b, p| {
        let g = b.sum(p.cotangent, p.attributes.axes(1))?;
        Ok(vec![Some(g)])
    }),
    kind: Kind::View(View::Broadcast),
    test: ONE,
});

/// Other dims.
pub const RESHAPE: Op = Op(&OpDef {
    name: "reshape",
    doc: "The elements in row-major order as `shape`, which has as many; a sequence stays in front.",
    arity: Arity::Exactly(1),
    attributes: &[SHAPE],
    infer: |t, a| {
        let x = operand(t, 0)?;
        let shape = a.shape(0).ok_or(OpError::Attribute("shape"))?;
        // A sequence's number of elements is no dim: it can only stay.
        let same =
            x.shape.sequence == shape.sequence && product(&x.shape.dims)? == product(&shape.dims)?;
        match same {
            true => Ok(Type::new(x.dtype, shape.clone())),
            false => Err(OpError::Elements {
                from: x.shape.clone(),
                to: shape.clone(),
            }),
        }
    },
    pullback: Pullback::Rule(|b, p| {
        let shape = b.type_of(p.operands[0]).shape.clone();
        Ok(vec![Some(b.reshape(p.cotangent, &shape)?)])
    }),
    kind: Kind::View(View::Reshape),
    test: ONE,
});

/// Axes in another order.
pub const PERMUTE: Op = Op(&OpDef {
    name: "permute",
    doc: "x with its axes in the order of `axes`; a sequence stays in front.",
    arity: Arity::Exactly(1),
    attributes: &[attribute("axes", AttributeKind::Axes(Of::Operand(0)))],
    infer: |t, a| {
        let x = operand(t, 0)?;
        let axes = a.axes(0);
        check_axes(&x.shape, axes)?;
        if axes.len() != x.shape.axes().len() {
            return Err(OpError::Attribute("axes"));
        }
        match x.shape.select(axes) {
            Some(shape) => Ok(Type::new(x.dtype, shape)),
            None => Err(OpError::Sequence(x.shape.clone())),
        }
    },
    pullback: Pullback::Rule(|b, p| {
        let axes = p.attributes.axes(0);
        let there = b.type_of(p.cotangent).shape.axes();
        let back: Vec<Axis> = b
            .type_of(p.operands[0])
            .shape
            .axes()
            .iter()
            .filter_map(|a| axes.iter().position(|o| o == a))
            .filter_map(|i| there.get(i).copied())
            .collect();
        Ok(vec![Some(b.permute(p.cotangent, &back)?)])
    }),
    kind: Kind::View(View::Permute),
    test: ONE,
});

/// `(n - 1) * step + 1`: what `n` elements span. For no elements it is `1 - step`, so that spans stay
/// polynomials: a pad around nothing is that much shorter.
fn span(n: &Dim, step: &Dim) -> Result<Dim, OpError> {
    let gaps = times(&minus(n, &Dim::constant(1))?, step)?;
    plus(&gaps, &Dim::constant(1))
}

fn three(attributes: &Attributes, name: &'static str) -> Result<[Dim; 3], OpError> {
    match attributes.dims(1) {
        [a, b, c] => Ok([a.clone(), b.clone(), c.clone()]),
        _ => Err(OpError::Attribute(name)),
    }
}

fn with_dim(shape: &Shape, axis: usize, dim: Dim) -> Shape {
    let mut out = shape.clone();
    if let Some(d) = out.dims.get_mut(axis) {
        *d = dim;
    }
    out
}

/// A range of an axis.
pub const SLICE: Op = Op(&OpDef {
    name: "slice",
    doc: "The indices `start, start + step, ..` below `stop` of `axis`; `range` is start, stop, step. What symbols leave open is checked when they are bound.",
    arity: Arity::Exactly(1),
    attributes: &[AXIS, attribute("range", AttributeKind::Dims)],
    infer: |t, a| {
        let x = operand(t, 0)?;
        let (axis, extent) = one_axis(&x.shape, a, 0)?;
        let [start, stop, step] = three(a, "range")?;
        let length = minus(&stop, &start)?;
        let n = if step == Dim::constant(1) {
            Some(length)
        } else {
            plus(&length, &minus(&step, &Dim::constant(1))?)?.floor_div(&step)
        };
        let outside = || OpError::Range {
            start: start.to_string(),
            stop: stop.to_string(),
            step: step.to_string(),
            extent: extent.to_string(),
        };
        let n = n.ok_or_else(outside)?;
        if n.as_constant().is_some_and(|n| n < 0) {
            return Err(outside());
        }
        // A range of nothing starts inside too, or right behind the end.
        let stop = match n.as_constant() {
            Some(0) => start.clone(),
            Some(_) | None => plus(&start, &span(&n, &step)?)?,
        };
        let below = |d: &Dim| d.as_constant().is_some_and(|d| d < 0);
        if below(&start) || below(&minus(&extent, &stop)?) {
            return Err(outside());
        }
        Ok(Type::new(x.dtype, with_dim(&x.shape, axis, n)))
    },
    pullback: Pullback::Rule(|b, p| {
        let [start, _, step] = three(p.attributes, "range")?;
        let (_, extent) = one_axis(&b.type_of(p.operands[0]).shape, p.attributes, 0)?;
        let (axis, n) = one_axis(&b.type_of(p.result).shape, p.attributes, 0)?;
        let high = minus(&extent, &plus(&start, &span(&n, &step)?)?)?;
        let g = b.op(
            PAD,
            &[p.cotangent],
            vec![
                Attribute::Axes(vec![Axis::At(axis)]),
                Attribute::Dims(vec![start, high, step]),
            ],
        )?;
        Ok(vec![Some(g)])
    }),
    kind: Kind::View(View::Slice),
    test: ONE,
});

/// Zeros around and between.
pub const PAD: Op = Op(&OpDef {
    name: "pad",
    doc: "Zeros before, after and between the elements along `axis`: `widths` is low, high, step, and element i goes to `low + i * step` of `low + (n - 1) * step + 1 + high`.",
    arity: Arity::Exactly(1),
    attributes: &[AXIS, attribute("widths", AttributeKind::Dims)],
    infer: |t, a| {
        let x = number(t, 0)?;
        let (axis, n) = one_axis(&x.shape, a, 0)?;
        let [low, high, step] = three(a, "widths")?;
        let extent = plus(&plus(&low, &high)?, &span(&n, &step)?)?;
        let below = |d: &Dim, least: i64| d.as_constant().is_some_and(|d| d < least);
        // Around nothing, what a step takes off the extent is taken off `high`.
        let behind = minus(&extent, &low)?;
        if below(&low, 0) || below(&high, 0) || below(&step, 1) || below(&behind, 0) {
            return Err(OpError::Range {
                start: low.to_string(),
                stop: high.to_string(),
                step: step.to_string(),
                extent: extent.to_string(),
            });
        }
        Ok(Type::new(x.dtype, with_dim(&x.shape, axis, extent)))
    },
    pullback: Pullback::Rule(|b, p| {
        let [low, _, step] = three(p.attributes, "widths")?;
        let (axis, n) = one_axis(&b.type_of(p.operands[0]).shape, p.attributes, 0)?;
        let stop = plus(&low, &span(&n, &step)?)?;
        let g = b.op(
            SLICE,
            &[p.cotangent],
            vec![
                Attribute::Axes(vec![Axis::At(axis)]),
                Attribute::Dims(vec![low, stop, step]),
            ],
        )?;
        Ok(vec![Some(g)])
    }),
    kind: Kind::View(View::Pad),
    test: ONE,
});

/// One after the other.
pub const CONCAT: Op = Op(&OpDef {
    name: "concat",
    doc: "The operands one after the other along `axis`; their other dims are equal.",
    arity: Arity::Variadic,
    attributes: &[AXIS_OF_RESULT],
    infer: |t, a| {
        let first = operand(t, 0)?;
        let (axis, mut extent) = one_axis(&first.shape, a, 0)?;
        for (i, x) in t.iter().enumerate().skip(1) {
            if x.dtype != first.dtype {
                return Err(OpError::DTypesDiffer {
                    left: first.dtype,
                    right: operand(t, i)?.dtype,
                });
            }
            let differ = || OpError::ShapesDiffer {
                left: first.shape.clone(),
                right: x.shape.clone(),
            };
            let n = x.shape.dims.get(axis).ok_or_else(differ)?;
            if others(&first.shape, &[]).len() != x.shape.axes().len()
                || with_dim(&first.shape, axis, n.clone()) != x.shape
            {
                return Err(differ());
            }
            extent = plus(&extent, n)?;
        }
        Ok(Type::new(first.dtype, with_dim(&first.shape, axis, extent)))
    },
    pullback: Pullback::Rule(|b, p| {
        let mut start = Dim::constant(0);
        let mut out = Vec::with_capacity(p.operands.len());
        for (i, x) in p.operands.iter().enumerate() {
            let (axis, n) = one_axis(&b.type_of(*x).shape, p.attributes, 0)?;
            let stop = plus(&start, &n)?;
            out.push(p.wants(i, || {
                let range = vec![start.clone(), stop.clone(), Dim::constant(1)];
                b.op(
                    SLICE,
                    &[p.cotangent],
                    vec![
                        Attribute::Axes(vec![Axis::At(axis)]),
                        Attribute::Dims(range),
                    ],
                )
            })?);
            start = stop;
        }
        Ok(out)
    }),
    kind: Kind::Concat,
    test: TWO,
});

/// Its operand, as another value.
pub const BARRIER: Op = Op(&OpDef {
    name: "barrier",
    doc: "x, as a value of its own: what is computed from it is not taken for what is computed from x.",
    arity: Arity::Exactly(1),
    attributes: &[],
    infer: |t, _| operand(t, 0).cloned(),
    pullback: Pullback::Rule(|_, p| Ok(vec![Some(p.cotangent)])),
    kind: Kind::Identity,
    test: ONE,
});

/// Its operand, with no derivative.
pub const STOP_GRADIENT: Op = Op(&OpDef {
    name: "stop_gradient",
    doc: "x, whose derivative is taken to be 0.",
    arity: Arity::Exactly(1),
    attributes: &[],
    infer: |t, _| operand(t, 0).cloned(),
    pullback: Pullback::Zero,
    kind: Kind::Identity,
    test: ONE,
});
