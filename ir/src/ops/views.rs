//! The operand's elements seen through another index map; concatenation, their inverse.

use super::entry::{ONE, TWO, applied, at, constants, floats};
use super::rules::{check_axes, minus, number, one_axis, operand, others, plus, product, times};
use crate::attributes::{AlongResult, Broadcast, Pad, Permute, Range, Reshape, Slice, Widths};
use crate::dim::Dim;
use crate::op::{Arity, Kind, OpDef, OpError, Pullback, View};
use crate::shape::{Axis, Shape, Type};

/// New axes.
pub(super) const BROADCAST: OpDef = OpDef {
    name: "broadcast",
    doc: "x repeated along the axes `new` of `shape`; the other axes are x's, in order.",
    arity: Arity::Exactly(1),
    attributes: Broadcast::SPECS,
    infer: |t, a| {
        let x = operand(t, 0)?;
        let Broadcast { shape, new } = Broadcast::from_attributes(a)?;
        let kept = super::rules::without(shape, new)?;
        super::rules::same_shape(&x.shape, &kept)?;
        Ok(Type::new(x.dtype, shape.clone()))
    },
    pullback: Pullback::Rule(|b, p| {
        let g = b.sum(p.cotangent, Broadcast::from_attributes(p.attributes)?.new)?;
        Ok(vec![Some(g)])
    }),
    kind: Kind::View(View::Broadcast),
    test: ONE.on(|_| {
        let to = |x: &[usize], shape: &[usize], new: &[usize]| {
            let (shape, new) = (&Shape::from_extents(shape), &at(new)[..]);
            applied(&[floats(x)], Broadcast { shape, new })
        };
        vec![
            to(&[], &[3], &[0]),
            to(&[3, 5], &[3, 2, 5, 1], &[1, 3]),
            to(&[3], &[3, 0], &[1]),
        ]
    }),
};

/// Other dims.
pub(super) const RESHAPE: OpDef = OpDef {
    name: "reshape",
    doc: "The elements in row-major order as `shape`, which has as many; a sequence stays in front.",
    arity: Arity::Exactly(1),
    attributes: Reshape::SPECS,
    infer: |t, a| {
        let x = operand(t, 0)?;
        let Reshape { shape } = Reshape::from_attributes(a)?;
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
    test: ONE.on(|_| {
        let to = |x: &[usize], shape: &[usize]| {
            let shape = &Shape::from_extents(shape);
            applied(&[floats(x)], Reshape { shape })
        };
        vec![to(&[3, 4], &[2, 6]), to(&[1], &[]), to(&[0, 3], &[5, 0])]
    }),
};

/// Axes in another order.
pub(super) const PERMUTE: OpDef = OpDef {
    name: "permute",
    doc: "x with its axes in the order of `axes`; a sequence stays in front.",
    arity: Arity::Exactly(1),
    attributes: Permute::SPECS,
    infer: |t, a| {
        let x = operand(t, 0)?;
        let Permute { axes } = Permute::from_attributes(a)?;
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
        let Permute { axes } = Permute::from_attributes(p.attributes)?;
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
    test: ONE.on(|_| {
        let to = |x: &[usize], axes: &[usize]| {
            let axes = &at(axes)[..];
            applied(&[floats(x)], Permute { axes })
        };
        vec![to(&[2, 3, 4], &[2, 0, 1]), to(&[], &[])]
    }),
};

/// `(n - 1) * step + 1`: what `n` elements span. For no elements it is `1 - step`, so that spans stay
/// polynomials: a pad around nothing is that much shorter.
fn span(n: &Dim, step: &Dim) -> Result<Dim, OpError> {
    let gaps = times(&minus(n, &Dim::constant(1))?, step)?;
    plus(&gaps, &Dim::constant(1))
}

fn with_dim(shape: &Shape, axis: usize, dim: Dim) -> Shape {
    let mut out = shape.clone();
    if let Some(d) = out.dims.get_mut(axis) {
        *d = dim;
    }
    out
}

/// A range of an axis.
pub(super) const SLICE: OpDef = OpDef {
    name: "slice",
    doc: "The indices `start, start + step, ..` below `stop` of `axis`; `range` is start, stop, step. What symbols leave open is checked when they are bound.",
    arity: Arity::Exactly(1),
    attributes: Slice::SPECS,
    infer: |t, a| {
        let x = operand(t, 0)?;
        let Slice { axis, range } = Slice::from_attributes(a)?;
        let Range { start, stop, step } = range;
        let (axis, extent) = one_axis(&x.shape, axis)?;
        let length = minus(stop, start)?;
        let n = if *step == Dim::constant(1) {
            Some(length)
        } else {
            plus(&length, &minus(step, &Dim::constant(1))?)?.floor_div(step)
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
            Some(_) | None => plus(start, &span(&n, step)?)?,
        };
        let below = |d: &Dim| d.as_constant().is_some_and(|d| d < 0);
        if below(start) || below(&minus(&extent, &stop)?) {
            return Err(outside());
        }
        Ok(Type::new(x.dtype, with_dim(&x.shape, axis, n)))
    },
    pullback: Pullback::Rule(|b, p| {
        let Slice { axis, range } = Slice::from_attributes(p.attributes)?;
        let Range { start, step, .. } = range;
        let (_, extent) = one_axis(&b.type_of(p.operands[0]).shape, axis)?;
        let (_, n) = one_axis(&b.type_of(p.result).shape, axis)?;
        let high = minus(&extent, &plus(start, &span(&n, step)?)?)?;
        Ok(vec![Some(b.pad(
            p.cotangent,
            axis,
            [start, &high, step],
        )?)])
    }),
    kind: Kind::View(View::Slice),
    test: ONE.on(|_| {
        let instance = |x: &[usize], axis, range| {
            let [start, stop, step] = &constants(range);
            let (axis, range) = (Axis::At(axis), Range { start, stop, step });
            applied(&[floats(x)], Slice { axis, range })
        };
        vec![
            instance(&[7, 2], 0, [0, 7, 3]),
            instance(&[7, 2], 0, [1, 6, 2]),
            instance(&[2, 5], 1, [2, 4, 1]),
            instance(&[3], 0, [2, 2, 1]),
            instance(&[3], 0, [2, 2, 3]),
        ]
    }),
};

/// Zeros around and between.
pub(super) const PAD: OpDef = OpDef {
    name: "pad",
    doc: "Zeros before, after and between the elements along `axis`: `widths` is low, high, step, and element i goes to `low + i * step` of `low + (n - 1) * step + 1 + high`.",
    arity: Arity::Exactly(1),
    attributes: Pad::SPECS,
    infer: |t, a| {
        let x = number(t, 0)?;
        let Pad { axis, widths } = Pad::from_attributes(a)?;
        let Widths { low, high, step } = widths;
        let (axis, n) = one_axis(&x.shape, axis)?;
        let extent = plus(&plus(low, high)?, &span(&n, step)?)?;
        let below = |d: &Dim, least: i64| d.as_constant().is_some_and(|d| d < least);
        // Around nothing, what a step takes off the extent is taken off `high`.
        let behind = minus(&extent, low)?;
        if below(low, 0) || below(high, 0) || below(step, 1) || below(&behind, 0) {
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
        let Pad { axis, widths } = Pad::from_attributes(p.attributes)?;
        let Widths { low, step, .. } = widths;
        let (_, n) = one_axis(&b.type_of(p.operands[0]).shape, axis)?;
        let stop = plus(low, &span(&n, step)?)?;
        Ok(vec![Some(b.slice(
            p.cotangent,
            axis,
            [low, &stop, step],
        )?)])
    }),
    kind: Kind::View(View::Pad),
    test: ONE.on(|_| {
        let instance = |x: &[usize], axis, widths| {
            let [low, high, step] = &constants(widths);
            let (axis, widths) = (Axis::At(axis), Widths { low, high, step });
            applied(&[floats(x)], Pad { axis, widths })
        };
        vec![
            instance(&[3, 2], 0, [1, 2, 1]),
            instance(&[2, 3], 1, [0, 1, 3]),
            instance(&[0], 0, [2, 1, 1]),
            instance(&[0], 0, [2, 1, 2]),
        ]
    }),
};

/// One after the other.
pub(super) const CONCAT: OpDef = OpDef {
    name: "concat",
    doc: "The operands one after the other along `axis`; their other dims are equal.",
    arity: Arity::Variadic,
    attributes: AlongResult::SPECS,
    infer: |t, a| {
        let first = operand(t, 0)?;
        let (axis, mut extent) = one_axis(&first.shape, AlongResult::from_attributes(a)?.axis)?;
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
        let AlongResult { axis } = AlongResult::from_attributes(p.attributes)?;
        let mut start = Dim::constant(0);
        let mut out = Vec::with_capacity(p.operands.len());
        for (i, x) in p.operands.iter().enumerate() {
            let (_, n) = one_axis(&b.type_of(*x).shape, axis)?;
            let stop = plus(&start, &n)?;
            out.push(p.wants(i, || {
                b.slice(p.cotangent, axis, [&start, &stop, &Dim::constant(1)])
            })?);
            start = stop;
        }
        Ok(out)
    }),
    kind: Kind::Concat,
    test: TWO.on(|_| {
        let instance = |parts: &[&[usize]], axis| {
            let parts: Vec<Type> = parts.iter().map(|p| floats(p)).collect();
            applied(
                &parts,
                AlongResult {
                    axis: Axis::At(axis),
                },
            )
        };
        vec![
            instance(&[&[2, 3], &[2, 4], &[2, 1]], 1),
            instance(&[&[0, 3], &[2, 3]], 0),
            instance(&[&[3]], 0),
        ]
    }),
};

/// Its operand, as another value.
pub(super) const BARRIER: OpDef = OpDef {
    name: "barrier",
    doc: "x, as a value of its own: what is computed from it is not taken for what is computed from x.",
    arity: Arity::Exactly(1),
    attributes: &[],
    infer: |t, _| operand(t, 0).cloned(),
    pullback: Pullback::Rule(|_, p| Ok(vec![Some(p.cotangent)])),
    kind: Kind::Barrier,
    test: ONE,
};

/// Its operand, with no derivative.
pub(super) const STOP_GRADIENT: OpDef = OpDef {
    name: "stop_gradient",
    doc: "x, whose derivative is taken to be 0.",
    arity: Arity::Exactly(1),
    attributes: &[],
    infer: |t, _| operand(t, 0).cloned(),
    pullback: Pullback::Zero,
    kind: Kind::Identity,
    test: ONE,
};
