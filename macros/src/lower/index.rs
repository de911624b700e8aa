//! The parts of an index: which axis each takes, and what of it.
//!
//! A part takes an axis each, from the left. With fewer parts than axes, `..` stands for all axes between,
//! as NumPy's `...` does; without `..`, the axes on the right are whole. A sequence in front is a part of
//! what the first `..` stands for. `None` takes no axis and makes one.

use super::Lowerer;
use super::arguments::{integer, plain};
use super::build::WrittenOperand;
use super::value::{LoopIndex, Val};
use crate::check::relation;
use crate::errors::Checked;
use crate::messages::{self, Message};
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{DType, Dim, OpError, Relation, Shape, Value};

/// A part of an index that is not `..`.
pub struct Part<'e> {
    /// As written.
    pub written: &'e syn::Expr,
    /// The axis that it takes, or that it stands in front of (behind a sequence).
    pub axis: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a part of an index is.
pub enum Kind {
    /// `None`: a new axis.
    New,
    /// A loop's index, or one beside it.
    Loop(LoopIndex),
    /// An index that is known.
    Point(Dim),
    /// `1..3`
    Range(Selection),
    /// A tensor of indices.
    Tensor(Value),
}

/// A range, and what is done to its elements.
pub struct Selection {
    /// The first index.
    pub start: Dim,
    /// What indices are below.
    pub stop: Dim,
    /// In order: whether the elements are turned round (`.rev()`), or every so many are taken
    /// (`.step_by(2)`).
    pub reversed: Vec<bool>,
    /// The step of each, 1 where they are turned round.
    pub steps: Vec<Dim>,
}

impl Selection {
    /// One index.
    pub fn point(start: Dim, stop: Dim) -> Selection {
        Selection {
            start,
            stop,
            reversed: Vec::new(),
            steps: Vec::new(),
        }
    }
}

impl Part<'_> {
    /// Whether it is a tensor of indices.
    pub fn is_tensor(&self) -> bool {
        matches!(self.kind, Kind::Tensor(_))
    }
}

/// Whether a part is `..`.
fn is_whole(e: &syn::Expr) -> bool {
    matches!(e, syn::Expr::Range(r) if r.start.is_none() && r.end.is_none())
}

/// Whether a part is `None`.
fn is_new(e: &syn::Expr) -> bool {
    matches!(e, syn::Expr::Path(p) if p.path.is_ident("None"))
}

impl Lowerer<'_, '_> {
    /// The parts of an index of `x`, those that are `..` left out.
    pub(super) fn index_parts<'e>(
        &mut self,
        x: Value,
        index: &'e syn::Expr,
        tokens: &TokenStream,
    ) -> Checked<Vec<Part<'e>>> {
        let written: Vec<&syn::Expr> = match plain(index) {
            syn::Expr::Tuple(t) => t.elems.iter().map(plain).collect(),
            one => vec![one],
        };
        let shape = self.builder.type_of(x).shape.clone();
        let spans = self.spans_of_ellipses(index, &written, &shape)?;
        let mut out: Vec<Part<'e>> = Vec::new();
        let mut axis = 0;
        for (part, span) in written.into_iter().zip(spans) {
            if is_whole(part) {
                axis += span;
                continue;
            }
            let kind = match is_new(part) {
                true => Kind::New,
                false => self.index_part(x, axis, part, tokens)?,
            };
            out.push(Part {
                written: part,
                axis,
                kind,
            });
            axis += span;
        }
        let tensors: Vec<&Part<'_>> = out.iter().filter(|p| p.is_tensor()).collect();
        let apart = tensors
            .windows(2)
            .find(|pair| pair[1].axis != pair[0].axis + 1);
        if let Some([_, second]) = apart {
            return Err(self.report(messages::indices_apart(second.written)));
        }
        Ok(out)
    }

    /// How many axes each part takes.
    fn spans_of_ellipses(
        &self,
        index: &syn::Expr,
        parts: &[&syn::Expr],
        shape: &Shape,
    ) -> Checked<Vec<usize>> {
        let rank = shape.len();
        let mut spans: Vec<usize> = parts.iter().map(|p| usize::from(!is_new(p))).collect();
        let taken: usize = spans.iter().sum();
        let ellipses: Vec<usize> = (0..parts.len()).filter(|i| is_whole(parts[*i])).collect();
        if shape.sequence.is_some() {
            // The first part stands for the sequence, and for what no other part takes.
            let first = parts.first().filter(|p| is_whole(p));
            let Some(rest) = first.and_then(|_| (rank + 1).checked_sub(taken)) else {
                return Err(self.report(messages::index_of_sequence(index, shape)));
            };
            spans[0] = rest;
            return Ok(spans);
        }
        let Some(rest) = rank.checked_sub(taken) else {
            return Err(self.report(messages::index_count(index, taken, rank)));
        };
        match ellipses.as_slice() {
            _ if rest == 0 => {}
            [] => {}
            [one] => spans[*one] += rest,
            _ => return Err(self.report(messages::index_ellipses(index, taken, rank))),
        }
        Ok(spans)
    }

    /// A part that takes an axis and is not all of it.
    fn index_part(
        &mut self,
        x: Value,
        axis: usize,
        part: &syn::Expr,
        tokens: &TokenStream,
    ) -> Checked<Kind> {
        let extent = self.builder.type_of(x).shape.dims[axis].clone();
        let operand = WrittenOperand::new(tokens, x);
        if let Some(range) = self.selection(part, &extent)? {
            self.within(part, &operand, &range.start, &range.stop, &extent)?;
            return Ok(Kind::Range(range));
        }
        if self.is_computed(part) {
            return match self.expression(part)? {
                Val::Tensor(i) => self.index_tensor(i, part),
                Val::Index(index) => Ok(Kind::Loop(index)),
                other => {
                    let what = self.describe(&other);
                    Err(self.report(messages::index_by_other(part, &what)))
                }
            };
        }
        let start = self.bound(part, &extent)?;
        let stop = self.plus(&start, 1, part)?;
        self.within(part, &operand, &start, &stop, &extent)?;
        Ok(Kind::Point(start))
    }

    /// A tensor in an index, if its elements can be indices.
    fn index_tensor(&self, i: Value, part: &syn::Expr) -> Checked<Kind> {
        let ty = self.builder.type_of(i);
        match ty.dtype {
            DType::I32 => Ok(Kind::Tensor(i)),
            DType::Bool => Err(self.report(messages::index_by_a_mask(part, messages::tensor(ty)))),
            DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 | DType::U32 => {
                Err(self.report(messages::index_by_type(part, messages::tensor(ty))))
            }
        }
    }

    /// Whether a part of an index is known to no size: it has a loop's index or a tensor in it.
    pub(super) fn is_computed(&self, part: &syn::Expr) -> bool {
        match plain(part) {
            syn::Expr::Binary(b) => self.is_computed(&b.left) || self.is_computed(&b.right),
            syn::Expr::Unary(u) => self.is_computed(&u.expr),
            syn::Expr::Path(p) => {
                let local = p.path.get_ident().map(crate::parse::name);
                let local = local.and_then(|n| self.lookup(&n));
                matches!(local, Some(Val::Index(_) | Val::Tensor(_) | Val::Broken))
            }
            syn::Expr::Lit(_) | syn::Expr::Block(_) => false,
            _ => true,
        }
    }

    /// `1..3`, `(1..9).step_by(2)`, `(..).rev()`; `None` for what is no range.
    fn selection(&mut self, part: &syn::Expr, extent: &Dim) -> Checked<Option<Selection>> {
        match plain(part) {
            syn::Expr::Range(range) => {
                let (start, stop) = self.ends(range, extent)?;
                Ok(Some(Selection::point(start, stop)))
            }
            syn::Expr::MethodCall(m) => {
                let arguments: Vec<&syn::Expr> = m.args.iter().collect();
                let name = crate::parse::name(&m.method);
                let (reversed, step) = match (name.as_str(), arguments.as_slice()) {
                    ("rev", []) => (true, None),
                    ("step_by", [step]) => (false, Some(*step)),
                    _ if is_range(&m.receiver) => {
                        return Err(self.report(messages::index_adapter(&m.method)));
                    }
                    _ => return Ok(None),
                };
                let Some(mut inner) = self.selection(&m.receiver, extent)? else {
                    return Ok(None);
                };
                inner.reversed.push(reversed);
                inner.steps.push(match step {
                    Some(step) => self.counted(step, |n| messages::index_step(step, n))?,
                    None => Dim::constant(1),
                });
                Ok(Some(inner))
            }
            _ => Ok(None),
        }
    }

    /// A number from 1 on, for which `wrong` says that it is none.
    pub(super) fn counted(
        &mut self,
        e: &syn::Expr,
        wrong: impl Fn(&Dim) -> Message,
    ) -> Checked<Dim> {
        let step = match integer(e) {
            Some(n) => Dim::constant(n),
            None => self.dim_expr(e)?,
        };
        let one = Dim::constant(1);
        let message = wrong(&step);
        match relation::decide(&one, Relation::AtMost, &step) {
            Some(false) => return Err(self.report(message.into_error())),
            None if relation::const_only(&one, &step) => {
                self.assert(one, Relation::AtMost, step.clone(), &message);
            }
            Some(true) | None => {}
        }
        Ok(step)
    }

    /// Where a range starts, and where it ends.
    fn ends(&mut self, range: &syn::ExprRange, extent: &Dim) -> Checked<(Dim, Dim)> {
        let start = match &range.start {
            Some(e) => self.bound(e, extent)?,
            None => Dim::constant(0),
        };
        let stop = match &range.end {
            Some(e) => self.bound(e, extent)?,
            None => extent.clone(),
        };
        match range.limits {
            // `..=-1` ends with the last.
            syn::RangeLimits::Closed(_) => Ok((start, self.plus(&stop, 1, range)?)),
            syn::RangeLimits::HalfOpen(_) => Ok((start, stop)),
        }
    }

    /// Leaves to rustc that a range lies in its axis, where only Rust consts decide.
    pub(super) fn within(
        &mut self,
        at: &impl ToTokens,
        operand: &WrittenOperand,
        start: &Dim,
        stop: &Dim,
        extent: &Dim,
    ) -> Checked<()> {
        self.within_of(at, "index", operand, [start, stop, extent])
    }

    /// As [`Self::within`], for an operation.
    pub(super) fn within_of(
        &mut self,
        at: &impl ToTokens,
        name: &str,
        operand: &WrittenOperand,
        [start, stop, extent]: [&Dim; 3],
    ) -> Checked<()> {
        let error = OpError::Range {
            start: messages::dim(start),
            stop: messages::dim(stop),
            step: "1".to_string(),
            extent: messages::dim(extent),
        };
        let tokens = at.to_token_stream();
        for (left, right) in [(start, stop), (stop, extent)] {
            self.at_most((&tokens, name), operand, [left, right], &error)?;
        }
        Ok(())
    }

    /// Leaves to rustc that one dim is at most another, where only Rust consts decide; `error` is what it
    /// means for the operation, at its tokens, if it is not.
    pub(super) fn at_most(
        &mut self,
        (tokens, name): (&TokenStream, &str),
        operand: &WrittenOperand,
        [left, right]: [&Dim; 2],
        error: &OpError,
    ) -> Checked<()> {
        let (left, right) = (self.dim(left)?, self.dim(right)?);
        if relation::const_only(&left, &right) {
            let message = self.refusal(tokens, name, error, std::slice::from_ref(operand));
            self.assert(left, Relation::AtMost, right, &message);
        }
        Ok(())
    }

    /// One end of a range: a size, or a literal or size that counts from the end if it is negative.
    pub(super) fn bound(&mut self, e: &syn::Expr, extent: &Dim) -> Checked<Dim> {
        match (integer(e), plain(e)) {
            (Some(n), _) if n < 0 => self.plus(extent, n, e),
            (Some(n), _) => Ok(Dim::constant(n)),
            (None, _) if self.is_computed(e) => Err(self.report(messages::index_part(e))),
            (None, syn::Expr::Unary(u)) if matches!(u.op, syn::UnOp::Neg(_)) => {
                let from_end = self.dim_expr(&u.expr)?;
                let left = self.dim(extent)?.checked_sub(&from_end);
                left.ok_or_else(|| self.overflow(crate::parse::start(e)))
            }
            (None, _) => self.dim_expr(e),
        }
    }

    pub(super) fn plus(&mut self, dim: &Dim, n: i64, at: &impl ToTokens) -> Checked<Dim> {
        match dim.checked_add(&Dim::constant(n)) {
            Some(sum) => Ok(sum),
            None => Err(self.overflow(crate::parse::start(at))),
        }
    }
}

/// Whether methods are called on a range.
fn is_range(e: &syn::Expr) -> bool {
    match plain(e) {
        syn::Expr::Range(_) => true,
        syn::Expr::MethodCall(m) => is_range(&m.receiver),
        _ => false,
    }
}
