//! A variational autoencoder of digits (Kingma and Welling, "Auto-encoding variational Bayes", 2014): it draws new ones.
//!
//! `cargo run --release --example vae -- --help` shows the options.

use clap::Parser;
use ndarray::s;
use sinew::ops::randn;
use sinew::optim::Schedule;
use sinew::prelude::*;
use std::path::PathBuf;

#[path = "support/digits.rs"]
mod digits;
#[path = "support/grid.rs"]
mod grid;
#[path = "support/progress.rs"]
mod progress;

use digits::{Digits, PIXELS, TRAIN_ROWS, shuffled};

const HIDDEN: usize = 128;
const CODE: usize = 8;
const BATCH: usize = 64;

#[model]
struct Vae {
    into: Linear<PIXELS, HIDDEN>,
    mean: Linear<HIDDEN, CODE>,
    log_variance: Linear<HIDDEN, CODE>,
    back: Linear<CODE, HIDDEN>,
    out: Linear<HIDDEN, PIXELS>,
}

/// What the pixels are before the sigmoid.
#[model]
fn logits<B>(m: &Vae, code: Tensor<B, CODE>) -> Tensor<B, PIXELS> {
    m.out.forward(m.back.forward(code).gelu())
}

#[model]
fn encoded<B>(m: &Vae, x: Tensor<B, PIXELS>) -> (Tensor<B, CODE>, Tensor<B, CODE>) {
    let h = m.into.forward(x).gelu();
    (m.mean.forward(h), m.log_variance.forward(h))
}

/// The bound that trains, then its parts: what the pixels cost, and what the code does, in nats a picture.
#[model]
fn loss<B>(m: &Vae, x: Tensor<B, PIXELS>) -> (Tensor, Tensor, Tensor) {
    let (mean, log_variance) = encoded(m, x);
    let code = mean + (0.5 * log_variance).exp() * randn([B, CODE]);
    let pixels = binary_cross_entropy_with_logits(logits(m, code), x, reduction = "sum") / B;
    let divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum() / B;
    (pixels + divergence, pixels, divergence)
}

/// New pictures: codes as the model takes them to be, decoded.
#[model]
fn drawn<B>(m: &Vae, code: Tensor<B, CODE>) -> Tensor<B, PIXELS> {
    logits(m, code).sigmoid()
}

#[model]
fn rebuilt<B>(m: &Vae, x: Tensor<B, PIXELS>) -> Tensor<B, PIXELS> {
    let (mean, _) = encoded(m, x);
    drawn(m, mean)
}

#[model]
fn codes() -> Tensor<16, CODE> {
    randn([16, CODE])
}

/// Trains a variational autoencoder of digits, and draws pictures that nobody wrote.
#[derive(Parser)]
struct Options {
    /// Passes over the 1437 pictures.
    #[arg(long, default_value_t = 150)]
    epochs: usize,
    /// Seed of the parameters, of the order of the pictures, and of all that is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the pictures are drawn.
    #[arg(long, default_value_os_t = std::env::temp_dir().join("vae.svg"))]
    picture: PathBuf,
    /// Fails when the bound on test pictures comes out above, in nats.
    #[arg(long, default_value_t = f64::INFINITY)]
    max_loss: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let (data, test) = Digits::read()?;
    let steps = options.epochs * (TRAIN_ROWS / BATCH);
    let mut train = loss::train(Vae::init(options.seed))
        .optimizer(Adam::new(3e-3))
        .schedule(Schedule::cosine(steps as u64))
        .seed(options.seed)
        .build()?;

    let progress = progress::Progress::new(steps);
    let mut order = options.seed;
    for _ in 0..options.epochs {
        for rows in shuffled(TRAIN_ROWS, &mut order).chunks_exact(BATCH) {
            let step = train.step(&data.rows(rows).x)?;
            let (pixels, code) = step.rest;
            progress.step(|| format!("loss {:.2} (pixels {pixels:.2}, code {code:.2})", step.loss));
        }
    }
    progress.finish();

    let (bound, pixels, divergence) = loss::attach(&train)?.run(&test.x)?;
    println!("test pictures: {bound:.2} nats (pixels {pixels:.2}, code {divergence:.2})");
    let seen = test.x.slice(s![..16, ..]);
    let back = rebuilt::attach(&train)?.run(seen)?;
    let draw = drawn::attach(&train)?;
    let sample = codes::compile().seed(options.seed).build()?;
    let (first, second) = (draw.run(&sample.run()?)?, draw.run(&sample.run()?)?);
    let rows = [
        ("pictures", seen),
        ("what came back", back.view()),
        ("new ones", first.view()),
        ("and more", second.view()),
    ];
    std::fs::write(&options.picture, grid::grid(&rows))?;
    println!("drawn to {}", options.picture.display());
    match f64::from(bound) > options.max_loss {
        false => Ok(()),
        true => Err(format!("{bound:.2} nats are above {}", options.max_loss).into()),
    }
}
