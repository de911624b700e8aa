//! Operations that are defined in the language, and norms: PyTorch's formulas, and its derivatives where pieces meet.

use crate::floats::{close, floats};
use sinew::ndarray::{Array1, Array2, array};
use sinew::ops::{all, any, atan2, count_nonzero, lerp, linspace, logaddexp, mish, norm, selu};
use sinew::prelude::*;

/// A test of a function of each element at some points: what it gives, and its slope, by formulas of both.
macro_rules! elementwise {
    ($name:ident: |$x:ident| $f:expr, |$y:ident| $value:expr, $slope:expr) => {
        #[test]
        fn $name() -> sinew::Result<()> {
            #[model]
            fn of_each<N>($x: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
                ($f, grad(|$x| ($f).sum(), $x))
            }
            // No multiple of any vector's width, both sides of where pieces meet, and these.
            let x = array![
                -30.0, -6.5, -3.0, -2.75, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 2.75, 3.0, 6.0,
                6.5, 30.0, 0.125
            ];
            let values: Vec<f64> = x
                .iter()
                .map(|$y: &f64| {
                    let $y = *$y;
                    $value
                })
                .collect();
            let slopes: Vec<f64> = x
                .iter()
                .map(|$y: &f64| {
                    let $y = *$y;
                    $slope
                })
                .collect();
            for (device, precision, tolerance) in floats() {
                let run = of_each::compile()
                    .precision(precision)
                    .device(device)
                    .build()?;
                let (found, by) = run.run_f64(&x)?;
                close(stringify!($name), &found.to_vec(), &values, tolerance);
                close(
                    concat!(stringify!($name), "'"),
                    &by.to_vec(),
                    &slopes,
                    tolerance,
                );
            }
            Ok(())
        }
    };
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn one_if(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

const ALPHA: f64 = 1.673_263_242_354_377_2;
const SCALE: f64 = 1.050_700_987_355_480_5;

elementwise!(hardtanh: |x| x.hardtanh(), |x| x.clamp(-1.0, 1.0), one_if(x > -1.0 && x < 1.0));
elementwise!(hardtanh_of_bounds: |x| x.hardtanh(-3, max_val = 0.5), |x| x.clamp(-3.0, 0.5), one_if(x > -3.0 && x < 0.5));
elementwise!(relu6: |x| x.relu6(), |x| x.clamp(0.0, 6.0), one_if(x > 0.0 && x < 6.0));
elementwise!(hardsigmoid: |x| x.hardsigmoid(), |x| (x + 3.0).clamp(0.0, 6.0) / 6.0, one_if(x > -3.0 && x < 3.0) / 6.0);
elementwise!(hardswish: |x| x.hardswish(), |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
    if x <= -3.0 { 0.0 } else if x < 3.0 { x / 3.0 + 0.5 } else { 1.0 });
elementwise!(softsign: |x| x.softsign(), |x| x / (1.0 + x.abs()), (1.0 + x.abs()).powi(-2));
elementwise!(of_mish: |x| mish(x), |x| x * softplus(x).tanh(),
    softplus(x).tanh() + x * sigmoid(x) * (1.0 - softplus(x).tanh().powi(2)));
elementwise!(of_selu: |x| selu(x), |x| SCALE * if x > 0.0 { x } else { ALPHA * x.exp_m1() },
    SCALE * if x > 0.0 { 1.0 } else { ALPHA * x.exp() });
elementwise!(celu: |x| x.celu(alpha = 2.5), |x| if x > 0.0 { x } else { 2.5 * (x / 2.5).exp_m1() },
    if x > 0.0 { 1.0 } else { (x / 2.5).exp() });
elementwise!(log_sigmoid: |x| x.log_sigmoid(), |x| -softplus(-x), sigmoid(-x));
elementwise!(tanhshrink: |x| x.tanhshrink(), |x| x - x.tanh(), x.tanh().powi(2));
elementwise!(hardshrink: |x| x.hardshrink(), |x| if x.abs() > 0.5 { x } else { 0.0 }, one_if(x.abs() > 0.5));
elementwise!(threshold: |x| x.threshold(0.25, value = -1.0), |x| if x > 0.25 { x } else { -1.0 }, one_if(x > 0.25));

differences!(bent: |x: [3, 5], w: [5]| x.celu(alpha = 0.75) + w.selu() * mish(x * w) + x.softsign() * w.log_sigmoid());
differences!(between: |x: [3, 1], w: [5]| lerp(x, w, 0.25) + logaddexp(2 * x, w) + atan2(x, w) * atan2(w, x));
differences!(of_pieces: |x: [3, 5], w: [5]| x.hardswish() * w.hardsigmoid() + x.hardtanh(-0.6, 0.6) * w.tanhshrink() + w.hardshrink(0.3) * x.threshold(0.1, 0.5) + (x + 0.2).relu6());
differences!(of_logarithms: |x: [3, 5], w: [5]| 0.5 * (x + 3).log2() * (w + 3).log10() + 0.3 * x.exp2() * w.expm1() + (x + 3).reciprocal() * w.silu() + 0.3 * (x * w).logsumexp(-1, keepdims = true));
differences!(of_neighbours: |x: [3, 7], w: [7]| (x * w).diff().diff(axis = 0) * linspace(w.sum(), x.mean(), 6) + (x * w).max_pool1d(2, stride = 1)[0..2]);
differences!(of_rows_added: |x: [4, 3], w: [2, 3]| (x * x).index_add(3 * arange(2), w, 0) * x.scatter_add(one_hot(arange(2) + 1, 3).cast(i32), w.square(), axis = 0));
differences!(of_norms: |x: [3, 7], w: [7]| x.norm(-1) + norm(x * w, -1, ord = 1) + x.norm(1, "inf") * w.norm(ord = 3) + (x + w).norm(1, ord = 2.5));

/// Configuration and consts are numbers of a definition too.
#[model]
struct Bent {
    alpha: f32,
}

const LOW: f64 = -0.5;
const HIGH: f64 = 0.5;

#[model]
fn bent_by<N>(m: &Bent, x: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
    (x.celu(m.alpha), x.hardtanh(LOW, HIGH))
}

#[test]
fn numbers_of_definitions_are_configuration_and_consts() -> sinew::Result<()> {
    let model = Bent::init(&BentConfig { alpha: 2.0 }, 0)?;
    let (bent, cut) = bent_by(&model, [-1.0, 1.0])?;
    assert!((bent[0] - 2.0 * (-0.5f32).exp_m1()).abs() < 1e-6);
    assert_eq!((bent[1], cut), (1.0, array![-0.5, 0.5]));
    Ok(())
}

/// Names of the user's mean nothing in a definition.
mod beside {
    use sinew::prelude::*;

    #[model]
    pub fn softplus_of<N>(x: Tensor<N>) -> Tensor<N> {
        x + 1
    }

    #[model]
    pub fn named_as_parameters<N>(alpha: Tensor<N>) -> Tensor<N> {
        let x = alpha * 2;
        let y = alpha.celu();
        y + softplus_of(x)
    }
}

#[test]
fn names_of_a_body_are_none_of_a_definition() -> sinew::Result<()> {
    assert_eq!(beside::named_as_parameters([1.0, 3.0])?, array![4.0, 10.0]);
    Ok(())
}

#[test]
fn angles_are_those_of_rust() -> sinew::Result<()> {
    #[model]
    fn angles<N>(y: Tensor<N>, x: Tensor<N>) -> (Tensor<N>, Tensor<N>, Tensor<N>) {
        let (by_y, by_x) = grad(|y, x| atan2(y, x).sum(), y, x);
        (atan2(y, x), by_y, by_x)
    }
    let of = [-3.0, -1.0, -0.25, 0.0, 0.5, 1.0, 2.0];
    let (y, x): (Vec<f64>, Vec<f64>) = of.iter().flat_map(|y| of.map(|x| (*y, x))).unzip();
    let each =
        |f: fn(f64, f64) -> f64| -> Vec<f64> { y.iter().zip(&x).map(|(y, x)| f(*y, *x)).collect() };
    let square = |y: f64, x: f64| {
        if (y, x) == (0.0, 0.0) {
            1.0
        } else {
            y * y + x * x
        }
    };
    let (by_y, by_x): (Vec<f64>, Vec<f64>) = y
        .iter()
        .zip(&x)
        .map(|(y, x)| (x / square(*y, *x), -y / square(*y, *x)))
        .unzip();
    for (device, precision, tolerance) in floats() {
        let run = angles::compile()
            .precision(precision)
            .device(device)
            .build()?;
        let (found, a, b) = run.run_f64(Array1::from(y.clone()), Array1::from(x.clone()))?;
        close("atan2", &found.to_vec(), &each(f64::atan2), tolerance);
        close("atan2 by y", &a.to_vec(), &by_y, tolerance);
        close("atan2 by x", &b.to_vec(), &by_x, tolerance);
    }
    Ok(())
}

#[test]
fn sums_of_exponentials_do_not_overflow() -> sinew::Result<()> {
    #[model]
    fn sums<N>(x: Tensor<N>, y: Tensor<N>) -> (Tensor<N>, Tensor<N>, Tensor<N>) {
        let (by_x, by_y) = grad(|x, y| logaddexp(x, y).sum(), x, y);
        (logaddexp(x, y), by_x, by_y)
    }
    let x = array![0.0, 1000.0, f64::NEG_INFINITY, -1000.0];
    let y = array![0.0, 999.0, 2.0, -1000.0];
    for (device, precision, tolerance) in floats() {
        let run = sums::compile()
            .precision(precision)
            .device(device)
            .build()?;
        let (found, by_x, by_y) = run.run_f64(&x, &y)?;
        let two = std::f64::consts::LN_2;
        let expected = [two, 1000.0 + (-1f64).exp().ln_1p(), 2.0, two - 1000.0];
        close("logaddexp", &found.to_vec(), &expected, tolerance);
        close(
            "by x",
            &by_x.to_vec(),
            &[0.5, sigmoid(1.0), 0.0, 0.5],
            tolerance,
        );
        close(
            "by y",
            &by_y.to_vec(),
            &[0.5, sigmoid(-1.0), 1.0, 0.5],
            tolerance,
        );
    }
    Ok(())
}

#[model]
fn norms<B, N>(
    x: Tensor<B, N>,
) -> (
    Tensor<B>,
    Tensor<B>,
    Tensor<B>,
    Tensor<B>,
    Tensor<B>,
    Tensor<B, 1>,
) {
    (
        x.norm(-1),
        x.norm(-1, ord = 1),
        x.norm(-1, ord = 3.5),
        x.norm(-1, ord = "inf"),
        x.norm(-1, ord = "-inf"),
        x.norm(-1, ord = 0, keepdims = true),
    )
}

#[model]
fn slopes_of_norms<B, N>(
    x: Tensor<B, N>,
) -> (Tensor<B, N>, Tensor<B, N>, Tensor<B, N>, Tensor<B, N>) {
    (
        grad(|x| x.norm(-1).sum(), x),
        grad(|x| x.norm(-1, ord = 1).sum(), x),
        grad(|x| x.norm(-1, ord = 1.5).sum(), x),
        grad(|x| x.norm(-1, ord = "inf").sum(), x),
    )
}

/// Rows of which one is zero, one has a zero and two that are greatest.
#[test]
fn norms_are_pytorchs_at_zero_too() -> sinew::Result<()> {
    let x = array![[3.0, -4.0, 0.0], [0.0, 0.0, 0.0], [-2.0, 2.0, 1.0]];
    let of_rows = |f: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
        x.rows().into_iter().map(|r| f(&r.to_vec())).collect()
    };
    let power = |p: f64| of_rows(&|r| r.iter().map(|v| v.abs().powf(p)).sum::<f64>().powf(1.0 / p));
    let slopes = |p: f64| -> Vec<f64> {
        let norms = power(p);
        let of = |(i, v): (usize, &f64)| match (norms[i / 3], *v) {
            (_, 0.0) | (0.0, _) => 0.0,
            (n, v) => v.signum() * (v.abs() / n).powf(p - 1.0),
        };
        x.iter().enumerate().map(of).collect()
    };
    for (device, precision, tolerance) in floats() {
        let run = norms::compile()
            .precision(precision)
            .device(device.clone())
            .build()?;
        let (two, one, other, greatest, least, count) = run.run_f64(&x)?;
        close("2", &two.to_vec(), &power(2.0), tolerance);
        close("1", &one.to_vec(), &power(1.0), tolerance);
        close("3.5", &other.to_vec(), &power(3.5), tolerance);
        assert_eq!(greatest, array![4.0, 0.0, 2.0]);
        assert_eq!(least, array![0.0, 0.0, 1.0]);
        assert_eq!(count, array![[2.0], [0.0], [3.0]]);
        let run = slopes_of_norms::compile()
            .precision(precision)
            .device(device)
            .build()?;
        let (two, one, other, greatest) = run.run_f64(&x)?;
        let flat = |x: Array2<f64>| x.into_iter().collect::<Vec<f64>>();
        close("2'", &flat(two), &slopes(2.0), tolerance);
        close("1'", &flat(one), &slopes(1.0), tolerance);
        close("1.5'", &flat(other), &slopes(1.5), tolerance);
        assert_eq!(
            greatest,
            array![[0.0, -1.0, 0.0], [0.0, 0.0, 0.0], [-0.5, 0.5, 0.0]]
        );
    }
    Ok(())
}

#[model]
fn truths<B, N>(
    x: Tensor<B, N>,
) -> (
    Tensor<bool, B>,
    Tensor<bool, N>,
    Tensor<i32, B>,
    Tensor<bool>,
    Tensor<bool, B, 1>,
) {
    (
        any(x > 1, -1),
        all(x, axis = 0),
        count_nonzero(x, 1),
        x.cast(i32).any(),
        (x < 9).all(-1, keepdims = true),
    )
}

#[model]
fn of_nothing<B>(x: Tensor<B, 2>) -> (Tensor<bool, B>, Tensor<bool, B>, Tensor<i32, B>) {
    let none = x[(.., 1..1)];
    (none.any(-1), none.all(-1), none.count_nonzero(-1))
}

#[test]
fn truths_are_counted() -> sinew::Result<()> {
    for (device, precision, _) in floats() {
        let run = truths::compile()
            .precision(precision)
            .device(device.clone())
            .build()?;
        let found = run.run(array![[0.0, 0.5, f64::NAN], [2.0, 9.0, -1.0]])?;
        let expected = (
            array![false, true],
            array![false, true, true],
            array![2, 3],
            true,
            array![[false], [false]],
        );
        assert_eq!(found, expected);
        let run = of_nothing::compile()
            .precision(precision)
            .device(device)
            .build()?;
        assert_eq!(
            run.run([[0.0, 1.0]])?,
            (array![false], array![true], array![0])
        );
    }
    Ok(())
}
