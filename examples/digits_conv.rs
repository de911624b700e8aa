//! LeNet with batch norm and dropout on hand-written digits: 98.5% and more of pictures that it has not seen.
//!
//! `cargo run --release --example digits_conv -- --help` shows the options.

use clap::Parser;
use sinew::nn::{BatchNorm2d, Conv2d, Dropout, MaxPool2d};
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

const CLASSES: usize = 10;

#[model]
struct Net {
    conv1: Conv2d<1, 16, 3, 1, 1>,
    norm1: BatchNorm2d<16>,
    conv2: Conv2d<16, 32, 3, 1, 1>,
    norm2: BatchNorm2d<32>,
    pool: MaxPool2d<2, 2>,
    hidden: Linear<512, 64>,
    drop: Dropout,
    out: Linear<64, CLASSES>,
    #[default(0.5)]
    dropout: f64,
    #[default(1e-5)]
    eps: f64,
    #[default(0.1)]
    momentum: f64,
}

#[model]
fn scores<B>(m: &Net, x: Tensor<B, PIXELS>) -> Tensor<B, CLASSES> {
    let x = x.reshape([B, 1, 8, 8]);
    let x = m.norm1.forward(m.conv1.forward(x)).relu();
    let x = m.pool.forward(m.norm2.forward(m.conv2.forward(x)).relu());
    let x = m.hidden.forward(x.reshape([B, 512])).relu();
    m.out.forward(m.drop.forward(x))
}

/// The loss, which trains, and the share of right answers, which is told.
#[model]
fn loss<B>(m: &Net, x: Tensor<B, PIXELS>, y: Tensor<i32, B>) -> (Tensor, Tensor) {
    let scores = scores(m, x);
    let right = (scores.argmax(-1) == y).cast(float).mean();
    (cross_entropy(scores, y, label_smoothing = 0.05), right)
}

/// Trains a convolutional net on digits, and shows what it gets wrong.
#[derive(Parser)]
struct Options {
    /// Passes over the 1437 pictures.
    #[arg(long, default_value_t = 25)]
    epochs: usize,
    /// Pictures of one step.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=TRAIN_ROWS as i64))]
    batch: u16,
    /// Seed of the parameters, of the order of pictures, and of what drops out.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the trained model there (safetensors); the example `embedded` reads it.
    #[arg(long)]
    save: Option<PathBuf>,
    /// Where the pictures that it gets wrong are drawn.
    #[arg(long, default_value_os_t = std::env::temp_dir().join("digits_conv.svg"))]
    picture: PathBuf,
    /// Fails when the test accuracy, in percent, comes out below.
    #[arg(long, default_value_t = 0.0)]
    min_accuracy: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let (data, test) = Digits::read()?;
    let config = serde_json::from_str::<NetConfig>("{}")?;
    let net = Net::init(&config, options.seed)?;
    print!("{}", net.summary());

    let batch = usize::from(options.batch);
    let steps = options.epochs * (TRAIN_ROWS / batch);
    let mut train = loss::train(net)
        .optimizer(AdamW::new(3e-3).weight_decay(0.02))
        .decay_matrices_only()
        .schedule(Schedule::cosine(steps as u64).warmup(40))
        .seed(options.seed)
        .build()?;

    let progress = progress::Progress::new(steps);
    let mut order = options.seed;
    for _ in 0..options.epochs {
        for rows in shuffled(TRAIN_ROWS, &mut order).chunks_exact(batch) {
            let rows = data.rows(rows);
            let step = train.step(&rows.x, &rows.y)?;
            progress.step(|| format!("loss {:.3}  right {:3.0}%", step.loss, 100.0 * step.rest));
        }
    }
    progress.finish();

    let answers = scores::attach(&train)?.run(&test.x)?;
    let answer = |i: usize| {
        let row = answers.row(i);
        let best = (0..CLASSES).max_by(|a, b| row[*a].total_cmp(&row[*b]));
        best.unwrap_or(0) as i32
    };
    let wrong: Vec<usize> = (0..test.y.len())
        .filter(|i| answer(*i) != test.y[*i])
        .collect();
    let accuracy = 100.0 - 100.0 * wrong.len() as f64 / test.y.len() as f64;
    println!(
        "test accuracy {accuracy:.2}% ({} wrong of {})",
        wrong.len(),
        test.y.len()
    );
    for i in &wrong {
        println!("  a {} taken for a {}", test.y[*i], answer(*i));
    }
    let shown = test.rows(&wrong).x;
    std::fs::write(
        &options.picture,
        grid::grid(&[("taken for others", shown.view())]),
    )?;
    println!("drawn to {}", options.picture.display());
    if let Some(path) = &options.save {
        train.model()?.save(path)?;
        println!("saved to {}", path.display());
    }
    match accuracy < options.min_accuracy {
        false => Ok(()),
        true => Err(format!(
            "test accuracy {accuracy:.2}% is below {}%",
            options.min_accuracy
        )
        .into()),
    }
}
