//! An autoencoder of digits: 64 pixels through 8 numbers and back.
//!
//! `cargo run --release --example autoencoder -- --help` shows the options.

use clap::Parser;
use ndarray::s;
use sinew::data::Plot;
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

const HIDDEN: usize = 96;
const BATCH: usize = 64;

#[model]
struct Autoencoder<Code> {
    into: Linear<PIXELS, HIDDEN>,
    code: Linear<HIDDEN, Code>,
    back: Linear<Code, HIDDEN>,
    out: Linear<HIDDEN, PIXELS>,
}

#[model]
fn encoded<B, Code>(m: &Autoencoder<Code>, x: Tensor<B, PIXELS>) -> Tensor<B, Code> {
    m.code.forward(m.into.forward(x).gelu())
}

#[model]
fn decoded<B, Code>(m: &Autoencoder<Code>, code: Tensor<B, Code>) -> Tensor<B, PIXELS> {
    m.out.forward(m.back.forward(code).gelu()).sigmoid()
}

#[model]
fn rebuilt<B, Code>(m: &Autoencoder<Code>, x: Tensor<B, PIXELS>) -> Tensor<B, PIXELS> {
    decoded(m, encoded(m, x))
}

#[model]
fn loss<B, Code>(m: &Autoencoder<Code>, x: Tensor<B, PIXELS>) -> Tensor {
    mse(rebuilt(m, x), x)
}

/// Trains an autoencoder of digits, and draws what comes back of pictures that it has not seen.
#[derive(Parser)]
struct Options {
    /// Passes over the 1437 pictures.
    #[arg(long, default_value_t = 150)]
    epochs: usize,
    /// Numbers that a picture becomes.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    code: u8,
    /// Seed of the parameters and of the order of the pictures.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where pictures and what came back of them are drawn.
    #[arg(long, default_value_os_t = std::env::temp_dir().join("autoencoder.svg"))]
    picture: PathBuf,
    /// Where the losses are drawn.
    #[arg(long, default_value_os_t = std::env::temp_dir().join("autoencoder_loss.svg"))]
    plot: PathBuf,
    /// Fails when the test error comes out above.
    #[arg(long, default_value_t = f64::INFINITY)]
    max_error: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let (data, test) = Digits::read()?;
    let config = AutoencoderConfig {
        Code: options.code.into(),
    };
    let steps = options.epochs * (TRAIN_ROWS / BATCH);
    let mut train = loss::train(Autoencoder::init(&config, options.seed)?)
        .optimizer(Adam::new(4e-3))
        .schedule(Schedule::cosine(steps as u64))
        .build()?;
    let on_test = loss::attach(&train)?;

    let progress = progress::Progress::new(steps);
    let (mut order, mut losses, mut test_losses) = (options.seed, Vec::new(), Vec::new());
    for _ in 0..options.epochs {
        let mut sum = 0.0;
        for rows in shuffled(TRAIN_ROWS, &mut order).chunks_exact(BATCH) {
            let step = train.step(&data.rows(rows).x)?;
            sum += step.loss;
            progress.step(|| format!("error {:.4}", step.loss));
        }
        losses.push(sum / (TRAIN_ROWS / BATCH) as f64);
        test_losses.push(f64::from(on_test.run(&test.x)?));
    }
    progress.finish();

    let error = f64::from(on_test.run(&test.x)?);
    // The best that knows nothing of a picture is the mean picture.
    let mean = data.x.mean_axis(ndarray::Axis(0)).ok_or("no pictures")?;
    let of_mean = (&test.x - &mean)
        .mapv(|d| d * d)
        .mean()
        .ok_or("no pictures")?;
    println!("mean squared error of a pixel {error:.4}; the mean picture's {of_mean:.4}");
    let seen = test.x.slice(s![..16, ..]);
    let back = rebuilt::attach(&train)?.run(seen)?;
    let name = format!("through {} numbers", options.code);
    std::fs::write(
        &options.picture,
        grid::grid(&[("pictures", seen), (&name, back.view())]),
    )?;
    Plot::new("error by epochs")
        .log_y()
        .line("training", (1u32..).zip(losses))
        .line("test", (1u32..).zip(test_losses))
        .save(&options.plot)?;
    println!(
        "drawn to {} and {}",
        options.picture.display(),
        options.plot.display()
    );
    match error > options.max_error {
        false => Ok(()),
        true => Err(format!("the error {error:.4} is above {}", options.max_error).into()),
    }
}
