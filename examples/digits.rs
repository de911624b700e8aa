//! A classifier of hand-written digits, trained on 1437 of 1797 real ones.
//!
//! `cargo run --release --example digits -- --help` shows the options.

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::Array2;
use sinew::prelude::*;
use std::path::PathBuf;
use std::time::Instant;

#[path = "support/digits.rs"]
mod digits;

use digits::{PIXELS, TRAIN_ROWS, shuffled};

const HIDDEN: usize = 128;
const CLASSES: usize = 10;

#[model]
struct Digits {
    hidden: Linear<PIXELS, HIDDEN>,
    out: Linear<HIDDEN, CLASSES>,
}

#[model]
fn logits<B>(m: &Digits, x: Tensor<B, PIXELS>) -> Tensor<B, CLASSES> {
    m.out.forward(m.hidden.forward(x).relu())
}

#[model]
fn loss<B>(m: &Digits, x: Tensor<B, PIXELS>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(logits(m, x), y)
}

/// Trains a digits classifier and shows its accuracy on rows it has not seen.
#[derive(Parser)]
struct Options {
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: Where,
    /// Passes over the training rows.
    #[arg(long, default_value_t = 30)]
    epochs: usize,
    /// Rows of one step, 1 to 1437.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=TRAIN_ROWS as i64))]
    batch: u16,
    /// Learning rate of AdamW.
    #[arg(long, default_value_t = 3e-3)]
    learning_rate: f64,
    /// Seed of the parameters and of the order of the rows.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Writes the trained parameters there (safetensors).
    #[arg(long)]
    save: Option<PathBuf>,
    /// Starts from the parameters in this file.
    #[arg(long)]
    load: Option<PathBuf>,
    /// Prints the loss of the first steps.
    #[arg(long, default_value_t = 0)]
    print_losses: usize,
    /// Fails when the test accuracy, in percent, comes out below.
    #[arg(long, default_value_t = 0.0)]
    min_accuracy: f64,
    /// Prints the kernels of the training step.
    #[arg(long)]
    explain: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Where {
    Cpu,
    Gpu,
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn device(place: Where) -> sinew::Result<Device> {
    match place {
        Where::Cpu => Ok(Device::cpu()),
        Where::Gpu => Device::gpu(),
    }
}

fn print_confusion(confusion: &Array2<usize>) {
    println!("\nconfusion (rows: the digit, columns: the answer)\n");
    println!(
        "     {}",
        (0..CLASSES).map(|c| format!("{c:4}")).collect::<String>()
    );
    for (digit, row) in confusion.outer_iter().enumerate() {
        let cells = row.iter().map(|n| {
            if *n == 0 {
                "   .".into()
            } else {
                format!("{n:4}")
            }
        });
        println!("  {digit}  {}", cells.collect::<String>());
    }
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    let (data, test) = digits::Digits::read()?;

    let model = match &options.load {
        Some(path) => Digits::load(path)?,
        None => Digits::init(options.seed),
    };
    let device = device(options.device)?;
    println!("training on {}", device.name());
    let mut train = loss::train(model)
        .optimizer(AdamW::new(options.learning_rate))
        .device(device)
        .build()?;

    let batch = usize::from(options.batch);
    let batches = TRAIN_ROWS / batch; // the rest of an epoch's rows waits for the next order
    let bar = ProgressBar::new((options.epochs * batches) as u64).with_style(
        ProgressStyle::with_template("{bar:40} epoch {prefix}  {msg}  {elapsed}")?,
    );
    let started = Instant::now();
    let mut state = options.seed;
    let mut losses = Vec::new();
    for epoch in 0..options.epochs {
        let counted = format!("{}/{}", epoch + 1, options.epochs);
        bar.set_prefix(counted.clone());
        let order = shuffled(TRAIN_ROWS, &mut state);
        let mut sum = 0.0;
        for rows in order.chunks_exact(batch) {
            let rows = data.rows(rows);
            let step = train.step(&rows.x, &rows.y)?;
            sum += step.loss;
            if losses.len() < options.print_losses {
                losses.push(step.loss);
            }
            bar.inc(1);
            if bar.position().is_multiple_of(32) {
                let rate = bar.per_sec() * batch as f64;
                bar.set_message(format!("loss {:.4}  {rate:.0} samples/s", step.loss));
            }
        }
        if bar.is_hidden() {
            // Standard error is no terminal: a line an epoch shows the progress in a log.
            let rate = bar.per_sec() * batch as f64;
            let mean = sum / batches as f64;
            println!("epoch {counted:>5}  loss {mean:.4}  {rate:.0} samples/s");
        }
    }
    let steps = options.epochs * batches;
    let rate = (steps * batch) as f64 / started.elapsed().as_secs_f64();
    bar.finish_and_clear();
    println!("{steps} steps of {batch} rows, {rate:.0} samples/s");
    for (i, loss) in losses.iter().enumerate() {
        println!("loss {:2} {loss:.7}", i + 1);
    }
    if options.explain {
        println!("{}", train.explain());
    }

    let scores = logits::attach(&train)?.run(&test.x)?;
    let mut confusion = Array2::<usize>::zeros((CLASSES, CLASSES));
    for (row, digit) in scores.outer_iter().zip(&test.y) {
        let answer = (0..CLASSES)
            .max_by(|a, b| row[*a].total_cmp(&row[*b]))
            .unwrap_or(0);
        confusion[[*digit as usize, answer]] += 1;
    }
    let right: usize = confusion.diag().iter().sum();
    let accuracy = 100.0 * right as f64 / test.y.len() as f64;
    println!("test accuracy {accuracy:.2}% ({right} of {})", test.y.len());
    print_confusion(&confusion);

    if let Some(path) = &options.save {
        train.model()?.save(path)?;
        println!("\nsaved to {}", path.display());
    }
    if accuracy < options.min_accuracy {
        return Err(format!(
            "test accuracy {accuracy:.2}% is below {}%",
            options.min_accuracy
        )
        .into());
    }
    Ok(())
}
