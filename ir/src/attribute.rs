//! Attributes of an instruction: what it needs beside its operands.
//!
//! An op's entry declares its attributes once (`AttributeSpec`); the text form, the verifier and the
//! linker handle them by kind, so a new op needs no line there. Whoever knows an op reads and writes its
//! attributes as a struct with names ([`crate::attributes`]), never by position.

use crate::dim::Dim;
use crate::dtype::DType;
use crate::shape::{Axis, Shape};
use crate::symbol::Number;

/// What an attribute holds.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
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
    Number(Number),
    /// A name.
    Name(Box<str>),
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
    /// [`Attribute::Number`], a symbol's where the entry can do without its value.
    Number,
    /// [`Attribute::Name`], a path in texts.
    Name,
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
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
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
