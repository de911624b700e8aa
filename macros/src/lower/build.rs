//! Adding instructions: places, and what happens when the builder refuses.

use super::Lowerer;
use crate::check::relation;
use crate::errors::{Checked, Reported};
use crate::messages;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{Builder, Dim, OpError, Relation, Shape, Value};

/// An operand for messages: how it is called there, its tokens, its value.
pub struct Operand {
    /// `left`, `right`, or nothing.
    pub side: &'static str,
    /// As written.
    pub tokens: TokenStream,
    /// What it is.
    pub value: Value,
}

impl Operand {
    /// An operand without a side.
    pub fn of(tokens: &impl ToTokens, value: Value) -> Operand {
        Operand {
            side: "",
            tokens: tokens.to_token_stream(),
            value,
        }
    }

    /// Two operands with sides.
    pub fn pair(left: (TokenStream, Value), right: (TokenStream, Value)) -> [Operand; 2] {
        [("left", left), ("right", right)].map(|(side, (tokens, value))| Operand {
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
        operands: &[Operand],
        make: impl FnOnce(&mut Builder) -> Result<T, OpError>,
    ) -> Checked<T> {
        self.locate(crate::parse::start(at));
        let (values, insts) = (self.builder.values.len(), self.builder.insts.len());
        make(&mut self.builder).map_err(|error| {
            self.builder.values.truncate(values);
            self.builder.insts.truncate(insts);
            self.refused(&at.to_token_stream(), name, &error, operands)
        })
    }

    /// Reports what the builder refused, or leaves it to rustc where Rust consts decide.
    pub fn refused(
        &mut self,
        at: &TokenStream,
        name: &str,
        error: &OpError,
        operands: &[Operand],
    ) -> Reported {
        let mark = match error {
            OpError::DType { operand, .. } => operands.get(*operand),
            OpError::ShapesDiffer { .. }
            | OpError::InnerDims { .. }
            | OpError::DTypesDiffer { .. } => operands.last(),
            OpError::Arity { .. }
            | OpError::Number { .. }
            | OpError::NotOne { .. }
            | OpError::Axis { .. }
            | OpError::NoAxis { .. }
            | OpError::Spec(_)
            | OpError::Elements { .. }
            | OpError::Sequence(_)
            | OpError::Range { .. }
            | OpError::Attribute(_)
            | OpError::NotDifferentiable(_)
            | OpError::Overflow => None,
        };
        let mark = mark.map_or(at, |o| &o.tokens);
        let facts: Vec<_> = operands
            .iter()
            .map(|o| messages::operand(o.side, &o.tokens, self.builder.type_of(o.value)))
            .collect();
        let message = messages::refused(mark, name, error, &facts);
        let pairs = self.differing(error, operands);
        let decidable = !pairs.is_empty() && pairs.iter().all(|(a, b)| relation::const_only(a, b));
        if decidable {
            let mut added = false;
            for (left, right) in pairs {
                if self.equations.add(&left, &right) {
                    added = true;
                    self.assert(left, Relation::Equal, right, &message);
                }
            }
            if added {
                self.again = true;
                return Reported;
            }
        }
        self.report(message.into_error())
    }

    /// The dims whose difference made the builder refuse.
    fn differing(&self, error: &OpError, operands: &[Operand]) -> Vec<(Dim, Dim)> {
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
            OpError::Elements { from, to } => match (product(from), product(to)) {
                (Some(from), Some(to)) if from != to => vec![(from, to)],
                _ => Vec::new(),
            },
            OpError::NotOne { dim, .. } => vec![(dim.clone(), Dim::constant(1))],
            OpError::Arity { .. }
            | OpError::Number { .. }
            | OpError::DType { .. }
            | OpError::DTypesDiffer { .. }
            | OpError::Axis { .. }
            | OpError::NoAxis { .. }
            | OpError::Spec(_)
            | OpError::Sequence(_)
            | OpError::Range { .. }
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

fn product(shape: &Shape) -> Option<Dim> {
    let mut out = Dim::constant(1);
    for d in &shape.dims {
        out = out.checked_mul(d)?;
    }
    Some(out)
}
