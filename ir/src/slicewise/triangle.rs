//! Causal attention: what each row sees of the columns, and that nothing else counts.
//!
//! Where a comparison of a row's index with a column's chooses between a score and a constant, it is followed what
//! becomes of the constant: minus infinity is an exponential of 0, and products with that are 0. If all sums and
//! maxima meet what does not change them, the first columns are enough for the first rows. What is not seen has no
//! part in results then, even if it is infinite or no number.

use super::axes::{Cut, Need, need, result_axis};
use super::nest::Work;
use crate::attributes::{Constant, DotAxes, Iota};
use crate::block::OpInst;
use crate::function::Value;
use crate::op::{Kind, Reduction, View};
use crate::scalar::Scalar;
use crate::shape::{Axis, Type};
use std::collections::{HashMap, HashSet};

/// Numbers that an element may be of which nothing is known.
const ANY: [f64; 3] = [-1.5, 0.75, 2.5];

/// Rows that see the columns up to their own.
pub(super) struct Triangle {
    /// How many rows and columns there are.
    pub extent: usize,
    /// The axis of rows of those results that have one.
    pub rows: HashMap<Value, usize>,
    /// The axis of columns.
    pub columns: HashMap<Value, usize>,
}

/// What an operand has of rows and columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Place {
    pub row: Option<usize>,
    pub column: Option<usize>,
}

/// What is known of a program around some work.
pub(super) struct Around<'a> {
    pub types: &'a [Type],
    pub definitions: &'a HashMap<Value, OpInst>,
}

impl Around<'_> {
    /// The triangle of some work, if it has one and nothing outside of it counts.
    pub fn triangle(&self, work: &Work) -> Option<Triangle> {
        let mask = work.ops.iter().find_map(|op| self.mask(op))?;
        let (select, row, column, extent) = mask;
        let mut found = Triangle {
            extent,
            rows: HashMap::from([(select, row)]),
            columns: HashMap::from([(select, column)]),
        };
        let results: HashSet<Value> = work.ops.iter().map(|op| op.result).collect();
        let mut before = 0;
        while before < found.rows.len() + found.columns.len() {
            before = found.rows.len() + found.columns.len();
            for op in &work.ops {
                spread(self.types, (op, &results), &mut found.rows, extent)?;
                spread(self.types, (op, &results), &mut found.columns, extent)?;
            }
        }
        self.counts_inside_alone(work, &found).then_some(found)
    }

    /// The axes of rows and columns, and their extent, of a choice between what a row sees and what it does not.
    fn mask(&self, op: &OpInst) -> Option<(Value, usize, usize, usize)> {
        let (row, column) = self.seen(op)?;
        let extents = self.types.get(op.result.index())?.shape.extents()?;
        let extent = *extents.get(row)?;
        (extents.get(column) == Some(&extent)).then_some((op.result, row, column, extent))
    }

    /// The axes of rows and columns of a choice whose first alternative is taken where a column is not behind its
    /// row.
    fn seen(&self, op: &OpInst) -> Option<(usize, usize)> {
        if op.op.kind.scalar() != Some(Scalar::SELECT) {
            return None;
        }
        let mut condition = self.definitions.get(op.operands.first()?)?;
        let mut views = Vec::new();
        while let Kind::View(View::Broadcast | View::Reshape | View::Permute) = condition.op.kind {
            views.push(condition);
            condition = self.definitions.get(condition.operands.first()?)?;
        }
        if condition.op.kind.scalar() != Some(Scalar::LE) {
            return None;
        }
        let &[column, row] = &condition.operands[..] else {
            return None;
        };
        let (mut row, mut column) = (self.counted(row)?, self.counted(column)?);
        for view in views.into_iter().rev() {
            let operand = view.operands.first()?;
            let extents = self.types.get(operand.index())?.shape.extents()?;
            let follow = |axis: usize| {
                let parts = *extents.get(axis)?;
                result_axis(self.types, view, 0, Cut { axis, parts })
            };
            (row, column) = (follow(row)?, follow(column)?);
        }
        (row != column).then_some((row, column))
    }

    /// The axis along which a value counts.
    fn counted(&self, v: Value) -> Option<usize> {
        let op = self.definitions.get(&v)?;
        match (op.op.kind, Iota::from_attributes(&op.attributes)) {
            (
                Kind::Iota,
                Ok(Iota {
                    axis: Axis::At(axis),
                    ..
                }),
            ) => Some(axis),
            _ => None,
        }
    }

    /// Whether all that combines elements outside of the triangle finds there what does not change it.
    fn counts_inside_alone(&self, work: &Work, triangle: &Triangle) -> bool {
        let mut outside: HashMap<Value, f64> = HashMap::new();
        for op in &work.ops {
            if let Some(element) = self.outside(op, triangle, &outside) {
                outside.insert(op.result, element);
            }
            let of_result = triangle.place(op.result);
            let square = |k: &usize| {
                let place = triangle.operand(self.types, op, *k);
                let is = place.row.is_some() && place.column.is_some();
                is && (of_result.row.is_none() || of_result.column.is_none())
            };
            let combined: Vec<usize> = (0..op.operands.len()).filter(square).collect();
            if combined.is_empty() {
                continue;
            }
            let neutral = match op.op.kind {
                Kind::Contract => 0.0,
                Kind::Reduce(Reduction::Sum) => 0.0,
                Kind::Reduce(Reduction::Max) => f64::NEG_INFINITY,
                _ => return false,
            };
            let mut combined = combined.into_iter();
            if !combined.any(|k| outside.get(&op.operands[k]) == Some(&neutral)) {
                return false;
            }
        }
        let whole = |v: &Value| {
            let place = triangle.place(*v);
            place.row.is_none() || place.column.is_none()
        };
        work.outputs.iter().all(whole)
    }

    /// The element that a result has everywhere outside of the triangle, if that is known.
    fn outside(
        &self,
        op: &OpInst,
        triangle: &Triangle,
        known: &HashMap<Value, f64>,
    ) -> Option<f64> {
        let place = triangle.place(op.result);
        if place.row.is_none() || place.column.is_none() {
            return None;
        }
        let element = |v: &Value| known.get(v).copied().or_else(|| self.constant(*v));
        let scalar = match op.op.kind {
            Kind::Elementwise(scalar) => scalar,
            Kind::View(View::Broadcast | View::Permute | View::Reshape) => {
                return element(op.operands.first()?);
            }
            _ => return None,
        };
        if self.seen(op) == place.row.zip(place.column) {
            return element(op.operands.get(2)?);
        }
        let operands: Vec<Option<f64>> = op.operands.iter().map(element).collect();
        let from = self.types.get(op.operands.last()?.index())?.dtype;
        let to = self.types.get(op.result.index())?.dtype;
        let mut found: Option<f64> = None;
        for unknown in ANY {
            let values: Vec<f64> = operands.iter().map(|x| x.unwrap_or(unknown)).collect();
            let result = scalar.evaluate(from, to, &values)?;
            if found.is_some_and(|f| f != result) {
                return None;
            }
            found = Some(result);
        }
        let all_known = operands.iter().all(Option::is_some);
        let some_known = operands.iter().any(Option::is_some);
        found.filter(|f| all_known || some_known && (*f == 0.0 || f.is_infinite()))
    }

    /// The element of a constant, seen through views.
    fn constant(&self, v: Value) -> Option<f64> {
        let mut op = self.definitions.get(&v)?;
        while let Kind::View(View::Broadcast | View::Reshape | View::Permute) = op.op.kind {
            op = self.definitions.get(op.operands.first()?)?;
        }
        match op.op.kind {
            Kind::Constant => Constant::from_attributes(&op.attributes)
                .ok()?
                .value
                .known(),
            _ => None,
        }
    }
}

/// Follows an axis of so many indices through an op, from its operands to its result and back to those that are
/// results too; none where it is found in two places of one value.
fn spread(
    types: &[Type],
    (op, results): (&OpInst, &HashSet<Value>),
    found: &mut HashMap<Value, usize>,
    parts: usize,
) -> Option<()> {
    for (k, operand) in op.operands.iter().enumerate() {
        if let Some(axis) = found.get(operand).copied()
            && let Some(axis) = result_axis(types, op, k, Cut { axis, parts })
            && *found.entry(op.result).or_insert(axis) != axis
        {
            return None;
        }
        if let Some(axis) = found.get(&op.result).copied()
            && results.contains(operand)
            && let Need::Part(axis) = need(types, op, k, Cut { axis, parts })
            && *found.entry(*operand).or_insert(axis) != axis
        {
            return None;
        }
    }
    Some(())
}

impl Triangle {
    /// Where a result has rows and columns.
    pub fn place(&self, v: Value) -> Place {
        Place {
            row: self.rows.get(&v).copied(),
            column: self.columns.get(&v).copied(),
        }
    }

    /// Where an operand of an op has rows and columns.
    pub fn operand(&self, types: &[Type], op: &OpInst, k: usize) -> Place {
        let along = |axes: &HashMap<Value, usize>| {
            let parts = self.extent;
            let from_result = axes.get(&op.result).map(|axis| {
                let cut = Cut { axis: *axis, parts };
                need(types, op, k, cut)
            });
            if let Some(Need::Part(axis)) = from_result {
                return Some(axis);
            }
            let pairs = DotAxes::from_attributes(&op.attributes).ok();
            let pairs = pairs.filter(|_| op.op.kind.is_contraction());
            let own = axes.get(op.operands.get(k)?).copied();
            match pairs {
                None => own,
                Some(pairs) => {
                    // What the operands sum over together.
                    let summed = [&pairs.contract_x, &pairs.contract_y];
                    let other = axes.get(op.operands.get(1 - k)?).copied();
                    let at = |k: usize, axis: Option<usize>| {
                        let axis = Axis::At(axis?);
                        summed.get(k)?.iter().position(|a| *a == axis)
                    };
                    let place = at(k, own).or_else(|| at(1 - k, other))?;
                    match summed.get(k)?.get(place)? {
                        Axis::At(axis) => Some(*axis),
                        Axis::Sequence => None,
                    }
                }
            }
        };
        Place {
            row: along(&self.rows),
            column: along(&self.columns),
        }
    }
}
