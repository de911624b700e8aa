//! The adding problem (Hochreiter and Schmidhuber, "Long short-term memory", 1997): of a long sequence of numbers, two are
//! marked, and their sum is asked for at the end.
//!
//! `cargo run --release --example lstm_sequence -- --help` shows the options.

use clap::Parser;
use ndarray::{Array1, Array3};
use sinew::data::Plot;
use sinew::nn::Lstm;
use sinew::optim::Schedule;
use sinew::prelude::*;
use std::path::PathBuf;

#[path = "support/progress.rs"]
mod progress;

const HIDDEN: usize = 32;
const BATCH: usize = 64;

#[model]
struct Adder {
    lstm: Lstm<2, HIDDEN, 1>,
    out: Linear<HIDDEN, 1>,
    #[default(0.0)]
    dropout: f64,
}

#[model]
fn sum<B, T>(m: &Adder, x: Tensor<B, T, 2>) -> Tensor<B> {
    let (y, _, _) = m.lstm.forward(x);
    m.out.forward(y[(.., -1, ..)]).squeeze(-1)
}

#[model]
fn loss<B, T>(m: &Adder, x: Tensor<B, T, 2>, y: Tensor<B>) -> Tensor {
    mse(sum(m, x), y)
}

/// Numbers that look random (Steele, Lea, Flood: SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Sequences of numbers from 0 to 1 and marks, one of which is in each half; the sums of the marked.
    fn sequences(&mut self, rows: usize, length: usize) -> (Array3<f32>, Array1<f32>) {
        let mut x = Array3::zeros((rows, length, 2));
        let mut y = Array1::zeros(rows);
        for row in 0..rows {
            for t in 0..length {
                x[[row, t, 0]] = (self.next() >> 40) as f32 / (1u64 << 24) as f32;
            }
            let half = length / 2;
            let (first, second) = (self.next() as usize % half, self.next() as usize % half);
            for t in [first, half + second] {
                x[[row, t, 1]] = 1.0;
                y[row] += x[[row, t, 0]];
            }
        }
        (x, y)
    }
}

/// Trains an LSTM to add two marked numbers of a sequence, and shows how well it does on longer ones.
#[derive(Parser)]
struct Options {
    /// Steps, of 64 sequences each.
    #[arg(long, default_value_t = 1500)]
    steps: usize,
    /// Numbers of a sequence.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(2..=1000))]
    length: u16,
    /// Seed of the parameters and of the sequences.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the errors are drawn.
    #[arg(long, default_value_os_t = std::env::temp_dir().join("lstm_sequence.svg"))]
    plot: PathBuf,
    /// Fails when the error on new sequences comes out above.
    #[arg(long, default_value_t = f64::INFINITY)]
    max_error: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let length = usize::from(options.length);
    let mut random = Random(options.seed);
    let mut train = loss::train(Adder::init(&AdderConfig { dropout: 0.0 }, options.seed)?)
        .optimizer(Adam::new(0.01).clip_grad_norm(1.0))
        .schedule(Schedule::cosine(options.steps as u64))
        .build()?;

    let progress = progress::Progress::new(options.steps);
    let mut errors = Vec::new();
    for _ in 0..options.steps {
        let (x, y) = random.sequences(BATCH, length);
        let step = train.step(&x, &y)?;
        errors.push(step.loss);
        progress.step(|| format!("error {:.5}", step.loss));
    }
    progress.finish();

    // Who always says 1 is wrong by the variance of the sum of two uniform numbers.
    println!("always 1: error {:.5}", 1.0 / 6.0);
    let run = loss::attach(&train)?;
    let mut error = f64::NAN;
    for longer in [1, 2, 4] {
        let (x, y) = random.sequences(1000, longer * length);
        let found = f64::from(run.run(&x, &y)?);
        println!("new sequences of {}: error {found:.5}", longer * length);
        error = if longer == 1 { found } else { error };
    }
    let (x, y) = random.sequences(4, length);
    for (found, sum) in sum::attach(&train)?.run(&x)?.iter().zip(&y) {
        println!("the sum {sum:.3} is taken for {found:.3}");
    }
    Plot::new("error by steps")
        .log_y()
        .line("training", (1u32..).zip(errors))
        .save(&options.plot)?;
    println!("drawn to {}", options.plot.display());
    match error > options.max_error {
        false => Ok(()),
        true => Err(format!("the error {error:.5} is above {}", options.max_error).into()),
    }
}
