//! Places that a run may look at, or whose value it may replace.
//!
//! In a stored function each is its operand under a name. The linker makes results and parameters of those
//! that a run asks for ([`crate::Probes`]), and nothing of all others.

use super::entry::UNTESTED;
use super::rules::{float, operand};
use crate::attribute::Attributes;
use crate::attributes::Named;
use crate::builder::Builder;
use crate::function::Value;
use crate::op::{Arity, Kind, OpDef, OpError, Primal, Probe, Pullback};

const fn probe(name: &'static str, doc: &'static str, probe: Probe) -> OpDef {
    OpDef {
        name,
        doc,
        arity: Arity::Exactly(1),
        attributes: Named::SPECS,
        infer: |types, a| {
            Named::from_attributes(a)?;
            Ok(operand(types, 0)?.clone())
        },
        pullback: Pullback::Zero,
        kind: Kind::Probe(probe),
        test: UNTESTED,
    }
}

/// A value that runs may ask for.
pub(super) const CAPTURE: OpDef = OpDef {
    pullback: Pullback::Rule(|_, p| Ok(vec![Some(p.cotangent)])),
    ..probe(
        "capture",
        "x itself, which a run may give back under a name.",
        Probe::Capture,
    )
};

/// A value that runs may replace: of floats, which nothing is addressed by.
pub(super) const PATCH: OpDef = OpDef {
    infer: |types, a| {
        Named::from_attributes(a)?;
        float(types, 0).cloned()
    },
    pullback: Pullback::Rule(of_patch),
    ..probe(
        "patch",
        "x itself, or what a run gives in its place.",
        Probe::Patch,
    )
};

/// The cotangent of what may be replaced.
pub(super) const PATCH_COTANGENT: OpDef = OpDef {
    pullback: Pullback::Rule(of_patch),
    ..probe(
        "patch_cotangent",
        "x itself; zeros in a run that replaces the value of this name.",
        Probe::PatchCotangent,
    )
};

fn of_patch(b: &mut Builder, p: &Primal<'_>) -> Result<Vec<Option<Value>>, OpError> {
    let attributes: &Attributes = p.attributes;
    let made = b.op(super::PATCH_COTANGENT, &[p.cotangent], attributes.clone())?;
    Ok(vec![Some(made)])
}
