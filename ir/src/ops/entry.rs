//! The parts that many entries share: what tests try.

use crate::attribute::Attributes;
use crate::attributes::{Along, Over};
use crate::dim::Dim;
use crate::dtype::DType;
use crate::op::{Arity, Instance, OpDef, TestData};
use crate::shape::{Axis, Type};

/// For ops that have no operand to try.
pub(super) const UNTESTED: TestData = TestData {
    domain: &[],
    kinks: &[],
    instances: |_| Vec::new(),
};

/// The domain of each float operand, and its kinks; operands of one shape.
pub(super) const fn tested(domain: &'static [(f64, f64)], kinks: &'static [f64]) -> TestData {
    TestData {
        domain,
        kinks,
        instances: |entry| alike(entry, DType::F64),
    }
}

/// Elements from -2 to 2 for one operand.
pub(super) const ONE: TestData = tested(&[(-2.0, 2.0)], &[]);

/// Elements from -2 to 2 for two operands.
pub(super) const TWO: TestData = tested(&[(-2.0, 2.0), (-2.0, 2.0)], &[]);

impl TestData {
    /// The same with other applications to try.
    pub(super) const fn on(self, instances: fn(&OpDef) -> Vec<Instance>) -> TestData {
        TestData { instances, ..self }
    }
}

/// An application.
pub(super) fn applied(operands: &[Type], attributes: impl Into<Attributes>) -> Instance {
    Instance {
        operands: operands.to_vec(),
        attributes: attributes.into(),
    }
}

/// An application along an axis of the first operand.
pub(super) fn applied_along(operands: &[Type], axis: usize) -> Instance {
    let axis = Axis::At(axis);
    applied(operands, Along { axis })
}

/// The type of a float operand.
pub(super) fn floats(extents: &[usize]) -> Type {
    Type::from_extents(DType::F64, extents)
}

/// The type of an operand of indices.
pub(super) fn indices(extents: &[usize]) -> Type {
    Type::from_extents(DType::I32, extents)
}

/// Axes by number.
pub(super) fn at(axes: &[usize]) -> Vec<Axis> {
    axes.iter().map(|a| Axis::At(*a)).collect()
}

/// Dims by number.
pub(super) fn constants<const N: usize>(dims: [i64; N]) -> [Dim; N] {
    dims.map(Dim::constant)
}

/// Shapes with nothing, one element, an odd number of elements.
const SHAPES: [&[usize]; 4] = [&[], &[1], &[3, 5], &[0, 3]];

/// Operands of one shape and element type, without attributes.
pub(super) fn alike(entry: &OpDef, dtype: DType) -> Vec<Instance> {
    let count = match entry.arity {
        Arity::Exactly(count) => count,
        Arity::Variadic => 1,
    };
    let instance = |shape: &&[usize]| {
        applied(
            &vec![Type::from_extents(dtype, shape); count],
            Attributes::none(),
        )
    };
    SHAPES.iter().map(instance).collect()
}

/// One operand, along each of its axes.
pub(super) fn along_each(_: &OpDef) -> Vec<Instance> {
    let axes = |shape: &'static [usize]| {
        (0..shape.len()).map(|axis| applied_along(&[floats(shape)], axis))
    };
    SHAPES.iter().copied().flat_map(axes).collect()
}

/// One operand, over some of its axes, none and all of them.
pub(super) fn over_some(_: &OpDef) -> Vec<Instance> {
    let cases: [(&[usize], &[usize]); 6] = [
        (&[3, 5], &[1]),
        (&[3, 4, 5], &[2, 0]),
        (&[3, 5], &[]),
        (&[1, 3], &[0]),
        (&[0, 3], &[1]),
        (&[], &[]),
    ];
    let over =
        |(shape, axes): &(&[usize], &[usize])| applied(&[floats(shape)], Over { axes: &at(axes) });
    cases.iter().map(over).collect()
}
