//! Losses against PyTorch's values and gradients (`data/losses.py`), in each float of each device.

use crate::floats::floats;
use sinew::ndarray::{Array, Dim, Dimension, Ix};
use sinew::ops::{
    bce_with_logits, binary_cross_entropy, cosine_embedding_loss, cosine_similarity, ctc_loss,
    gaussian_nll_loss, hinge_embedding_loss, hinge_loss, kl_div, l1_loss, mae, margin_ranking_loss,
    poisson_nll_loss, smooth_l1_loss, triplet_margin_loss,
};
use sinew::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static CASES: LazyLock<BTreeMap<String, serde_json::Value>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/losses.json")).expect("cases by their names")
});

/// A number, or what JSON has no number for.
fn number(v: &serde_json::Value) -> f64 {
    let named = || v.as_str().and_then(|s| s.parse().ok());
    v.as_f64().or_else(named).expect("a number")
}

fn numbers(v: &serde_json::Value) -> Vec<f64> {
    let list = v["values"].as_array().expect("a list");
    list.iter().map(number).collect()
}

/// An input of a case.
fn array<T, const N: usize>(v: &serde_json::Value, of: fn(f64) -> T) -> Array<T, Dim<[Ix; N]>>
where
    Dim<[Ix; N]>: Dimension,
    [Ix; N]: sinew::ndarray::IntoDimension<Dim = Dim<[Ix; N]>>,
{
    let shape = v["shape"].as_array().expect("a shape").iter();
    let shape: Vec<usize> = shape.map(|d| number(d) as usize).collect();
    let shape: [Ix; N] = shape.try_into().expect("of the declared rank");
    let values = numbers(v).into_iter().map(of).collect();
    Array::from_shape_vec(shape, values).expect("as many as in the shape")
}

/// What a function gives, as numbers.
trait Flat {
    fn flat(self) -> Vec<f64>;
}

impl Flat for f64 {
    fn flat(self) -> Vec<f64> {
        vec![self]
    }
}

impl<D: Dimension> Flat for Array<f64, D> {
    fn flat(self) -> Vec<f64> {
        self.into_iter().collect()
    }
}

/// Whether numbers are those expected, relative to the greatest that is finite; others are the same ones.
fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let finite = expected.iter().filter(|v| v.is_finite());
    let greatest = finite.fold(1e-3f64, |m, v| m.max(v.abs()));
    for (f, e) in found.iter().zip(expected) {
        let same = match e.is_finite() {
            true => (f - e).abs() <= tolerance * greatest,
            false => f == e || (f.is_nan() && e.is_nan()),
        };
        assert!(same, "{what}: {found:?} for {expected:?}");
    }
}

/// A test of a case of PyTorch's: a loss of floats that have gradients, of others that are held, and of integers. Its
/// gradient by the cotangent is the loss.
macro_rules! pytorch {
    (
        $name:ident<$($size:ident),*>
        ($($x:ident: [$($m:tt),*]),*)
        $(held ($($h:ident: [$($k:tt),*]),*))?
        $(labels ($($i:ident: [$($l:tt),*]),*))?
        -> [$($n:tt),*]: $f:expr
    ) => {
        #[test]
        fn $name() -> sinew::Result<()> {
            #[model]
            fn slopes<$($size),*>(
                $($x: Tensor<$($m),*>,)*
                $($($h: Tensor<$($k),*>,)*)?
                $($($i: Tensor<i32, $($l),*>,)*)?
                cot: Tensor<$($n),*>,
            ) -> ($(Tensor<$($m),*>,)* Tensor<$($n),*>) {
                grad(|$($x,)* cot| (($f) * cot).sum(), $($x,)* cot)
            }
            let runs = CASES[stringify!($name)].as_array().expect("inputs");
            for (device, precision, tolerance) in floats() {
                let run = slopes::compile().precision(precision).device(device).build()?;
                for (k, case) in runs.iter().enumerate() {
                    let of = &case["inputs"];
                    let ($($x,)* value) = run.run_f64(
                        $(array::<f64, { [$(stringify!($m)),*].len() }>(&of[stringify!($x)], |v| v),)*
                        $($(array::<f64, { [$(stringify!($k)),*].len() }>(&of[stringify!($h)], |v| v),)*)?
                        $($(array::<i32, { [$(stringify!($l)),*].len() }>(&of[stringify!($i)], |v| v as i32),)*)?
                        array::<f64, { <[&str]>::len(&[$(stringify!($n)),*]) }>(&case["cot"], |v| v),
                    )?;
                    let what = format!("{} {k}", stringify!($name));
                    close(&what, &value.flat(), &numbers(&case["value"]), tolerance);
                    $({
                        let what = format!("{what} by {}", stringify!($x));
                        close(&what, &$x.flat(), &numbers(&case["by"][stringify!($x)]), tolerance);
                    })*
                }
            }
            Ok(())
        }
    };
}

/// The three reductions of a loss of elements, or of what has as many losses as `none` says.
macro_rules! reductions {
    (
        $mean:ident $sum:ident $none:ident <$($size:ident),*>
        $x:tt $(held $h:tt)? $(labels $l:tt)? -> $n:tt: $f:ident($($arg:expr),*; $($name:ident = $value:expr),*)
    ) => {
        pytorch!($mean<$($size),*> $x $(held $h)? $(labels $l)? -> []: $f($($arg),* $(, $name = $value)*));
        pytorch!($sum<$($size),*> $x $(held $h)? $(labels $l)? -> []: $f($($arg),*, reduction = "sum" $(, $name = $value)*));
        pytorch!($none<$($size),*> $x $(held $h)? $(labels $l)? -> $n: $f($($arg),*, reduction = "none" $(, $name = $value)*));
    };
}

reductions!(l1_mean l1_sum l1_none <N> (x: [N], y: [N]) -> [N]: l1_loss(x, y;));
reductions!(smooth_l1_mean smooth_l1_sum smooth_l1_none <N> (x: [N], y: [N]) -> [N]: smooth_l1_loss(x, y;));
pytorch!(smooth_l1_beta<N> (x: [N], y: [N]) -> []: smooth_l1_loss(x, y, beta = 0.5));
pytorch!(smooth_l1_of_none<N> (x: [N], y: [N]) -> []: x.smooth_l1_loss(y, beta = 0));

reductions!(bce_mean bce_sum bce_none <N> (x: [N]) held (y: [N]) -> [N]: binary_cross_entropy(x, y;));
pytorch!(bce_by_targets<N> (x: [N], y: [N]) -> []: binary_cross_entropy(x, y));
pytorch!(bce_weight<B> (x: [B, 3]) held (y: [B, 3], w: [3]) -> []: binary_cross_entropy(x, y, weight = w));
pytorch!(logits_weight<B> (x: [B, 3], y: [B, 3]) held (w: [3]) -> []: bce_with_logits(x, y, weight = w));
pytorch!(logits_pos_weight<B> (x: [B, 3], y: [B, 3]) held (w: [3]) -> []: bce_with_logits(x, y, pos_weight = w));
pytorch!(logits_both<B> (x: [B, 3], y: [B, 3]) held (w: [3]) -> [B, 3]:
    binary_cross_entropy_with_logits(x, y, "none", w, 3 * w));

reductions!(kl_div_mean kl_div_sum kl_div_none <N> (x: [N], y: [N]) -> [N]: kl_div(x, y;));
pytorch!(kl_div_at_zero<N> (x: [N]) held (y: [N]) -> [N]: kl_div(x, y, reduction = "none"));
pytorch!(kl_div_batchmean<B> (x: [B, 3], y: [B, 3]) -> []: kl_div(x, y.exp(), reduction = "batchmean"));
pytorch!(kl_div_log_target<B> (x: [B, 3], y: [B, 3]) -> []: kl_div(x, y, "batchmean", log_target = true));

reductions!(hinge_mean hinge_sum hinge_none <N> (x: [N]) held (y: [N]) -> [N]: hinge_loss(x, y;));
reductions!(hinge_embedding_mean hinge_embedding_sum hinge_embedding_none <N> (x: [N]) held (y: [N]) -> [N]:
    hinge_embedding_loss(x, y;));
pytorch!(hinge_embedding_margin<N> (x: [N]) held (y: [N]) -> []: hinge_embedding_loss(x, y, margin = 2));

reductions!(ranking_mean ranking_sum ranking_none <N> (x: [N], y: [N]) held (target: [N]) -> [N]:
    margin_ranking_loss(x, y, target;));
pytorch!(ranking_margin<N> (x: [N], y: [N]) held (target: [N]) -> []:
    margin_ranking_loss(x, y, target, margin = 0.5));

reductions!(poisson_mean poisson_sum poisson_none <N> (x: [N], y: [N]) -> [N]: poisson_nll_loss(x, y;));
pytorch!(poisson_rates<N> (x: [N], y: [N]) -> []: poisson_nll_loss(x, y, log_input = false));
pytorch!(poisson_full<N> (x: [N]) held (y: [N]) -> []:
    poisson_nll_loss(x, y, log_input = false, full = true, eps = 1e-3));

reductions!(gaussian_mean gaussian_sum gaussian_none <B> (x: [B, 3], y: [B, 3], var: [B, 3]) -> [B, 3]:
    gaussian_nll_loss(x, y, var;));
pytorch!(gaussian_full<B> (x: [B, 3], y: [B, 3], var: [B, 3]) -> []:
    gaussian_nll_loss(x, y, var, full = true, eps = 0.5));
pytorch!(gaussian_of_rows<B, D> (x: [B, D], y: [B, D], var: [B, 1]) -> []: gaussian_nll_loss(x, y, var));

pytorch!(cosine<B, D> (x: [B, D], y: [B, D]) -> [B]: cosine_similarity(x, y));
pytorch!(cosine_axis<B, D> (x: [B, D], y: [B, D]) -> [D]: x.cosine_similarity(y, axis = 0, eps = 2.5));
pytorch!(cosine_table<A, B, D> (x: [A, D], y: [B, D]) -> [A, B]:
    cosine_similarity(x.unsqueeze(1), y, axis = -1));
reductions!(cosine_embedding_mean cosine_embedding_sum cosine_embedding_none <B, D>
    (x: [B, D], y: [B, D]) held (target: [B]) -> [B]: cosine_embedding_loss(x, y, target;));
pytorch!(cosine_embedding_margin<B, D> (x: [B, D], y: [B, D]) held (target: [B]) -> []:
    cosine_embedding_loss(x, y, target, margin = 0.3));
reductions!(triplet_mean triplet_sum triplet_none <B, D> (x: [B, D], y: [B, D], z: [B, D]) -> [B]:
    triplet_margin_loss(x, y, z;));
pytorch!(triplet_swap<B, D> (x: [B, D], y: [B, D], z: [B, D]) -> [B]:
    triplet_margin_loss(x, y, z, "none", margin = 2, p = 1, swap = true));
pytorch!(triplet_power<B, D> (x: [B, D], y: [B, D], z: [B, D]) -> [B]:
    triplet_margin_loss(x, y, z, "none", margin = 0.25, p = 3.5, eps = 1e-3));

reductions!(classes_mean classes_sum classes_none <B> (x: [B, 5]) held (w: [5]) labels (y: [B]) -> [B]:
    cross_entropy(x, y; weight = w));
reductions!(classes_smooth_mean classes_smooth_sum classes_smooth_none <B>
    (x: [B, 5]) held (w: [5]) labels (y: [B]) -> [B]: cross_entropy(x, y; weight = w, label_smoothing = 0.2));
reductions!(classes_ignored_mean classes_ignored_sum classes_ignored_none <B>
    (x: [B, 5]) held (w: [5]) labels (y: [B]) -> [B]:
    cross_entropy(x, y; ignore_index = 3, label_smoothing = 0.1, weight = w));
reductions!(nll_classes_mean nll_classes_sum nll_classes_none <B> (x: [B, 5]) held (w: [5]) labels (y: [B]) -> [B]:
    nll_loss(x, y; weight = w));
reductions!(nll_classes_ignored_mean nll_classes_ignored_sum nll_classes_ignored_none <B>
    (x: [B, 5]) held (w: [5]) labels (y: [B]) -> [B]: nll_loss(x, y; ignore_index = 3, weight = w));
pytorch!(classes_of_images<B, L> (x: [B, 3, L]) held (w: [3]) labels (y: [B, L]) -> []:
    cross_entropy(x, y, label_smoothing = 0.1, weight = w));

reductions!(ctc_mean ctc_sum ctc_none <T, B, C, S>
    (x: [T, B, C]) labels (y: [B, S], n: [B], m: [B]) -> [B]: ctc_loss(x.log_softmax(), y, n, m;));
pytorch!(ctc_long<T, B, C, S> (x: [T, B, C]) labels (y: [B, S], n: [B], m: [B]) -> []:
    ctc_loss(x.log_softmax(), y, n, m));
pytorch!(ctc_blank<T, B, C, S> (x: [T, B, C]) labels (y: [B, S], n: [B], m: [B]) -> []:
    ctc_loss(x.log_softmax(), y, n, m, blank = 4));
reductions!(ctc_finite_mean ctc_finite_sum ctc_finite_none <T, B, C, S>
    (x: [T, B, C]) labels (y: [B, S], n: [B], m: [B]) -> [B]:
    ctc_loss(x.log_softmax(), y, n, m; zero_infinity = true));
pytorch!(ctc_without_labels<T, B, C> (x: [T, B, C]) labels (y: [B, 1], n: [B], m: [B]) -> [B]:
    ctc_loss(x.log_softmax(), y[(.., 0..0)], n, m, reduction = "none"));

/// Every case is a test's.
#[test]
fn cases_are_as_many_as_tests() {
    let tests = include_str!("losses.rs");
    for name in CASES.keys() {
        let named = |end: &str| tests.contains(&format!("{name}{end}"));
        assert!(named("<") || named(" "), "no test of {name}");
    }
}

differences!(absolute: |x: [3, 5], w: [5]| l1_loss(x * x, x + w + 3, "none") + mae(x * w, 3.0, "none") + smooth_l1_loss(2 * x * w, w * 0 + x, "none", beta = 0.25));
differences!(of_probabilities: |x: [3, 5], w: [5]| binary_cross_entropy((x * w).sigmoid(), w.sigmoid() + 0 * x, "none", weight = w) + kl_div(x, (w * w + 0.1) + 0 * x, "none") + kl_div(x * w, x, "none", log_target = true));
differences!(of_logits: |x: [3, 5], w: [5]| bce_with_logits(3 * x * w, 0 * x + w.sigmoid(), "none", weight = x, pos_weight = w.exp()));
differences!(of_signs: |x: [3, 5], w: [5]| hinge_loss(x + w, x.sign(), "none") + hinge_embedding_loss(x * w, x.sign(), "none") + margin_ranking_loss(x, 0 * x + w * w, x.sign(), "none", margin = 0.3));
differences!(of_distributions: |x: [3, 5], w: [5]| gaussian_nll_loss(x, 0 * x + w, 0.3 + w * w, "none", full = true) + poisson_nll_loss(x, 3 * w * w + 0 * x, "none", full = true) + poisson_nll_loss(x.exp(), w.exp() + 0 * x, "none", log_input = false));
differences!(of_vectors: |x: [3, 5], w: [5]| cosine_similarity(x, w, axis = -1) + cosine_embedding_loss(x * w, x, x[(.., 0)].sign(), "none") + triplet_margin_loss(x, x * w, x.square(), "none", margin = 3, p = 2.5, swap = true));
differences!(of_classes: |x: [3, 5], w: [5]| cross_entropy(x, arange(3), weight = w.exp(), label_smoothing = 0.1, reduction = "none") + nll_loss(x * w, arange(3), weight = 0.5 * w, reduction = "none"));
differences!(of_alignments: |x: [4, 2, 3], w: [3]| ctc_loss((3 * x * w).log_softmax(), arange(4).reshape([2, 2]) % 2 + 1, 4 - arange(2), arange(2) + 1, reduction = "none"));

#[model]
fn of_nothing<N>(x: Tensor<N>) -> (Tensor<10>, Tensor<10>, Tensor<2>) {
    let x = x[1..1];
    let rows = x.reshape([0, 3]);
    let none = arange(5)[1..1];
    let sums = [
        l1_loss(x, x, "sum"),
        smooth_l1_loss(x, x, "sum"),
        binary_cross_entropy(x, x, "sum"),
        bce_with_logits(x, x, "sum", pos_weight = 2),
        kl_div(x, x, "sum"),
        hinge_loss(x, x, "sum") + hinge_embedding_loss(x, x, "sum"),
        margin_ranking_loss(x, x, x, "sum") + poisson_nll_loss(x, x, "sum"),
        gaussian_nll_loss(x, x, x, "sum"),
        cosine_embedding_loss(rows, rows, x, "sum") + triplet_margin_loss(rows, rows, rows, "sum"),
        cross_entropy(rows, none, reduction = "sum", weight = ones([3])),
    ];
    let means = [
        l1_loss(x, x),
        smooth_l1_loss(x, x),
        binary_cross_entropy(x, x),
        bce_with_logits(x, x, weight = 2),
        kl_div(x, x, reduction = "batchmean"),
        hinge_loss(x, x) + hinge_embedding_loss(x, x),
        margin_ranking_loss(x, x, x) + poisson_nll_loss(x, x),
        gaussian_nll_loss(x, x, x),
        cosine_embedding_loss(rows, rows, x) + triplet_margin_loss(rows, rows, rows),
        nll_loss(rows, none, weight = ones([3])),
    ];
    // No times: a sequence without labels is said for sure, one with a label never.
    let lengths = arange(2);
    let silent = zeros([0, 2, 3]);
    let labels = ones([2, 1], dtype = i32);
    (
        stack(sums),
        stack(means),
        ctc_loss(silent, labels, 0 * lengths, lengths, reduction = "none"),
    )
}

#[test]
fn losses_of_nothing_are_0_and_their_means_no_number() -> sinew::Result<()> {
    for (device, precision, _) in floats() {
        let run = of_nothing::compile().precision(precision);
        let run = run.device(device).build()?;
        let (sums, means, said) = run.run_f64([1.0, 2.0])?;
        assert_eq!(sums.to_vec(), [0.0; 10]);
        // A driver of a GPU may take 0 / 0 for 0, which WGSL leaves to it.
        let of_cpu = precision == Precision::F64;
        assert!(!of_cpu || means.iter().all(|v| v.is_nan()), "{means}");
        assert_eq!(said.to_vec(), [0.0, f64::INFINITY]);
    }
    Ok(())
}

/// Derivatives are those of what is told, where PyTorch's add what a softmax in front takes away.
#[test]
fn the_slope_of_an_alignment_is_how_likely_it_is() -> sinew::Result<()> {
    #[model]
    fn slope<T>(x: Tensor<T, 1, 2>) -> Tensor<T, 1, 2> {
        let one = ones([1], dtype = i32);
        grad(|x| ctc_loss(x, ones([1, 1], dtype = i32), 2 * one, one), x)
    }
    // `11`, `1-` and `-1` have the probabilities 3/8, 3/8 and 1/8 of 7/8 together.
    let (p, q) = ([0.25f64, 0.75], [0.5f64, 0.5]);
    let x = [p, q].map(|times| [times.map(f64::ln)]);
    for (device, precision, tolerance) in floats() {
        let run = slope::compile().precision(precision);
        let found = run.device(device).build()?.run_f64(x)?;
        let expected = [-1.0 / 7.0, -6.0 / 7.0, -3.0 / 7.0, -4.0 / 7.0];
        close("slope", &found.flat(), &expected, tolerance);
    }
    Ok(())
}

/// A class of probability 0 is never said, and has no slope of infinity.
#[test]
fn a_class_that_cannot_be_said_has_slopes_of_numbers() -> sinew::Result<()> {
    #[model]
    fn said<T>(x: Tensor<T, 1, 3>) -> (Tensor<T, 1, 3>, Tensor) {
        let one = ones([1], dtype = i32);
        let y = ones([1, 1], dtype = i32);
        let loss = ctc_loss(x, y, 2 * one, one);
        (grad(|x| ctc_loss(x, y, 2 * one, one), x), loss)
    }
    // `-1` alone is left.
    let never = f64::NEG_INFINITY;
    let half = 0.5f64.ln();
    let x = [[[half, never, half]], [[never, half, half]]];
    for (device, precision, tolerance) in floats() {
        let run = said::compile().precision(precision);
        let (slope, loss) = run.device(device).build()?.run_f64(x)?;
        close("loss", &[loss], &[4f64.ln()], tolerance);
        let expected = [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0];
        close("slope", &slope.flat(), &expected, tolerance);
    }
    Ok(())
}

/// What is not padded is looked at, and lengths are.
#[test]
fn labels_and_lengths_of_sequences_are_looked_at() -> sinew::Result<()> {
    #[model]
    fn of(
        x: Tensor<4, 2, 3>,
        y: Tensor<i32, 2, 2>,
        n: Tensor<i32, 2>,
        m: Tensor<i32, 2>,
    ) -> Tensor {
        ctc_loss(x, y, n, m)
    }
    let x = [[[-1.0; 3]; 2]; 4];
    assert!(of(x, [[1, 2], [2, 1]], [4, 3], [2, 1])?.is_finite());
    let told = |result: sinew::Result<f32>| result.expect_err("outside").to_string();
    let wrong = [
        (told(of(x, [[1, 3], [2, 1]], [4, 3], [2, 1])), "`y`"),
        (told(of(x, [[1, 2], [2, 1]], [4, 5], [2, 1])), "`n`"),
        (told(of(x, [[1, 2], [2, 1]], [4, 3], [3, 1])), "`m`"),
    ];
    for (text, name) in wrong {
        assert!(text.contains(name), "{text}");
    }
    Ok(())
}

/// Numbers stand for tensors, consts and configuration for numbers.
#[test]
fn numbers_of_losses_are_consts_too() -> sinew::Result<()> {
    const BETA: f64 = 0.0;
    const MARGIN: f32 = 0.5;
    #[model]
    fn of<N>(x: Tensor<N>) -> (Tensor<N>, Tensor<N>, Tensor<N>, Tensor) {
        (
            smooth_l1_loss(x, 1.0, "none", beta = BETA),
            margin_ranking_loss(x, 0.0, -1, "none", margin = MARGIN),
            gaussian_nll_loss(x, 1, 2.0, "none"),
            mse(x, 1) + bce_with_logits(x, 1.0),
        )
    }
    let (near, ranked, likely, both) = of([1.5, -2.0])?;
    assert_eq!(near.to_vec(), [0.5, 3.0]);
    assert_eq!(ranked.to_vec(), [2.0, 0.0]);
    let expected = [0.125, 4.5].map(|square: f32| 0.5 * 2f32.ln() + square / 2.0);
    for (f, e) in likely.iter().zip(expected) {
        assert!((f - e).abs() < 1e-6, "{f} {e}");
    }
    let softplus = |x: f32| x.exp().ln_1p();
    let expected = (0.25 + 9.0) / 2.0 + (softplus(-1.5) + softplus(2.0)) / 2.0;
    assert!((both - expected).abs() < 1e-5, "{both} {expected}");
    Ok(())
}
