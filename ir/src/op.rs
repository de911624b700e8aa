//! What the op table's entries are made of.
//!
//! One entry per op holds everything about it; the rest of Sinew is generic over entries.

use crate::attribute::{AttributeSpec, Attributes};
use crate::builder::Builder;
use crate::compose::{EinsumError, PatternError};
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::Value;
use crate::scalar::Scalar;
use crate::shape::{Axis, Shape, Type};
use std::fmt;

/// An entry of the op table.
pub struct OpDef {
    /// Its name in the text form and in the language.
    pub name: &'static str,
    /// One sentence with its shapes, and its formula where the name is not one.
    pub doc: &'static str,
    /// How many operands it takes.
    pub arity: Arity,
    /// Its attributes, in order.
    pub attributes: &'static [AttributeSpec],
    /// The dtype rule and the shape rule: operand types and attributes to the result's type.
    pub infer: fn(&[Type], &Attributes) -> Result<Type, OpError>,
    /// Its derivative.
    pub pullback: Pullback,
    /// How it is computed.
    pub kind: Kind,
    /// Where tests try it.
    pub test: TestData,
}

/// How many operands an op takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arity {
    /// Just as many.
    Exactly(usize),
    /// One or more.
    Variadic,
}

/// Builds the operands' cotangents out of the result's.
pub type PullbackRule = fn(&mut Builder, &Primal<'_>) -> Result<Vec<Option<Value>>, OpError>;

/// The derivative of an op.
#[derive(Clone, Copy)]
pub enum Pullback {
    /// Builds the operands' cotangents out of the result's.
    Rule(PullbackRule),
    /// Derived from the decomposition of a [`Kind::Function`].
    Derived,
    /// Zero for every operand (comparisons, `stop_gradient`, integers).
    Zero,
    /// There is none, and this is why: an error at the op.
    NotDifferentiable(&'static str),
}

/// What a pullback rule sees: the primal instruction and the cotangent of its result.
pub struct Primal<'a> {
    /// The operands.
    pub operands: &'a [Value],
    /// The attributes.
    pub attributes: &'a Attributes,
    /// The result.
    pub result: Value,
    /// The cotangent of the result, of the result's type.
    pub cotangent: Value,
    /// Which operands' cotangents are asked for; others may be `None`.
    pub wanted: &'a [bool],
}

impl Primal<'_> {
    /// Builds the cotangent of the operand at position `i` if it is asked for.
    ///
    /// # Errors
    /// Those of `build`.
    pub fn wants(
        &self,
        i: usize,
        build: impl FnOnce() -> Result<Value, OpError>,
    ) -> Result<Option<Value>, OpError> {
        match self.wanted.get(i) {
            Some(true) => build().map(Some),
            Some(false) | None => Ok(None),
        }
    }
}

/// How an op is computed: what the scheduler sees of it.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Every element is the attribute's value.
    Constant,
    /// Every element is its index along an axis.
    Iota,
    /// Every element is the value of a dim.
    Extent,
    /// What the run gives: the linker puts it in place.
    Run(RunValue),
    /// One scalar instruction per element; all operands have the result's shape.
    Elementwise(Scalar),
    /// The operand's elements seen through another index map.
    View(View),
    /// A reduction over axes.
    Reduce(Reduction),
    /// A contraction of two operands.
    Contract,
    /// The operands one after the other along an axis.
    Concat,
    /// Elements taken at computed indices along an axis.
    Gather,
    /// Elements added at computed indices along an axis.
    Scatter,
    /// A value that runs along an axis, as it is at each element.
    Scan(Scan),
    /// The indices along an axis in the order of its elements.
    Sort,
    /// Its operand, unchanged.
    Identity,
    /// Its operand, unchanged: what is made of it is computed where it stands, whether it has been before
    /// or not.
    Barrier,
    /// Its operand, at a place that a run may ask for: the linker puts in place what becomes of it.
    Probe(Probe),
    /// A function over other ops, which this builds.
    Function(fn(&mut Builder, &[Value], &Attributes) -> Result<Value, OpError>),
}

/// What passes ask of a kind. A kind has its class in [`Kind::class`] and nowhere else: where passes match
/// on classes, a new kind of a class that is there takes no line.
#[derive(Clone, Copy)]
pub enum OpClass {
    /// Its elements follow from its attributes: there are no operands.
    Source,
    /// One scalar instruction per element.
    Elementwise(Scalar),
    /// Elements of its one operand, each where an index map has it; zeros where it has none.
    IndexMap,
    /// Elements of its operands, one operand behind the other.
    Joined,
    /// Elements taken from the first operand, or added to it, along an axis, at indices that the second
    /// operand holds.
    Indexed,
    /// Each element is made of many of the operands'.
    Combined,
    /// A function over other ops.
    Function,
}

impl Kind {
    /// What passes see of it.
    pub fn class(self) -> OpClass {
        match self {
            Kind::Constant | Kind::Iota | Kind::Extent | Kind::Run(_) => OpClass::Source,
            Kind::Elementwise(scalar) => OpClass::Elementwise(scalar),
            Kind::View(_) | Kind::Identity | Kind::Barrier | Kind::Probe(_) => OpClass::IndexMap,
            Kind::Concat => OpClass::Joined,
            Kind::Gather | Kind::Scatter => OpClass::Indexed,
            Kind::Reduce(_) | Kind::Contract | Kind::Scan(_) | Kind::Sort => OpClass::Combined,
            Kind::Function(_) => OpClass::Function,
        }
    }

    /// Whether its elements are its operands', or its attribute, as they are.
    pub fn moves(self) -> bool {
        match self {
            Kind::Constant
            | Kind::Run(_)
            | Kind::Elementwise(Scalar::Select)
            | Kind::View(_)
            | Kind::Concat
            | Kind::Gather
            | Kind::Identity
            | Kind::Barrier
            | Kind::Probe(_) => true,
            Kind::Iota
            | Kind::Extent
            | Kind::Elementwise(_)
            | Kind::Reduce(_)
            | Kind::Contract
            | Kind::Scatter
            | Kind::Scan(_)
            | Kind::Sort
            | Kind::Function(_) => false,
        }
    }

    /// Whether every element is the attribute's value.
    pub fn is_constant(self) -> bool {
        matches!(self, Kind::Constant)
    }

    /// Whether every element is the value of a dim.
    pub fn is_extent(self) -> bool {
        matches!(self, Kind::Extent)
    }

    /// What it is of the run.
    pub fn run_value(self) -> Option<RunValue> {
        if let Kind::Run(value) = self {
            Some(value)
        } else {
            None
        }
    }

    /// What it is of a place that runs ask for.
    pub fn probe(self) -> Option<Probe> {
        if let Kind::Probe(probe) = self {
            Some(probe)
        } else {
            None
        }
    }

    /// Whether what stands behind it is computed apart from what stands in front.
    pub fn is_barrier(self) -> bool {
        matches!(self, Kind::Barrier)
    }

    /// Whether it is a contraction.
    pub fn is_contraction(self) -> bool {
        matches!(self, Kind::Contract)
    }

    /// Whether it is a function over other ops.
    pub fn is_function(self) -> bool {
        matches!(self, Kind::Function(_))
    }

    /// The scalar instruction of an elementwise op.
    pub fn scalar(self) -> Option<Scalar> {
        if let Kind::Elementwise(scalar) = self {
            Some(scalar)
        } else {
            None
        }
    }

    /// The index map of a view.
    pub fn view(self) -> Option<View> {
        if let Kind::View(view) = self {
            Some(view)
        } else {
            None
        }
    }

    /// What a reduction computes.
    pub fn reduction(self) -> Option<Reduction> {
        if let Kind::Reduce(reduction) = self {
            Some(reduction)
        } else {
            None
        }
    }
}

/// What a run gives the functions of its program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunValue {
    /// A word of the key of a place in a function.
    Key,
    /// The number of the iteration of all loops around the function.
    Iteration,
    /// Whether the run trains.
    Training,
}

/// What a run may ask of a place in a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    /// What the value is there: one more result.
    Capture,
    /// That the value is another from there on: one more argument.
    Patch,
    /// The cotangent of what a patch replaces: zero, since nothing depends on it.
    PatchCotangent,
}

/// Index maps that need no kernel of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// New axes along which every element repeats.
    Broadcast,
    /// Same elements in row-major order, other dims.
    Reshape,
    /// Axes in another order.
    Permute,
    /// Every `step`th index of a range along an axis.
    Slice,
    /// Zeros around and between along an axis.
    Pad,
    /// The opposite order along an axis.
    Flip,
    /// Each row moved along an axis by a multiple of its number; zeros where nothing is.
    Shear,
}

/// What a reduction computes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reduction {
    /// The sum; 0 over nothing.
    Sum,
    /// The product; 1 over nothing.
    Prod,
    /// The maximum; minus infinity (or the least integer) over nothing; NaN if any is.
    Max,
    /// The index of the first maximum; 0 over nothing. Over one axis.
    ArgMax,
}

impl Reduction {
    /// Its name: in the names of kernels.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Max => "max",
            Reduction::ArgMax => "argmax",
        }
    }

    /// What joins two elements, or two partial results: their order does not matter, rounding aside.
    /// `None` where a result is no element.
    pub fn combine(self) -> Option<Scalar> {
        match self {
            Reduction::Sum => Some(Scalar::ADD),
            Reduction::Prod => Some(Scalar::MUL),
            Reduction::Max => Some(Scalar::MAXIMUM),
            Reduction::ArgMax => None,
        }
    }

    /// Whether its result is the place of an element in the row, and no element.
    pub fn is_place(self) -> bool {
        self.combine().is_none()
    }

    /// Its value over nothing, of elements of the type.
    pub fn identity(self, dtype: DType) -> f64 {
        match (self, dtype) {
            (Reduction::Sum | Reduction::ArgMax, _) => 0.0,
            (Reduction::Prod, _) => 1.0,
            (Reduction::Max, DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16) => {
                f64::NEG_INFINITY
            }
            (Reduction::Max, DType::I32) => f64::from(i32::MIN),
            (Reduction::Max, DType::U32 | DType::Bool) => 0.0,
        }
    }
}

/// What a running value becomes at each element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scan {
    /// The sum of what came.
    Sum,
    /// The product of what came.
    Product,
    /// The element of the first operand times the value before, and that of the second added.
    Linear,
}

impl Scan {
    /// Its name: in the names of kernels.
    pub fn name(self) -> &'static str {
        match self {
            Scan::Sum => "cumsum",
            Scan::Product => "cumprod",
            Scan::Linear => "recurrence",
        }
    }

    /// The value before the first element.
    pub fn start(self) -> f64 {
        match self {
            Scan::Sum | Scan::Linear => 0.0,
            Scan::Product => 1.0,
        }
    }

    /// The next value, made of the one before and the operands' elements by `apply`, which computes a
    /// scalar instruction or writes it down.
    pub fn next<T: Copy>(
        self,
        before: T,
        operands: &[T],
        apply: &mut dyn FnMut(Scalar, [T; 2]) -> Option<T>,
    ) -> Option<T> {
        match (self, operands) {
            (Scan::Sum, &[x]) => apply(Scalar::ADD, [before, x]),
            (Scan::Product, &[x]) => apply(Scalar::MUL, [before, x]),
            (Scan::Linear, &[factor, term]) => {
                let product = apply(Scalar::MUL, [factor, before])?;
                apply(Scalar::ADD, [product, term])
            }
            (Scan::Sum | Scan::Product | Scan::Linear, _) => None,
        }
    }
}

/// What tests need to know of an op.
#[derive(Clone, Copy)]
pub struct TestData {
    /// The interval each float operand's elements are drawn from; the last one's for those behind it.
    pub domain: &'static [(f64, f64)],
    /// Points kept away from in finite differences: kinks and jumps.
    pub kinks: &'static [f64],
    /// Applications to try; f64 stands for every float.
    pub instances: fn(&OpDef) -> Vec<Instance>,
}

/// An application of an op.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The types of its operands.
    pub operands: Vec<Type>,
    /// Its attributes.
    pub attributes: Attributes,
}

/// A mistake in the use of an op. Operands are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OpError {
    /// The wrong number of operands.
    #[error("takes {expected} operands, got {found}")]
    Arity {
        /// What it takes.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// An operand of the wrong element type.
    #[error("operand {operand} must be {expected}, and is {found}")]
    DType {
        /// Which.
        operand: usize,
        /// The types that would do, in words ("a float", "i32 or u32").
        expected: &'static str,
        /// What came.
        found: DType,
    },
    /// A number that its element type does not hold.
    #[error("`{value}` is no {dtype}")]
    Number {
        /// The number.
        value: f64,
        /// The type.
        dtype: DType,
    },
    /// A number that is no probability.
    #[error("`{value}` is no probability: these are from 0 to 1")]
    Probability {
        /// The number.
        value: f64,
    },
    /// An interval that has nothing in it, or no end.
    #[error("there is no number from {low} to below {high}")]
    Interval {
        /// Where it starts.
        low: f64,
        /// Where it ends, exclusive.
        high: f64,
    },
    /// An axis to be dropped whose dim is not 1.
    #[error("the axis of `{dim}` in ({shape}) cannot go: it is not 1")]
    NotOne {
        /// Its dim.
        dim: Dim,
        /// The shape.
        shape: Shape,
    },
    /// Two operands that must agree in element type.
    #[error("element types differ: {left} and {right}")]
    DTypesDiffer {
        /// The first operand's.
        left: DType,
        /// The other's.
        right: DType,
    },
    /// Two operands that must agree in shape.
    #[error("shapes differ: ({left}) and ({right})")]
    ShapesDiffer {
        /// The first operand's.
        left: Shape,
        /// The other's.
        right: Shape,
    },
    /// Contracted or batch dims that differ.
    #[error("inner dims differ: `{left}` and `{right}`")]
    InnerDims {
        /// The first operand's dim.
        left: String,
        /// The second operand's.
        right: String,
    },
    /// An axis the operand does not have, or one that is named twice.
    #[error("axis {axis:?} is not in ({shape}), or is there twice")]
    Axis {
        /// Which.
        axis: Axis,
        /// The shape.
        shape: Shape,
    },
    /// An axis number that the operand does not have.
    #[error("there is no axis {index} in ({shape})")]
    NoAxis {
        /// As given; from the right if negative.
        index: i64,
        /// The shape.
        shape: Shape,
    },
    /// A text of einsum that does not fit.
    #[error("{0}")]
    Einsum(Box<EinsumError>),
    /// A pattern of axes that does not fit.
    #[error("{0}")]
    Pattern(Box<PatternError>),
    /// A reshape to another number of elements.
    #[error("({from}) has another number of elements than ({to})")]
    Elements {
        /// The operand's shape.
        from: Shape,
        /// The shape asked for.
        to: Shape,
    },
    /// A sequence of dims that would not lead, or that the op cannot see through.
    #[error("the sequence in ({0}) must stay in front")]
    Sequence(Shape),
    /// A range outside its axis.
    #[error("the range {start}..{stop} step {step} does not fit an axis of {extent}")]
    Range {
        /// First index.
        start: String,
        /// One past the last.
        stop: String,
        /// Distance.
        step: String,
        /// The axis's extent.
        extent: String,
    },
    /// More elements asked for than an axis has.
    #[error("an axis of {extent} has no {count} elements")]
    Count {
        /// How many.
        count: String,
        /// The axis's extent.
        extent: String,
    },
    /// An attribute that is missing or of the wrong kind.
    #[error("attribute `{0}` is missing or of the wrong kind")]
    Attribute(&'static str),
    /// An op without a derivative, where one is asked for.
    #[error("has no derivative: {0}")]
    NotDifferentiable(&'static str),
    /// A size that does not fit 64 bits, or is too large multiplied out.
    #[error("a size does not fit 64 bits, or is too large multiplied out")]
    Overflow,
}

/// An op: its place in the table ([`crate::ops`]), through which it is its entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Op(u16);

impl Op {
    /// The op at a place of the table, which alone makes ops.
    pub(crate) const fn at(place: usize) -> Op {
        Op(place as u16)
    }
}

impl std::ops::Deref for Op {
    type Target = OpDef;
    fn deref(&self) -> &OpDef {
        &crate::ops::ENTRIES[usize::from(self.0)]
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
