//! Attributes of an instruction: what it needs beside its operands.
//!
//! An op's entry declares its attributes once (`AttributeSpec`); the text form, the verifier and the
//! linker handle them by kind, so a new op needs no line there. Whoever knows an op reads and writes its
//! attributes as a struct with names ([`crate::attributes`]), never by position.

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
pub enum ShapeSource {
    /// The operand at this position.
    Operand(usize),
    /// The result.
    Result,
}

/// The kind of an attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttributeKind {
    /// [`Attribute::Axes`], counted on the given shape.
    Axes(ShapeSource),
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
}

impl From<Vec<Attribute>> for Attributes {
    fn from(list: Vec<Attribute>) -> Self {
        Attributes(list)
    }
}
