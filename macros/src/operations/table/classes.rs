//! Losses of rows of classes with a label each, and of sequences with labels.

use crate::operations::Operation;
use crate::operations::declaration::special;

/// What becomes of the losses of rows, the mean without a word.
const REDUCTIONS: &[&str] = &["mean", "sum", "none"];

/// Of a loss of rows with a label each.
const ROWS: &str = "`[B, C, ..], [B, ..] -> []`: labels have the shape without the classes, which is the result's \
                    with `reduction = \"none\"`; the classes are on axis 1, on the only axis, on the last behind a \
                    sequence `[S]`, or on `axis`. `weight` is `[C]`";

/// What weights of classes do.
const WEIGHTS: &str = "`weight` has a factor for each class: the mean is then that of the factors of the rows' labels.";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        special(
            "cross_entropy",
            "The cross entropy of logits and class labels (i32). Classes are on axis 1, or on the only one. \
             A label that is neither a class nor `ignore_index` is an error for an argument, and clamped to \
             the classes where it is computed. With `label_smoothing` s, the target is `1 - s` at the label and `s / C` at \
             each of the C classes.",
            |l, a| l.cross_entropy(a),
        )
        .also(WEIGHTS)
        .takes_as("x", "logits")
        .takes("labels")
        .may_take("axis")
        .choice("reduction", REDUCTIONS)
        .integer("ignore_index", -100)
        .number("label_smoothing", 0.0)
        .may_take("weight")
        .by_name()
        .shapes(ROWS)
        .elements("floats, labels of i32, and weights of the logits' type")
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
        .also(WEIGHTS)
        .takes_as("x", "log_probabilities")
        .takes("labels")
        .may_take("axis")
        .choice("reduction", REDUCTIONS)
        .integer("ignore_index", -100)
        .may_take("weight")
        .by_name()
        .shapes(ROWS)
        .elements("floats, labels of i32, and weights of x's type")
        .derivative("-1 at each label that is not ignored, divided by their number with the mean; 0 elsewhere")
        .example(
            r#"
#[model]
fn loss<B, C>(x: Tensor<B, C>, labels: Tensor<i32, B>, rare: Tensor<C>) -> (Tensor, Tensor) {
    (nll_loss(x, labels), nll_loss(x, labels, weight = rare))
}

let (even, weighted) = loss([[-1.0, -2.0], [-3.0, -4.0]], [1, 0], [3.0, 1.0])?;
assert_eq!(even, (2.0 + 3.0) / 2.0);
assert_eq!(weighted, (2.0 + 3.0 * 3.0) / (1.0 + 3.0));
"#,
        ),
        special(
            "ctc_loss",
            "Minus the logarithm of the probability that a sequence says its labels: the sum over all ways to say them in \
             order, each once or longer, with or without the class `blank` between them, which must be between two that are \
             the same (Graves et al., \"Connectionist temporal classification\", 2006). The sequence b is the first \
             `input_lengths[b]` times of `log_probs`, its labels are the first `target_lengths[b]` of row b of `targets`; what is \
             behind them is any class. Lengths and labels outside are errors for arguments. The mean divides each loss by \
             the number of its labels, or 1, before it is taken over sequences. Where there are more labels than can be said \
             the loss is infinite and has no slope, with `zero_infinity = true` 0. It is a loop over the times, and takes memory \
             for `T * B * (2 S + 1)` numbers.",
            |l, a| l.ctc_loss(a),
        )
        .takes("log_probs")
        .takes("targets")
        .takes("input_lengths")
        .takes("target_lengths")
        .integer("blank", 0)
        .choice("reduction", REDUCTIONS)
        .flag("zero_infinity")
        .by_name()
        .shapes("`[T, B, C], [B, S], [B], [B] -> []`, or `[B]` with `reduction = \"none\"`")
        .elements("floats, and labels and lengths of i32")
        .derivative(
            "minus the probability that the class is said at the time, given that the labels are said; PyTorch adds \
             `exp(log_probs)`, which makes no difference behind `log_softmax`",
        )
        .example(
            r#"
use sinew::ops::ctc_loss;

#[model]
fn loss<T, B, C, S>(
    logits: Tensor<T, B, C>,
    targets: Tensor<i32, B, S>,
    times: Tensor<i32, B>,
    lengths: Tensor<i32, B>,
) -> Tensor {
    ctc_loss(logits.log_softmax(), targets, times, lengths)
}

// Of three equal classes in two times, `1` is said as `11`, `1-` and `-1`.
let loss = loss([[[0.0; 3]], [[0.0; 3]]], [[1]], [2], [1])?;
assert!((loss - 3f32.ln()).abs() < 1e-6);
"#,
        ),
    ]
}
