//! Indexing: `x[(.., 1..3, 0)]`, and updates of what an index names: `x.set((.., 0), y)`.

use super::Lowerer;
use super::arguments::Arguments;
use super::build::WrittenOperand;
use super::index::{Kind, Part, Selection};
use super::value::{LoopIndex, Val};
use crate::errors::{Checked, Reported};
use crate::messages;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::compose::Reach;
use sinew_ir::{Axis, Builder, DType, Dim, OpError, Value, compose};

/// An update of a part of a tensor.
type Update = fn(&mut Builder, Value, &[Reach], Value) -> Result<Value, OpError>;
/// An update of slices at indices along an axis.
type UpdateAt = fn(&mut Builder, Value, Axis, Value, Value) -> Result<Value, OpError>;

impl Lowerer<'_, '_> {
    /// `x[..]`.
    pub fn index(&mut self, e: &syn::ExprIndex) -> Checked<Val> {
        let base = self.expression(&e.expr)?;
        let tokens = e.expr.to_token_stream();
        if let Val::Tuple(parts) = &base {
            return self.part_of_array(parts, &e.index);
        }
        if let Val::Repeated(children) = &base {
            return self.child_at(children, e);
        }
        let mut x = self.tensor_of(base, None, &tokens)?;
        let mut parts = self.index_parts(x, &e.index, &tokens)?;
        // Those of loops first: they are slices of what stands outside of the loop.
        let mut loops = 0;
        for part in &mut parts {
            part.axis -= loops;
            if let Kind::Loop(index) = &part.kind {
                x = self.index_by_loop(x, part.axis, index, part.written, &tokens)?;
                loops += 1;
            }
        }
        let mut points = Vec::new();
        for part in &mut parts {
            let at = part.axis;
            part.axis -= points.len();
            match &part.kind {
                Kind::Range(selection) => {
                    x = self.selected(x, at, selection, part.written, &tokens)?
                }
                Kind::Point(point) => {
                    let selection =
                        Selection::point(point.clone(), self.plus(point, 1, part.written)?);
                    x = self.selected(x, at, &selection, part.written, &tokens)?;
                    points.push(Axis::At(at));
                }
                Kind::Loop(_) | Kind::New | Kind::Tensor(..) => {}
            }
        }
        let operand = |x| [WrittenOperand::new(&tokens, x)];
        if !points.is_empty() {
            x = self.build(&e.index, "index", &operand(x), |b| {
                compose::squeeze(b, x, &points)
            })?;
        }
        // From the right, so that axes to the left keep their numbers.
        for (i, part) in parts.iter().enumerate().rev() {
            match &part.kind {
                Kind::New => {
                    let rank = self.builder.type_of(x).shape.len();
                    let at = negative(part.axis, rank + 1);
                    x = self.build(part.written, "index", &operand(x), |b| {
                        compose::unsqueeze(b, x, at)
                    })?;
                }
                Kind::Tensor(..) if i > 0 && parts[i - 1].is_tensor() => {}
                Kind::Tensor(..) => x = self.index_by_tensors(x, &parts[i..], &e.index, &tokens)?,
                Kind::Loop(_) | Kind::Point(_) | Kind::Range(_) => {}
            }
        }
        Ok(Val::Tensor(x))
    }

    /// `x[(i, j)]` of tensors: those that stand side by side at the start of `parts` pick together.
    fn index_by_tensors(
        &mut self,
        x: Value,
        parts: &[Part<'_>],
        index: &syn::Expr,
        tokens: &TokenStream,
    ) -> Checked<Value> {
        let mut operands = vec![WrittenOperand::new(tokens, x)];
        let mut indices = Vec::new();
        for part in parts {
            let Kind::Tensor(value) = &part.kind else {
                break;
            };
            indices.push(*value);
            operands.push(WrittenOperand::new(&part.written, *value));
        }
        let first = parts.first().map_or(0, |part| part.axis);
        self.build(index, "index", &operands, |b| {
            compose::take_points(b, x, first, &indices)
        })
    }

    /// A range of an axis, its elements in the order that is asked for.
    fn selected(
        &mut self,
        x: Value,
        axis: usize,
        selection: &Selection,
        at: &syn::Expr,
        tokens: &TokenStream,
    ) -> Checked<Value> {
        let operand = [WrittenOperand::new(tokens, x)];
        let dims = (
            (selection.start.clone(), selection.stop.clone()),
            selection.steps.clone(),
        );
        let reversed = &selection.reversed;
        self.build_with(at, "index", &operand, dims, |b, ((start, stop), steps)| {
            let one = Dim::constant(1);
            let first = match reversed.first() {
                Some(false) => steps.first().cloned(),
                Some(true) | None => None,
            };
            let range = [start, stop, first.as_ref().unwrap_or(&one)];
            let mut x = b.slice(x, Axis::At(axis), range)?;
            let done = usize::from(first.is_some());
            for (reversed, step) in reversed.iter().zip(steps).skip(done) {
                x = match reversed {
                    true => compose::flip(b, x, Axis::At(axis))?,
                    false => {
                        let extent = b.type_of(x).shape.dims[axis].clone();
                        b.slice(x, Axis::At(axis), [&Dim::constant(0), &extent, step])?
                    }
                };
            }
            Ok(x)
        })
    }

    /// `x[t]`: of what is defined outside of the loop a slice that the iteration gets, of all else the
    /// element at the index.
    fn index_by_loop(
        &mut self,
        x: Value,
        axis: usize,
        index: &LoopIndex,
        part: &syn::Expr,
        tokens: &TokenStream,
    ) -> Checked<Value> {
        let range = self.loop_range(x, axis, index, part, tokens)?;
        self.slice_by_loop(x, axis, index, (part, tokens), range)
    }

    /// As [`Self::index_by_loop`], of the indices `start..stop` that the loop's index takes.
    pub(super) fn slice_by_loop(
        &mut self,
        x: Value,
        axis: usize,
        index: &LoopIndex,
        (part, tokens): (&syn::Expr, &TokenStream),
        (start, stop): (Dim, Dim),
    ) -> Checked<Value> {
        let at = Axis::At(axis);
        let slice = |lowerer: &mut Self| {
            let ends = (start.clone(), stop.clone());
            lowerer.build_with(
                part,
                "index",
                &[WrittenOperand::new(tokens, x)],
                ends,
                |b, ends| {
                    let (start, stop) = ends.clone();
                    compose::slice(b, x, at, start, stop, Dim::constant(1))
                },
            )
        };
        if self.is_outside(index.frame, x) {
            let extent = self.builder.type_of(x).shape.dims[axis].clone();
            let whole = start == Dim::constant(0) && self.dim(&extent)? == stop;
            let run = match whole {
                true => x,
                false => self.before_loop(index.frame, slice)?,
            };
            return Ok(self.sliced(index.frame, run, axis));
        }
        // What the range says is checked as that of a slice, which nothing uses.
        let insts = self.builder.insts.len();
        slice(self)?;
        self.builder.insts.truncate(insts);
        let at_index = self.index_number(index, None, &part.to_token_stream())?;
        self.build(part, "index", &[WrittenOperand::new(tokens, x)], |b| {
            compose::take(b, x, at_index, at)
        })
    }

    /// The indices of an axis that a loop's index takes.
    fn loop_range(
        &mut self,
        x: Value,
        axis: usize,
        index: &LoopIndex,
        part: &syn::Expr,
        tokens: &TokenStream,
    ) -> Checked<(Dim, Dim)> {
        let extent = self.builder.type_of(x).shape.dims[axis].clone();
        let (start, stop) = self.numbers_of(index, part)?;
        let operand = WrittenOperand::new(tokens, x);
        self.within(part, &operand, &start, &stop, &extent)?;
        Ok((start, stop))
    }

    /// The first number that a loop's index is, and the one behind the last.
    pub(super) fn numbers_of(&mut self, index: &LoopIndex, at: &syn::Expr) -> Checked<(Dim, Dim)> {
        let trip = self.dim(&self.trip(index.frame).clone())?;
        let start = self.dim(&index.offset)?;
        let stop = start.checked_add(&trip);
        let stop = stop.ok_or_else(|| self.overflow(crate::parse::start(at)))?;
        Ok((start, stop))
    }

    /// `x.set((.., t), y)`
    pub fn set(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.updated(a, compose::set, compose::set_at)
    }

    /// `x.add_at(i, y)`
    pub fn add_at(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.updated(a, compose::add_to, compose::add_at)
    }

    fn updated(&mut self, a: &Arguments<'_>, part: Update, at: UpdateAt) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let tokens = a.tokens(0);
        let Some(index) = a.written(1) else {
            return Err(Reported);
        };
        let parts = self.index_parts(x, index, &tokens)?;
        let dtype = self.builder.type_of(x).dtype;
        let update = self.tensor_arg(a, 2, Some(dtype))?;
        let mut operands = vec![WrittenOperand::new(&tokens, x)];
        operands.push(WrittenOperand::new(&a.tokens(2), update));
        let of_rows = |p: &&Part<'_>| match &p.kind {
            Kind::Tensor(i) => !self.builder.type_of(*i).shape.is_empty(),
            Kind::Loop(_) | Kind::New | Kind::Point(_) | Kind::Range(_) => false,
        };
        if let Some(rows) = parts.iter().find(of_rows) {
            if parts.len() > 1 {
                return Err(self.report(messages::update_of_rows(rows.written, &a.name)));
            }
            let Kind::Tensor(indices) = rows.kind else {
                return Err(Reported);
            };
            operands.push(WrittenOperand::new(&rows.written, indices));
            let axis = Axis::At(rows.axis);
            let built = self.build(&a.name, a.op.name, &operands, |b| {
                at(b, x, axis, indices, update)
            })?;
            return Ok(Val::Tensor(built));
        }
        let reach = self.reach(x, &parts, &tokens, &a.name)?;
        let built = self.build_with(&a.name, a.op.name, &operands, reach, |b, reach| {
            part(b, x, reach, update)
        })?;
        Ok(Val::Tensor(built))
    }

    /// How far an update reaches along each axis.
    fn reach(
        &mut self,
        x: Value,
        parts: &[Part<'_>],
        tokens: &TokenStream,
        name: &syn::Ident,
    ) -> Checked<Vec<Reach>> {
        let mut reach = vec![Reach::Whole; self.builder.type_of(x).shape.len()];
        for part in parts {
            reach[part.axis] = match &part.kind {
                Kind::New => {
                    return Err(self.report(messages::update_of_a_new_axis(part.written, name)));
                }
                Kind::Tensor(index) => Reach::Index(*index),
                Kind::Point(at) => Reach::Point(at.clone()),
                Kind::Loop(index) => {
                    self.loop_range(x, part.axis, index, part.written, tokens)?;
                    let at = part.written.to_token_stream();
                    Reach::Index(self.index_number(index, Some(DType::I32), &at)?)
                }
                Kind::Range(selection) => {
                    let step = match (selection.reversed.as_slice(), selection.steps.as_slice()) {
                        ([], _) => Dim::constant(1),
                        ([false], [step]) => step.clone(),
                        _ => {
                            return Err(self.report(messages::update_backwards(part.written, name)));
                        }
                    };
                    Reach::Range {
                        start: selection.start.clone(),
                        stop: selection.stop.clone(),
                        step,
                    }
                }
            };
        }
        Ok(reach)
    }
}

/// Axis `at` of `rank`, counted from the right, which a sequence does not disturb.
fn negative(at: usize, rank: usize) -> i64 {
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    number(at) - number(rank)
}
