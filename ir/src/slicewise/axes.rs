//! How the parts of an axis go through ops: which axis of an operand an op needs a part of to compute a part of its
//! result, and the op on parts.
//!
//! An axis is cut into a number of equal parts, in one of which it has fewer indices; its place among the others
//! stays. So attributes that name axes stay as they are, and shapes alone change.

use crate::attribute::{Attribute, Attributes};
use crate::attributes::{
    Along, AlongResult, Broadcast, DotAxes, Over, Pad, Permute, Running, Shear, Slice, Sorted,
};
use crate::block::OpInst;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::{Kind, OpClass, View};
use crate::shape::{Axis, Shape, Type};

/// What of an operand a part of a result needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Need {
    /// The same part of this axis.
    Part(usize),
    /// All of it.
    Whole,
    /// More than one part of it, or what cannot be told.
    Mixed,
}

/// An axis in parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cut {
    pub axis: usize,
    /// How many parts there are, of which the extent is a multiple.
    pub parts: usize,
}

impl Cut {
    /// The shape of a part.
    pub fn part_of(self, shape: &Shape) -> Option<Shape> {
        let extent = *shape.extents()?.get(self.axis)?;
        let part = i64::try_from(extent.checked_div(self.parts)?).ok()?;
        let mut out = shape.clone();
        out.dims[self.axis] = Dim::constant(part);
        Some(out)
    }

    /// The shape with the parts as an axis of their own, in front of the one they are of.
    pub fn split(self, shape: &Shape) -> Option<Shape> {
        let mut out = self.part_of(shape)?;
        let parts = i64::try_from(self.parts).ok()?;
        out.dims.insert(self.axis, Dim::constant(parts));
        Some(out)
    }
}

/// Whether whoever needs a value makes it again: views, and what follows from no operand.
pub(super) fn is_light(op: &OpInst) -> bool {
    let kind = op.op.kind;
    match kind.class() {
        OpClass::Source | OpClass::IndexMap => !kind.is_barrier() && kind.probe().is_none(),
        OpClass::Elementwise(_)
        | OpClass::Joined
        | OpClass::Indexed
        | OpClass::Combined
        | OpClass::Function => false,
    }
}

/// What a part of an op's result needs of its operand `k`.
pub(super) fn need(types: &[Type], op: &OpInst, k: usize, cut: Cut) -> Need {
    needed(types, op, k, cut).unwrap_or(Need::Mixed)
}

fn needed(types: &[Type], op: &OpInst, k: usize, cut: Cut) -> Option<Need> {
    let a = &op.attributes;
    let axis = cut.axis;
    let apart = |along: Axis| Some(unless(along == Axis::At(axis), axis));
    match op.op.kind {
        Kind::Elementwise(_) | Kind::Identity => Some(Need::Part(axis)),
        Kind::View(View::Broadcast) => {
            let new = Broadcast::from_attributes(a).ok()?.new;
            let before = new.iter().filter(|n| **n < Axis::At(axis)).count();
            Some(match new.contains(&Axis::At(axis)) {
                true => Need::Whole,
                false => Need::Part(axis - before),
            })
        }
        Kind::View(View::Permute) => match Permute::from_attributes(a).ok()?.axes.get(axis)? {
            Axis::At(from) => Some(Need::Part(*from)),
            Axis::Sequence => None,
        },
        Kind::View(View::Reshape) => {
            let (from, to) = (op.operands.first()?, op.result);
            let extents = |v: Value| types.get(v.index())?.shape.extents();
            let (from, to) = (extents(*from)?, extents(to)?);
            let front: usize = to.get(..axis)?.iter().product();
            let same = |d: &usize| {
                let before: usize = from[..*d].iter().product();
                before == front && from[*d].is_multiple_of(cut.parts)
            };
            (0..from.len()).find(same).map(Need::Part)
        }
        Kind::View(View::Slice) => apart(Slice::from_attributes(a).ok()?.axis),
        Kind::View(View::Pad) => apart(Pad::from_attributes(a).ok()?.axis),
        Kind::View(View::Flip) => apart(Along::from_attributes(a).ok()?.axis),
        Kind::View(View::Shear) => {
            let shear = Shear::from_attributes(a).ok()?;
            let meets = [shear.axis, shear.by].contains(&Axis::At(axis));
            Some(unless(meets, axis))
        }
        Kind::Concat => apart(AlongResult::from_attributes(a).ok()?.axis),
        Kind::Scan(_) => apart(Running::from_attributes(a).ok()?.axis),
        Kind::Sort => apart(Sorted::from_attributes(a).ok()?.axis),
        Kind::Reduce(_) => {
            let over = Over::from_attributes(a).ok()?.axes;
            let rank = types.get(op.operands.first()?.index())?.shape.dims.len();
            let mut kept = (0..rank).filter(|d| !over.contains(&Axis::At(*d)));
            kept.nth(axis).map(Need::Part)
        }
        Kind::Contract => {
            let axes = DotAxes::from_attributes(a).ok()?;
            let free = |k: usize, batch: &[Axis], contract: &[Axis]| -> Option<Vec<usize>> {
                let rank = types.get(op.operands.get(k)?.index())?.shape.dims.len();
                let is_free = |d: &usize| !batch.iter().chain(contract).any(|a| *a == Axis::At(*d));
                Some((0..rank).filter(is_free).collect())
            };
            let of_x = free(0, &axes.batch_x, &axes.contract_x)?;
            let of_y = free(1, &axes.batch_y, &axes.contract_y)?;
            let batch = [&axes.batch_x, &axes.batch_y];
            if let Some(Axis::At(from)) = batch.get(k)?.get(axis) {
                return Some(Need::Part(*from));
            }
            let behind = axis.checked_sub(axes.batch_x.len())?;
            let (free, at) = match behind.checked_sub(of_x.len()) {
                None => ([Some(&of_x), None], behind),
                Some(at) => ([None, Some(&of_y)], at),
            };
            match free.get(k)? {
                Some(free) => free.get(at).copied().map(Need::Part),
                None => Some(Need::Whole),
            }
        }
        Kind::Constant | Kind::Extent | Kind::Iota | Kind::Run(_) => None,
        Kind::Gather | Kind::Scatter | Kind::Barrier | Kind::Probe(_) | Kind::Function(_) => None,
    }
}

fn unless(meets: bool, axis: usize) -> Need {
    match meets {
        true => Need::Mixed,
        false => Need::Part(axis),
    }
}

/// The axis of an op's result of which a part needs that part of an operand's axis; none where it needs others.
pub(super) fn result_axis(types: &[Type], op: &OpInst, k: usize, cut: Cut) -> Option<usize> {
    let extents = types.get(op.result.index())?.shape.extents()?;
    let fits = |axis: &usize| {
        let of_result = Cut {
            axis: *axis,
            parts: cut.parts,
        };
        extents[*axis].is_multiple_of(cut.parts)
            && need(types, op, k, of_result) == Need::Part(cut.axis)
    };
    (0..extents.len()).find(fits)
}

/// The attributes of an op whose result has an axis in parts.
pub(super) fn of_part(attributes: &Attributes, cut: Cut) -> Option<Attributes> {
    let list = attributes.0.iter().map(|attribute| match attribute {
        Attribute::Shape(shape) => cut.part_of(shape).map(Attribute::Shape),
        Attribute::Axes(_)
        | Attribute::Dims(_)
        | Attribute::DType(_)
        | Attribute::Number(_)
        | Attribute::Name(_) => Some(attribute.clone()),
    });
    list.collect::<Option<_>>().map(Attributes)
}
