//! A model inside a native program: it reads a model from a safetensors file, pictures of digits from standard input, 64
//! numbers from 0 to 1 (or 0 to 16) a line, and answers each line with a digit.
//!
//! ```text
//! cargo run --release --example digits -- --save digits.safetensors
//! tail -n 5 examples/data/digits.csv | cut -d, -f1-64 | cargo run --release --example embedded -- digits.safetensors
//! ```

use sinew::prelude::*;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::Instant;

#[model]
struct Digits {
    hidden: Linear<64, 128>,
    out: Linear<128, 10>,
}

/// How probable each digit is.
#[model]
fn probabilities(m: &Digits, x: Tensor<64>) -> Tensor<10> {
    m.out.forward(m.hidden.forward(x).relu()).softmax(-1)
}

fn main() -> ExitCode {
    let started = Instant::now();
    match serve(started) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(started: Instant) -> Result<(), Box<dyn std::error::Error>> {
    let Some(file) = std::env::args_os().nth(1) else {
        return Err("embedded FILE: a model that the example `digits` has saved".into());
    };
    let run = probabilities::compile(Digits::load(file)?).build()?;
    run.prepare([0f32; 64])?;
    let ready = started.elapsed();
    let bytes = std::fs::metadata(std::env::current_exe()?)?.len();
    eprintln!(
        "ready after {:.1} ms; the program has {:.1} MB",
        1e3 * ready.as_secs_f64(),
        bytes as f64 / 1e6
    );
    let mut out = std::io::stdout().lock();
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        match answer(&run, &line?) {
            Ok((digit, sure)) => writeln!(out, "{digit} ({:.1}%)", 100.0 * sure)?,
            // A line that is none is told, and the next is read.
            Err(error) => writeln!(out, "line {}: {error}", number + 1)?,
        }
        out.flush()?;
    }
    Ok(())
}

/// The likeliest digit of a line, and how likely it is.
fn answer(
    run: &sinew::Runner<probabilities>,
    line: &str,
) -> Result<(usize, f32), Box<dyn std::error::Error>> {
    let pixels: Result<Vec<f32>, _> = line
        .split([',', ' '])
        .filter(|n| !n.is_empty())
        .map(str::parse)
        .collect();
    let mut pixels = pixels?;
    if pixels.iter().any(|p| *p > 1.0) {
        pixels.iter_mut().for_each(|p| *p /= 16.0);
    }
    let found = run.run(&pixels)?;
    let best = found.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    let (digit, sure) = best.ok_or("no digit")?;
    Ok((digit, *sure))
}
