//! Losses.

use crate::operations::declaration::special;
use crate::operations::{Lowering, Operation};
use sinew_ir::compose;

/// What becomes of the losses of rows, the mean without a word.
const REDUCTIONS: &[&str] = &["mean", "sum", "none"];

pub(super) fn operations() -> Vec<Operation> {
    let mse = || {
        special("mse", "The mean squared difference.", |l, a| l.mse(a))
            .takes("x")
            .takes("y")
            .choice("reduction", REDUCTIONS)
            .by_name()
    };
    vec![
        special(
            "cross_entropy",
            "The cross entropy of logits and class labels (i32). Classes are on axis 1, or on the only one. \
             A label that is neither a class nor `ignore_index` is an error for an argument, and clamped to \
             the classes where it is computed.",
            |l, a| l.cross_entropy(a),
        )
        .takes_as("x", "logits")
        .takes("labels")
        .may_take("axis")
        .choice("reduction", REDUCTIONS)
        .integer("ignore_index", -100)
        .number("label_smoothing", 0.0)
        .by_name(),
        special(
            "nll_loss",
            "Minus the log probability at each label (i32), for labels as [`cross_entropy`] takes them.",
            |l, a| l.nll_loss(a),
        )
        .takes_as("x", "log_probabilities")
        .takes("labels")
        .may_take("axis")
        .choice("reduction", REDUCTIONS)
        .integer("ignore_index", -100)
        .by_name(),
        special(
            "huber_loss",
            "Huber's loss: half the square of differences up to `delta`, linear beyond.",
            |l, a| l.huber(a),
        )
        .takes("x")
        .takes("y")
        .choice("reduction", REDUCTIONS)
        .number("delta", 1.0)
        .by_name(),
        Operation::new(
            "binary_cross_entropy_with_logits",
            "The binary cross entropy of logits and targets between 0 and 1.",
            Lowering::Loss(compose::binary_cross_entropy_with_logits),
        )
        .takes("x")
        .takes("y")
        .choice("reduction", REDUCTIONS)
        .by_name(),
        mse(),
        Operation::alias("mse_loss", mse()),
    ]
}
