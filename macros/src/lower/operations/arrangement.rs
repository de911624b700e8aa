//! Operations that put elements elsewhere: shapes, axes, parts.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::check::relation;
use crate::errors::Checked;
use crate::messages;
use sinew_ir::compose;
use sinew_ir::{Axis, Builder, Dim, OpError, Relation, Shape, Value};

/// How many elements there are, and how many the dims of a shape with `-1` make, where the one is no multiple
/// of the other.
fn indivisible(from: &Shape, to: &[Option<Dim>]) -> Option<(Dim, Dim)> {
    if !to.contains(&None) {
        return None;
    }
    let all = relation::product(&from.dims)?;
    let known = relation::product(to.iter().flatten())?;
    // Rust consts that are equal leave a 1.
    let decided = all.exact_div(&known).is_some() || relation::const_only(&all, &known);
    (!decided).then_some((all, known))
}

fn sum(dims: &[Dim]) -> Option<Dim> {
    let mut dims = dims.iter();
    dims.try_fold(Dim::constant(0), |sum, d| sum.checked_add(d))
}

impl Lowerer<'_, '_> {
    pub fn reshape(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let (sequence, dims) = self.shape_arg(a, 1)?;
        if dims.iter().filter(|d| d.is_none()).count() > 1 {
            return Err(self.report(messages::two_inferred(&a.tokens(1))));
        }
        let own = self.builder.type_of(x).shape.sequence.clone();
        if sequence != own {
            let shape = self.builder.type_of(x).shape.clone();
            let error = OpError::Sequence(shape);
            let operand = WrittenOperand::new(&a.tokens(0), x);
            return Err(self.refused(&a.tokens(1), a.op.name, &error, &[operand]));
        }
        let from = &self.builder.type_of(x).shape;
        if let Some((all, known)) = indivisible(from, &dims) {
            let operand = messages::operand("", &a.tokens(0), self.builder.type_of(x));
            let error = messages::no_inferred_dim(&a.tokens(1), &all, &known, operand);
            return Err(self.report(error));
        }
        self.on_with(a, x, &a.tokens(1), dims, |b, dims| {
            compose::reshape(b, x, dims)
        })
    }

    pub fn flatten(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.with_x(a, |b, x| compose::reshape(b, x, &[None]))
    }

    pub fn permute(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let order = self.axes_arg(a, 1)?.unwrap_or_default();
        self.on(a, x, &a.tokens(1), |b| compose::permute(b, x, &order))
    }

    pub fn transpose(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        if a.has(1) {
            return self.permute(a);
        }
        let x = self.tensor_arg(a, 0, None)?;
        let rank = i64::try_from(self.builder.type_of(x).shape.len()).unwrap_or(0);
        let order: Vec<i64> = (1..=rank).map(|i| -i).collect();
        self.on(a, x, &a.name, |b| compose::permute(b, x, &order))
    }

    pub fn swapaxes(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let (i, j) = (self.axis_arg(a, 1)?, self.axis_arg(a, 2)?);
        self.on(a, x, &a.name, |b| compose::swapaxes(b, x, i, j))
    }

    pub fn t(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.with_x(a, |b, x| compose::swapaxes(b, x, -1, -2))
    }

    pub fn unsqueeze(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let at = self.axis_arg(a, 1)?;
        self.on(a, x, &a.tokens(1), |b| compose::unsqueeze(b, x, at))
    }

    pub fn squeeze(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axes = self.axes(a, 1, x)?;
        self.on(a, x, &a.tokens(1), |b| compose::squeeze(b, x, &axes))
    }

    pub fn broadcast_to(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let shape = self.full_shape_arg(a, 1)?;
        self.on_with(a, x, &a.tokens(1), shape, |b, shape| {
            compose::broadcast_to(b, x, shape)
        })
    }

    pub fn expand(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let (sequence, dims) = self.shape_arg(a, 1)?;
        self.on_with(a, x, &a.tokens(1), dims, |b, dims| {
            compose::expand(b, x, sequence.as_ref(), dims)
        })
    }

    pub fn sum_to(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let to = self.full_shape_arg(a, 1)?;
        self.on_with(a, x, &a.tokens(1), to, |b, to| {
            let from = b.type_of(x).shape.clone();
            if !compose::broadcast_shapes(to, &from).is_ok_and(|s| s == from) {
                return Err(OpError::ShapesDiffer {
                    left: from,
                    right: to.clone(),
                });
            }
            let missing = from.len() - to.len();
            let mut axes: Vec<Axis> = match (&from.sequence, &to.sequence) {
                (Some(_), None) => vec![Axis::Sequence],
                _ => Vec::new(),
            };
            for (i, d) in from.dims.iter().enumerate() {
                let kept = i.checked_sub(missing).and_then(|j| to.dims.get(j)) == Some(d);
                if !kept {
                    axes.push(Axis::At(i));
                }
            }
            let sum = b.sum(x, &axes)?;
            b.reshape(sum, to)
        })
    }

    pub fn concat(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        if let Some(list) = self.list_arg(a, 0) {
            return self.of_list(a, list, compose::concat_slices);
        }
        let parts = self.tensors_arg(a, 0)?;
        let values: Vec<Value> = parts.iter().map(|(v, _)| *v).collect();
        let axis = self.one_axis(a, 1, values[0])?;
        let operands: Vec<WrittenOperand> = parts
            .iter()
            .map(|(v, t)| WrittenOperand::new(t, *v))
            .collect();
        let rank = |v: &Value| self.builder.type_of(*v).shape.len();
        let other = values.iter().position(|v| rank(v) != rank(&values[0]));
        if let Some(i) = other {
            let [first, other] = [0, i].map(|i| (&operands[i].tokens, rank(&values[i])));
            return Err(self.report(messages::ranks_of_parts(a.op.name, first, other)));
        }
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::concat(b, &values, axis)
        })?;
        Ok(Val::Tensor(built))
    }

    pub fn stack(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        if let Some(list) = self.list_arg(a, 0) {
            return self.of_list(a, list, compose::stack_slices);
        }
        let parts = self.tensors_arg(a, 0)?;
        let values: Vec<Value> = parts.iter().map(|(v, _)| *v).collect();
        let at = self.axis_arg(a, 1)?;
        let operands: Vec<WrittenOperand> = parts
            .iter()
            .map(|(v, t)| WrittenOperand::new(t, *v))
            .collect();
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::stack(b, &values, at)
        })?;
        Ok(Val::Tensor(built))
    }

    /// An operation on what a list holds, whose second argument is an axis.
    fn of_list(
        &mut self,
        a: &Arguments<'_>,
        list: usize,
        make: fn(&mut Builder, Value, i64) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let slices = self.slices_of_list(list, &a.tokens(0))?;
        let at = self.axis_arg(a, 1)?;
        let operand = WrittenOperand::new(&a.tokens(0), slices);
        let built = self.build(&a.name, a.op.name, &[operand], |b| make(b, slices, at))?;
        Ok(Val::Tensor(built))
    }

    pub fn split(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let sizes = self.full_shape_arg(a, 1)?;
        let axis = self.one_axis(a, 2, x)?;
        let operand = WrittenOperand::new(&a.tokens(0), x);
        let extent = self.extent(x, axis);
        if let (Some(extent), Some(sum)) = (extent, sum(&sizes.dims)) {
            let fact = messages::operand("", &a.tokens(0), self.builder.type_of(x));
            let ends = (&sum, &extent);
            let message = messages::split_sizes(&a.tokens(1), &sizes.dims, ends, fact);
            self.equal(&sum, &extent, &message)?;
        }
        let parts = self.build_with(&a.tokens(1), a.op.name, &[operand], sizes, |b, sizes| {
            compose::split(b, x, &sizes.dims, axis)
        })?;
        Ok(Val::Tuple(parts.into_iter().map(Val::Tensor).collect()))
    }

    /// The extent of an axis that is one dim.
    pub(super) fn extent(&self, x: Value, axis: Axis) -> Option<Dim> {
        match axis {
            Axis::At(i) => self.builder.type_of(x).shape.dims.get(i).cloned(),
            Axis::Sequence => None,
        }
    }

    pub(super) fn on_axis(
        &mut self,
        a: &Arguments<'_>,
        make: fn(&mut Builder, Value, Axis) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = self.one_axis(a, 1, x)?;
        self.on(a, x, &a.name, |b| make(b, x, axis))
    }

    pub fn roll(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let shift = self.axis_arg(a, 1)?;
        let axis = self.one_axis(a, 2, x)?;
        if let Some(extent) = self.extent(x, axis).filter(|d| d.as_constant().is_none()) {
            let fact = messages::operand("", &a.tokens(0), self.builder.type_of(x));
            return Err(self.report(messages::roll_of_any_size(&a.name, &extent, fact)));
        }
        self.on(a, x, &a.name, |b| compose::roll(b, x, shift, axis))
    }

    /// Widths for the last axes, a pair each; NumPy's order.
    pub fn pad(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let pairs = self.pairs_arg(a, 1)?;
        let mode = self.choice_arg(a, 2)?;
        let value = self.number_arg(a, 3, self.builder.type_of(x).dtype)?;
        if mode != "constant" && a.has(3) {
            return Err(self.report(messages::pad_value(&a.tokens(3), mode)));
        }
        let shape = self.builder.type_of(x).shape.clone();
        let count = i64::try_from(pairs.len()).unwrap_or(i64::MAX);
        let mut axes = Vec::new();
        for i in 0..pairs.len() {
            let operand = WrittenOperand::new(&a.tokens(0), x);
            axes.push(self.build(&a.tokens(1), a.op.name, &[operand], |_| {
                compose::axis(&shape, i64::try_from(i).unwrap_or(0) - count)
            })?);
        }
        if mode == "reflect" {
            self.reflected(a, x, &axes, &pairs)?;
        }
        self.on_with(a, x, &a.tokens(1), pairs, |b, pairs| {
            let each = axes.iter().zip(pairs);
            let widths = each.map(|(axis, (low, high))| (*axis, low.clone(), high.clone()));
            let widths: Vec<compose::Widths> = widths.collect();
            match mode {
                "edge" => compose::pad_edge(b, x, &widths),
                "reflect" => compose::pad_reflect(b, x, &widths),
                _ => compose::pad(b, x, &widths, &value),
            }
        })
    }

    /// An axis has more elements than it is mirrored by.
    fn reflected(
        &mut self,
        a: &Arguments<'_>,
        x: Value,
        axes: &[Axis],
        pairs: &[(Dim, Dim)],
    ) -> Checked<()> {
        for (axis, (low, high)) in axes.iter().zip(pairs) {
            let Some(extent) = self.extent(x, *axis) else {
                continue;
            };
            let operand = WrittenOperand::new(&a.tokens(0), x);
            let most = self.plus(&extent, -1, &a.tokens(1))?;
            for width in [low, high] {
                let fact = messages::operand("", &a.tokens(0), self.builder.type_of(x));
                let message = messages::pad_reflect(&a.tokens(1), width, &extent, fact);
                if relation::decide(width, Relation::AtMost, &most) == Some(false) {
                    return Err(self.report(message.into_error()));
                }
                let error = OpError::Range {
                    start: "1".to_string(),
                    stop: format!("1 + {}", messages::dim(width)),
                    step: "1".to_string(),
                    extent: messages::dim(&extent),
                };
                self.at_most((&a.tokens(1), a.op.name), &operand, [width, &most], &error)?;
            }
        }
        Ok(())
    }

    pub fn narrow(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = self.one_axis(a, 1, x)?;
        let start = self.bound_arg(a, 2, x, axis)?;
        let length = self.dim_arg(a, 3)?;
        let stop = start.checked_add(&length);
        let stop = stop.ok_or_else(|| self.overflow(crate::parse::start(&a.tokens(3))))?;
        self.ranged(a, x, axis, (start, stop), Dim::constant(1))
    }

    pub fn slice(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = self.one_axis(a, 1, x)?;
        let ends = (
            self.bound_arg(a, 2, x, axis)?,
            self.bound_arg(a, 3, x, axis)?,
        );
        let step = self.count_arg(a, 4)?;
        self.ranged(a, x, axis, ends, step)
    }

    /// An end of a range of an axis, which may count from its end.
    fn bound_arg(&mut self, a: &Arguments<'_>, i: usize, x: Value, axis: Axis) -> Checked<Dim> {
        match (a.written(i), self.extent(x, axis)) {
            (Some(e), Some(extent)) => self.bound(e, &extent),
            _ => self.dim_arg(a, i),
        }
    }

    /// A number above 0, 1 without an argument.
    pub(super) fn count_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Dim> {
        let Some(e) = a.written(i) else {
            return Ok(Dim::constant(1));
        };
        self.counted(e, |n| messages::count_of_none(e, &a.name, &a.op.usage(), n))
    }

    fn ranged(
        &mut self,
        a: &Arguments<'_>,
        x: Value,
        axis: Axis,
        ends: (Dim, Dim),
        step: Dim,
    ) -> Checked<Val> {
        if let Some(extent) = self.extent(x, axis) {
            let operand = WrittenOperand::new(&a.tokens(0), x);
            let (start, stop) = &ends;
            self.within_of(&a.tokens(2), a.op.name, &operand, [start, stop, &extent])?;
        }
        self.on_with(
            a,
            x,
            &a.tokens(2),
            (ends, step),
            |b, ((start, stop), step)| b.slice(x, axis, [start, stop, step]),
        )
    }

    /// So many equal parts.
    pub fn chunk(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let count = self.integer_arg(a, 1)?;
        let axis = self.one_axis(a, 2, x)?;
        let operand = WrittenOperand::new(&a.tokens(0), x);
        if count < 1 {
            let count = Dim::constant(i64::from(count));
            let usage = a.op.usage();
            let message = messages::count_of_none(&a.tokens(1), &a.name, &usage, &count);
            return Err(self.report(message.into_error()));
        }
        let Some(extent) = self.extent(x, axis) else {
            let error = OpError::Sequence(self.builder.type_of(x).shape.clone());
            return Err(self.refused(&a.tokens(1), a.op.name, &error, &[operand]));
        };
        let parts = Dim::constant(i64::from(count));
        let size = match extent.exact_div(&parts) {
            Some(size) => size,
            None => {
                let fact = messages::operand("", &a.tokens(0), self.builder.type_of(x));
                let message = messages::chunk_of_no_multiple(&a.tokens(1), count, &extent, fact);
                let size = extent.floor_div(&parts);
                let all = size.as_ref().and_then(|s| s.checked_mul(&parts));
                match (size, all) {
                    // Rustc knows.
                    (Some(size), Some(all)) if relation::const_only(&extent, &all) => {
                        self.assert(extent, Relation::Equal, all, &message);
                        size
                    }
                    _ => return Err(self.report(message.into_error())),
                }
            }
        };
        let parts = self.build_with(&a.tokens(1), a.op.name, &[operand], size, |b, size| {
            let mut start = Dim::constant(0);
            let mut out = Vec::new();
            for _ in 0..count {
                out.push(compose::narrow(b, x, axis, start.clone(), size)?);
                start = start.checked_add(size).ok_or(OpError::Overflow)?;
            }
            Ok(out)
        })?;
        Ok(Val::Tuple(parts.into_iter().map(Val::Tensor).collect()))
    }

    pub fn windows(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let size = self.count_arg(a, 1)?;
        let axis = self.one_axis(a, 2, x)?;
        let (step, dilation) = (self.count_arg(a, 3)?, self.count_arg(a, 4)?);
        if let Some(extent) = self.extent(x, axis) {
            // What a window reaches beyond its first element: there may be no window, and not fewer.
            let one = Dim::constant(1);
            let reach = size
                .checked_sub(&one)
                .and_then(|r| r.checked_mul(&dilation));
            let end = reach.as_ref().and_then(|r| r.checked_add(&one));
            let (Some(reach), Some(end)) = (reach, end) else {
                return Err(self.overflow(crate::parse::start(&a.tokens(1))));
            };
            let error = OpError::Range {
                start: "0".to_string(),
                stop: messages::dim(&end),
                step: messages::dim(&dilation),
                extent: messages::dim(&extent),
            };
            let operand = WrittenOperand::new(&a.tokens(0), x);
            let at = (&a.tokens(1), a.op.name);
            self.at_most(at, &operand, [&reach, &extent], &error)?;
        }
        let dims = (size, (step, dilation));
        self.on_with(a, x, &a.tokens(1), dims, |b, (size, (step, dilation))| {
            compose::windows(b, x, axis, size.clone(), step.clone(), dilation.clone())
        })
    }

    pub fn meshgrid(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let rows = self.tensors_arg(a, 0)?;
        let xy = self.choice_arg(a, 1)? == "xy";
        let is_row = |v: &Value| {
            let shape = &self.builder.type_of(*v).shape;
            shape.len() == 1 && shape.sequence.is_none()
        };
        if let Some((v, at)) = rows.iter().find(|(v, _)| !is_row(v)) {
            let ty = messages::tensor(self.builder.type_of(*v));
            return Err(self.report(messages::grid_of_other_than_rows(at, ty)));
        }
        let values: Vec<Value> = rows.iter().map(|(v, _)| *v).collect();
        let each = rows.iter().map(|(v, t)| WrittenOperand::new(t, *v));
        let operands: Vec<WrittenOperand> = each.collect();
        let parts = self.build(&a.name, a.op.name, &operands, |b| {
            compose::meshgrid(b, &values, xy)
        })?;
        Ok(Val::Tuple(parts.into_iter().map(Val::Tensor).collect()))
    }
}
