//! Attributes of an instruction: what it needs beside its operands.
//!
//! An op's entry declares its attributes once (`AttributeSpec`); the text form, the verifier and the
//! linker handle them by kind, so a new op needs no line there.

use crate::dim::{Dim, Symbol};
use crate::dtype::DType;
use crate::shape::{Axis, Shape};

/// What an attribute holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Attribute {
    /// Axes of an operand or of the result (see [`AttributeKind::Axes`]).
    Axes(Vec<Axis>),
    /// A shape.
    Shape(Shape),
    /// Dims.
    Dims(Vec<Dim>),
    /// An element type.
    DType(DType),
    /// A number.
    Number(f64),
    /// The number that a Rust const has: the linker replaces it by its value.
    Const(Symbol),
}

/// Whose axes an attribute counts: binding a sequence moves them along.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Of {
    /// The operand at this position.
    Operand(usize),
    /// The result.
    Result,
}

/// The kind of an attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttributeKind {
    /// [`Attribute::Axes`], counted on the given shape.
    Axes(Of),
    /// [`Attribute::Shape`].
    Shape,
    /// [`Attribute::Dims`].
    Dims,
    /// [`Attribute::DType`].
    DType,
    /// [`Attribute::Number`], or [`Attribute::Const`] where the entry can do without its value.
    Number,
}

/// One declared attribute of an op.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttributeSpec {
    /// Its name in the text form.
    pub name: &'static str,
    /// What it holds.
    pub kind: AttributeKind,
}

/// The attributes of one instruction, in the order of the op's specs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Attributes(pub Vec<Attribute>);

impl Attributes {
    /// No attributes.
    pub fn none() -> Self {
        Attributes(Vec::new())
    }

    /// The axes at position `i`; empty when something else stands there (the verifier refuses that).
    pub fn axes(&self, i: usize) -> &[Axis] {
        match self.0.get(i) {
            Some(Attribute::Axes(a)) => a,
            _ => &[],
        }
    }

    /// The shape at position `i`.
    pub fn shape(&self, i: usize) -> Option<&Shape> {
        match self.0.get(i) {
            Some(Attribute::Shape(s)) => Some(s),
            _ => None,
        }
    }

    /// The dims at position `i`.
    pub fn dims(&self, i: usize) -> &[Dim] {
        match self.0.get(i) {
            Some(Attribute::Dims(d)) => d,
            _ => &[],
        }
    }

    /// The element type at position `i`.
    pub fn dtype(&self, i: usize) -> Option<DType> {
        match self.0.get(i) {
            Some(Attribute::DType(d)) => Some(*d),
            _ => None,
        }
    }

    /// Whether a number stands at position `i`, known or a const's.
    pub fn has_number(&self, i: usize) -> bool {
        matches!(
            self.0.get(i),
            Some(Attribute::Number(_) | Attribute::Const(_))
        )
    }

    /// The number at position `i`; `None` for a const's, which linked programs have no more.
    pub fn number(&self, i: usize) -> Option<f64> {
        match self.0.get(i) {
            Some(Attribute::Number(n)) => Some(*n),
            _ => None,
        }
    }
}
