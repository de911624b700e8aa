//! A generative adversarial network on a ring of eight Gaussians: two models, each trained by a step of its
//! own that holds the other, with an optimizer of its own. Both steps share both models; nothing is copied
//! between them. The samples are drawn to `gan.svg`, and counted: most lie on the ring's modes, and no
//! mode is left out.

use ndarray::Array2;
use sinew::data::Plot;
use sinew::prelude::*;
use std::f32::consts::TAU;

const NOISE: usize = 4;
const WIDTH: usize = 96;
const MODES: usize = 8;
const RADIUS: f32 = 2.0;
const SIGMA: f32 = 0.15;

#[model]
struct Generator {
    a: Linear<NOISE, WIDTH>,
    b: Linear<WIDTH, WIDTH>,
    out: Linear<WIDTH, 2>,
}

#[model]
struct Critic {
    a: Linear<2, WIDTH>,
    b: Linear<WIDTH, WIDTH>,
    out: Linear<WIDTH, 1>,
}

#[model]
fn sample<B>(g: &Generator, z: Tensor<B, NOISE>) -> Tensor<B, 2> {
    g.out.forward(g.b.forward(g.a.forward(z).relu()).relu())
}

/// How real a point looks.
#[model]
fn score<B>(d: &Critic, x: Tensor<B, 2>) -> Tensor<B> {
    d.out
        .forward(d.b.forward(d.a.forward(x).silu()).silu())
        .squeeze(-1)
}

/// Trains the critic to tell `x` from samples, and reports how often it is right. A slope at real points
/// costs (Mescheder, Geiger, Nowozin: "Which training methods for GANs do actually converge?", 2018).
#[model]
fn d_loss<B>(d: &Critic, g: &Generator, z: Tensor<B, NOISE>, x: Tensor<B, 2>) -> (Tensor, Tensor) {
    let (real, made) = (score(d, x), score(d, sample(g, z)));
    let slope = grad(|x| score(d, x).sum(), x);
    let loss = softplus(-real).mean() + softplus(made).mean();
    let right = ((real > 0.0).cast(float).mean() + (made < 0.0).cast(float).mean()) / 2.0;
    (loss + 0.05 * slope.square().sum(-1).mean(), right)
}

/// Trains the generator to make samples that look real to the critic.
#[model]
fn g_loss<B>(g: &Generator, d: &Critic, z: Tensor<B, NOISE>) -> Tensor {
    softplus(-score(d, sample(g, z))).mean()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (g, d) = (
        Shared::new(Generator::init(1)),
        Shared::new(Critic::init(2)),
    );
    let rule = || Adam::new(2e-3).betas(0.5, 0.99);
    let mut d_step = d_loss::train(&d, &g).optimizer(rule()).build()?;
    let mut g_step = g_loss::train(&g, &d).optimizer(rule()).build()?;
    let sampler = sample::attach(&g_step)?;

    let mut random = Random(7);
    let steps = 4000;
    for step in 0..=steps {
        let rate = 2e-3 * 0.1f64.powf(f64::from(step) / f64::from(steps));
        d_step.set_learning_rate(rate)?;
        g_step.set_learning_rate(rate)?;
        let critic = d_step.step(random.noise(256), random.ring(256))?;
        let made = g_step.step(random.noise(256))?;
        if step % 500 == 0 {
            let (on, modes) = quality(&sampler.run(random.noise(1000))?);
            println!(
                "step {step:4}  critic {:.3} (right {:3.0}%)  generator {:.3}  on a mode {:3.0}%, {modes} modes",
                critic.loss,
                100.0 * critic.rest,
                made.loss,
                100.0 * on,
            );
        }
    }

    let samples = sampler.run(random.noise(4000))?;
    let (on, modes) = quality(&samples);
    println!(
        "within 3 sigma of a mode {:.1}%, modes covered {modes} of {MODES}",
        100.0 * on
    );
    let file = std::env::temp_dir().join("gan.svg");
    let points = |samples: &Array2<f32>| -> Vec<_> {
        let rows = samples.rows().into_iter().take(1000);
        rows.map(|point| (point[0], point[1])).collect()
    };
    Plot::new("a ring of eight Gaussians")
        .dots("its points", points(&random.ring(1000)))
        .dots("samples", points(&samples))
        .equal_axes()
        .save(&file)?;
    println!("drawn to {}", file.display());
    match on > 0.8 && modes == MODES {
        true => Ok(()),
        false => Err("fewer than 80% of the samples lie on modes, or a mode is left out".into()),
    }
}

/// The middle of a mode.
fn mode(i: usize) -> [f32; 2] {
    let angle = TAU * i as f32 / MODES as f32;
    [RADIUS * angle.cos(), RADIUS * angle.sin()]
}

/// The share of samples within 3 sigma of a mode, and how many modes have a quarter of their due.
fn quality(samples: &Array2<f32>) -> (f32, usize) {
    let mut counts = [0; MODES];
    for sample in samples.rows() {
        let near = |i: &usize| {
            let [x, y] = mode(*i);
            (sample[0] - x).hypot(sample[1] - y) < 3.0 * SIGMA
        };
        if let Some(i) = (0..MODES).find(near) {
            counts[i] += 1;
        }
    }
    let all = samples.nrows();
    let on = counts.iter().sum::<usize>() as f32 / all as f32;
    let covered = counts.iter().filter(|n| **n * 4 * MODES >= all).count();
    (on, covered)
}

/// Numbers that look random (Steele, Lea, Flood: SplitMix64).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32
    }

    fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }

    fn noise(&mut self, count: usize) -> Array2<f32> {
        Array2::from_shape_simple_fn((count, NOISE), || self.normal())
    }

    /// Points of the ring.
    fn ring(&mut self, count: usize) -> Array2<f32> {
        let mut points = Array2::zeros((count, 2));
        for mut point in points.rows_mut() {
            let [x, y] = mode((self.uniform() * MODES as f32) as usize);
            point[0] = x + SIGMA * self.normal();
            point[1] = y + SIGMA * self.normal();
        }
        points
    }
}
