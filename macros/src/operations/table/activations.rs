//! Activations that are defined in the language itself.

use crate::operations::Operation;
use crate::operations::declaration::defined;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        defined(
            "hardtanh",
            "x, not below `min_val` and not above `max_val`.",
            "x.clamp(min_val, max_val)",
        )
        .number("min_val", -1.0)
        .number("max_val", 1.0)
        .derivative("1 between the bounds, 0 at them and beyond")
        .maps(&[(0.5, 0.5), (-3.0, -1.0), (3.0, 1.0)]),
        defined(
            "relu6",
            "x, not below 0 and not above 6.",
            "x.clamp(0.0, 6.0)",
        )
        .derivative("1 between 0 and 6, 0 at them and beyond")
        .maps(&[(-1.0, 0.0), (2.0, 2.0), (7.0, 6.0)]),
        defined(
            "hardsigmoid",
            "A line from 0 at -3 to 1 at 3, and 0 and 1 beyond.",
            "(x + 3.0).clamp(0.0, 6.0) / 6.0",
        )
        .derivative("1/6 between -3 and 3, 0 at them and beyond")
        .maps(&[(-4.0, 0.0), (0.0, 0.5), (1.5, 0.75), (4.0, 1.0)]),
        defined(
            "hardswish",
            "`x * hardsigmoid(x)` (Howard et al., \"Searching for MobileNetV3\", 2019).",
            "x * x.hardsigmoid()",
        )
        .derivative("`x / 3 + 1/2` between -3 and 3, 0 below, 1 above")
        .maps(&[(-4.0, 0.0), (1.5, 1.125), (4.0, 4.0)]),
        defined("softsign", "`x / (1 + |x|)`.", "x / (1.0 + x.abs())")
            .derivative("`1 / (1 + |x|)^2`")
            .maps(&[(1.0, 0.5), (-3.0, -0.75)]),
        defined(
            "mish",
            "`x * tanh(softplus(x))` (Misra, \"Mish: a self regularized non-monotonic activation function\", 2019).",
            "x * x.softplus().tanh()",
        )
        .derivative("`t + x sigmoid(x) (1 - t^2)` with `t = tanh(softplus(x))`")
        .maps(&[(0.0, 0.0), (1.0, 0.8650984)]),
        defined(
            "selu",
            "[`fn@elu`] of the slopes that keep mean 0 and variance 1 from layer to layer (Klambauer et al., \
             \"Self-normalizing neural networks\", 2017).",
            "1.0507009873554805 * x.elu(alpha = 1.6732632423543772)",
        )
        .derivative("1.0507 where x is positive, `1.7581 * e^x` elsewhere")
        .maps(&[(0.0, 0.0), (1.0, 1.050701), (-1.0, -1.1113307)]),
        defined(
            "celu",
            "x where it is positive, `alpha * (exp(x / alpha) - 1)` elsewhere, for an alpha above 0 (Barron, \
             \"Continuously differentiable exponential linear units\", 2017).",
            "alpha * (x / alpha).elu()",
        )
        .number("alpha", 1.0)
        .derivative("1 where x is positive, `e^(x / alpha)` elsewhere")
        .maps(&[(2.0, 2.0), (-1.0, -0.6321206)]),
        defined(
            "log_sigmoid",
            "`log(sigmoid(x))`, which does not overflow.",
            "-(-x).softplus()",
        )
        .derivative("`sigmoid(-x)`")
        .maps(&[(0.0, -std::f64::consts::LN_2), (-100.0, -100.0)]),
        defined("tanhshrink", "`x - tanh(x)`.", "x - x.tanh()")
            .derivative("`tanh(x)^2`")
            .maps(&[(0.0, 0.0), (1.0, 0.2384058)]),
        defined(
            "hardshrink",
            "x where it is farther from 0 than `lambd`, 0 elsewhere.",
            "(x.abs() > lambd).where_(x, 0.0)",
        )
        .number("lambd", 0.5)
        .derivative("1 where x is farther from 0 than `lambd`, 0 elsewhere")
        .maps(&[(0.25, 0.0), (-2.0, -2.0)]),
        defined("trunc", "x without its fraction, towards 0.", "x.sign() * x.abs().floor()")
            .derivative("0")
            .maps(&[(1.75, 1.0), (-1.75, -1.0)]),
        defined("log2", "The logarithm to the base 2.", "x.log() * 1.4426950408889634")
            .derivative("`1 / (x log(2))`")
            .maps(&[(1.0, 0.0), (10.0, std::f64::consts::LOG2_10)]),
        defined("log10", "The logarithm to the base 10.", "x.log() * 0.4342944819032518")
            .derivative("`1 / (x log(10))`")
            .maps(&[(1.0, 0.0), (2.0, std::f64::consts::LOG10_2)]),
        defined("exp2", "2 to the power of x.", "(x * 0.6931471805599453).exp()")
            .derivative("`2^x log(2)`")
            .maps(&[(0.0, 1.0), (0.5, std::f64::consts::SQRT_2)]),
        defined("isnan", "Whether x is no number.", "x != x")
            .elements("floats; the result is bool")
            .derivative("none: the result is no float")
            .example(
                r#"
#[model]
fn wrong<N>(x: Tensor<N>) -> Tensor<bool, N> {
    x.isnan()
}

assert_eq!(wrong([1.0, f32::NAN, f32::INFINITY])?, array![false, true, false]);
"#,
            ),
        defined("isfinite", "Whether x is a number and not infinite.", "x - x == 0.0")
            .elements("floats; the result is bool")
            .derivative("none: the result is no float")
            .example(
                r#"
#[model]
fn right<N>(x: Tensor<N>) -> Tensor<bool, N> {
    x.isfinite()
}

assert_eq!(right([1.0, f32::NAN, f32::INFINITY])?, array![true, false, false]);
"#,
            ),
        defined(
            "threshold",
            "x where it is above `threshold`, `value` elsewhere.",
            "(x > threshold).where_(x, value)",
        )
        .takes_as("threshold", "0.5")
        .takes_as("value", "0.0")
        .shapes("`[..] -> [..]`")
        .elements("floats")
        .derivative("1 where x is above `threshold`, 0 elsewhere")
        .example(
            r#"
#[model]
fn high<N>(x: Tensor<N>) -> Tensor<N> {
    x.threshold(0.5, -1.0)
}

assert_eq!(high([2.0, 0.5])?, array![2.0, -1.0]);
"#,
        ),
    ]
}
