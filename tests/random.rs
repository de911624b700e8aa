//! Randomness in the language: what is drawn, when it differs and when it does not, on which device.
//!
//! Statistics have thresholds of five standard deviations, which one true generator in 1.7 million passes
//! over; draws follow from a seed, so a test that passes once passes always.

#![deny(warnings)]

use ndarray::{Array1, Array2};
use sinew::ops::{bernoulli, randint, randn, uniform};
use sinew::prelude::*;
#[cfg(feature = "gpu")]
use sinew_runtime::gpu::testing;

const DROP: f64 = 0.25;

#[model]
struct Net {
    #[init(normal(0.5))]
    w: Param<6, 8>,
    #[init(normal(0.5))]
    v: Param<8>,
}

#[model]
fn hidden<B>(m: &Net, x: Tensor<B, 6>) -> Tensor<B, 8> {
    matmul(x, m.w).tanh().dropout(DROP)
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 6>, y: Tensor<B>) -> Tensor {
    mse(matmul(hidden(m, x), m.v), y)
}

fn batch() -> (Array2<f32>, Array1<f32>) {
    let x = Array2::from_shape_fn((16, 6), |(i, j)| ((i * 6 + j) as f32 * 0.7).sin());
    let y = Array1::from_shape_fn(16, |i| (i as f32 * 0.3).cos());
    (x, y)
}

fn losses(device: Device, seed: u64) -> sinew::Result<Vec<f64>> {
    let (x, y) = batch();
    let train = loss::train(Net::init(1)).optimizer(Sgd::new(0.1));
    let mut train = train.device(device).seed(seed).build()?;
    (0..8).map(|_| Ok(train.step(&x, &y)?.loss)).collect()
}

#[test]
fn seeds_and_steps_draw_others_and_the_same_again() -> sinew::Result<()> {
    let first = losses(Device::cpu(), 3)?;
    assert_eq!(first, losses(Device::cpu(), 3)?);
    let other = losses(Device::cpu(), 4)?;
    assert!(first.iter().zip(&other).all(|(a, b)| a != b));
    Ok(())
}

/// A mask, as what is left of ones, and what it leaves of a parameter.
#[model]
struct Ones {
    #[init(ones)]
    x: Param<64>,
}

#[model]
fn kept(m: &Ones) -> Tensor {
    m.x.dropout(0.25).sum()
}

#[test]
fn a_gradient_is_the_mask_of_its_step() -> sinew::Result<()> {
    let mut train = kept::train(Ones::init(0))
        .optimizer(Sgd::new(0.0))
        .build()?;
    let mut masks = Vec::new();
    for _ in 0..2 {
        let loss = train.step()?.loss;
        let mask: Vec<f32> = train.gradients()?.x.values().into_iter().collect();
        assert!(
            mask.iter()
                .all(|g| *g == 0.0 || (g - 4.0 / 3.0).abs() < 1e-6)
        );
        let sum: f32 = mask.iter().sum();
        assert!((loss - f64::from(sum)).abs() < 1e-4);
        assert!(mask.contains(&0.0));
        masks.push(mask);
    }
    assert_ne!(masks[0], masks[1]);
    Ok(())
}

/// A gradient in the loss, whose slope is asked for: of the same elements.
#[model]
fn slopes(m: &Ones) -> Tensor {
    let g = grad(|x| 0.5 * (x * x).dropout(0.25).sum(), m.x);
    g.square().sum()
}

#[model]
fn again(m: &Ones) -> Tensor {
    checkpoint(|x| x.dropout(0.25).square().sum(), m.x)
}

#[test]
fn derivatives_in_the_loss_leave_out_the_same() -> sinew::Result<()> {
    let each = |loss: f64, g: Vec<f32>| {
        let square = 16.0 / 9.0;
        assert!(g.contains(&0.0));
        assert!(
            g.iter()
                .all(|g| *g == 0.0 || (g - 2.0 * square).abs() < 1e-5)
        );
        let sum: f32 = g.iter().sum();
        assert!((loss - 0.5 * f64::from(sum)).abs() < 1e-3);
    };
    let mut train = slopes::train(Ones::init(0)).build()?;
    each(
        train.step()?.loss,
        train.gradients()?.x.values().into_iter().collect(),
    );
    let mut train = again::train(Ones::init(0)).build()?;
    each(
        train.step()?.loss,
        train.gradients()?.x.values().into_iter().collect(),
    );
    Ok(())
}

#[model]
struct Shaky {
    #[init(ones)]
    x: Param<64>,
    p: f64,
}

#[model]
fn shaken(m: &Shaky) -> Tensor {
    m.x.dropout(m.p).sum()
}

/// A probability of the configuration; one that is none is told when it is known.
#[test]
fn the_configuration_says_how_much_is_left_out() -> sinew::Result<()> {
    let step = |p: f64| {
        let model = Shaky::init(&ShakyConfig { p }, 0)?;
        Ok::<f64, sinew::Error>(shaken::train(model).build()?.step()?.loss)
    };
    assert_eq!((step(0.0)?, step(1.0)?), (64.0, 0.0));
    let half = step(0.5)?;
    assert!(half > 20.0 && half < 110.0 && half % 2.0 == 0.0, "{half}");
    let error = step(1.5).expect_err("it is no probability").to_string();
    assert!(error.contains("`1.5` is no probability"), "{error}");
    Ok(())
}

/// Outside of training there is no dropout, and no key: not in runners, plain calls and their gradients.
#[test]
fn what_only_runs_leaves_nothing_out() -> sinew::Result<()> {
    let model = Ones::init(0);
    assert_eq!(kept(&model)?, 64.0);
    assert!(
        kept::gradient(&model)?
            .x
            .values()
            .into_iter()
            .all(|g| g == 1.0)
    );
    let mut train = kept::train(model).build()?;
    let trained = train.step()?.loss;
    assert_ne!(trained, 64.0);
    assert!(train.linked()?.contains("key u32[2]"));
    let run = kept::attach(&train)?;
    run.prepare()?;
    let text = run.linked()?;
    for word in ["key", "dropout", "u32", "select"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    Ok(())
}

/// A step that fails does not count: the next one draws what it would have drawn.
#[test]
fn a_failed_step_changes_no_stream() -> sinew::Result<()> {
    let (x, y) = batch();
    let make = || {
        let train = loss::train(Net::init(1)).optimizer(Sgd::new(0.1));
        train.check_finite(true).build()
    };
    let (mut one, mut other) = (make()?, make()?);
    let mut broken = x.clone();
    broken[(0, 0)] = f32::NAN;
    let huge = x.mapv(|v| v * 1e30);
    other.step(&broken, &y).expect_err("an argument is NaN");
    other
        .step(&huge, y.mapv(|v| v * 1e30))
        .expect_err("the loss is infinite");
    assert_eq!(one.step(&x, &y)?.loss, other.step(&x, &y)?.loss);
    Ok(())
}

#[model]
fn units<N>(x: Tensor<N>) -> Tensor<N> {
    uniform([N]) + 0.0 * x
}

#[model]
fn integers<N>(x: Tensor<N>) -> (Tensor<i32, N>, Tensor<bool, N>, Tensor<N>, Tensor<N>) {
    let normal = randn([N]) + 0.0 * x;
    (
        randint([N], -3, 7),
        bernoulli([N], 0.3),
        normal,
        uniform([N], -2.0, 5.0),
    )
}

#[model]
fn pairs<N>(x: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
    (units(x), units(x))
}

const MANY: usize = 1_000_000;

/// The correlation of two columns of numbers, in standard deviations of what none have.
fn correlation(x: &[f32], y: &[f32]) -> f64 {
    let n = x.len() as f64;
    let mean = |v: &[f32]| v.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let (mx, my) = (mean(x), mean(y));
    let of = |x: &[f32], y: &[f32], mx: f64, my: f64| {
        let pairs = x.iter().zip(y);
        pairs
            .map(|(a, b)| (f64::from(*a) - mx) * (f64::from(*b) - my))
            .sum::<f64>()
    };
    of(x, y, mx, my) / (of(x, x, mx, mx) * of(y, y, my, my)).sqrt() * n.sqrt()
}

/// How far counts are from their expectation, in standard deviations of chi-square.
fn chi_square(counts: &[u64], expected: &[f64]) -> f64 {
    let pairs = counts.iter().zip(expected);
    let sum: f64 = pairs.map(|(c, e)| (*c as f64 - e).powi(2) / e).sum();
    let freedom = counts.len() as f64 - 1.0;
    (sum - freedom) / (2.0 * freedom).sqrt()
}

#[test]
fn a_million_draws_are_even_and_unrelated() -> sinew::Result<()> {
    let run = pairs::compile().seed(11).build()?;
    let (x, y) = run.run(vec![0.0f32; MANY])?;
    let (x, y) = (x.to_vec(), y.to_vec());
    assert!(x.iter().chain(&y).all(|u| (0.0..1.0).contains(u)));
    // Chi-square over 256 and 4093 bins of each, and 64 x 64 bins of pairs that follow each other.
    for column in [&x, &y] {
        for bins in [256, 4093] {
            let mut counts = vec![0; bins];
            column
                .iter()
                .for_each(|u| counts[(f64::from(*u) * bins as f64) as usize] += 1);
            let off = chi_square(&counts, &vec![MANY as f64 / bins as f64; bins]);
            assert!(off.abs() < 5.0, "{bins} bins: {off}");
        }
        let mut counts = vec![0; 4096];
        for pair in column.chunks_exact(2) {
            counts[(pair[0] * 64.0) as usize * 64 + (pair[1] * 64.0) as usize] += 1;
        }
        let off = chi_square(&counts, &vec![MANY as f64 / 2.0 / 4096.0; 4096]);
        assert!(off.abs() < 5.0, "pairs: {off}");
    }
    // Runs above and below the middle (Wald and Wolfowitz).
    let above: Vec<bool> = x.iter().map(|u| *u >= 0.5).collect();
    let runs = 1 + above.windows(2).filter(|w| w[0] != w[1]).count();
    let up = above.iter().filter(|a| **a).count() as f64;
    let n = MANY as f64;
    let product = 2.0 * up * (n - up);
    let mean = product / n + 1.0;
    let variance = product * (product - n) / (n * n * (n - 1.0));
    let off = (runs as f64 - mean) / variance.sqrt();
    assert!(off.abs() < 5.0, "{runs} runs: {off}");
    // Serial correlation, and that of two sites, of one step and the next, and of two seeds.
    for lag in [1, 2, 3, 7, 64, 1000] {
        let off = correlation(&x[..MANY - lag], &x[lag..]);
        assert!(off.abs() < 5.0, "lag {lag}: {off}");
    }
    let (next, _) = run.run(vec![0.0f32; MANY])?;
    let other = pairs::compile().seed(12).build()?;
    let (seeded, _) = other.run(vec![0.0f32; MANY])?;
    for (what, y) in [
        ("site", y),
        ("step", next.to_vec()),
        ("seed", seeded.to_vec()),
    ] {
        let off = correlation(&x, &y);
        assert!(off.abs() < 5.0, "another {what}: {off}");
    }
    Ok(())
}

#[test]
fn distributions_are_what_they_are_called() -> sinew::Result<()> {
    let n = MANY as f64;
    let run = integers::compile().build()?;
    let (whole, truths, normal, wide) = run.run(vec![0.0f32; MANY])?;
    let mut counts = vec![0; 10];
    whole.iter().for_each(|i| counts[(i + 3) as usize] += 1);
    let off = chi_square(&counts, &[n / 10.0; 10]);
    assert!(off.abs() < 5.0, "{off}");
    let yes = truths.iter().filter(|t| **t).count() as f64;
    assert!((yes - 0.3 * n).abs() < 5.0 * (0.21 * n).sqrt(), "{yes}");
    let moment = |power: i32| {
        normal
            .iter()
            .map(|x| f64::from(*x).powi(power))
            .sum::<f64>()
            / n
    };
    // Mean, variance, skewness and kurtosis, with the variances that they have of n numbers.
    for (power, expected, variance) in
        [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]
    {
        let off = (moment(power) - expected) / f64::sqrt(variance / n);
        assert!(off.abs() < 5.0, "moment {power}: {off}");
    }
    assert!(wide.iter().all(|x| (-2.0..5.0).contains(x)));
    let mean = wide.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    assert!((mean - 1.5).abs() < 5.0 * 7.0 / (12.0 * n).sqrt(), "{mean}");
    Ok(())
}

/// Plain calls draw what a first run draws, each time.
#[test]
fn a_plain_call_is_a_first_run() -> sinew::Result<()> {
    let x = [0.0f32; 5];
    let run = units::compile().build()?;
    let (first, second) = (run.run(x)?, run.run(x)?);
    assert_ne!(first, second);
    assert_eq!(units(x)?, first);
    assert_eq!(units(x)?, first);
    Ok(())
}

/// In f64, 53 bits: not all of them are multiples of 2^-24 or 2^-32.
#[test]
fn draws_in_f64_have_more_bits() -> sinew::Result<()> {
    let run = units::compile().precision(Precision::F64).build()?;
    let found = run.run_f64(vec![0.0; 64])?;
    assert!(found.iter().all(|u| (u * 2f64.powi(53)).fract() == 0.0));
    assert!(found.iter().any(|u| (u * 2f64.powi(48)).fract() != 0.0));
    Ok(())
}

#[model]
fn walk<B>(x: Tensor<B>) -> Tensor<4, B> {
    let mut ys = Vec::new();
    let mut now = x;
    for _ in 0..4 {
        now = now + uniform([B]);
        ys.push(now);
    }
    stack(ys)
}

#[test]
fn each_iteration_draws_others() -> sinew::Result<()> {
    let ys = walk([0.0f32; 3])?;
    let mut steps: Vec<f32> = (0..3)
        .flat_map(|b| (0..4).map(move |t| (t, b)))
        .map(|(t, b)| ys[(t, b)] - if t == 0 { 0.0 } else { ys[(t - 1, b)] })
        .collect();
    steps.sort_unstable_by(f32::total_cmp);
    assert!(steps.windows(2).all(|w| w[1] - w[0] > 1e-5), "{steps:?}");
    Ok(())
}

/// Draws without a series have the same bits; the others, and training with dropout, differ by rounding.
#[cfg(feature = "gpu")]
#[test]
fn a_gpu_draws_what_the_cpu_draws() -> sinew::Result<()> {
    let Some(device) = testing::device() else {
        return Ok(());
    };
    let x = vec![0.0f32; 1000];
    let cpu = integers::compile().seed(5).build()?.run(&x[..])?;
    let gpu = integers::compile()
        .seed(5)
        .device(device.clone())
        .build()?
        .run(&x[..])?;
    assert_eq!((&cpu.0, &cpu.1), (&gpu.0, &gpu.1));
    for (a, b) in [(&cpu.2, &gpu.2), (&cpu.3, &gpu.3)] {
        assert!(
            a.iter()
                .zip(b)
                .all(|(a, b)| (a - b).abs() <= 1e-5 * (1.0 + a.abs()))
        );
    }
    let (cpu, gpu) = (
        units(&x[..])?,
        units::compile()
            .device(device.clone())
            .build()?
            .run(&x[..])?,
    );
    assert_eq!(cpu, gpu);
    let (cpu, gpu) = (losses(Device::cpu(), 3)?, losses(device, 3)?);
    for (a, b) in cpu.iter().zip(&gpu) {
        assert!((a - b).abs() <= 1e-5 * a.abs(), "{a} and {b}");
    }
    Ok(())
}

#[model]
fn masks<N>(
    x: Tensor<u32, N>,
    y: Tensor<i32, N>,
    b: Tensor<bool, N>,
) -> (Tensor<u32, N>, Tensor<i32, N>, Tensor<bool, N>) {
    let mut z = (x ^ 0xffff) & (1 << 4) | x << 7;
    z ^= x >> 3;
    (z, (y >> 2) ^ !y, b ^ true_of(b) | b & b)
}

#[model]
fn true_of<N>(b: Tensor<bool, N>) -> Tensor<bool, N> {
    b | !b
}

#[test]
fn bits_are_rusts() -> sinew::Result<()> {
    let (x, y, b) = (
        [0u32, 1, 0x9e37_79b9, u32::MAX],
        [0i32, -1, 77, i32::MIN],
        [true, false, true, false],
    );
    let (z, w, c) = masks(x, y, b)?;
    let expected = x.map(|x| ((x ^ 0xffff) & (1 << 4) | x << 7) ^ x >> 3);
    assert_eq!(z.to_vec(), expected);
    assert_eq!(w.to_vec(), y.map(|y| (y >> 2) ^ !y));
    assert_eq!(c.to_vec(), b.map(|b| (b ^ true) | b & b));
    Ok(())
}
