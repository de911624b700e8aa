//! Layers of the library: their values against formulas written out here and against PyTorch's, their gradients of first
//! and second order against differences, in f64, and both on every device.

mod attention;
mod convolutions;
mod golden;
mod maps;
mod names;
mod norms;
mod positions;
mod recurrent;

use crate::devices::devices;
use ndarray::{ArrayD, IxDyn};
use sinew::prelude::*;

/// The float and device that numbers are computed with.
type Where = (Device, Precision);

/// The loss and its gradients, as the device computes them.
macro_rules! step {
    ($loss:path, $model:expr, $at:expr, $($x:expr),*) => {{
        use $loss as the_loss;
        let (device, precision) = $at;
        let train = the_loss::train($model).optimizer(Sgd::new(0.0));
        let mut train = train.device(device).precision(precision).build()?;
        let step = train.step($($x),*)?;
        Ok((step.loss, train.gradients()?))
    }};
}

/// Holds a loss's gradients against differences of it, and what every device computes against the CPU's f64.
macro_rules! agree {
    ($loss:path, $model:expr, $($x:expr),*) => {{
        let model = crate::layers::scattered($model);
        crate::layers::hold(stringify!($loss), &model, &|model, at| {
            crate::layers::step!($loss, model, at, $($x),*)
        })
    }};
}

pub(crate) use {agree, step};

/// Numbers between -1 and 1 without a pattern that a formula has, others for each seed.
pub fn numbers(seed: u32, shape: &[usize]) -> ArrayD<f64> {
    let of = |i: usize| (1.7 * f64::from(seed) + 12.9898 * (i as f64 + 1.0)).sin() * 43.7585;
    let count = shape.iter().product();
    let values = (0..count).map(|i| 2.0 * (of(i) - of(i).floor()) - 1.0);
    ArrayD::from_shape_vec(IxDyn(shape), values.collect()).expect("as many")
}

/// The same as an array of that rank.
pub fn array<const N: usize, D: ndarray::Dimension>(
    seed: u32,
    shape: [usize; N],
) -> ndarray::Array<f64, D> {
    let numbers = numbers(seed, &shape);
    numbers.into_dimensionality().expect("of that rank")
}

/// A model whose leaves are all numbers without a pattern, variances above 0.
pub fn scattered<M: Model>(mut model: M) -> M {
    let mut seed = 100;
    model.visit_mut("", &mut |path, leaf| {
        seed += 1;
        let mut values = numbers(seed, leaf.shape());
        if path.ends_with("variance") {
            values.mapv_inplace(|v| v + 1.5);
        }
        leaf.set(values).expect("of its shape");
    });
    model
}

/// The leaves of a model, by their paths.
pub fn leaves<M: Model>(model: &M) -> Vec<(String, Vec<f64>)> {
    let mut out = Vec::new();
    model.visit("", &mut |path, leaf| {
        out.push((
            path.to_string(),
            leaf.values_f64().iter().copied().collect(),
        ));
    });
    out
}

/// Relative to the greatest of those expected, and to 1 where they are small.
pub fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let greatest = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let fits = (f - e).abs() <= tolerance * greatest;
        assert!(fits, "{what}, element {i}: {f} for {e}");
    }
}

/// As `agree!` says.
pub fn hold<M: Model + Clone>(
    what: &str,
    model: &M,
    step: &dyn Fn(M, Where) -> sinew::Result<(f64, M)>,
) -> sinew::Result<()> {
    let wide = || (Device::cpu(), Precision::F64);
    let (loss, gradients) = step(model.clone(), wide())?;
    let gradients = leaves(&gradients);
    assert!(
        gradients.iter().any(|(_, g)| g.iter().any(|v| *v != 0.0)),
        "{what}"
    );
    // Along one direction of all leaves at once: a program is compiled for each model that is tried.
    let direction = |seed: u32, len: usize| numbers(1000 + seed, &[len]);
    let moved = |by: f64| -> sinew::Result<f64> {
        let (mut model, mut seed) = (model.clone(), 0);
        model.visit_mut("", &mut |_, leaf| {
            seed += 1;
            let mut values = leaf.values_f64();
            let along = direction(seed, values.len());
            values.iter_mut().zip(along).for_each(|(v, d)| *v += by * d);
            leaf.set(values).expect("of its shape");
        });
        Ok(step(model, wide())?.0)
    };
    let slopes = (1..).zip(&gradients).map(|(seed, (_, gradient))| {
        let along = direction(seed, gradient.len());
        along.iter().zip(gradient).map(|(d, g)| d * g).sum::<f64>()
    });
    let slope: f64 = slopes.sum();
    // Central differences are off by about 1e-10 of the third derivative, and rounded by 1e-11 of the loss.
    let by = 1e-5;
    let difference = (moved(by)? - moved(-by)?) / (2.0 * by);
    let fits = (slope - difference).abs() <= 1e-7 * slope.abs().max(1.0).max(loss.abs());
    assert!(fits, "{what}: {slope} for {difference}");
    for device in devices() {
        let tolerance = narrow(&device);
        let (found, by_leaves) = step(model.clone(), (device, Precision::F32))?;
        close(what, &[found], &[loss], tolerance);
        for ((path, found), (_, expected)) in leaves(&by_leaves).iter().zip(&gradients) {
            close(&format!("{what}, {path}"), found, expected, tolerance);
        }
    }
    Ok(())
}

/// How near f32 comes to f64: GPUs have functions of lower precision.
pub fn narrow(device: &Device) -> f64 {
    if device.name() == Device::cpu().name() {
        1e-5
    } else {
        1e-4
    }
}

/// All floats of all devices, with how near they come.
pub fn places() -> Vec<(Where, f64)> {
    let wide = ((Device::cpu(), Precision::F64), 1e-9);
    let narrow = devices().into_iter().map(|d| {
        let tolerance = narrow(&d);
        ((d, Precision::F32), tolerance)
    });
    [wide].into_iter().chain(narrow).collect()
}
