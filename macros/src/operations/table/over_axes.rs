//! Reductions, and what runs along an axis.

use crate::operations::declaration::{Lower, along, reduction, special};
use crate::operations::{Lowering, Operation, page};
use sinew_ir::{compose, ops};

/// An operation that looks at which elements over axes are not 0.
fn counting(name: &'static str, doc: &str, lower: Lower) -> Operation {
    special(name, doc, lower)
        .takes("x")
        .may_take("axis")
        .flag("keepdims")
        .shapes(page::OVER_AXES)
        .derivative("none: the result is no float")
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        reduction(ops::SUM)
            .derivative("1 for every element")
            .example(
                r#"
#[model]
fn sums<B, N>(x: Tensor<B, N>) -> (Tensor, Tensor<N>, Tensor<B, 1>) {
    (x.sum(), x.sum(0), x.sum(axis = -1, keepdims = true))
}

let (all, columns, rows) = sums([[1.0, 2.0], [3.0, 4.0]])?;
assert_eq!((all, columns, rows), (10.0, array![4.0, 6.0], array![[3.0], [7.0]]));
"#,
            ),
        reduction(ops::PROD)
            .derivative("for each element the product of the others")
            .example(
                r#"
#[model]
fn products<B, N>(x: Tensor<B, N>) -> Tensor<B> {
    x.prod(axis = -1)
}

assert_eq!(products([[1.0, 2.0], [3.0, 4.0]])?, array![2.0, 12.0]);
"#,
            ),
        reduction(ops::MEAN)
            .derivative("`1 / n` for each of n elements")
            .example(
                r#"
#[model]
fn means<B, N>(x: Tensor<B, N>) -> Tensor<B> {
    x.mean(axis = -1)
}

assert_eq!(means([[1.0, 2.0], [3.0, 4.0]])?, array![1.5, 3.5]);
"#,
            ),
        reduction(ops::MAX)
            .beside("the greater of two is `maximum(x, y)`")
            .derivative("1 for the maximum, in equal shares for several; 0 for the others")
            .example(
                r#"
#[model]
fn greatest<B, N>(x: Tensor<B, N>) -> (Tensor<B>, Tensor<B, N>) {
    (x.max(-1), grad(|x| x.max(-1).sum(), x))
}

let (greatest, slope) = greatest([[1.0, 5.0], [3.0, 3.0]])?;
assert_eq!(greatest, array![5.0, 3.0]);
assert_eq!(slope, array![[0.0, 1.0], [0.5, 0.5]]);
"#,
            ),
        reduction(ops::MIN)
            .beside("the lesser of two is `minimum(x, y)`")
            .derivative("1 for the minimum, in equal shares for several; 0 for the others")
            .example(
                r#"
#[model]
fn least<B, N>(x: Tensor<B, N>) -> Tensor<N> {
    x.min(0)
}

assert_eq!(least([[1.0, 5.0], [3.0, 4.0]])?, array![1.0, 4.0]);
"#,
            ),
        reduction(ops::LOGSUMEXP)
            .derivative("`softmax(x)` over the axes")
            .example(
                r#"
#[model]
fn of_rows<B, N>(x: Tensor<B, N>) -> Tensor<B> {
    x.logsumexp(-1)
}

let sums = of_rows([[0.0, 0.0], [1000.0, -1000.0]])?;
assert!((sums - array![2f32.ln(), 1000.0]).iter().all(|d| d.abs() < 1e-6));
"#,
            ),
        Operation::new(
            "cumsum",
            "The sum of each element and those before it along an axis.",
            Lowering::Axis(compose::cumsum),
        )
        .takes("x")
        .takes_as("axis", "-1")
        .derivative("1 for the element and those behind it: the cotangent summed from the end")
        .example(
            r#"
use sinew::ops::cumsum;

#[model]
fn running<N>(x: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
    (x.cumsum(0), cumsum(x.flip(0), 0).flip(0))
}

assert_eq!(running([1.0, 2.0, 3.0])?, (array![1.0, 3.0, 6.0], array![6.0, 5.0, 3.0]));
"#,
        ),
        Operation::new(
            "cumprod",
            "The product of each element and those before it along an axis.",
            Lowering::Axis(compose::cumprod),
        )
        .takes("x")
        .takes_as("axis", "-1")
        .derivative("for each product the product of the other factors, where some are 0 too")
        .example(
            r#"
#[model]
fn running<N>(x: Tensor<N>) -> Tensor<N> {
    x.cumprod(-1)
}

assert_eq!(running([2.0, 3.0, 4.0])?, array![2.0, 6.0, 24.0]);
"#,
        ),
        special(
            "var",
            "The variance over axes, or over all of them: the squared distances from the mean, summed and divided by \
             `n - correction` (NumPy's default; PyTorch's is `correction = 1`).",
            |l, a| l.var(a),
        )
        .takes("x")
        .may_take("axis")
        .number("correction", 0.0)
        .flag("keepdims")
        .shapes(page::OVER_AXES)
        .elements("floats")
        .derivative("`2 (x - mean) / (n - correction)`")
        .example(
            r#"
#[model]
fn variances<B, N>(x: Tensor<B, N>) -> (Tensor<B>, Tensor<B>) {
    (x.var(-1), x.var(-1, correction = 1.0))
}

let (of_all, of_a_sample) = variances([[1.0, 3.0], [0.0, 4.0]])?;
assert_eq!((of_all, of_a_sample), (array![1.0, 4.0], array![2.0, 8.0]));
"#,
        ),
        special("std", "The square root of [`var`].", |l, a| l.std(a))
            .takes("x")
            .may_take("axis")
            .number("correction", 0.0)
            .flag("keepdims")
            .shapes(page::OVER_AXES)
            .elements("floats")
            .derivative("`(x - mean) / ((n - correction) std)`, NaN where all elements are equal")
            .example(
                r#"
#[model]
fn deviations<B, N>(x: Tensor<B, N>) -> Tensor<B> {
    x.std(axis = -1)
}

assert_eq!(deviations([[1.0, 3.0], [0.0, 4.0]])?, array![1.0, 2.0]);
"#,
            ),
        Operation::new(
            "diff",
            "Each element along an axis minus the one before it.",
            Lowering::Axis(compose::diff),
        )
        .takes("x")
        .integer("axis", -1)
        .shapes("`[.., N] -> [.., N - 1]`, for the axis")
        .derivative("1 for the element, -1 for the one before")
        .example(
            r#"
#[model]
fn steps<N>(x: Tensor<N>) -> Tensor<{ N - 1 }> {
    x.diff()
}

assert_eq!(steps([1.0, 4.0, 2.0])?, array![3.0, -2.0]);
"#,
        ),
        special(
            "norm",
            "The norm over axes, or over all of them: the root of the sum of squares, or of powers `|x|^ord` for another \
             number `ord` (for 0, how many elements are not 0), or with `ord = \"inf\"` the greatest magnitude, with \
             `ord = \"-inf\"` the least.",
            |l, a| l.norm(a),
        )
        .takes("x")
        .may_take("axis")
        .number("ord", 2.0)
        .or_text(&["inf", "-inf"])
        .flag("keepdims")
        .shapes(page::OVER_AXES)
        .elements("floats")
        .derivative("`sign(x) (|x| / norm)^(ord - 1)`, 0 where x or the norm is 0; that of the greatest in equal shares for several")
        .example(
            r#"
use sinew::ops::norm;

#[model]
fn lengths<B, N>(x: Tensor<B, N>) -> (Tensor<B>, Tensor<B>, Tensor<B>, Tensor) {
    (x.norm(-1), x.norm(-1, ord = 1), x.norm(-1, ord = "inf"), norm(x))
}

let (of_rows, sums, greatest, all) = lengths([[3.0, -4.0], [0.0, 0.0]])?;
assert_eq!((of_rows, sums), (array![5.0, 0.0], array![7.0, 0.0]));
assert_eq!((greatest, all), (array![4.0, 0.0], 5.0));
"#,
        ),
        counting(
            "any",
            "Whether some element over the axes, or of all, is true or not 0; false of none.",
            |l, a| l.counted_axes(a, compose::any),
        )
        .elements("any; the result is bool")
        .example(
            r#"
#[model]
fn some<B, N>(x: Tensor<B, N>) -> (Tensor<bool, B>, Tensor<bool>) {
    ((x > 2.0).any(-1), x.any())
}

let (rows, all) = some([[1.0, 5.0], [0.0, 1.0]])?;
assert_eq!((rows, all), (array![true, false], true));
"#,
        ),
        counting(
            "all",
            "Whether every element over the axes, or of all, is true or not 0; true of none.",
            |l, a| l.counted_axes(a, compose::all),
        )
        .elements("any; the result is bool")
        .example(
            r#"
#[model]
fn every<B, N>(x: Tensor<B, N>) -> (Tensor<bool, B>, Tensor<bool>) {
    ((x > 0.5).all(-1), x.all())
}

let (rows, all) = every([[1.0, 5.0], [0.0, 1.0]])?;
assert_eq!((rows, all), (array![true, false], false));
"#,
        ),
        counting(
            "count_nonzero",
            "How many elements over the axes, or of all, are not 0 or are true, as i32.",
            |l, a| l.counted_axes(a, compose::count_nonzero),
        )
        .elements("any; the result is i32")
        .example(
            r#"
#[model]
fn counts<B, N>(x: Tensor<B, N>) -> Tensor<i32, B> {
    x.count_nonzero(-1)
}

assert_eq!(counts([[1.0, 5.0], [0.0, 1.0]])?, array![2, 1]);
"#,
        ),
        Operation::new(
            "argmax",
            "The index of the first maximum along an axis, as i32, or of the first NaN if there is one; without \
             an axis that in all elements, row by row.",
            Lowering::Position(compose::argmax),
        )
        .takes("x")
        .may_take("axis")
        .flag("keepdims")
        .note("with one axis, or none for all: `x.argmax()`")
        .derivative("0: an index has none")
        .example(
            r#"
#[model]
fn places<B, N>(x: Tensor<B, N>) -> (Tensor<i32, B>, Tensor<i32>) {
    (x.argmax(-1), x.argmax())
}

let (of_rows, of_all) = places([[1.0, 5.0], [0.5, 9.0]])?;
assert_eq!((of_rows, of_all), (array![1, 1], 3));
"#,
        ),
        Operation::new(
            "argmin",
            "The index of the first minimum along an axis, as i32, or of the first NaN if there is one; without \
             an axis that in all elements, row by row.",
            Lowering::Position(compose::argmin),
        )
        .takes("x")
        .may_take("axis")
        .flag("keepdims")
        .note("with one axis, or none for all: `x.argmin()`")
        .derivative("0: an index has none")
        .example(
            r#"
#[model]
fn places<B, N>(x: Tensor<B, N>) -> (Tensor<i32, B>, Tensor<i32>) {
    (x.argmin(-1), x.argmin())
}

let (of_rows, of_all) = places([[1.0, 2.0], [0.5, 0.25]])?;
assert_eq!((of_rows, of_all), (array![0, 1], 3));
"#,
        ),
        along(ops::SOFTMAX)
            .derivative("`y (g - sum(g y))` of a cotangent g, with `y = softmax(x)`")
            .example(
                r#"
#[model]
fn shares<B, N>(x: Tensor<B, N>) -> Tensor<B, N> {
    x.softmax()
}

assert_eq!(shares([[0.0, 0.0], [1000.0, 0.0]])?, array![[0.5, 0.5], [1.0, 0.0]]);
"#,
            ),
        along(ops::LOG_SOFTMAX)
            .derivative("`g - softmax(x) sum(g)` of a cotangent g")
            .example(
                r#"
#[model]
fn logs<B, N>(x: Tensor<B, N>) -> Tensor<B, N> {
    x.log_softmax(axis = -1)
}

let logs = logs([[0.0, 0.0]])?;
assert!(logs.iter().all(|v| (v + 2f32.ln()).abs() < 1e-6));
"#,
            ),
    ]
}
