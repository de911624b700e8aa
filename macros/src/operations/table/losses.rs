//! Losses of pairs of elements.
//!
//! Where a loss has two names in PyTorch, or a short one elsewhere that is as common, both are here: `mse` and `mse_loss`,
//! `l1_loss` and, to go with `mse`, `mae`; `bce_with_logits` beside the name of six words. What becomes of the losses is the
//! first choice of each, behind its tensors, in whichever place PyTorch has it.

use crate::operations::declaration::{loss, special};
use crate::operations::{Operation, page};

/// What becomes of the losses of elements, the mean without a word.
const REDUCTIONS: &[&str] = &["mean", "sum", "none"];

/// Of a loss of pairs that may be weighted.
const WEIGHTED: &str = "`[..], [..] -> []`, both of one shape, which is the result's with `reduction = \"none\"`, and to \
                        which weights broadcast";

/// A loss that is defined in the language, of a pair of elements.
fn of_pairs(name: &'static str, doc: &str, definition: &'static str) -> Operation {
    loss(name, doc, definition)
        .takes("x")
        .takes("y")
        .like_first()
        .choice("reduction", REDUCTIONS)
}

fn mse() -> Operation {
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
}

fn l1_loss() -> Operation {
    of_pairs(
        "l1_loss",
        "The mean absolute difference, `|x - y|`.",
        "(x - y).abs()",
    )
    .derivative(
        "`sign(x - y)` by x, minus that by y, 0 where they are equal; divided by n with the mean",
    )
    .example(
        r#"
use sinew::ops::l1_loss;

#[model]
fn errors<N>(x: Tensor<N>, y: Tensor<N>) -> (Tensor, Tensor<N>) {
    (l1_loss(x, y), l1_loss(x, y, reduction = "none"))
}

assert_eq!(errors([1.0, 2.0], [1.0, 4.0])?, (1.0, array![0.0, 2.0]));
"#,
    )
}

fn with_logits() -> Operation {
    special(
        "binary_cross_entropy_with_logits",
        "The binary cross entropy of logits and targets between 0 and 1: `-p y log(sigmoid(x)) - (1 - y) log(1 - sigmoid(x))` \
         with `pos_weight` p, 1 without one, times `weight`. It does not overflow.",
        |l, a| l.binary_cross_entropy_with_logits(a),
    )
    .takes("x")
    .takes("y")
    .choice("reduction", REDUCTIONS)
    .may_take("weight")
    .may_take("pos_weight")
    .by_name()
    .shapes(WEIGHTED)
    .elements("floats, all of one type")
    .derivative("`sigmoid(x) - y` by x, `-x` by y, for no weights; divided by n with the mean")
    .example(
        r#"
use sinew::ops::binary_cross_entropy_with_logits;

#[model]
fn loss<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor {
    binary_cross_entropy_with_logits(x, y)
}

let loss = loss([0.0, 100.0], [1.0, 1.0])?;
assert!((loss - 0.5 * 2f32.ln()).abs() < 1e-6);
"#,
    )
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        mse(),
        Operation::alias("mse_loss", mse()),
        l1_loss(),
        Operation::alias("mae", l1_loss()),
        of_pairs(
            "smooth_l1_loss",
            "Half the square of differences below `beta`, divided by `beta`, linear beyond: [`fn@huber_loss`] divided by its \
             `delta`. With `beta = 0` it is [`fn@l1_loss`].",
            "{
                let d = (x - y).abs();
                if beta == 0.0 { d } else { (d < beta).where_(0.5 * d * d / beta, d - 0.5 * beta) }
            }",
        )
        .number("beta", 1.0)
        .derivative("`d / beta` by x where `d = x - y` is nearer to 0 than `beta`, `sign(d)` beyond, minus that by y; divided by n with the mean")
        .example(
            r#"
use sinew::ops::smooth_l1_loss;

#[model]
fn loss<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor<N> {
    smooth_l1_loss(x, y, reduction = "none", beta = 2.0)
}

assert_eq!(loss([1.0, 3.0], [0.0, 0.0])?, array![0.25, 2.0]);
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
        special(
            "binary_cross_entropy",
            "The binary cross entropy of probabilities and targets between 0 and 1: `-y log(x) - (1 - y) log(1 - x)`, where \
             no logarithm is below -100, times `weight`. Of what a [`fn@sigmoid`] gives, \
             [`fn@binary_cross_entropy_with_logits`] is the same and more exact.",
            |l, a| l.binary_cross_entropy(a),
        )
        .takes("x")
        .takes("y")
        .choice("reduction", REDUCTIONS)
        .may_take("weight")
        .by_name()
        .shapes(WEIGHTED)
        .elements("floats, all of one type")
        .derivative("`(x - y) / max(x (1 - x), 1e-12)` by x, `log(1 - x) - log(x)` by y, for no weight; divided by n with the mean")
        .example(
            r#"
use sinew::ops::binary_cross_entropy;

#[model]
fn loss<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor<N> {
    binary_cross_entropy(x, y, reduction = "none")
}

let loss = loss([0.5, 1.0, 0.0], [1.0, 1.0, 1.0])?;
assert!((loss - array![2f32.ln(), 0.0, 100.0]).iter().all(|d| d.abs() < 1e-6));
"#,
        ),
        with_logits(),
        Operation::alias("bce_with_logits", with_logits()),
        loss(
            "kl_div",
            "Kullback and Leibler's divergence of log probabilities x from probabilities y, `y (log(y) - x)`, where 0 has no \
             part; y are logarithms too with `log_target = true`. `\"batchmean\"` is the sum over the extent of the first \
             axis, which is the divergence of rows of probabilities; the mean is over all elements.",
            "if log_target {
                y.exp() * (y - x)
            } else {
                y * (y == 0.0).where_(1.0, y).log() - y * x
            }",
        )
        .takes("x")
        .takes("y")
        .like_first()
        .choice("reduction", &["mean", "batchmean", "sum", "none"])
        .flag("log_target")
        .derivative("`-y` by x, `log(y) + 1 - x` by y, and `exp(y) (y + 1 - x)` by logarithms y; divided by n with the mean")
        .example(
            r#"
use sinew::ops::kl_div;

#[model]
fn divergence<B, N>(logits: Tensor<B, N>, y: Tensor<B, N>) -> Tensor {
    kl_div(logits.log_softmax(), y, reduction = "batchmean")
}

let divergence = divergence([[0.0, 0.0]], [[1.0, 0.0]])?;
assert!((divergence - 2f32.ln()).abs() < 1e-6);
"#,
        ),
        of_pairs(
            "hinge_loss",
            "`max(0, 1 - x y)` of scores x and labels y that are 1 or -1.",
            "(1.0 - x * y).relu()",
        )
        .derivative("`-y` by x and `-x` by y where `x y` is below 1, 0 elsewhere; divided by n with the mean")
        .example(
            r#"
use sinew::ops::hinge_loss;

#[model]
fn loss<N>(scores: Tensor<N>, labels: Tensor<N>) -> Tensor<N> {
    hinge_loss(scores, labels, reduction = "none")
}

assert_eq!(loss([2.0, 0.5, 0.5], [1.0, 1.0, -1.0])?, array![0.0, 0.5, 1.5]);
"#,
        ),
        of_pairs(
            "hinge_embedding_loss",
            "Of distances x and labels y: x where y is 1, `max(0, margin - x)` where it is -1.",
            "(y != 1.0).where_((margin - x).relu(), 0.0) + (y != -1.0).where_(x, 0.0)",
        )
        .number("margin", 1.0)
        .derivative("by x 1 where y is 1, -1 where y is -1 and x is below the margin, 0 elsewhere; divided by n with the mean")
        .example(
            r#"
use sinew::ops::hinge_embedding_loss;

#[model]
fn loss<N>(distances: Tensor<N>, labels: Tensor<N>) -> Tensor<N> {
    hinge_embedding_loss(distances, labels, reduction = "none")
}

assert_eq!(loss([2.0, 2.0, 0.25], [1.0, -1.0, -1.0])?, array![2.0, 0.0, 0.75]);
"#,
        ),
        loss(
            "margin_ranking_loss",
            "`max(0, margin - target (x - y))`: where `target` is 1, x shall be the greater by `margin`, where it is -1, y.",
            "(margin - target * (x - y)).relu()",
        )
        .takes("x")
        .takes("y")
        .like_first()
        .takes("target")
        .like_first()
        .choice("reduction", REDUCTIONS)
        .number("margin", 0.0)
        .shapes("`[..], [..], [..] -> []`, all of one shape, which is the result's with `reduction = \"none\"`")
        .derivative("`-target` by x and `target` by y where the loss is above 0, 0 elsewhere; divided by n with the mean")
        .example(
            r#"
use sinew::ops::margin_ranking_loss;

#[model]
fn loss<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor<N> {
    margin_ranking_loss(x, y, 1.0, reduction = "none", margin = 0.5)
}

assert_eq!(loss([2.0, 2.0], [1.0, 3.0])?, array![0.0, 1.5]);
"#,
        ),
        loss(
            "gaussian_nll_loss",
            "Minus the log probability of y under the normal distribution of mean x and variance `var`, \
             `(log(var) + (x - y)^2 / var) / 2`, and `log(2 pi) / 2` with `full = true`. A variance below `eps` counts as \
             that, with the slope of what it counts as.",
            "{
                let var = (var < eps).where_(var - var.stop_gradient() + eps, var);
                let d = x - y;
                let loss = 0.5 * (var.log() + d * d / var);
                if full { loss + 0.9189385332046727 } else { loss }
            }",
        )
        .takes("x")
        .takes("y")
        .like_first()
        .takes("var")
        .within_first()
        .choice("reduction", REDUCTIONS)
        .flag("full")
        .number("eps", 1e-6)
        .shapes("`[..], [..], [..] -> []`: x and y of one shape, which is the result's with `reduction = \"none\"`, and to which `var` broadcasts")
        .derivative("`d / var` by x with `d = x - y`, minus that by y, `(1 - d^2 / var) / (2 var)` by `var`; divided by n with the mean")
        .example(
            r#"
use sinew::ops::gaussian_nll_loss;

#[model]
fn loss<B, N>(x: Tensor<B, N>, y: Tensor<B, N>, var: Tensor<B, 1>) -> Tensor<B, N> {
    gaussian_nll_loss(x, y, var, reduction = "none")
}

assert_eq!(loss([[1.0, 3.0]], [[1.0, 1.0]], [[1.0]])?, array![[0.0, 2.0]]);
"#,
        ),
        of_pairs(
            "poisson_nll_loss",
            "Minus the log probability of counts y under Poisson's distribution of rate `exp(x)`, `exp(x) - x y`; with \
             `log_input = false` of rate x, `x - y log(x + eps)`. With `full = true` there is Stirling's approximation of \
             `log(y!)` too, `y log(y) - y + log(2 pi y) / 2`, where y is above 1.",
            "{
                let loss = if log_input { x.exp() - x * y } else { x - y * (x + eps).log() };
                if full {
                    let many = (y > 1.0).where_(y, 1.0);
                    let stirling = many * many.log() - many + 0.5 * (6.283185307179586 * many).log();
                    loss + (y > 1.0).where_(stirling, 0.0)
                } else {
                    loss
                }
            }",
        )
        .flag_set("log_input")
        .flag("full")
        .number("eps", 1e-8)
        .derivative("`exp(x) - y` by x and `-x` by y; `1 - y / (x + eps)` and `-log(x + eps)` of rates; divided by n with the mean")
        .example(
            r#"
use sinew::ops::poisson_nll_loss;

#[model]
fn loss<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor<N> {
    poisson_nll_loss(x, y, reduction = "none")
}

assert_eq!(loss([0.0, 0.0], [3.0, 0.0])?, array![1.0, 1.0]);
"#,
        ),
    ]
}
