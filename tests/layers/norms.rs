//! Normalisations: over features, groups, examples and batches.

use super::golden::golden;
use super::{agree, array, close, leaves, numbers, places, scattered};
use ndarray::{Array2, Array3, Array4, ArrayD, Dimension};
use sinew::nn::{
    BatchNorm1d, BatchNorm1dConfig, BatchNorm2d, BatchNorm2dConfig, GroupNorm, GroupNormConfig,
    InstanceNorm, InstanceNormConfig, LayerNorm, LayerNormConfig, LayerNormNoAffine,
    LayerNormNoAffineConfig, RmsNorm, RmsNormConfig,
};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::nn::{
        BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm, LayerNorm, LayerNormNoAffine, RmsNorm,
    };
    use sinew::prelude::*;

    /// What the norms without parameters are behind.
    pub struct Scale {
        #[init(ones)]
        pub w: Param,
    }

    pub fn layer<B, D>(m: &LayerNorm<D>, x: Tensor<B, D>) -> Tensor {
        let slope = grad(|x| m.forward(x).tanh().sum(), x);
        slope.square().sum() + m.forward(x).powi(3).sum()
    }

    pub fn plain<B, D>(m: &Scale, norm: &LayerNormNoAffine, x: Tensor<B, D>) -> Tensor {
        let slope = grad(|x| norm.forward(x.tanh() * m.w).tanh().sum(), x);
        slope.square().sum() + norm.forward((x * m.w).tanh()).powi(3).sum()
    }

    pub fn rms<B, D>(m: &RmsNorm<D>, x: Tensor<B, D>) -> Tensor {
        let slope = grad(|x| m.forward(x).tanh().sum(), x);
        slope.square().sum() + m.forward(x).powi(3).sum()
    }

    #[model(where(C == G * (C / G)))]
    pub fn group<B, C, G, L>(m: &GroupNorm<C, G>, x: Tensor<B, C, L>) -> Tensor {
        let slope = grad(|x| m.forward(x).tanh().sum(), x);
        slope.square().sum() + m.forward(x).powi(3).sum()
    }

    #[model(where(C == G * (C / G)))]
    pub fn group_2d<B, C, G, H, W>(
        m: &GroupNorm<C, G>,
        x: Tensor<B, C, H, W>,
    ) -> Tensor<B, C, H, W> {
        m.forward_2d(x)
    }

    pub fn instance<B, C, L>(m: &Scale, norm: &InstanceNorm, x: Tensor<B, C, L>) -> Tensor {
        let slope = grad(|x| norm.forward(x.tanh() * m.w).tanh().sum(), x);
        slope.square().sum() + norm.forward((x * m.w).tanh()).powi(3).sum()
    }

    pub fn batch_1d<B, C, L>(m: &BatchNorm1d<C>, x: Tensor<B, C, L>) -> Tensor {
        let slope = grad(|x| m.forward_1d(x).tanh().sum(), x);
        slope.square().sum() + m.forward_1d(x).powi(3).sum()
    }

    pub fn batch<B, C>(m: &BatchNorm1d<C>, x: Tensor<B, C>) -> (Tensor, Tensor<B, C>) {
        let y = m.forward(x);
        (y.square().sum(), y)
    }

    /// The product with a cotangent, its derivative by x, and the result.
    pub fn batch_2d<B, C, H, W>(
        m: &BatchNorm2d<C>,
        x: Tensor<B, C, H, W>,
        v: Tensor<B, C, H, W>,
    ) -> (Tensor, Tensor<B, C, H, W>, Tensor<B, C, H, W>) {
        let y = m.forward(x);
        let by_x = grad(
            |x| {
                let centred = x - x.mean([0, 2, 3], keepdims = true);
                let spread = (centred.square().mean([0, 2, 3], keepdims = true) + 1e-5).sqrt();
                let w = m.w.reshape([C, 1, 1]);
                ((centred / spread * w) * v).sum()
            },
            x,
        );
        ((y * v).sum(), by_x, y)
    }

    pub fn layer_with<B, D>(
        m: &LayerNorm<D>,
        x: Tensor<B, D>,
        v: Tensor<B, D>,
    ) -> (Tensor, Tensor<B, D>, Tensor<B, D>) {
        let by_x = grad(|x| (m.forward(x) * v).sum(), x);
        ((m.forward(x) * v).sum(), by_x, m.forward(x))
    }

    pub fn rms_with<B, D>(
        m: &RmsNorm<D>,
        x: Tensor<B, D>,
        v: Tensor<B, D>,
    ) -> (Tensor, Tensor<B, D>, Tensor<B, D>) {
        let by_x = grad(|x| (m.forward(x) * v).sum(), x);
        ((m.forward(x) * v).sum(), by_x, m.forward(x))
    }
}

/// Mean and variance of some numbers, which divides by how many they are.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (
        mean,
        values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n,
    )
}

/// Each element with the mean and spread of the group that `group` says it is in.
fn normalised(x: &ArrayD<f64>, group: impl Fn(&[usize]) -> usize, eps: f64) -> ArrayD<f64> {
    let mut groups = std::collections::BTreeMap::<usize, Vec<f64>>::new();
    for (at, v) in x.indexed_iter() {
        groups.entry(group(at.slice())).or_default().push(*v);
    }
    let mut out = x.clone();
    for (at, v) in x.indexed_iter() {
        let (mean, variance) = moments(&groups[&group(at.slice())]);
        out[at] = (v - mean) / (variance + eps).sqrt();
    }
    out
}

fn flat(x: &ArrayD<f64>) -> Vec<f64> {
    x.iter().copied().collect()
}

#[test]
fn gradients_are_differences() -> sinew::Result<()> {
    let x: Array2<f64> = array(1, [3, 5]);
    let eps = 1e-5;
    agree!(
        net::layer,
        LayerNorm::init(&LayerNormConfig { D: 5, eps }, 0)?,
        &x
    )?;
    agree!(
        net::rms,
        RmsNorm::init(&RmsNormConfig { D: 5, eps }, 0)?,
        &x
    )?;
    let x: Array3<f64> = array(2, [2, 4, 3]);
    agree!(
        net::group,
        GroupNorm::init(&GroupNormConfig { C: 4, G: 2, eps }, 0)?,
        &x
    )?;
    let config = BatchNorm1dConfig {
        C: 4,
        eps,
        momentum: 0.1,
    };
    agree!(net::batch_1d, BatchNorm1d::init(&config, 0)?, &x)
}

/// Of norms without parameters the derivative by what goes in.
#[test]
fn gradients_of_plain_norms_are_differences() -> sinew::Result<()> {
    let eps = 1e-5;
    let x: Array2<f64> = array(1, [3, 5]);
    let norm = LayerNormNoAffine::init(&LayerNormNoAffineConfig { eps }, 0)?;
    let scale = scattered(net::Scale::init(0));
    super::hold("plain", &scale, &|m, (device, precision)| {
        let train = net::plain::train(m, norm.clone()).optimizer(Sgd::new(0.0));
        let mut train = train.device(device).precision(precision).build()?;
        Ok((train.step(&x)?.loss, train.gradients()?))
    })?;
    let x: Array3<f64> = array(2, [2, 4, 3]);
    let norm = InstanceNorm::init(&InstanceNormConfig { eps }, 0)?;
    super::hold("instance", &scale, &|m, (device, precision)| {
        let train = net::instance::train(m, norm.clone()).optimizer(Sgd::new(0.0));
        let mut train = train.device(device).precision(precision).build()?;
        Ok((train.step(&x)?.loss, train.gradients()?))
    })
}

#[test]
fn groups_and_examples_are_their_formulas() -> sinew::Result<()> {
    let eps = 1e-3;
    let (w, b) = (numbers(7, &[4]), numbers(8, &[4]));
    let x = numbers(2, &[2, 4, 3, 2]);
    for groups in [1, 2, 4] {
        let mut m = GroupNorm::init(
            &GroupNormConfig {
                C: 4,
                G: groups,
                eps,
            },
            0,
        )?;
        m.w.set(&w)?;
        m.b.set(&b)?;
        let mut expected = normalised(&x, |at| at[0] * groups + at[1] / (4 / groups), eps);
        for (at, v) in expected.indexed_iter_mut() {
            *v = *v * w[[at[1]]] + b[[at[1]]];
        }
        let images: Array4<f64> = x.clone().into_dimensionality().expect("four axes");
        for ((device, precision), tolerance) in places() {
            let run = net::group_2d::compile(m.clone())
                .device(device)
                .precision(precision);
            let found = run.build()?.run_f64(&images)?.into_dyn();
            close("groups", &flat(&found), &flat(&expected), tolerance);
        }
    }
    let norm = InstanceNorm::init(&InstanceNormConfig { eps }, 0)?;
    let expected = normalised(&x, |at| at[0] * 4 + at[1], eps);
    let images: Array4<f64> = x.into_dimensionality().expect("four axes");
    let found = norm.forward_2d(&images)?.mapv(f64::from).into_dyn();
    close("examples", &flat(&found), &flat(&expected), 1e-5);
    Ok(())
}

#[test]
fn layer_norms_are_pytorchs() -> sinew::Result<()> {
    for ((device, precision), tolerance) in places() {
        let case = golden("layer_norm");
        let mut m = LayerNorm::init(&LayerNormConfig { D: 6, eps: 1e-5 }, 0)?;
        m.w.set(&case["in/g"])?;
        m.b.set(&case["in/b"])?;
        let train = net::layer_with::train(m).optimizer(Sgd::new(0.0));
        let mut train = train.device(device.clone()).precision(precision).build()?;
        let (x, v): (Array2<f64>, Array2<f64>) = (case.array("in/x"), case.array("cot/0"));
        let step = train.step(&x, &v)?;
        case.check(
            "grad/x",
            step.rest.0.mapv(f64::from).into_dyn(),
            tolerance.max(1e-6),
        );
        let gradients = train.gradients()?;
        case.check("grad/g", gradients.w.values_f64(), tolerance);
        case.check("grad/b", gradients.b.values_f64(), tolerance);

        let case = golden("rms_norm");
        let mut m = RmsNorm::init(&RmsNormConfig { D: 6, eps: 1e-6 }, 0)?;
        m.w.set(&case["in/g"])?;
        let train = net::rms_with::train(m).optimizer(Sgd::new(0.0));
        let mut train = train.device(device).precision(precision).build()?;
        let (x, v): (Array2<f64>, Array2<f64>) = (case.array("in/x"), case.array("cot/0"));
        let step = train.step(&x, &v)?;
        case.check(
            "grad/x",
            step.rest.0.mapv(f64::from).into_dyn(),
            tolerance.max(1e-6),
        );
        case.check("grad/g", train.gradients()?.w.values_f64(), tolerance);
    }
    Ok(())
}

#[test]
fn batch_norms_are_pytorchs() -> sinew::Result<()> {
    let case = golden("batch_norm_train");
    let (x, v): (Array4<f64>, Array4<f64>) = (case.array("in/x"), case.array("cot/0"));
    for ((device, precision), tolerance) in places() {
        let config = BatchNorm2dConfig {
            C: 3,
            eps: 1e-5,
            momentum: 0.1,
        };
        let mut m = BatchNorm2d::init(&config, 0)?;
        m.w.set(&case["in/g"])?;
        m.b.set(&case["in/b"])?;
        let train = net::batch_2d::train(m).optimizer(Sgd::new(0.0));
        let mut train = train.device(device).precision(precision).build()?;
        let step = train.step(&x, &v)?;
        // Results behind a loss come as f32.
        case.check(
            "grad/x",
            step.rest.0.mapv(f64::from).into_dyn(),
            tolerance.max(1e-6),
        );
        case.check(
            "out/0",
            step.rest.1.mapv(f64::from).into_dyn(),
            tolerance.max(1e-6),
        );
        let gradients = train.gradients()?;
        case.check("grad/g", gradients.w.values_f64(), tolerance);
        case.check("grad/b", gradients.b.values_f64(), tolerance);
        let m = train.model()?;
        case.check("out/1", m.mean.values_f64(), tolerance);
        case.check("out/2", m.variance.values_f64(), tolerance);
    }
    Ok(())
}

/// Steps move the states towards those of the batch, runs normalise by the states and leave them.
#[test]
fn running_statistics_are_those_of_the_batches() -> sinew::Result<()> {
    let x: Array2<f64> = array(3, [6, 2]);
    for ((device, precision), tolerance) in places() {
        let config = BatchNorm1dConfig {
            C: 2,
            eps: 1e-5,
            momentum: 0.25,
        };
        let m = BatchNorm1d::init(&config, 0)?;
        let train = net::batch::train(m).optimizer(Sgd::new(0.0));
        let mut train = train.device(device).precision(precision).build()?;
        train.step(&x)?;
        train.step(&x)?;
        let m = train.model()?;
        let run = net::batch::attach(&train)?;
        let y = run.run_f64(&x)?.1;
        for c in 0..2 {
            let (mean, variance) = moments(&x.column(c).to_vec());
            let unbiased = variance * 6.0 / 5.0;
            // Two steps of a quarter leave 9 / 16 of the start.
            let expected = [mean * 7.0 / 16.0, 9.0 / 16.0 + unbiased * 7.0 / 16.0];
            let found = [m.mean.values_f64()[c], m.variance.values_f64()[c]];
            close("states", &found, &expected, tolerance);
            let expected = x
                .column(c)
                .mapv(|v| (v - expected[0]) / (expected[1] + 1e-5).sqrt());
            close(
                "a run",
                &y.column(c).to_vec(),
                &expected.to_vec(),
                tolerance,
            );
        }
        assert_eq!(leaves(&train.model()?), leaves(&m), "a run leaves them");
    }
    Ok(())
}

/// One number has no spread: the state of the variance moves towards 0, and nothing becomes NaN.
#[test]
fn a_batch_of_one_has_no_spread() -> sinew::Result<()> {
    let config = BatchNorm1dConfig {
        C: 2,
        eps: 1e-5,
        momentum: 0.1,
    };
    let train = net::batch::train(BatchNorm1d::init(&config, 0)?);
    let mut train = train.optimizer(Sgd::new(0.0)).build()?;
    let step = train.step([[3.0, -1.0]])?;
    assert_eq!(step.rest.as_slice(), Some([0.0, 0.0].as_slice()));
    let variance = train.model()?.variance.values_f64();
    close("variance", &flat(&variance), &[0.9, 0.9], 1e-6);
    Ok(())
}
