//! Random elements, with the key that they follow from.

use super::broadcast_to;
use crate::attribute::Attributes;
use crate::attributes::{Dropout, RunKey};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::{Op, OpError};
use crate::ops;
use crate::symbol::Number;

/// The key and the iteration for the draws of a place; `site` tells it from other places in its function.
fn key(b: &mut Builder, site: i64) -> Result<[Value; 3], OpError> {
    let site = &Dim::constant(site);
    let mut word = |number: i64| {
        let word = &Dim::constant(number);
        b.op(ops::RUN_KEY, &[], RunKey { site, word })
    };
    let (low, high) = (word(0)?, word(1)?);
    let iteration = b.op(ops::ITERATION, &[], Attributes::none())?;
    Ok([low, high, iteration])
}

/// What a distribution's op draws.
///
/// # Errors
/// What the op refuses.
pub fn draw(
    b: &mut Builder,
    op: Op,
    attributes: impl Into<Attributes>,
    site: i64,
) -> Result<Value, OpError> {
    let key = key(b, site)?;
    b.op(op, &key, attributes.into())
}

/// `x` with elements left out where the run trains; else `x`.
///
/// # Errors
/// No float, no probability.
pub fn dropout(b: &mut Builder, x: Value, p: &Number, site: i64) -> Result<Value, OpError> {
    let [low, high, iteration] = key(b, site)?;
    let operands = [x, low, high, iteration];
    let dropped = b.op(ops::DROPOUT, &operands, Dropout { p })?;
    let training = b.op(ops::TRAINING, &[], Attributes::none())?;
    let shape = b.type_of(x).shape.clone();
    let training = broadcast_to(b, training, &shape)?;
    b.select(training, dropped, x)
}
