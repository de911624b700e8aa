//! Places in a sequence: against their formulas.

use super::{agree, array, close, numbers, places};
use ndarray::{Array2, Array3};
use sinew::nn::{LearnedPositions, LearnedPositionsConfig};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::nn::{LearnedPositions, rotary, sinusoidal};
    use sinew::prelude::*;

    pub fn turned<B, T, K>(x: Tensor<B, T, { 2 * K }>) -> Tensor<B, T, { 2 * K }> {
        rotary(x)
    }

    pub fn placed<T, K>(x: Tensor<T, { 2 * K }>) -> Tensor<T, { 2 * K }> {
        sinusoidal(x)
    }

    #[model(where(T <= Longest))]
    pub fn learned<B, T, D, Longest>(
        m: &LearnedPositions<Longest, D>,
        x: Tensor<B, T, D>,
    ) -> Tensor {
        let slope = grad(|x| m.forward(x).powi(3).sum(), x);
        slope.square().sum() + m.forward(x).square().sum()
    }

    pub struct Scale {
        #[init(ones)]
        pub w: Param,
    }

    pub fn turned_loss<B, T, K>(m: &Scale, x: Tensor<B, T, { 2 * K }>) -> Tensor {
        let slope = grad(|x| rotary(m.w * x).powi(3).sum(), x);
        slope.square().sum() + sinusoidal(m.w * x).powi(3).sum()
    }

    /// The product of two vectors that stand at places.
    pub fn products<T, K>(q: Tensor<T, { 2 * K }>, k: Tensor<T, { 2 * K }>) -> Tensor<T, T> {
        matmul(rotary(q), rotary(k).t())
    }
}

fn angle(t: usize, k: usize, pairs: usize) -> f64 {
    t as f64 * 10000f64.powf(-(k as f64) / pairs as f64)
}

#[test]
fn positions_are_their_formulas() -> sinew::Result<()> {
    let x: Array3<f64> = array(1, [2, 5, 6]);
    let turned = Array3::from_shape_fn(x.dim(), |(b, t, i)| {
        let (sin, cos) = angle(t, i / 2, 3).sin_cos();
        match i % 2 {
            0 => x[(b, t, i)] * cos - x[(b, t, i + 1)] * sin,
            _ => x[(b, t, i - 1)] * sin + x[(b, t, i)] * cos,
        }
    });
    let y: Array2<f64> = array(2, [5, 6]);
    let placed = Array2::from_shape_fn(y.dim(), |(t, i)| {
        let (sin, cos) = angle(t, i / 2, 3).sin_cos();
        y[(t, i)] + if i % 2 == 0 { sin } else { cos }
    });
    for ((device, precision), tolerance) in places() {
        let run = net::turned::compile()
            .device(device.clone())
            .precision(precision);
        let found = run.build()?.run_f64(&x)?;
        close(
            "rotary",
            &found.into_iter().collect::<Vec<_>>(),
            &turned.iter().copied().collect::<Vec<_>>(),
            tolerance,
        );
        let run = net::placed::compile().device(device).precision(precision);
        let found = run.build()?.run_f64(&y)?;
        close(
            "sinusoidal",
            &found.into_iter().collect::<Vec<_>>(),
            &placed.iter().copied().collect::<Vec<_>>(),
            tolerance,
        );
    }
    Ok(())
}

/// Turned vectors know how far apart they stand, not where.
#[test]
fn products_depend_on_the_distance() -> sinew::Result<()> {
    let row = numbers(4, &[6]);
    let same = Array2::from_shape_fn((5, 6), |(_, i)| row[[i]]);
    let run = net::products::compile().precision(Precision::F64).build()?;
    let found = run.run_f64(&same, same.mapv(|v| v + 0.5))?;
    for t in 1..4 {
        close(
            "products",
            &[found[(t, t + 1)], found[(t + 1, t)]],
            &[found[(0, 1)], found[(1, 0)]],
            1e-12,
        );
    }
    assert!((found[(0, 1)] - found[(0, 2)]).abs() > 1e-3);
    Ok(())
}

#[test]
fn gradients_are_differences() -> sinew::Result<()> {
    let x: Array3<f64> = array(1, [2, 3, 4]);
    let m = LearnedPositions::init(&LearnedPositionsConfig { Longest: 5, D: 4 }, 0)?;
    agree!(net::learned, m, &x)?;
    agree!(net::turned_loss, net::Scale::init(0), &x)
}

#[test]
fn a_sequence_longer_than_its_positions_is_refused() -> sinew::Result<()> {
    let m = LearnedPositions::init(&LearnedPositionsConfig { Longest: 2, D: 4 }, 0)?;
    let found = m.forward(Array3::<f64>::zeros((1, 3, 4)));
    let text = found.expect_err("there are two rows").to_string();
    assert!(text.contains("Longest"), "{text}");
    Ok(())
}
