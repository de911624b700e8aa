//! Derivatives in a direction: of tensors, tuples and models, over gradients, in loops, and what they cost.

use crate::devices::devices;
use ndarray::{Array1, Array2, array};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::prelude::*;

    /// Elements that do not meet: the slope of each times its direction.
    pub fn waves<N>(x: Tensor<N>, v: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
        jvp(|x| x.sin() * x, x, v)
    }

    /// By two arguments, one of them used twice, of two values.
    pub fn products<N>(
        x: Tensor<N>,
        y: Tensor<N>,
        v: Tensor<N>,
        w: Tensor<N>,
    ) -> (Tensor<N>, Tensor, Tensor<N>, Tensor) {
        let ((xy, s), (dxy, ds)) = jvp(|x, y| (x * y, (x * x * y).sum()), x, y, (v, w));
        (xy, s, dxy, ds)
    }

    pub struct Mlp<D, H> {
        #[init(normal(0.3))]
        pub first: Param<D, H>,
        #[init(normal(0.3))]
        pub second: Param<H, D>,
        pub seen: State,
    }

    impl<D, H> Mlp<D, H> {
        pub fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
            self.seen += 1.0;
            matmul(matmul(x, self.first).tanh(), self.second)
        }
    }

    pub fn forward<B, D, H>(m: &Mlp<D, H>, x: Tensor<B, D>) -> Tensor<B, D> {
        m.forward(x)
    }

    pub fn along<B, D, H>(m: &Mlp<D, H>, x: Tensor<B, D>, v: Tensor<B, D>) -> Tensor<B, D> {
        let (_, tangent) = jvp(|x| m.forward(x), x, v);
        tangent
    }

    pub fn loss<B, D, H>(m: &Mlp<D, H>, x: Tensor<B, D>) -> Tensor {
        (m.forward(x) - 1.0).square().sum()
    }

    /// How the loss changes in the direction of its own gradient: the square of that.
    pub fn descent<B, D, H>(m: &Mlp<D, H>, x: Tensor<B, D>) -> (Tensor, Tensor) {
        let g = grad(|m| loss(m, x), m);
        let (_, slope) = jvp(|m| loss(m, x), m, g);
        (slope, g.first.square().sum() + g.second.square().sum())
    }

    /// The Hessian times a vector, forward over reverse and reverse over reverse.
    pub fn hessians<B, D, H>(
        m: &Mlp<D, H>,
        x: Tensor<B, D>,
        v: Tensor<B, D>,
    ) -> (Tensor<B, D>, Tensor<B, D>) {
        let (_, forward) = jvp(|x| grad(|x| loss(m, x), x), x, v);
        let reverse = grad(|x| (grad(|x| loss(m, x), x) * v).sum(), x);
        (forward, reverse)
    }

    /// Through each turn of a loop.
    pub fn steps<T, D>(w: Tensor<D>, xs: Tensor<T, D>, v: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
        jvp(
            |w| {
                let mut h = w;
                for x in xs {
                    h = (h * w + x).tanh();
                }
                h
            },
            w,
            v,
        )
    }

    /// Trained through: the model learns the derivative of its values.
    pub fn slope_loss<B, D, H>(m: &Mlp<D, H>, x: Tensor<B, D>, v: Tensor<B, D>) -> Tensor {
        let (_, tangent) = jvp(|x| m.forward(x), x, v);
        (tangent - v).square().sum()
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

#[test]
fn elementwise_it_is_the_slope_times_the_direction() -> sinew::Result<()> {
    let (x, v) = ([0.5f64, -1.5, 2.0], [2.0f64, -1.0, 0.25]);
    for device in devices() {
        let runner = waves::compile().device(device).build()?;
        let (y, tangent) = runner.run(x, v)?;
        close(&y, x.map(|x| x.sin() * x), 1e-5);
        let expected = (0..3).map(|i| v[i] * (x[i].cos() * x[i] + x[i].sin()));
        close(&tangent, expected, 1e-5);
    }
    Ok(())
}

#[test]
fn by_several_arguments() -> sinew::Result<()> {
    let (x, y, v, w) = ([1.0, 2.0], [3.0, -4.0], [0.5, 1.0], [-1.0, 2.0]);
    let (xy, s, dxy, ds) = products(x, y, v, w)?;
    assert_eq!(xy, array![3.0, -8.0]);
    assert_eq!(s, 3.0 - 16.0);
    assert_eq!(dxy, array![0.5 * 3.0 - 1.0, -4.0 + 4.0]);
    assert_eq!(ds, (2.0 * 3.0 * 0.5 - 1.0) + (2.0 * 2.0 * -4.0 + 2.0 * 4.0));
    Ok(())
}

fn mlp() -> sinew::Result<Mlp> {
    Mlp::init(&MlpConfig { D: 3, H: 5 }, 7)
}

fn rows() -> (Array2<f64>, Array2<f64>) {
    (
        array![[0.3, 1.1, -0.8], [1.0, -0.4, 0.6]],
        array![[1.0, -0.5, 0.25], [0.75, 2.0, -1.0]],
    )
}

#[test]
fn it_agrees_with_differences() -> sinew::Result<()> {
    let (model, (x, v)) = (mlp()?, rows());
    let precision = Precision::F64;
    let plain = forward::compile(model.clone())
        .precision(precision)
        .build()?;
    let h = 1e-6;
    let up = plain.run_f64((&x + &(&v * h)).view())?;
    let down = plain.run_f64((&x - &(&v * h)).view())?;
    let expected = (up - down) / (2.0 * h);
    let tangent = along::compile(model.clone()).precision(precision).build()?;
    let found = tangent.run_f64(x.view(), v.view())?;
    let off = (&found - &expected).mapv(f64::abs);
    assert!(off.iter().all(|d| *d < 1e-8), "{found} {expected}");
    // What the closure does to a state is done once.
    assert_eq!(tangent.model()?.seen.item()?, 1.0);
    for device in devices() {
        let runner = along::compile(model.clone()).device(device).build()?;
        let narrow = runner.run(x.view(), v.view())?;
        close(&narrow, found.iter().copied(), 1e-5);
    }
    Ok(())
}

#[test]
fn in_the_direction_of_a_model() -> sinew::Result<()> {
    let (model, (x, _)) = (mlp()?, rows());
    let runner = descent::compile(model).precision(Precision::F64).build()?;
    let (slope, square) = runner.run_f64(x.view())?;
    assert!((slope - square).abs() < 1e-12 * square, "{slope} {square}");
    Ok(())
}

#[test]
fn hessians_agree() -> sinew::Result<()> {
    let (model, (x, v)) = (mlp()?, rows());
    let runner = hessians::compile(model.clone())
        .precision(Precision::F64)
        .build()?;
    let (forward, reverse) = runner.run_f64(x.view(), v.view())?;
    let off = (&forward - &reverse).mapv(f64::abs);
    assert!(off.iter().all(|d| *d < 1e-12), "{forward} {reverse}");
    assert!(forward.iter().all(|d| d.abs() > 1e-3), "{forward}");
    for device in devices() {
        let narrow = hessians::compile(model.clone()).device(device).build()?;
        let (found, _) = narrow.run(x.view(), v.view())?;
        close(&found, forward.iter().copied(), 1e-4);
    }
    Ok(())
}

#[test]
fn through_loops() -> sinew::Result<()> {
    let xs = array![[0.2, -0.4], [0.9, 0.1], [-0.3, 0.5], [0.05, 0.6]];
    let (w, v) = (array![0.7, -1.1], array![1.0, 0.5]);
    let runner = steps::compile().precision(Precision::F64).build()?;
    let at = |w: Array1<f64>| runner.run_f64(w.view(), xs.view(), v.view());
    let h = 1e-6;
    let (up, _) = at(&w + &(&v * h))?;
    let (down, _) = at(&w - &(&v * h))?;
    let expected = (up - down) / (2.0 * h);
    let (_, found) = at(w.clone())?;
    let off = (&found - &expected).mapv(f64::abs);
    assert!(off.iter().all(|d| *d < 1e-8), "{found} {expected}");
    for device in devices() {
        let runner = steps::compile().device(device).build()?;
        let (_, narrow) = runner.run(w.view(), xs.view(), v.view())?;
        close(&narrow, found.iter().copied(), 1e-5);
    }
    Ok(())
}

#[test]
fn training_goes_through_it() -> sinew::Result<()> {
    let (model, (x, v)) = (mlp()?, rows());
    let found = slope_loss::gradient(&model, x.view(), v.view())?;
    let found: Vec<f64> = found.first.values_f64().into_iter().collect();
    let at = |i: usize, by: f64| -> sinew::Result<f64> {
        let mut moved = model.clone();
        let mut values: Vec<f64> = moved.first.values_f64().into_iter().collect();
        values[i] += by;
        moved
            .first
            .set(Array2::from_shape_vec((3, 5), values).expect("as many"))?;
        let runner = slope_loss::compile(moved)
            .precision(Precision::F64)
            .build()?;
        runner.run_f64(x.view(), v.view())
    };
    for (i, found) in found.iter().enumerate() {
        let expected = (at(i, 1e-5)? - at(i, -1e-5)?) / 2e-5;
        assert!((found - expected).abs() < 1e-7, "{found} {expected}");
    }
    Ok(())
}

/// How often an op stands in a program.
fn count(program: &str, op: &str) -> usize {
    program.matches(&format!("= {op} ")).count()
}

#[test]
fn no_reverse_pass_is_left() -> sinew::Result<()> {
    let (model, (x, v)) = (mlp()?, rows());
    let plain = forward::compile(model.clone()).build()?;
    plain.run(x.view())?;
    let tangent = along::compile(model).build()?;
    tangent.run(x.view(), v.view())?;
    let (plain, tangent) = (plain.linked()?, tangent.linked()?);
    assert_eq!(count(&plain, "dot"), 2, "{plain}");
    // The first layer's product for the slopes of `tanh`, and each layer's of the direction.
    assert_eq!(count(&tangent, "dot"), 3, "{tangent}");
    // The loop itself, the slopes of `tanh` in each turn, and the direction through the turns: the reverse
    // of the loop is no more than those slopes.
    let looped = steps::compile().build()?;
    looped.run(
        [0.7, -1.1],
        array![[0.2, -0.4], [0.9, 0.1]].view(),
        [1.0, 0.5],
    )?;
    let looped = looped.linked()?;
    assert_eq!(looped.matches(" loop 2 ").count(), 3, "{looped}");
    assert_eq!(count(&looped, "mul"), 5, "{looped}");
    Ok(())
}
