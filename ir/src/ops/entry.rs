//! The parts that many entries share.

use crate::attribute::{AttributeKind, AttributeSpec, Of};
use crate::op::TestData;

/// An attribute's declaration.
pub(super) const fn attribute(name: &'static str, kind: AttributeKind) -> AttributeSpec {
    AttributeSpec { name, kind }
}

pub(super) const DTYPE: AttributeSpec = attribute("dtype", AttributeKind::DType);
pub(super) const SHAPE: AttributeSpec = attribute("shape", AttributeKind::Shape);
pub(super) const AXES: AttributeSpec = attribute("axes", AttributeKind::Axes(Of::Operand(0)));
pub(super) const AXIS: AttributeSpec = attribute("axis", AttributeKind::Axes(Of::Operand(0)));
pub(super) const AXIS_OF_RESULT: AttributeSpec = attribute("axis", AttributeKind::Axes(Of::Result));

/// For ops that have no float operand to try.
pub(super) const UNTESTED: TestData = TestData {
    domain: &[],
    kinks: &[],
};

/// The domain of each float operand, and its kinks.
pub(super) const fn tested(domain: &'static [(f64, f64)], kinks: &'static [f64]) -> TestData {
    TestData { domain, kinks }
}

/// Elements from -2 to 2 for one operand.
pub(super) const ONE: TestData = tested(&[(-2.0, 2.0)], &[]);

/// Elements from -2 to 2 for two operands.
pub(super) const TWO: TestData = tested(&[(-2.0, 2.0), (-2.0, 2.0)], &[]);
