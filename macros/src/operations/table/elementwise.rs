//! Functions of each element.

use crate::operations::declaration::{binary, special, unary};
use crate::operations::{Lowering, Operation};
use sinew_ir::{compose, ops};

pub(super) fn operations() -> Vec<Operation> {
    let select = || {
        special(
            "where_",
            "x where the condition holds, y elsewhere.",
            |l, a| l.select(a),
        )
        .takes("condition")
        .takes("x")
        .takes("y")
        .by_name()
        .shapes("`[..], [..], [..] -> [..]`, which broadcast")
        .elements("bool, and any two of one type")
        .derivative(
            "that of x where the condition holds, that of y elsewhere. What is not chosen gets 0 there, and 0 times an \
             infinite slope is NaN: guard what is inside (`where_(x > 0, x.maximum(1e-6).log(), 0)`)",
        )
        .example(
            r#"
#[model]
fn positive<N>(x: Tensor<N>) -> Tensor<N> {
    where_(x > 0, x, 0.0)
}

assert_eq!(positive([1.0, -2.0])?, array![1.0, 0.0]);
"#,
        )
    };
    let cast = || {
        special(
            "cast",
            "x with elements of another type: `x.cast(i32)`, and `x.cast(float)` to the working float, \
             which is what mixes with tensors that name no type. Floats to integers truncate towards 0 and \
             saturate, NaN becomes 0; numbers to `bool` are `x != 0`, bools to numbers 0 and 1; i32 and u32 to \
             each other keep their bits.",
            |l, a| l.cast(a),
        )
        .takes("x")
        .takes_as("dtype", "float")
        .shapes("`[..] -> [..]`")
        .elements("any; the result is `float`, `f32`, `f64`, `f16`, `bf16`, `i32`, `u32` or `bool`, as `dtype` says")
        .derivative("1 between floats; none passes an integer or a bool")
        .example(
            r#"
#[model]
fn whole<N>(x: Tensor<N>) -> (Tensor<i32, N>, Tensor<bool, N>) {
    (x.cast(i32), x.cast(bool))
}

let (whole, not_zero) = whole([2.7, -2.7, 0.0])?;
assert_eq!(whole, array![2, -2, 0]);
assert_eq!(not_zero, array![true, true, false]);
"#,
        )
    };
    vec![
        unary(ops::NEG).derivative("-1").maps(&[(2.0, -2.0), (-0.5, 0.5)]),
        unary(ops::ABS)
            .derivative("`sign(x)`")
            .maps(&[(2.0, 2.0), (-0.5, 0.5)]),
        unary(ops::EXP)
            .derivative("`e^x`")
            .maps(&[(0.0, 1.0), (1.0, std::f64::consts::E)]),
        unary(ops::LOG)
            .derivative("`1 / x`")
            .maps(&[(1.0, 0.0), (10.0, std::f64::consts::LN_10)]),
        unary(ops::TANH)
            .derivative("`1 - tanh(x)^2`")
            .maps(&[(0.0, 0.0), (1.0, 0.7615942)]),
        unary(ops::SQRT)
            .derivative("`1 / (2 sqrt(x))`, infinite at 0")
            .maps(&[(4.0, 2.0), (0.25, 0.5)]),
        unary(ops::ERF)
            .derivative("`2 / sqrt(pi) * e^(-x^2)`")
            .maps(&[(0.0, 0.0), (1.0, 0.8427008)]),
        unary(ops::SIN)
            .derivative("`cos(x)`")
            .maps(&[(0.0, 0.0), (1.0, 0.8414710)]),
        unary(ops::COS)
            .derivative("`-sin(x)`")
            .maps(&[(0.0, 1.0), (1.0, 0.5403023)]),
        unary(ops::TAN)
            .derivative("`1 + tan(x)^2`")
            .maps(&[(0.0, 0.0), (1.0, 1.5574077)]),
        unary(ops::ASIN)
            .derivative("`1 / sqrt(1 - x^2)`")
            .maps(&[(0.0, 0.0), (1.0, std::f64::consts::FRAC_PI_2)]),
        unary(ops::ACOS)
            .derivative("`-1 / sqrt(1 - x^2)`")
            .maps(&[(1.0, 0.0), (0.0, std::f64::consts::FRAC_PI_2)]),
        unary(ops::ATAN)
            .derivative("`1 / (1 + x^2)`")
            .maps(&[(0.0, 0.0), (1.0, std::f64::consts::FRAC_PI_4)]),
        unary(ops::SINH)
            .derivative("`cosh(x)`")
            .maps(&[(0.0, 0.0), (1.0, 1.1752012)]),
        unary(ops::COSH)
            .derivative("`sinh(x)`")
            .maps(&[(0.0, 1.0), (1.0, 1.5430806)]),
        unary(ops::RSQRT)
            .derivative("`-rsqrt(x)^3 / 2`")
            .maps(&[(4.0, 0.5), (0.25, 2.0)]),
        unary(ops::ROUND).maps(&[(0.5, 0.0), (1.5, 2.0), (-1.2, -1.0)]),
        unary(ops::CEIL).maps(&[(1.2, 2.0), (-1.2, -1.0)]),
        unary(ops::FLOOR).maps(&[(1.2, 1.0), (-1.2, -2.0)]),
        unary(ops::SIGN).maps(&[(3.0, 1.0), (-0.5, -1.0), (0.0, 0.0)]),
        unary(ops::SQUARE).derivative("`2 x`").maps(&[(3.0, 9.0), (-0.5, 0.25)]),
        unary(ops::RECIPROCAL)
            .derivative("`-1 / x^2`")
            .maps(&[(4.0, 0.25), (-0.5, -2.0)]),
        unary(ops::RELU)
            .derivative("1 where x is positive, 0 elsewhere")
            .maps(&[(2.0, 2.0), (-2.0, 0.0)]),
        unary(ops::SIGMOID)
            .derivative("`y (1 - y)` with `y = sigmoid(x)`")
            .maps(&[(0.0, 0.5), (2.0, 0.8807971)]),
        unary(ops::SILU)
            .derivative("`s + x s (1 - s)` with `s = sigmoid(x)`")
            .maps(&[(0.0, 0.0), (2.0, 1.7615942)]),
        unary(ops::STOP_GRADIENT)
            .derivative("0: what comes before it is taken for a constant")
            .example(
                r#"
#[model]
fn slope(x: Tensor) -> Tensor {
    grad(|x| x * x.stop_gradient(), x)
}

assert_eq!(slope(3.0)?, 3.0);
"#,
            ),
        unary(ops::EXPM1)
            .derivative("`e^x`")
            .maps(&[(0.0, 0.0), (1.0, std::f64::consts::E - 1.0)]),
        unary(ops::LOG1P)
            .derivative("`1 / (1 + x)`")
            .maps(&[(0.0, 0.0), (1.0, std::f64::consts::LN_2)]),
        unary(ops::SOFTPLUS)
            .derivative("`sigmoid(x)`")
            .maps(&[(0.0, std::f64::consts::LN_2), (100.0, 100.0)]),
        special(
            "gelu",
            "`x * Phi(x)`, with the error function, or with `approximate = \"tanh\"` its approximation \
             (Hendrycks and Gimpel, 2016).",
            |l, a| l.gelu(a),
        )
        .takes("x")
        .choice("approximate", &["none", "tanh"])
        .shapes("`[..] -> [..]`")
        .elements("floats")
        .derivative(
            "`Phi(x) + x phi(x)`, with the normal distribution and its density, or that of the approximation",
        )
        .maps(&[(0.0, 0.0), (1.0, 0.8413447), (-1.0, -0.1586553)]),
        Operation::new(
            "leaky_relu",
            "x where it is positive, `negative_slope * x` elsewhere.",
            Lowering::Number(compose::leaky_relu),
        )
        .takes("x")
        .number("negative_slope", 0.01)
        .derivative("1 where x is positive, `negative_slope` elsewhere")
        .maps(&[(2.0, 2.0), (-2.0, -0.02)]),
        Operation::new(
            "elu",
            "x where it is positive, `alpha * (exp(x) - 1)` elsewhere.",
            Lowering::Number(compose::elu),
        )
        .takes("x")
        .number("alpha", 1.0)
        .derivative("1 where x is positive, `alpha * e^x` elsewhere")
        .maps(&[(2.0, 2.0), (-1.0, -0.6321206)]),
        special(
            "pow",
            "x to a power. A literal exponent that is whole, up to 64, is computed by products, as [`powi`] does; any \
             other as `e^(y log|x|)` with the sign of an odd exponent. NaN for a negative x and an exponent that \
             is not whole; `x^0` is 1, of 0 and NaN too.",
            |l, a| l.pow(a),
        )
        .takes("x")
        .takes_as("exponent", "2.5")
        .shapes("`[..], [..] -> [..]`, which broadcast")
        .elements("floats, both of one type; also integers to the power of a literal from 0 on")
        .derivative("`y x^(y - 1)` by x, `x^y log(x)` by an exponent y that is no literal")
        .example(
            r#"
#[model]
fn powers<N>(x: Tensor<N>, y: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
    (x.pow(0.5), x.pow(y))
}

let (roots, powers) = powers([4.0, 9.0], [1.0, 2.0])?;
assert!((roots - array![2.0, 3.0]).iter().all(|d| d.abs() < 1e-5));
assert!((powers - array![4.0, 81.0]).iter().all(|d| d.abs() < 1e-3));
"#,
        ),
        special(
            "powi",
            "x to the power of a literal integer, by products; `1 / x^n` for a negative one.",
            |l, a| l.powi(a),
        )
        .takes("x")
        .takes_as("exponent", "3")
        .shapes("`[..] -> [..]`")
        .elements("numbers; floats for a negative exponent")
        .derivative("`n x^(n - 1)`")
        .example(
            r#"
#[model]
fn cubes<N>(x: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
    (x.powi(3), x.powi(-1))
}

assert_eq!(cubes([2.0, -4.0])?, (array![8.0, -64.0], array![0.5, -0.25]));
"#,
        ),
        binary(ops::MAXIMUM)
            .derivative("1 for the greater one, 0 for the other, a half each where they are equal")
            .example(
                r#"
#[model]
fn greater<N>(x: Tensor<N>, y: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
    (maximum(x, y), x.maximum(0.0))
}

let (both, above_0) = greater([1.0, -2.0], [0.5, 3.0])?;
assert_eq!((both, above_0), (array![1.0, 3.0], array![1.0, 0.0]));
"#,
            ),
        binary(ops::MINIMUM)
            .derivative("1 for the smaller one, 0 for the other, a half each where they are equal")
            .example(
                r#"
#[model]
fn smaller<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor<N> {
    minimum(x, y)
}

assert_eq!(smaller([1.0, -2.0], [0.5, 3.0])?, array![0.5, -2.0]);
"#,
            ),
        special(
            "clamp",
            "x, not below `min` and not above `max`: `min(max(x, min), max)`, so `max` where the two cross; NaN if \
             any of them is.",
            |l, a| l.clamp(a),
        )
        .takes("x")
        .takes_as("min", "0.0")
        .takes_as("max", "1.0")
        .shapes("`[..], [..], [..] -> [..]`, which broadcast")
        .elements("numbers, all of one type")
        .derivative(
            "1 for x between the bounds, and 0 at them and beyond, where it is 1 for the bound (as in PyTorch 2.15)",
        )
        .example(
            r#"
#[model]
fn between<N>(x: Tensor<N>) -> Tensor<N> {
    x.clamp(0.0, 1.0)
}

assert_eq!(between([-1.0, 0.25, 7.0])?, array![0.0, 0.25, 1.0]);
"#,
        ),
        select(),
        Operation::alias("select", select()),
        cast(),
        Operation::alias("to", cast()),
    ]
}
