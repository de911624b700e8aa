//! Losses.

use crate::operations::declaration::special;
use crate::operations::{Lowering, Operation, page};
use sinew_ir::compose;

/// What becomes of the losses of rows, the mean without a word.
const REDUCTIONS: &[&str] = &["mean", "sum", "none"];

/// Of a loss of rows with a label each.
const ROWS: &str = "`[B, C, ..], [B, ..] -> []`: labels have the shape without the classes, which is the result's \
                    with `reduction = \"none\"`; the classes are on axis 1, on the only axis, on the last behind a \
                    sequence `[S]`, or on `axis`";

pub(super) fn operations() -> Vec<Operation> {
    let mse = || {
        special("mse", "The mean squared difference.", |l, a| l.mse(a))
            .takes("x")
            .takes("y")
            .choice("reduction", REDUCTIONS)
            .by_name()
            .shapes(page::OF_PAIRS)
            .elements("floats, both of one type")
            .derivative("`2 (x - y) / n` by x of n elements, minus that by y; without the `/ n` unless the mean is taken")
            .example(
                r#"
#[model]
fn errors<N>(x: Tensor<N>, y: Tensor<N>) -> (Tensor, Tensor, Tensor<N>) {
    (mse(x, y), mse(x, y, "sum"), mse(x, y, reduction = "none"))
}

let (mean, sum, each) = errors([1.0, 2.0], [1.0, 4.0])?;
assert_eq!((mean, sum, each), (2.0, 4.0, array![0.0, 4.0]));
"#,
            )
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
        .by_name()
        .shapes(ROWS)
        .elements("floats, and labels of i32")
        .derivative("`softmax(x) - target` for each row that is not ignored, divided by their number with the mean")
        .example(
            r#"
#[model]
fn loss<B, C>(logits: Tensor<B, C>, labels: Tensor<i32, B>) -> Tensor {
    cross_entropy(logits, labels)
}

let loss = loss([[0.0, 0.0], [0.0, 100.0], [1.0, 2.0]], [0, 1, -100])?; // -100 is ignored
assert!((loss - 0.5 * 2f32.ln()).abs() < 1e-6);
"#,
        ),
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
        .by_name()
        .shapes(ROWS)
        .elements("floats, and labels of i32")
        .derivative("-1 at each label that is not ignored, divided by their number with the mean; 0 elsewhere")
        .example(
            r#"
#[model]
fn loss<B, C>(x: Tensor<B, C>, labels: Tensor<i32, B>) -> Tensor {
    nll_loss(x, labels)
}

assert_eq!(loss([[-1.0, -2.0], [-3.0, -4.0]], [1, 0])?, 2.5);
"#,
        ),
        special(
            "huber_loss",
            "Huber's loss: half the square of differences up to `delta`, linear beyond.",
            |l, a| l.huber(a),
        )
        .takes("x")
        .takes("y")
        .choice("reduction", REDUCTIONS)
        .number("delta", 1.0)
        .by_name()
        .shapes(page::OF_PAIRS)
        .elements("floats, both of one type")
        .derivative("`d = x - y` by x where `|d|` is at most `delta`, `delta * sign(d)` beyond, minus that by y; divided by n with the mean")
        .example(
            r#"
#[model]
fn loss<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor<N> {
    huber_loss(x, y, reduction = "none")
}

assert_eq!(loss([0.5, 3.0], [0.0, 0.0])?, array![0.125, 2.5]);
"#,
        ),
        Operation::new(
            "binary_cross_entropy_with_logits",
            "The binary cross entropy of logits and targets between 0 and 1.",
            Lowering::Loss(compose::binary_cross_entropy_with_logits),
        )
        .takes("x")
        .takes("y")
        .choice("reduction", REDUCTIONS)
        .by_name()
        .derivative("`sigmoid(x) - y` by x, `-x` by y; divided by n with the mean")
        .example(
            r#"
#[model]
fn loss<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor {
    binary_cross_entropy_with_logits(x, y)
}

let loss = loss([0.0, 100.0], [1.0, 1.0])?;
assert!((loss - 0.5 * 2f32.ln()).abs() < 1e-6);
"#,
        ),
        mse(),
        Operation::alias("mse_loss", mse()),
    ]
}
