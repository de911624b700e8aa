//! What each kind of instruction becomes in the graph.

use super::ScheduleError;
use super::definition::{Def, IndexMap, Opaque, Source};
use super::graph::{Graph, Id, constant};
use crate::cost::COMPARED_UPDATES;
use sinew_ir::attributes::{
    Along, AlongResult, Broadcast, Constant, DotAxes, Extent, Iota, Over, Pad, Permute, Running,
    Shear, Slice, Sorted,
};
use sinew_ir::{Axis, DType, Kind, OpClass, OpInst, Scalar, View};

/// An instruction with the nodes of its operands, and the extents and element type of its result.
pub(super) struct Instruction<'a> {
    pub inst: &'a OpInst,
    pub operands: &'a [Id],
    pub shape: Vec<usize>,
    pub dtype: DType,
}

impl Instruction<'_> {
    fn operand(&self, number: usize) -> Option<Id> {
        self.operands.get(number).copied()
    }
}

impl Graph {
    /// The node of an instruction's result.
    pub(super) fn add_op(&mut self, i: &Instruction<'_>) -> Result<Id, ScheduleError> {
        let refused = ScheduleError::Attributes(i.inst.op.name);
        self.node_for(i).ok_or(refused)
    }

    /// The node of an instruction's result; none if its operands or attributes are not those of its entry.
    fn node_for(&mut self, i: &Instruction<'_>) -> Option<Id> {
        let a = &i.inst.attributes;
        let def = match i.inst.op.kind {
            Kind::Constant => constant(Constant::from_attributes(a).ok()?.value.known()?),
            Kind::Extent => constant(Extent::from_attributes(a).ok()?.dims.as_constant()? as f64),
            Kind::Iota => Def::Source(Source::Iota(axis(Iota::from_attributes(a).ok()?.axis)?)),
            Kind::Elementwise(Scalar::CAST) if self.nodes[i.operand(0)?].dtype == i.dtype => {
                return i.operand(0);
            }
            Kind::Elementwise(scalar) => Def::Elementwise(scalar, i.operands.to_vec()),
            // What a barrier keeps apart is in another graph.
            Kind::Identity | Kind::Barrier => return i.operand(0),
            Kind::Function(_) | Kind::Run(_) | Kind::Probe(_) => return None,
            Kind::View(view) => return self.add_view(i, view),
            Kind::Reduce(kind) => {
                let axes = axes(Over::from_attributes(a).ok()?.axes)?;
                return Some(self.add_reduce(i.operand(0)?, axes, kind, i.dtype, i.inst.result));
            }
            Kind::Contract => return self.add_contraction(i),
            Kind::Concat => Def::Opaque(Opaque::Concat {
                parts: i.operands.to_vec(),
                axis: axis(AlongResult::from_attributes(a).ok()?.axis)?,
            }),
            Kind::Gather => Def::Gather {
                x: i.operand(0)?,
                indices: i.operand(1)?,
                axis: axis(Along::from_attributes(a).ok()?.axis)?,
            },
            Kind::Scatter => return self.add_scatter(i),
            Kind::Scan(kind) => {
                let form = Running::from_attributes(a).ok()?;
                Def::Opaque(Opaque::Scan {
                    operands: i.operands.to_vec(),
                    axis: axis(form.axis)?,
                    reverse: form.reverse,
                    kind,
                })
            }
            Kind::Sort => {
                let form = Sorted::from_attributes(a).ok()?;
                Def::Opaque(Opaque::Sort {
                    x: i.operand(0)?,
                    axis: axis(form.axis)?,
                    descending: form.descending,
                })
            }
        };
        Some(self.add_result(i, def))
    }

    /// The node of an instruction that `def` defines.
    fn add_result(&mut self, i: &Instruction<'_>, def: Def) -> Id {
        self.add(def, i.shape.clone(), i.dtype, i.inst.result)
    }

    /// The elements of the operand seen through another index map.
    fn add_view(&mut self, i: &Instruction<'_>, view: View) -> Option<Id> {
        let a = &i.inst.attributes;
        let x = i.operand(0)?;
        let map = match view {
            View::Broadcast => {
                let new = axes(Broadcast::from_attributes(a).ok()?.new)?;
                let kept = (0..i.shape.len()).filter(|d| !new.contains(d));
                IndexMap::Broadcast {
                    axes: kept.collect(),
                }
            }
            View::Reshape => IndexMap::Reshape,
            View::Permute => IndexMap::Permute {
                axes: axes(Permute::from_attributes(a).ok()?.axes)?,
            },
            View::Slice => {
                let slice = Slice::from_attributes(a).ok()?;
                IndexMap::Slice {
                    axis: axis(slice.axis)?,
                    start: slice.range.start.as_constant()?,
                    step: slice.range.step.as_constant()?,
                }
            }
            View::Pad => {
                let pad = Pad::from_attributes(a).ok()?;
                let axis = axis(pad.axis)?;
                let low = pad.widths.low.as_constant()?;
                let step = pad.widths.step.as_constant()?;
                // One element has nothing between it and a next one.
                if step != 1 && self.nodes[x].shape[axis] > 1 {
                    let spread = Opaque::Spread { x, axis, low, step };
                    return Some(self.add_result(i, Def::Opaque(spread)));
                }
                IndexMap::Pad { axis, low }
            }
            View::Flip => {
                let axis = axis(Along::from_attributes(a).ok()?.axis)?;
                IndexMap::Slice {
                    axis,
                    start: self.nodes[x].shape[axis] as i64 - 1,
                    step: -1,
                }
            }
            View::Shear => {
                let map = Shear::from_attributes(a).ok()?;
                let moved = [axis(map.axis)?, axis(map.by)?];
                let line = [map.offset.as_constant()?, map.slope.as_constant()?];
                return Some(self.add_shear(x, moved, line, i.shape.clone(), i.inst.result));
            }
        };
        Some(self.add_result(i, Def::View { x, map }))
    }

    /// A contraction of operands whose axes are in order; zeros if an operand has no elements.
    fn add_contraction(&mut self, i: &Instruction<'_>) -> Option<Id> {
        let (x, y) = (i.operand(0)?, i.operand(1)?);
        let dot = DotAxes::from_attributes(&i.inst.attributes).ok()?;
        let (batch_x, batch_y) = (axes(&dot.batch_x)?, axes(&dot.batch_y)?);
        let (contract_x, contract_y) = (axes(&dot.contract_x)?, axes(&dot.contract_y)?);
        if [x, y].iter().any(|id| self.nodes[*id].shape.contains(&0)) {
            return Some(self.add_result(i, constant(0.0)));
        }
        let value = i.inst.result;
        let def = Def::Contract {
            x: self.order_operand_axes(x, &batch_x, &contract_x, value),
            y: self.order_operand_axes(y, &batch_y, &contract_y, value),
            batch: batch_x.len(),
            contracted: contract_x.len(),
        };
        Some(self.add_result(i, def))
    }

    /// A scatter, of few updates as comparisons.
    fn add_scatter(&mut self, i: &Instruction<'_>) -> Option<Id> {
        let &[base, indices, updates] = i.operands else {
            return None;
        };
        let axis = axis(Along::from_attributes(&i.inst.attributes).ok()?.axis)?;
        if self.nodes[indices].shape[axis] <= COMPARED_UPDATES {
            return Some(self.add_scatter_as_comparisons(
                base,
                indices,
                updates,
                axis,
                i.inst.result,
            ));
        }
        let scatter = Opaque::Scatter {
            base,
            indices,
            updates,
            axis,
        };
        Some(self.add_result(i, Def::Opaque(scatter)))
    }
}

/// Whether values of a kind are made again by each stretch of a program that needs them, rather than
/// stored for it: views and what follows from no operand.
pub(super) fn is_made_again(kind: Kind) -> bool {
    match kind.class() {
        OpClass::Source | OpClass::IndexMap => true,
        OpClass::Elementwise(_)
        | OpClass::Joined
        | OpClass::Indexed
        | OpClass::Combined
        | OpClass::Function => false,
    }
}

/// Whether values of a kind are their operand's elements in the same row-major order.
pub(super) fn is_in_order(kind: Kind) -> bool {
    match kind {
        Kind::View(View::Reshape) | Kind::Identity | Kind::Barrier => true,
        Kind::View(
            View::Broadcast | View::Permute | View::Slice | View::Pad | View::Flip | View::Shear,
        )
        | Kind::Constant
        | Kind::Iota
        | Kind::Extent
        | Kind::Run(_)
        | Kind::Elementwise(_)
        | Kind::Reduce(_)
        | Kind::Contract
        | Kind::Concat
        | Kind::Gather
        | Kind::Scatter
        | Kind::Scan(_)
        | Kind::Sort
        | Kind::Probe(_)
        | Kind::Function(_) => false,
    }
}

/// Axes of shapes that have no sequence any more.
fn axes(list: &[Axis]) -> Option<Vec<usize>> {
    list.iter().map(|a| axis(*a)).collect()
}

fn axis(axis: Axis) -> Option<usize> {
    match axis {
        Axis::At(d) => Some(d),
        Axis::Sequence => None,
    }
}
