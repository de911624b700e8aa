//! Values that lie where others do: other dims of a value, other orders of these and ranges of it, which loops take slices of without a
//! copy, and values that loops stack piece by piece, each piece written straight into its range.

use super::ScheduleError;
use super::affine::{contiguous, in_other_dims};
use super::instruction::is_in_order;
use super::overlap;
use super::program::{Cutter, Env, Output};
use super::storage::OpenBuffer;
use sinew_ir::attributes::{AlongResult, Permute, Slice};
use sinew_ir::{Axis, Block, Inst, Kind, OpInst, Value, View};
use std::collections::{BTreeMap, BTreeSet};

/// What lies in another value's place before a block is scheduled.
#[derive(Default)]
pub(super) struct Given {
    /// Values that are there once all loops have stacked their parts of them: no kernel computes them.
    pub joined: BTreeSet<Value>,
    /// The places of these parts.
    pub places: BTreeMap<Value, OpenBuffer>,
}

impl Cutter<'_> {
    /// What a value is a range of, or is in other dims: it lies there.
    pub fn seen_in_place(&self, value: Value) -> Option<Value> {
        let base = self.views_down(value).last()?.operands.first().copied()?;
        (!self.is_light(base)).then_some(base)
    }

    /// The views that a value is through which it lies where another does, the last one first.
    fn views_down(&self, value: Value) -> Vec<&OpInst> {
        let mut views = Vec::new();
        let mut at = value;
        while let Some((_, op)) = self.definitions.get(&at)
            && (is_in_order(op.op.kind) || range_of(op).is_some() || order_of(op).is_some())
            && let Some(x) = op.operands.first()
        {
            views.push(*op);
            at = *x;
        }
        views
    }

    /// The place of a value that lies where another does; none if its elements are at no strides there.
    pub fn place_in_place(&self, value: Value, env: &Env) -> Option<OpenBuffer> {
        let views = self.views_down(value);
        let mut at = *views.last()?.operands.first()?;
        let mut place = env.get(&at)?.clone();
        for view in views.into_iter().rev() {
            if let Some((axis, start)) = range_of(view) {
                place.start += start * place.strides.get(axis)?;
            } else if let Some(order) = order_of(view) {
                let strides = order.iter().map(|axis| place.strides.get(*axis).copied());
                place.strides = strides.collect::<Option<_>>()?;
            } else {
                place.strides = self.strides_seen(at, view.result, &place)?;
            }
            at = view.result;
        }
        Some(place)
    }

    /// The strides of `seen`, which is `value` in other dims, at a place of that.
    fn strides_seen(&self, value: Value, seen: Value, place: &OpenBuffer) -> Option<Vec<i64>> {
        let (_, extents) = self.extents(value).ok()?;
        let (_, seen) = self.extents(seen).ok()?;
        in_other_dims(&extents, &place.strides, &seen)
    }

    /// What a value is in other dims; itself where it is no such.
    fn as_it_was(&self, value: Value) -> Value {
        let mut at = value;
        while let Some((_, op)) = self.definitions.get(&at)
            && is_in_order(op.op.kind)
            && let Some(x) = op.operands.first()
        {
            at = *x;
        }
        at
    }

    /// A block's result and its place. A loop's result that is given back in other dims is written there at once.
    pub fn output(&self, block: &Block, (value, place): Output) -> Output {
        let base = self.as_it_was(value);
        let mut loops = block.insts.iter();
        let by_loop = base != value
            && loops.any(|inst| match inst {
                Inst::Loop(l) => l.results.contains(&base),
                Inst::Op(_) | Inst::Call(_) | Inst::PullbackCall(_) => false,
            });
        match self.strides_seen(value, base, &place).filter(|_| by_loop) {
            Some(strides) => (base, OpenBuffer { strides, ..place }),
            None => (value, place),
        }
    }

    /// Gives places to concatenations of stacks of the block's loops, and ranges of these to the stacks. One that
    /// goes out has its place there and is none of `outputs` any more.
    pub fn joined_in_place(
        &mut self,
        block: &Block,
        env: &mut Env,
        outputs: &mut Vec<Output>,
        depth: usize,
    ) -> Result<Given, ScheduleError> {
        let mut stacks: BTreeSet<Value> = BTreeSet::new();
        for inst in &block.insts {
            if let Inst::Loop(l) = inst {
                stacks.extend(l.stacks().map(|(_, _, result)| result));
            }
        }
        let mut given = Given::default();
        for inst in &block.insts {
            let Some((op, axis)) = inst.op().and_then(|op| Some((op, joined_along(op)?))) else {
                continue;
            };
            let parts: Vec<Value> = op.operands.iter().map(|v| self.as_it_was(*v)).collect();
            let goes_out = |v: &Value| outputs.iter().any(|(value, _)| value == v);
            let is_free = |v: &Value| {
                let once = parts.iter().filter(|p| *p == v).count() == 1;
                stacks.contains(v) && once && !given.places.contains_key(v) && !goes_out(v)
            };
            if !parts.iter().all(is_free) {
                continue;
            }
            let out = outputs.iter().position(|(value, place)| {
                *value == op.result && !env.values().any(|other| overlap(other, place))
            });
            let (_, extents) = self.extents(op.result)?;
            let strides = match out {
                Some(at) => outputs[at].1.strides.clone(),
                None => contiguous(&extents),
            };
            // Where each part begins, and the strides of the stack that it is.
            let mut start = 0;
            let mut ranges = Vec::new();
            for (operand, part) in op.operands.iter().zip(&parts) {
                let (_, extents) = self.extents(*operand)?;
                let (Some(extent), Some(stride)) = (extents.get(axis), strides.get(axis)) else {
                    break;
                };
                let seen = match operand == part {
                    true => Some(strides.clone()),
                    false => {
                        let (_, stack) = self.extents(*part)?;
                        in_other_dims(&extents, &strides, &stack)
                    }
                };
                ranges.extend(seen.map(|seen| (*part, start * stride, seen)));
                start += *extent as i64;
            }
            if ranges.len() < parts.len() {
                continue;
            }
            let place = match out {
                Some(at) => outputs.remove(at).1,
                None => self.share_value(op.result, depth)?,
            };
            for (part, start, strides) in ranges {
                let place = OpenBuffer {
                    start: place.start + start,
                    strides,
                    ..place.clone()
                };
                given.places.insert(part, place);
            }
            given.joined.insert(op.result);
            env.insert(op.result, place);
        }
        Ok(given)
    }
}

/// The axis of a value that is a range of its operand, and where that begins.
fn range_of(op: &OpInst) -> Option<(usize, i64)> {
    if !matches!(op.op.kind, Kind::View(View::Slice)) {
        return None;
    }
    let form = Slice::from_attributes(&op.attributes).ok()?;
    let Axis::At(axis) = form.axis else {
        return None;
    };
    let step = form.range.step.as_constant()?;
    (step == 1).then_some((axis, form.range.start.as_constant()?))
}

/// The axes of its operand in the order of a value's.
fn order_of(op: &OpInst) -> Option<Vec<usize>> {
    if !matches!(op.op.kind, Kind::View(View::Permute)) {
        return None;
    }
    let axes = Permute::from_attributes(&op.attributes).ok()?.axes.iter();
    let axes = axes.map(|axis| match axis {
        Axis::At(axis) => Some(*axis),
        Axis::Sequence => None,
    });
    axes.collect()
}

/// The axis of a concatenation.
fn joined_along(op: &OpInst) -> Option<usize> {
    if !matches!(op.op.kind, Kind::Concat) {
        return None;
    }
    match AlongResult::from_attributes(&op.attributes).ok()?.axis {
        Axis::At(axis) => Some(axis),
        Axis::Sequence => None,
    }
}
