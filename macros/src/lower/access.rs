//! Indexing: `x[(.., 1..3, 0)]`, one part an axis from the left.

use super::Lowerer;
use super::arguments::{integer, plain};
use super::build::WrittenOperand;
use super::value::Val;
use crate::check::relation;
use crate::errors::Checked;
use crate::messages;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{Axis, Dim, OpError, Relation, Value, compose};

impl Lowerer<'_, '_> {
    /// `x[..]`.
    pub fn index(&mut self, e: &syn::ExprIndex) -> Checked<Val> {
        let base = self.expression(&e.expr)?;
        let tokens = e.expr.to_token_stream();
        let mut x = self.tensor_of(base, None, &tokens)?;
        let parts: Vec<&syn::Expr> = match plain(&e.index) {
            syn::Expr::Tuple(t) => t.elems.iter().map(plain).collect(),
            one => vec![one],
        };
        let mut shape = self.builder.type_of(x).shape.clone();
        if shape.sequence.is_some() {
            return Err(self.report(messages::index_of_sequence(&e.index, &shape)));
        }
        if parts.len() > shape.dims.len() {
            return Err(self.report(messages::index_count(
                &e.index,
                parts.len(),
                shape.dims.len(),
            )));
        }
        // Those of loops first: they are slices of what stands outside of the loop.
        let mut others = Vec::new();
        for part in parts {
            match self.loop_index_in(part) {
                true => x = self.index_by_loop(x, others.len(), part, &tokens)?,
                false => others.push(part),
            }
        }
        shape = self.builder.type_of(x).shape.clone();
        let mut gone = Vec::new();
        for (i, part) in others.iter().enumerate() {
            let whole = matches!(part, syn::Expr::Range(r) if r.start.is_none() && r.end.is_none());
            if whole {
                continue;
            }
            let axis = self.build(part, "index", &[WrittenOperand::new(&tokens, x)], |_| {
                compose::axis(&shape, i64::try_from(i).unwrap_or(i64::MAX))
            })?;
            let Axis::At(at) = axis else { continue };
            let extent = shape.dims[at].clone();
            let (start, stop) = self.ends(part, &extent)?;
            if !matches!(part, syn::Expr::Range(_)) {
                gone.push(Axis::At(at));
            }
            self.within(
                part,
                &WrittenOperand::new(&tokens, x),
                &start,
                &stop,
                &extent,
            )?;
            let ends = (start, stop);
            x = self.build_with(
                part,
                "index",
                &[WrittenOperand::new(&tokens, x)],
                ends,
                |b, ends| {
                    let (start, stop) = ends.clone();
                    compose::slice(b, x, axis, start, stop, Dim::constant(1))
                },
            )?;
        }
        if !gone.is_empty() {
            x = self.build(&e.index, "index", &[WrittenOperand::new(&tokens, x)], |b| {
                compose::squeeze(b, x, &gone)
            })?;
        }
        Ok(Val::Tensor(x))
    }

    /// Whether a part of an index is a loop's index, or one beside it.
    fn loop_index_in(&self, part: &syn::Expr) -> bool {
        let of_name = |e: &syn::Expr| match plain(e) {
            syn::Expr::Path(p) => {
                let local = p.path.get_ident().map(crate::parse::name);
                matches!(local.and_then(|n| self.lookup(&n)), Some(Val::Index(_)))
            }
            _ => false,
        };
        match plain(part) {
            syn::Expr::Binary(b) => self.loop_index_in(&b.left) || self.loop_index_in(&b.right),
            other => of_name(other),
        }
    }

    /// `x[t]`: of what is defined outside of the loop a slice that the iteration gets, of all else the
    /// element at the index.
    fn index_by_loop(
        &mut self,
        x: Value,
        axis: usize,
        part: &syn::Expr,
        tokens: &TokenStream,
    ) -> Checked<Value> {
        let index = match self.expression(part)? {
            Val::Index(index) => index,
            other => {
                let what = self.describe(&other);
                return Err(self.report(messages::index_by_other(part, &what)));
            }
        };
        let extent = self.builder.type_of(x).shape.dims[axis].clone();
        let trip = self.dim(&self.trip(index.frame).clone())?;
        let start = self.dim(&index.offset)?;
        let stop = start.checked_add(&trip);
        let stop = stop.ok_or_else(|| self.overflow(crate::parse::start(part)))?;
        let operand = WrittenOperand::new(tokens, x);
        self.within(part, &operand, &start, &stop, &extent)?;
        let at = i64::try_from(axis).unwrap_or(i64::MAX);
        let slice = |lowerer: &mut Self| {
            let ends = (start.clone(), stop.clone());
            lowerer.build_with(
                part,
                "index",
                &[WrittenOperand::new(tokens, x)],
                ends,
                |b, ends| {
                    let (start, stop) = ends.clone();
                    let axis = compose::axis(&b.type_of(x).shape, at)?;
                    compose::slice(b, x, axis, start, stop, Dim::constant(1))
                },
            )
        };
        if self.is_outside(index.frame, x) {
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
        let at_index = self.index_number(&index, None, &part.to_token_stream())?;
        self.build(part, "index", &[WrittenOperand::new(tokens, x)], |b| {
            let axis = compose::axis(&b.type_of(x).shape, at)?;
            compose::take(b, x, at_index, axis)
        })
    }

    /// Where a part of an index starts, and where it ends: an index alone is a range of one.
    fn ends(&mut self, part: &syn::Expr, extent: &Dim) -> Checked<(Dim, Dim)> {
        let syn::Expr::Range(range) = part else {
            let start = self.bound(part, extent)?;
            let stop = self.plus(&start, 1, part)?;
            return Ok((start, stop));
        };
        let start = match &range.start {
            Some(e) => self.bound(e, extent)?,
            None => Dim::constant(0),
        };
        let stop = match &range.end {
            Some(e) => self.bound(e, extent)?,
            None => extent.clone(),
        };
        match range.limits {
            syn::RangeLimits::Closed(_) => Ok((start, self.plus(&stop, 1, part)?)),
            syn::RangeLimits::HalfOpen(_) => Ok((start, stop)),
        }
    }

    /// Leaves to rustc that a range lies in its axis, where only Rust consts decide.
    fn within(
        &mut self,
        at: &syn::Expr,
        operand: &WrittenOperand,
        start: &Dim,
        stop: &Dim,
        extent: &Dim,
    ) -> Checked<()> {
        let error = OpError::Range {
            start: messages::dim(start),
            stop: messages::dim(stop),
            step: "1".to_string(),
            extent: messages::dim(extent),
        };
        let tokens = at.to_token_stream();
        for (left, right) in [(start, stop), (stop, extent)] {
            self.at_most((&tokens, "index"), operand, [left, right], &error)?;
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

    /// One end of a range: a size, or a literal that counts from the end if negative.
    fn bound(&mut self, e: &syn::Expr, extent: &Dim) -> Checked<Dim> {
        match integer(e) {
            Some(n) if n < 0 => self.plus(extent, n, e),
            Some(n) => Ok(Dim::constant(n)),
            None => match self.lookup_tensor(e) {
                true => Err(self.report(messages::index_part(e))),
                false => self.dim_expr(e),
            },
        }
    }

    /// Whether an expression is a name of a tensor in scope.
    fn lookup_tensor(&self, e: &syn::Expr) -> bool {
        match e {
            syn::Expr::Path(p) => match p.path.get_ident() {
                Some(name) => match self.lookup(&crate::parse::name(name)) {
                    Some(Val::Tensor(_)) => true,
                    Some(_) | None => false,
                },
                None => false,
            },
            syn::Expr::Lit(_)
            | syn::Expr::Binary(_)
            | syn::Expr::Paren(_)
            | syn::Expr::Block(_) => false,
            _ => true,
        }
    }

    fn plus(&mut self, dim: &Dim, n: i64, at: &impl ToTokens) -> Checked<Dim> {
        match dim.checked_add(&Dim::constant(n)) {
            Some(sum) => Ok(sum),
            None => Err(self.overflow(crate::parse::start(at))),
        }
    }
}
