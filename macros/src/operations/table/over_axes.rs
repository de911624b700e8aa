//! Reductions, and what runs along an axis.

use crate::operations::declaration::{along, reduction, special};
use crate::operations::{Lowering, Operation};
use sinew_ir::{compose, ops};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        reduction(ops::SUM),
        reduction(ops::PROD),
        reduction(ops::MEAN),
        reduction(ops::MAX).beside("the greater of two is `maximum(x, y)`"),
        reduction(ops::MIN).beside("the lesser of two is `minimum(x, y)`"),
        reduction(ops::LOGSUMEXP),
        Operation::new(
            "cumsum",
            "The sum of each element and those before it along an axis.",
            Lowering::Axis(compose::cumsum),
        )
        .takes("x")
        .takes_as("axis", "-1"),
        Operation::new(
            "cumprod",
            "The product of each element and those before it along an axis.",
            Lowering::Axis(compose::cumprod),
        )
        .takes("x")
        .takes_as("axis", "-1"),
        special(
            "var",
            "The variance over axes, or over all of them: divided by n - `correction`.",
            |l, a| l.var(a),
        )
        .takes("x")
        .may_take("axis")
        .number("correction", 0.0)
        .flag("keepdims"),
        special("std", "The square root of [`var`].", |l, a| l.std(a))
            .takes("x")
            .may_take("axis")
            .number("correction", 0.0)
            .flag("keepdims"),
        Operation::new(
            "argmax",
            "The index of the first maximum along an axis, as i32; of all elements without one.",
            Lowering::Position(compose::argmax),
        )
        .takes("x")
        .may_take("axis")
        .flag("keepdims"),
        Operation::new(
            "argmin",
            "The index of the first minimum along an axis, as i32; of all elements without one.",
            Lowering::Position(compose::argmin),
        )
        .takes("x")
        .may_take("axis")
        .flag("keepdims"),
        along(ops::SOFTMAX),
        along(ops::LOG_SOFTMAX),
    ]
}
