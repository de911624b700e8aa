//! Loops over slices: instructions on wholes become a nest of loops whose innermost body does the same to parts.

use super::axes::{Cut, Need, is_light, need, of_part};
use super::ranges::in_ranges;
use super::triangle::Around;
use crate::attribute::Attributes;
use crate::attributes::{Broadcast, Iota, Reshape};
use crate::block::{Block, Inst, Loop, OpInst, Order, Sliced};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::{Location, Value};
use crate::op::{Kind, OpError};
use crate::ops;
use crate::shape::{Axis, Shape};
use std::collections::HashMap;

/// Views through which a part of a value is made of parts of others.
const DEPTH: usize = 64;

/// The most ranges that rows are in.
const MOST_RANGES: usize = 8;

/// What is done slice by slice.
pub(super) struct Work {
    /// The instructions, in order.
    pub ops: Vec<OpInst>,
    /// Where the axes of slices are in their results.
    pub axes: HashMap<Value, Vec<usize>>,
    /// Which of their results are asked for.
    pub outputs: Vec<Value>,
}

/// Makes loops.
pub(super) struct Nester<'a> {
    pub builder: &'a mut Builder,
    /// What makes a value. A body makes views again, and what follows from no operand.
    pub definitions: &'a mut HashMap<Value, OpInst>,
    /// A range of rows has no fewer of them.
    pub rows: usize,
    pub location: Option<Location>,
}

/// The body of a loop in the making.
struct Inside {
    index: Value,
    /// Parts of values from outside, by the axis, and of what the body computes.
    made: HashMap<(Value, Option<usize>), Value>,
    /// What stands in front of the loop.
    front: Vec<Inst>,
    sliced: Vec<Sliced>,
    params: Vec<Value>,
}

impl Nester<'_> {
    /// Adds loops over so many parts of each axis, the first one outermost, and what stands around them.
    ///
    /// # Errors
    /// An op that its entry refuses on parts.
    pub fn nest(&mut self, work: Work, parts: &[usize]) -> Result<(), OpError> {
        let Some((&parts, rest)) = parts.split_first() else {
            return self.slice_of(work);
        };
        let around = std::mem::take(&mut self.builder.insts);
        let mut inside = Inside {
            index: self.builder.value(Loop::index_type()),
            made: HashMap::new(),
            front: Vec::new(),
            sliced: Vec::new(),
            params: Vec::new(),
        };
        let mut of_slice = Work {
            ops: Vec::new(),
            axes: HashMap::new(),
            outputs: Vec::new(),
        };
        let mut cuts: HashMap<Value, Cut> = HashMap::new();
        for op in &work.ops {
            let axes = work.axes.get(&op.result).cloned().unwrap_or_default();
            let (Some(axis), axes) = (axes.first().copied(), axes.get(1..).unwrap_or_default())
            else {
                return Err(OpError::Attribute("axes"));
            };
            let cut = Cut { axis, parts };
            let mut operands = Vec::with_capacity(op.operands.len());
            for (k, operand) in op.operands.iter().enumerate() {
                operands.push(match need(&self.builder.values, op, k, cut) {
                    Need::Part(axis) => {
                        self.part(&mut inside, *operand, Cut { axis, parts }, DEPTH)?
                    }
                    Need::Whole => *operand,
                    Need::Mixed => return Err(OpError::Attribute("axes")),
                });
            }
            self.builder.location = op.location;
            let part = self.of_parts(&inside, op, &operands, cut)?;
            if let Some(Inst::Op(made)) = self.builder.insts.pop() {
                of_slice.ops.push(made);
            }
            of_slice.axes.insert(part, axes.to_vec());
            inside.made.insert((op.result, Some(axis)), part);
            cuts.insert(op.result, cut);
        }
        let mut stacks = Vec::new();
        for output in &work.outputs {
            let cut = cuts.get(output).copied();
            let part = cut.and_then(|cut| inside.made.get(&(*output, Some(cut.axis))));
            let (Some(cut), Some(part)) = (cut, part) else {
                return Err(OpError::Attribute("axes"));
            };
            of_slice.outputs.push(*part);
            stacks.push((*output, cut.axis, self.in_parts(*output, cut)?));
        }
        let results = of_slice.outputs.clone();
        self.nest(of_slice, rest)?;
        let insts = std::mem::replace(&mut self.builder.insts, around);
        self.builder.insts.append(&mut inside.front);
        self.builder.insts.push(Inst::Loop(Loop {
            trip: dim(parts),
            order: Order::Forward,
            carried: Vec::new(),
            sliced: inside.sliced,
            body: Block {
                params: [&[inside.index], &inside.params[..]].concat(),
                insts,
                results,
            },
            stacked: stacks.iter().map(|(_, axis, _)| *axis).collect(),
            results: stacks.iter().map(|(.., stack)| *stack).collect(),
            location: self.location,
        }));
        for (output, _, stack) in stacks {
            let shape = self.builder.type_of(output).shape.clone();
            let inst = reshape(stack, &shape, output, self.location);
            self.builder.insts.push(inst);
        }
        Ok(())
    }

    /// What is done in a slice.
    fn slice_of(&mut self, work: Work) -> Result<(), OpError> {
        let around = Around {
            types: &self.builder.values,
            definitions: self.definitions,
        };
        if let Some(triangle) = around.triangle(&work) {
            let count = (triangle.extent / self.rows.max(1)).min(MOST_RANGES);
            if count > 1 && in_ranges(self.builder, &work, &triangle, count)? {
                return Ok(());
            }
        }
        (self.builder.insts).extend(work.ops.into_iter().map(Inst::Op));
        Ok(())
    }

    /// A value with the parts of an axis as an axis of their own.
    fn in_parts(&mut self, v: Value, cut: Cut) -> Result<Value, OpError> {
        let mut ty = self.builder.type_of(v).clone();
        let shape = cut.split(&ty.shape);
        ty.shape = shape.ok_or(OpError::Attribute("shape"))?;
        Ok(self.builder.value(ty))
    }

    /// A part of a value from outside, in the body.
    fn part(
        &mut self,
        inside: &mut Inside,
        v: Value,
        cut: Cut,
        depth: usize,
    ) -> Result<Value, OpError> {
        let key = (v, Some(cut.axis));
        if let Some(part) = inside.made.get(&key) {
            return Ok(*part);
        }
        let part = match self.definitions.get(&v).filter(|op| is_light(op)).cloned() {
            Some(view) if depth > 0 && self.goes_through(&view, cut) => {
                let mut operands = Vec::with_capacity(view.operands.len());
                for (k, operand) in view.operands.iter().enumerate() {
                    operands.push(match need(&self.builder.values, &view, k, cut) {
                        Need::Part(axis) => {
                            let cut = Cut { axis, ..cut };
                            self.part(inside, *operand, cut, depth - 1)?
                        }
                        Need::Whole | Need::Mixed => *operand,
                    });
                }
                self.builder.location = view.location;
                self.of_parts(inside, &view, &operands, cut)?
            }
            Some(_) | None => self.slice(inside, v, cut)?,
        };
        inside.made.insert(key, part);
        Ok(part)
    }

    /// Whether a part of a view is that view of parts.
    fn goes_through(&self, view: &OpInst, cut: Cut) -> bool {
        let mixed = |k| need(&self.builder.values, view, k, cut) == Need::Mixed;
        !(0..view.operands.len()).any(mixed)
    }

    /// A slice of a value, which the loop takes.
    fn slice(&mut self, inside: &mut Inside, v: Value, cut: Cut) -> Result<Value, OpError> {
        let whole = self.in_parts(v, cut)?;
        let shape = self.builder.type_of(whole).shape.clone();
        let view = reshape(v, &shape, whole, self.location);
        if let Inst::Op(op) = &view {
            self.definitions.insert(whole, op.clone());
        }
        inside.front.push(view);
        let ty = self.builder.type_of(whole).slice(cut.axis);
        let param = self.builder.value(ty.ok_or(OpError::Attribute("shape"))?);
        inside.sliced.push(Sliced {
            value: whole,
            axis: cut.axis,
        });
        inside.params.push(param);
        Ok(param)
    }

    /// An op on parts.
    fn of_parts(
        &mut self,
        inside: &Inside,
        op: &OpInst,
        operands: &[Value],
        cut: Cut,
    ) -> Result<Value, OpError> {
        let attributes = of_part(&op.attributes, cut).ok_or(OpError::Attribute("shape"))?;
        let part = self.builder.op(op.op, operands, attributes)?;
        if let Some(Inst::Op(made)) = self.builder.insts.last() {
            self.definitions.insert(part, made.clone());
        }
        match op.op.kind {
            Kind::Iota if Iota::from_attributes(&op.attributes)?.axis == Axis::At(cut.axis) => {
                self.behind(inside, part, cut)
            }
            _ => Ok(part),
        }
    }

    /// Indices along an axis, from where its part begins.
    fn behind(&mut self, inside: &Inside, indices: Value, cut: Cut) -> Result<Value, OpError> {
        let b = &mut *self.builder;
        let ty = b.type_of(indices).clone();
        let extents = ty.shape.extents().unwrap_or_default();
        let length = extents.get(cut.axis).copied().unwrap_or(1);
        let length = b.constant(length as f64, DType::I32, Shape::scalar())?;
        let first = b.op(ops::MUL, &[inside.index, length], Attributes::none())?;
        let cast = crate::attributes::Cast { dtype: ty.dtype };
        let first = b.op(ops::CAST, &[first], cast)?;
        let new = ty.shape.axes();
        let (shape, new) = (&ty.shape, &new[..]);
        let first = b.op(ops::BROADCAST, &[first], Broadcast { shape, new })?;
        b.op(ops::ADD, &[indices, first], Attributes::none())
    }
}

fn dim(extent: usize) -> Dim {
    Dim::constant(i64::try_from(extent).unwrap_or(i64::MAX))
}

fn reshape(x: Value, shape: &Shape, result: Value, location: Option<Location>) -> Inst {
    Inst::Op(OpInst {
        op: ops::RESHAPE,
        operands: vec![x],
        attributes: Reshape { shape }.into(),
        result,
        location,
    })
}
