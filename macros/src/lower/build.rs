//! Adding instructions: places, and what happens when the builder refuses.

use super::Lowerer;
use super::substitution::Dims;
use crate::check::relation;
use crate::errors::{Checked, Reported};
use crate::lints::{self, Lint, Warning};
use crate::messages::{self, Message};
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::compose::{EinsumError, PatternError};
use sinew_ir::{Builder, DType, Dim, Inst, OpClass, OpError, Shape, Value};

/// An operand for messages: how it is called there, its tokens, its value.
pub struct WrittenOperand {
    /// `left`, `right`, or nothing.
    pub side: &'static str,
    /// As written.
    pub tokens: TokenStream,
    /// What it is.
    pub value: Value,
}

impl WrittenOperand {
    /// An operand without a side.
    pub fn new(tokens: &impl ToTokens, value: Value) -> WrittenOperand {
        WrittenOperand {
            side: "",
            tokens: tokens.to_token_stream(),
            value,
        }
    }

    /// Two operands with sides.
    pub fn pair(left: (TokenStream, Value), right: (TokenStream, Value)) -> [WrittenOperand; 2] {
        [("left", left), ("right", right)].map(|(side, (tokens, value))| WrittenOperand {
            side,
            tokens,
            value,
        })
    }
}

impl Lowerer<'_, '_> {
    /// Adds instructions at a place; `at` is marked where the builder refuses something that is no
    /// operand's fault.
    pub fn build<T>(
        &mut self,
        at: &impl ToTokens,
        name: &str,
        operands: &[WrittenOperand],
        make: impl Fn(&mut Builder) -> Result<T, OpError>,
    ) -> Checked<T> {
        self.build_with(at, name, operands, (), |b, ()| make(b))
    }

    /// Adds instructions that are made with dims of the caller's. Where Rust consts alone are in the
    /// way, they are taken for equal, which is left to rustc, and the builder is asked again.
    pub fn build_with<T, D: Dims>(
        &mut self,
        at: &impl ToTokens,
        name: &str,
        operands: &[WrittenOperand],
        mut dims: D,
        make: impl Fn(&mut Builder, &D) -> Result<T, OpError>,
    ) -> Checked<T> {
        self.locate(crate::parse::start(at));
        let (values, insts) = (self.builder.values.len(), self.builder.insts.len());
        loop {
            let error = match make(&mut self.builder, &dims) {
                Ok(made) => {
                    self.lint_broadcast(at, operands, insts);
                    return Ok(made);
                }
                Err(error) => error,
            };
            self.builder.values.truncate(values);
            self.builder.insts.truncate(insts);
            let at = at.to_token_stream();
            let pairs = self.differing(&error, operands);
            // Every round takes a const away, so this ends.
            if !self.settled(&pairs, &self.refusal(&at, name, &error, operands)) {
                return Err(self.refused(&at, name, &error, operands));
            }
            dims.each(&mut |d| {
                if let Some(new) = self.equations.dim(d) {
                    *d = new;
                }
            });
        }
    }

    /// Looks at how two operands met in the instructions from `first` on. A comparison of all pairs is
    /// usual: masks are made so.
    fn lint_broadcast(&mut self, at: &impl ToTokens, operands: &[WrittenOperand], first: usize) {
        let [left, right] = operands else {
            return;
        };
        // Where operands meet in a definition is no affair of who calls it.
        if self.defined.is_some() {
            return;
        }
        let shape = |o: &WrittenOperand| &self.builder.type_of(o.value).shape;
        let Some(growth) = lints::growth(shape(left), shape(right)) else {
            return;
        };
        let pairs = self.builder.insts[first..].iter().any(|inst| match inst {
            Inst::Op(op) => {
                let ty = self.builder.type_of(op.result);
                let elementwise = matches!(op.op.kind.class(), OpClass::Elementwise(_));
                elementwise && ty.dtype != DType::Bool && ty.shape == growth.result
            }
            Inst::Call(_) | Inst::PullbackCall(_) | Inst::Loop(_) => false,
        });
        if pairs {
            let names = [left, right].map(|o| messages::source(&o.tokens));
            self.warnings.push(Warning {
                lint: Lint::BroadcastOfBoth,
                message: messages::growth(at, &names[0], &names[1], &growth),
            });
        }
    }

    /// Reports what the builder refused.
    pub fn refused(
        &self,
        at: &TokenStream,
        name: &str,
        error: &OpError,
        operands: &[WrittenOperand],
    ) -> Reported {
        self.report(self.refusal(at, name, error, operands).into_error())
    }

    /// What is said of what the builder refused.
    pub(super) fn refusal(
        &self,
        at: &TokenStream,
        name: &str,
        error: &OpError,
        operands: &[WrittenOperand],
    ) -> Message {
        let (at, name, operands) = match &self.defined {
            Some(call) => (&call.at, call.name, call.operands.as_slice()),
            None => (at, name, operands),
        };
        let mark = match error {
            OpError::DType { operand, .. } => operands.get(*operand),
            OpError::ShapesDiffer { .. }
            | OpError::InnerDims { .. }
            | OpError::DTypesDiffer { .. } => operands.last(),
            OpError::Arity { .. }
            | OpError::Number { .. }
            | OpError::Probability { .. }
            | OpError::Interval { .. }
            | OpError::NotOne { .. }
            | OpError::Axis { .. }
            | OpError::NoAxis { .. }
            | OpError::Einsum(_)
            | OpError::Pattern(_)
            | OpError::Elements { .. }
            | OpError::Sequence(_)
            | OpError::Range { .. }
            | OpError::Count { .. }
            | OpError::Attribute(_)
            | OpError::NotDifferentiable(_)
            | OpError::Overflow => None,
        };
        let mark = mark.map_or(at, |o| &o.tokens);
        let facts: Vec<_> = operands
            .iter()
            .map(|o| messages::operand(o.side, &o.tokens, self.builder.type_of(o.value)))
            .collect();
        messages::refused(mark, name, error, &facts)
    }

    /// The dims whose difference made the builder refuse.
    fn differing(&self, error: &OpError, operands: &[WrittenOperand]) -> Vec<(Dim, Dim)> {
        match error {
            OpError::ShapesDiffer { left, right } => aligned(left, right),
            OpError::InnerDims { left, right } => {
                let dims = operands
                    .iter()
                    .flat_map(|o| &self.builder.type_of(o.value).shape.dims);
                let dims: Vec<&Dim> = dims.collect();
                let find = |text: &str| dims.iter().find(|d| d.to_string() == text);
                match (find(left), find(right)) {
                    (Some(l), Some(r)) => vec![((*l).clone(), (*r).clone())],
                    _ => Vec::new(),
                }
            }
            OpError::Elements { from, to } => {
                match (relation::product(&from.dims), relation::product(&to.dims)) {
                    (Some(from), Some(to)) if from != to => {
                        // `B * X` and `B * Y` are equal where `X` and `Y` are.
                        vec![relation::without_common(from, to, |s| {
                            !relation::is_const(s)
                        })]
                    }
                    _ => Vec::new(),
                }
            }
            OpError::NotOne { dim, .. } => vec![(dim.clone(), Dim::constant(1))],
            OpError::Einsum(e) => match &**e {
                EinsumError::Letter { left, right, .. } => {
                    vec![(left.2.clone(), right.2.clone())]
                }
                _ => Vec::new(),
            },
            OpError::Pattern(e) => match &**e {
                PatternError::Size { given, dim, .. } => vec![(dim.clone(), given.clone())],
                _ => Vec::new(),
            },
            OpError::Arity { .. }
            | OpError::Number { .. }
            | OpError::Probability { .. }
            | OpError::Interval { .. }
            | OpError::DType { .. }
            | OpError::DTypesDiffer { .. }
            | OpError::Axis { .. }
            | OpError::NoAxis { .. }
            | OpError::Sequence(_)
            | OpError::Range { .. }
            | OpError::Count { .. }
            | OpError::Attribute(_)
            | OpError::NotDifferentiable(_)
            | OpError::Overflow => Vec::new(),
        }
    }
}

/// The dims of two shapes that stand over each other, aligned right, and differ.
fn aligned(left: &Shape, right: &Shape) -> Vec<(Dim, Dim)> {
    let pairs = left.dims.iter().rev().zip(right.dims.iter().rev());
    let one = |d: &Dim| d.as_constant() == Some(1);
    pairs
        .filter(|(a, b)| a != b && !one(a) && !one(b))
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect()
}
