//! Work on a triangle, range by range of its rows, each with the columns that its last row sees.

use super::axes::is_light;
use super::nest::Work;
use super::triangle::{Place, Triangle};
use crate::attribute::{Attribute, Attributes};
use crate::attributes::AlongResult;
use crate::block::{Inst, OpInst};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::shape::{Axis, Shape};
use std::collections::{HashMap, HashSet};

/// Ends of ranges are multiples of this, as vectors are.
const GRAIN: usize = 16;

/// The rows of a range, and the end of the columns that they see.
#[derive(Clone, Copy, Debug)]
struct Range {
    rows: (usize, usize),
    columns: usize,
}

/// Rows in about so many ranges.
fn ranges(extent: usize, count: usize) -> Vec<Range> {
    let grain = if extent < GRAIN * count { 1 } else { GRAIN };
    let step = extent.div_ceil(count.max(1)).next_multiple_of(grain);
    let starts = (0..extent).step_by(step.max(1));
    let range = |start: usize| {
        let end = (start + step).min(extent);
        Range {
            rows: (start, end),
            columns: end,
        }
    };
    starts.map(range).collect()
}

/// When an instruction is done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Turn {
    /// Once, in front of all ranges.
    Before,
    /// For each range.
    Each,
    /// For each range, whose results are added up.
    Summed,
    /// Once, behind all ranges.
    Behind,
}

/// Emits work range by range; `false` if some of it cannot be done so.
///
/// # Errors
/// An op that its entry refuses on a range.
pub(super) fn in_ranges(
    builder: &mut Builder,
    work: &Work,
    triangle: &Triangle,
    count: usize,
) -> Result<bool, OpError> {
    let Some(turns) = turns(builder, work, triangle) else {
        return Ok(false);
    };
    let ranges = ranges(triangle.extent, count);
    if ranges.len() < 2 {
        return Ok(false);
    }
    let of = |turn: Turn| {
        let ops = work.ops.iter().zip(&turns);
        ops.filter(move |(_, t)| **t == turn).map(|(op, _)| op)
    };
    builder
        .insts
        .extend(of(Turn::Before).cloned().map(Inst::Op));
    let mut parts: HashMap<Value, Vec<Value>> = HashMap::new();
    for range in &ranges {
        let mut ranger = Ranger {
            builder,
            triangle,
            range: *range,
            made: HashMap::new(),
        };
        for (op, turn) in work.ops.iter().zip(&turns) {
            if matches!(turn, Turn::Each | Turn::Summed) {
                let part = ranger.op(op)?;
                parts.entry(op.result).or_default().push(part);
            }
        }
    }
    for op in of(Turn::Summed) {
        let parts = parts.get(&op.result).map_or(&[][..], Vec::as_slice);
        total(builder, op, parts, triangle)?;
    }
    let mut whole: HashSet<Value> = work.outputs.iter().copied().collect();
    whole.extend(of(Turn::Behind).flat_map(|op| &op.operands));
    for op in of(Turn::Each).filter(|op| whole.contains(&op.result)) {
        if let (Some(parts), Some(row)) = (parts.get(&op.result), triangle.rows.get(&op.result)) {
            builder.location = op.location;
            let axis = Axis::At(*row);
            builder.op(ops::CONCAT, parts, AlongResult { axis })?;
            name_last(builder, op.result);
        }
    }
    let behind = of(Turn::Behind).cloned().map(Inst::Op);
    builder.insts.extend(behind);
    Ok(true)
}

/// When each instruction is done; none if one needs for a range what is known behind all of them.
fn turns(builder: &Builder, work: &Work, triangle: &Triangle) -> Option<Vec<Turn>> {
    let mut known: HashMap<Value, Turn> = HashMap::new();
    let mut out = Vec::with_capacity(work.ops.len());
    for op in &work.ops {
        let operands = op.operands.iter().map(|v| known.get(v).copied());
        let operands: Vec<Turn> = operands.flatten().collect();
        let ranged = operands.contains(&Turn::Each);
        let late = operands.iter().any(|t| *t >= Turn::Summed);
        let has_rows = triangle.rows.contains_key(&op.result);
        let rows_end =
            (0..op.operands.len()).any(|k| triangle.operand(&builder.values, op, k).row.is_some());
        let turn = match (has_rows, ranged || rows_end, late) {
            (true, _, false) => Turn::Each,
            (false, true, false) => match adds_up(op) {
                true => Turn::Summed,
                false => return None,
            },
            (false, false, true) => Turn::Behind,
            (false, false, false) => Turn::Before,
            (true, _, true) | (false, true, true) => return None,
        };
        known.insert(op.result, turn);
        out.push(turn);
    }
    // Views that no range needs are of the whole, which ranges write.
    let mut needed: HashSet<Value> = HashSet::new();
    for (op, turn) in work.ops.iter().zip(&mut out).rev() {
        if *turn == Turn::Each && is_light(op) && !needed.contains(&op.result) {
            *turn = Turn::Behind;
        }
        if matches!(turn, Turn::Each | Turn::Summed) {
            needed.extend(&op.operands);
        }
    }
    Some(out)
}

/// Whether an instruction is a sum, of which parts can be added.
fn adds_up(op: &OpInst) -> bool {
    let sum = crate::op::Reduction::Sum;
    op.op.kind.is_contraction() || op.op.kind.reduction() == Some(sum)
}

/// The result of the last instruction is that of another from now on.
fn name_last(builder: &mut Builder, result: Value) {
    if let Some(Inst::Op(last)) = builder.insts.last_mut() {
        last.result = result;
    }
}

/// Adds up the parts of a sum over rows, of which the first ones have fewer columns.
fn total(
    builder: &mut Builder,
    op: &OpInst,
    parts: &[Value],
    triangle: &Triangle,
) -> Result<(), OpError> {
    builder.location = op.location;
    let extent = |builder: &Builder, v: Value, axis: usize| {
        let extents = builder.type_of(v).shape.extents().unwrap_or_default();
        extents.get(axis).copied().unwrap_or(0)
    };
    let mut parts = parts.iter();
    let mut sum = *parts.next().ok_or(OpError::Attribute("axes"))?;
    for part in parts {
        if let Some(axis) = triangle.columns.get(&op.result) {
            let more = extent(builder, *part, *axis).saturating_sub(extent(builder, sum, *axis));
            let widths = [&dim(0), &dim(more), &Dim::constant(1)];
            sum = builder.pad(sum, Axis::At(*axis), widths)?;
        }
        sum = builder.add(sum, *part)?;
    }
    name_last(builder, op.result);
    Ok(())
}

fn dim(extent: usize) -> Dim {
    Dim::constant(i64::try_from(extent).unwrap_or(i64::MAX))
}

/// Emits the instructions of a range.
struct Ranger<'a> {
    builder: &'a mut Builder,
    triangle: &'a Triangle,
    range: Range,
    /// What the range has of values, by where they have rows and columns.
    made: HashMap<(Value, Option<usize>, Option<usize>), Value>,
}

impl Ranger<'_> {
    /// An instruction on the range's rows and columns.
    fn op(&mut self, op: &OpInst) -> Result<Value, OpError> {
        let mut operands = Vec::with_capacity(op.operands.len());
        for (k, operand) in op.operands.iter().enumerate() {
            let place = self.triangle.operand(&self.builder.values, op, k);
            operands.push(self.part(*operand, place)?);
        }
        let place = self.triangle.place(op.result);
        let shape = |shape: &Shape| self.shape(shape, place);
        let attributes = op.attributes.0.iter().map(|attribute| match attribute {
            Attribute::Shape(of) => Attribute::Shape(shape(of)),
            Attribute::Axes(_)
            | Attribute::Dims(_)
            | Attribute::DType(_)
            | Attribute::Number(_)
            | Attribute::Name(_) => attribute.clone(),
        });
        let attributes = Attributes(attributes.collect());
        self.builder.location = op.location;
        let part = self.builder.op(op.op, &operands, attributes)?;
        self.made.insert((op.result, place.row, place.column), part);
        Ok(part)
    }

    /// The indices along an axis, of which so many belong to a row or column.
    fn bounds(&self, extent: usize, (start, end): (usize, usize)) -> (usize, usize) {
        let each = extent / self.triangle.extent.max(1);
        (start * each, end * each)
    }

    fn shape(&self, shape: &Shape, place: Place) -> Shape {
        let mut out = shape.clone();
        let extents = shape.extents().unwrap_or_default();
        let seen = [
            (place.row, self.range.rows),
            (place.column, (0, self.range.columns)),
        ];
        for (axis, range) in seen {
            if let Some(axis) = axis
                && let Some(extent) = extents.get(axis)
            {
                let (start, end) = self.bounds(*extent, range);
                out.dims[axis] = dim(end - start);
            }
        }
        out
    }

    /// What the range has of a value.
    fn part(&mut self, v: Value, place: Place) -> Result<Value, OpError> {
        let key = (v, place.row, place.column);
        if let Some(part) = self.made.get(&key) {
            return Ok(*part);
        }
        let mut part = v;
        let seen = [
            (place.row, self.range.rows),
            (place.column, (0, self.range.columns)),
        ];
        for (axis, range) in seen {
            let Some(axis) = axis else { continue };
            let extents = self.builder.type_of(v).shape.extents().unwrap_or_default();
            let extent = extents.get(axis).copied().unwrap_or(0);
            let (start, end) = self.bounds(extent, range);
            if (start, end) != (0, extent) {
                let (start, end) = (dim(start), dim(end));
                let range = [&start, &end, &Dim::constant(1)];
                part = self.builder.slice(part, Axis::At(axis), range)?;
            }
        }
        self.made.insert(key, part);
        Ok(part)
    }
}
