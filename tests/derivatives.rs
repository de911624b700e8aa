//! Derivatives in the language: gradients of closures, of models, of gradients, in loops and choices.

use crate::devices::devices;
use ndarray::{Array1, array};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::prelude::*;

    /// f(x) = sum x^3, with its first three derivatives.
    pub fn cubes<N>(x: Tensor<N>) -> (Tensor, Tensor<N>, Tensor<N>, Tensor<N>) {
        let (value, first) = value_and_grad(|x| (x * x * x).sum(), x);
        let second = grad(|x| grad(|x| (x * x * x).sum(), x).sum(), x);
        let third = grad(
            |x| grad(|x| grad(|x| (x * x * x).sum(), x).sum(), x).sum(),
            x,
        );
        (value, first, second, third)
    }

    /// By two arguments, and by a tuple; what stands outside is seen.
    pub fn several<N>(x: Tensor<N>, y: Tensor<N>, w: Tensor) -> (Tensor<N>, Tensor<N>, Tensor<N>) {
        let (by_x, by_y) = grad(|x, y| (w * x * y * y).sum(), x, y);
        let (_, second) = grad(|pair| (pair.0 * pair.1 * w).sum(), (x, y));
        (by_x, by_y, second)
    }

    pub struct Scale<N> {
        #[init(ones)]
        pub by: Param<N>,
        #[init(zeros)]
        pub shift: Param,
        pub seen: State,
    }

    impl<N> Scale<N> {
        pub fn forward(&self, x: Tensor<N>) -> Tensor<N> {
            self.seen += 1.0;
            (x * self.by).tanh() + self.shift
        }
    }

    pub fn error<N>(m: &Scale<N>, x: Tensor<N>) -> Tensor {
        (m.forward(x) - 0.5).square().sum()
    }

    /// One step down inside, then the error there: gradients go through the inner update.
    pub fn adapted<N>(m: &Scale<N>, x: Tensor<N>, y: Tensor<N>) -> Tensor {
        let g = grad(|m| error(m, x), m);
        let by = m.by - 0.1 * g.by;
        let shift = m.shift - 0.1 * g.shift;
        ((y * by).tanh() + shift - 0.5).square().sum()
    }

    /// As often as there are rows, each step down in a loop.
    pub fn descends<T, N>(m: &Scale<N>, xs: Tensor<T, N>) -> (Tensor<N>, Tensor) {
        let mut w = m.by;
        let mut last = 0.0;
        for x in xs {
            let (value, g) = value_and_grad(|w| ((x * w).tanh() - 0.5).square().sum(), w);
            w = w - 0.1 * g;
            last = value;
        }
        (w, last)
    }

    pub fn descent<T, N>(m: &Scale<N>, xs: Tensor<T, N>) -> Tensor {
        let (w, last) = descends(m, xs);
        w.square().sum() + last
    }

    /// A vector with the Jacobian, and what a checkpoint computes.
    pub fn with_vector<N>(x: Tensor<N>, v: Tensor<N>) -> (Tensor<N>, Tensor<N>, Tensor) {
        let (y, slope) = vjp(|x| x.sin() * x, x, v);
        let again = checkpoint(|x| x.exp().sin().sum(), x);
        (y, slope, again)
    }

    pub fn checkpointed<N>(m: &Scale<N>, x: Tensor<N>) -> Tensor {
        checkpoint(|w| (x * w).exp().sin().sum(), m.by)
    }

    pub fn plain<N>(m: &Scale<N>, x: Tensor<N>) -> Tensor {
        (x * m.by).exp().sin().sum()
    }

    /// A gradient in a branch, of nothing that depends on it in the other.
    pub fn chosen<N>(x: Tensor<N>) -> Tensor<N> {
        if N > 2 {
            grad(|x| x.square().sum(), x)
        } else {
            grad(|x| (0.0 * x).sum() + 3.0, x)
        }
    }

    /// u'' by nested gradients inside a loss: trained through.
    pub fn curvature<N>(m: &Scale<N>, x: Tensor<N>) -> Tensor {
        let second = grad(|x| grad(|x| (x * m.by).tanh().sum(), x).sum(), x);
        second.square().sum()
    }
}

use net::*;

fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= tolerance * e.abs().max(1.0),
            "{found:?} {expected:?}"
        );
    }
}

fn wide(x: &Array1<f32>) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}

#[test]
fn gradients_nest() -> sinew::Result<()> {
    let x = [0.5, -1.5, 2.0];
    for device in devices() {
        let runner = cubes::compile().device(device).build()?;
        let (value, first, second, third) = runner.run(x)?;
        close(
            &[f64::from(value)],
            &[x.map(|x| x * x * x).iter().sum()],
            1e-6,
        );
        close(&wide(&first), &x.map(|x| 3.0 * x * x), 1e-6);
        close(&wide(&second), &x.map(|x| 6.0 * x), 1e-6);
        close(&wide(&third), &[6.0; 3], 1e-6);
    }
    Ok(())
}

#[test]
fn by_several_arguments_and_by_tuples() -> sinew::Result<()> {
    let (by_x, by_y, second) = several([1.0, 2.0], [3.0, -4.0], 0.5)?;
    assert_eq!(by_x.to_vec(), [4.5, 8.0]);
    assert_eq!(by_y.to_vec(), [3.0, -8.0]);
    assert_eq!(second.to_vec(), [0.5, 1.0]);
    Ok(())
}

fn scale() -> sinew::Result<Scale> {
    let mut model = Scale::init(&ScaleConfig { N: 3 }, 0)?;
    model.by.set([0.4f64, -0.7, 1.2])?;
    model.shift.set(0.1f64)?;
    Ok(model)
}

/// The slope of a loss by central differences, in f64.
macro_rules! differences {
    ($loss:ident, $model:expr, $($x:expr),*) => {{
        let model = $model;
        let at = |i: usize, by: f64| -> sinew::Result<f64> {
            let mut moved = model.clone();
            let mut values: Vec<f64> = moved.by.values_f64().into_iter().collect();
            values[i] += by;
            moved.by.set(values)?;
            let runner = $loss::compile(moved).precision(Precision::F64).build()?;
            runner.run_f64($($x),*)
        };
        let slope = |i| -> sinew::Result<f64> { Ok((at(i, 1e-5)? - at(i, -1e-5)?) / 2e-5) };
        [slope(0)?, slope(1)?, slope(2)?]
    }};
}

macro_rules! slope {
    ($loss:ident, $model:expr, $($x:expr),*) => {{
        let found = $loss::gradient($model, $($x),*)?;
        found.by.values_f64().into_iter().collect::<Vec<f64>>()
    }};
}

#[test]
fn training_goes_through_gradients() -> sinew::Result<()> {
    let model = scale()?;
    let (x, y) = ([0.3, 1.1, -0.8], [1.0, -0.4, 0.6]);
    let found = slope!(adapted, &model, x, y);
    close(&found, &differences!(adapted, &model, x, y), 1e-7);
    let found = slope!(curvature, &model, x);
    close(&found, &differences!(curvature, &model, x), 1e-7);
    // Each turn of a loop has a gradient in it, through which the loss goes.
    let xs = array![[0.3, 1.1, -0.8], [1.0, -0.4, 0.6], [0.2, 0.9, 1.4]];
    let found = slope!(descent, &model, xs.view());
    close(&found, &differences!(descent, &model, xs.view()), 1e-7);
    Ok(())
}

#[test]
fn a_gradient_of_a_model_is_that_of_its_loss() -> sinew::Result<()> {
    let model = scale()?;
    let (x, y) = ([0.3, 1.1, -0.8], [1.0, -0.4, 0.6]);
    let g = error::gradient(&model, x)?;
    let moved = |p: &Param, g: &Param| -> Vec<f64> {
        let pairs = p.values_f64().into_iter().zip(g.values_f64());
        pairs.map(|(p, g)| p - 0.1 * g).collect()
    };
    let (by, shift) = (moved(&model.by, &g.by), moved(&model.shift, &g.shift));
    let expected: f64 = (0..3)
        .map(|i| ((y[i] * by[i]).tanh() + shift[0] - 0.5).powi(2))
        .sum();
    for device in devices() {
        let runner = adapted::compile(model.clone()).device(device).build()?;
        close(&[f64::from(runner.run(x, y)?)], &[expected], 1e-5);
        // The closure's state is the model's: the inner error has seen one more.
        assert_eq!(runner.model()?.seen.item()?, 1.0);
    }
    Ok(())
}

#[test]
fn vectors_and_checkpoints() -> sinew::Result<()> {
    let (x, v) = ([0.5f64, -1.5], [2.0f64, -1.0]);
    for device in devices() {
        let runner = with_vector::compile().device(device).build()?;
        let (y, slope, again) = runner.run(x, v)?;
        close(&wide(&y), &x.map(|x| x.sin() * x), 1e-5);
        let expected = [0, 1].map(|i| v[i] * (x[i].cos() * x[i] + x[i].sin()));
        close(&wide(&slope), &expected, 1e-5);
        close(
            &[f64::from(again)],
            &[x.map(|x| x.exp().sin()).iter().sum()],
            1e-5,
        );
    }
    let model = scale()?;
    let x = [0.3, 1.1, -0.8];
    let (found, expected) = (slope!(checkpointed, &model, x), slope!(plain, &model, x));
    close(&found, &expected, 1e-12);
    Ok(())
}

#[test]
fn gradients_in_branches() -> sinew::Result<()> {
    assert_eq!(chosen([1.0, 2.0, 3.0])?.to_vec(), [2.0, 4.0, 6.0]);
    assert_eq!(chosen([1.0, 2.0])?.to_vec(), [0.0, 0.0]);
    // Both ways are printed, in the order of the branches.
    let text = chosen::pullback()?;
    let parts: Vec<&str> = text.split("; where ").collect();
    let [_, first, second] = parts[..] else {
        panic!("{text}");
    };
    assert!(first.starts_with("2 < N\nfn @chosen"), "{text}");
    assert!(second.starts_with("!(2 < N)\nfn @chosen"), "{text}");
    Ok(())
}
