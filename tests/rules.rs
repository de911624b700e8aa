//! Derivatives that are written by hand: in training, in closures, in loops, over axes, to second order.

use crate::devices::devices;
use ndarray::{Array1, array};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::ops::log1p;
    use sinew::prelude::*;

    /// The cotangent goes through as if nothing had been clamped.
    pub fn through<N>(x: Tensor<N>, g: Tensor<N>) -> Tensor<N> {
        g + 0.0 * x
    }

    #[model(vjp = through)]
    pub fn bounded<N>(x: Tensor<N>) -> Tensor<N> {
        x.clamp(-1.0, 1.0)
    }

    /// Of something without a derivative: the nearest integers.
    #[model(vjp = through)]
    pub fn rounded<N>(x: Tensor<N>) -> Tensor<N> {
        (x + 0.5).floor()
    }

    /// d log(1 + e^x) = 1 / (1 + e^-x), which overflows nowhere.
    pub fn log1pexp_rule<M>(x: Tensor<M>, g: Tensor<M>) -> Tensor<M> {
        g * (1.0 - 1.0 / (1.0 + x.exp()))
    }

    #[model(vjp = log1pexp_rule)]
    pub fn log1pexp<N>(x: Tensor<N>) -> Tensor<N> {
        log1p(x.exp())
    }

    /// Of two tensors and integers, with two results: the rule has twice the true gradient of `x`, so that a
    /// test sees which one is used.
    pub fn weighed_rule<B, N>(
        x: Tensor<B, N>,
        w: Tensor<N>,
        t: Tensor<i32, B>,
        g: Tensor<B, N>,
        s: Tensor,
    ) -> (Tensor<B, N>, Tensor<N>) {
        let _unused = t;
        (2.0 * g * w + s, (g * x).sum(0))
    }

    #[model(vjp = weighed_rule)]
    pub fn weighed<B, N>(
        x: Tensor<B, N>,
        w: Tensor<N>,
        t: Tensor<i32, B>,
    ) -> (Tensor<B, N>, Tensor) {
        (x * w, x.sum() + t.to(float).sum())
    }

    /// Of a tuple, of which one tensor has a name and the other is a part, and of an array: twice the true
    /// gradients of the tuple's.
    pub fn mixed_rule<N>(
        pair: (Tensor<N>, Tensor<N>),
        ws: [Tensor; 2],
        t: Tensor<i32>,
        g: Tensor,
    ) -> (Tensor<N>, Tensor<N>, Tensor, Tensor) {
        let ((x, y), [a, b]) = (pair, ws);
        let both = g * (a - b) * t.to(float);
        let of_w = g * (x * y).sum() * t.to(float);
        (2.0 * both * y, 2.0 * both * x, of_w, -of_w)
    }

    #[model(vjp = mixed_rule, allow(broadcast_of_both))]
    pub fn mixed<N>((x, y): (Tensor<N>, Tensor<N>), ws: [Tensor; 2], t: Tensor<i32>) -> Tensor {
        (x * y).sum() * (ws[0] - ws[1]) * t.to(float)
    }

    pub struct Scale<N> {
        #[init(ones)]
        pub by: Param<N>,
    }

    pub fn bounded_loss<N>(m: &Scale<N>, x: Tensor<N>) -> Tensor {
        (bounded(m.by * x) * x).sum()
    }

    pub fn weighed_loss<B, N>(m: &Scale<N>, x: Tensor<B, N>, t: Tensor<i32, B>) -> Tensor {
        let (y, s) = weighed(x, m.by, t);
        y.square().sum() + s
    }

    /// Through each turn of a loop, and through a loop's gradient.
    pub fn looped<T, N>(m: &Scale<N>, xs: Tensor<T, N>) -> Tensor {
        let mut h = m.by;
        for x in xs {
            h = bounded(h * 1.5 + x);
        }
        (h * h).sum()
    }

    pub fn rounding<N>(x: Tensor<N>) -> Tensor<N> {
        grad(|x| (rounded(x) * x).sum(), x)
    }

    /// First and second derivative: the second is that of the rule.
    pub fn slopes<N>(x: Tensor<N>) -> (Tensor<N>, Tensor<N>, Tensor<N>) {
        let first = grad(|x| log1pexp(x).sum(), x);
        let second = grad(|x| grad(|x| log1pexp(x).sum(), x).sum(), x);
        let (_, along) = jvp(|x| log1pexp(x), x, x);
        (first, second, along)
    }

    /// Beside a gradient of its own: where calls are inlined first, the rule is still the derivative.
    pub fn beside<N>(m: &Scale<N>, x: Tensor<N>) -> Tensor {
        let g = grad(|x| (bounded(x) * x).sum(), x);
        (bounded(m.by * x) * g).sum()
    }

    /// The same in a loop that has the gradient in it.
    pub fn beside_in_a_loop<T, N>(m: &Scale<N>, xs: Tensor<T, N>) -> Tensor {
        let mut h = m.by;
        for x in xs {
            let g = grad(|h| (bounded(h) * x).sum(), h);
            h = bounded(h * 1.5 + x) + 0.1 * g;
        }
        h.sum()
    }

    /// The gradient of each row, by the rule.
    pub fn each<B, N>(x: Tensor<B, N>) -> Tensor<B, N> {
        vmap(|x| grad(|x| (bounded(x) * x).sum(), x), x)
    }

    /// Over rows in a loss: the rule is that of all of them.
    pub fn rows_loss<B, N>(m: &Scale<N>, x: Tensor<B, N>) -> Tensor {
        vmap(|x| (bounded(m.by * x) * x).sum(), x).sum()
    }
}

use net::*;

fn close<'a>(
    found: impl IntoIterator<Item = &'a f32>,
    expected: impl IntoIterator<Item = f64>,
    tolerance: f64,
) {
    let found: Vec<f64> = found.into_iter().map(|v| f64::from(*v)).collect();
    let expected: Vec<f64> = expected.into_iter().collect();
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(&expected) {
        assert!(
            (f - e).abs() <= tolerance * e.abs().max(1.0),
            "{found:?} {expected:?}"
        );
    }
}

fn scale(by: &[f64]) -> sinew::Result<Scale> {
    let mut model = Scale::init(&ScaleConfig { N: by.len() }, 0)?;
    model.by.set(Array1::from(by.to_vec()))?;
    Ok(model)
}

#[test]
fn a_gradient_is_the_rules() -> sinew::Result<()> {
    let model = scale(&[4.0, 0.5])?;
    // Clamped at the first: its derivative would be zero there.
    let g = bounded_loss::gradient(&model, [3.0, -1.0])?;
    assert_eq!(
        g.by.values_f64().into_iter().collect::<Vec<_>>(),
        [9.0, 1.0]
    );
    for device in devices() {
        let mut train = bounded_loss::train(scale(&[4.0, 0.5])?)
            .optimizer(Sgd::new(0.5))
            .device(device)
            .build()?;
        train.step([3.0, -1.0])?;
        close(&train.model()?.by.values(), [4.0 - 4.5, 0.0], 1e-6);
    }
    Ok(())
}

#[test]
fn of_several_arguments_and_results() -> sinew::Result<()> {
    let model = scale(&[2.0, -1.0])?;
    let x = array![[1.0, 3.0], [0.5, -2.0]];
    let t = [1, 2];
    let g = weighed_loss::gradient(&model, x.view(), t)?;
    // 2 y x, summed over rows.
    let expected = [2.0 * 2.0 * (1.0 + 0.25), -2.0 * (9.0 + 4.0)];
    assert_eq!(g.by.values_f64().into_iter().collect::<Vec<_>>(), expected);
    // Twice the true one of y, and one of the sum.
    let by_x = weighed_loss::gradient_by_inputs(&model, x.view(), t)?;
    let y = [[2.0, -3.0], [1.0, 2.0]];
    let w = [2.0, -1.0];
    let expected = (0..4).map(|i| 2.0 * 2.0 * y[i / 2][i % 2] * w[i % 2] + 1.0);
    close(&by_x, expected, 1e-6);
    Ok(())
}

#[test]
fn of_tuples_and_arrays() -> sinew::Result<()> {
    let (x, y) = ([1.0f32, 2.0], [3.0f32, -4.0]);
    let ((by_x, by_y), by_w) = mixed::gradient_by_inputs((x, y), [5.0, 2.0], 2)?;
    close(&by_x, y.map(|y| 2.0 * 6.0 * f64::from(y)), 1e-6);
    close(&by_y, x.map(|x| 2.0 * 6.0 * f64::from(x)), 1e-6);
    assert_eq!(by_w, [-10.0, 10.0]);
    Ok(())
}

#[test]
fn what_has_no_derivative_has_a_rule() -> sinew::Result<()> {
    let x = [0.4f64, -1.6, 2.5];
    let expected = x.map(|x| (x + 0.5).floor() + x);
    for device in devices() {
        let runner = rounding::compile().device(device).build()?;
        close(&runner.run(x)?, expected, 1e-6);
    }
    Ok(())
}

#[test]
fn second_derivatives_are_the_rules() -> sinew::Result<()> {
    let x = [-3.0f64, 0.0, 2.0, 80.0];
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for device in devices() {
        let runner = slopes::compile().device(device).build()?;
        let (first, second, along) = runner.run(x)?;
        close(&first, x.map(sigmoid), 1e-6);
        close(&second, x.map(|x| sigmoid(x) * sigmoid(-x)), 1e-6);
        close(&along, x.map(|x| x * sigmoid(x)), 1e-6);
    }
    Ok(())
}

/// h' = clamp(1.5 h + x), whose cotangent goes through whole.
#[test]
fn through_loops() -> sinew::Result<()> {
    let xs = array![[0.4, 2.0], [-0.2, -0.5], [0.3, 0.1]];
    let model = scale(&[0.2, 0.3])?;
    let last = |by: f64, x: [f64; 3]| x.iter().fold(by, |h, x| (h * 1.5 + x).clamp(-1.0, 1.0));
    let column = |i: usize| [xs[(0, i)], xs[(1, i)], xs[(2, i)]];
    let expected = [0, 1].map(|i| 2.0 * last([0.2, 0.3][i], column(i)) * 1.5f64.powi(3));
    let g = looped::gradient(&model, xs.view())?;
    for (f, e) in g.by.values_f64().into_iter().zip(expected) {
        assert!((f - e).abs() < 1e-12, "{f} {e}");
    }
    Ok(())
}

#[test]
fn beside_gradients_it_is_still_the_rule() -> sinew::Result<()> {
    let model = scale(&[4.0, 0.5])?;
    let x = [3.0f64, -0.5];
    // The inner gradient: clamp(x) + x.
    let inner = x.map(|x| x.clamp(-1.0, 1.0) + x);
    let g = beside::gradient(&model, x)?;
    let found: Vec<f64> = g.by.values_f64().into_iter().collect();
    assert_eq!(found, [inner[0] * x[0], inner[1] * x[1]]);

    let xs = array![[0.4, 2.0], [-0.2, -0.5]];
    let g = beside_in_a_loop::gradient(&scale(&[0.9, 0.3])?, xs.view())?;
    // The gradient in the loop is x, so it does not depend on h.
    for f in g.by.values_f64() {
        assert!((f - 1.5 * 1.5).abs() < 1e-12, "{f}");
    }
    Ok(())
}

#[test]
fn over_axes() -> sinew::Result<()> {
    let x = array![[3.0, -0.5], [0.25, -2.0]];
    for device in devices() {
        let runner = each::compile().device(device).build()?;
        let expected = x.iter().map(|x: &f64| x.clamp(-1.0, 1.0) + x);
        close(&runner.run(x.view())?, expected, 1e-6);
    }
    let g = rows_loss::gradient(&scale(&[4.0, 0.5])?, x.view())?;
    let expected = [9.0 + 0.0625, 0.25 + 4.0];
    assert_eq!(g.by.values_f64().into_iter().collect::<Vec<_>>(), expected);
    Ok(())
}
