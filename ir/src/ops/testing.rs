//! An op for tests of what no other op has.

use super::entry::UNTESTED;
use super::rules::float;
use crate::op::{Arity, Kind, OpDef, Pullback};
use crate::scalar::Scalar;

/// The greatest integer not above, without a derivative.
pub(super) const STEPS: OpDef = OpDef {
    name: "steps",
    doc: "`floor(a)`, whose derivative nobody may ask for.",
    arity: Arity::Exactly(1),
    attributes: &[],
    infer: |t, _| float(t, 0).cloned(),
    pullback: Pullback::NotDifferentiable("it jumps"),
    kind: Kind::Elementwise(Scalar::FLOOR),
    test: UNTESTED,
};
