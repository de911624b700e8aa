//! Training in a process that is killed while it saves: what is on the disk is whole, and training goes on from it.

use sinew::ndarray::Array2;
use sinew::prelude::*;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Tells the process that is to be killed where to save.
const FILE: &str = "SINEW_TEST_SAVES_TO";
const KILLS: usize = 200;
/// Steps of a whole training, and of those after which one starts anew that is to be killed.
const STEPS: u64 = 12;
const SAVED_STEPS: u64 = 6;
const WIDTH: usize = 96;

#[model]
struct Net {
    #[init(normal(0.05))]
    w: Param<WIDTH, WIDTH>,
    seen: State,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, WIDTH>) -> Tensor {
    let h = matmul(x.dropout(0.25), m.w).tanh();
    m.seen = 0.9 * m.seen + 0.1 * h.mean();
    (h - 0.5 * x).square().mean() + 0.1 * m.seen
}

fn build() -> sinew::Result<sinew::Trainer<loss>> {
    loss::train(Net::init(1))
        .optimizer(Adam::new(0.01))
        .seed(5)
        .build()
}

fn step(train: &mut sinew::Trainer<loss>) -> sinew::Result<f64> {
    let n = train.steps() as usize;
    let x = Array2::from_shape_fn((4, WIDTH), |(i, j)| {
        ((i * 5 + j * 3 + n) % 7) as f32 / 3.0 - 1.0
    });
    Ok(train.step(&x)?.loss)
}

/// Trains on to the last step; its loss, to the bit.
fn finish(train: &mut sinew::Trainer<loss>) -> sinew::Result<u64> {
    let mut last = f64::NAN;
    while train.steps() < STEPS {
        last = step(train)?;
    }
    Ok(last.to_bits())
}

/// One training after the other, saved after each step. A process that was started to be killed does so without end.
#[test]
fn trains_and_saves() -> sinew::Result<()> {
    let told = std::env::var_os(FILE).map(PathBuf::from);
    let own = std::env::temp_dir().join(format!("sinew-saves-{}.safetensors", std::process::id()));
    let file = told.as_deref().unwrap_or(&own);
    loop {
        let mut train = build()?;
        while train.steps() < SAVED_STEPS {
            step(&mut train)?;
            train.save(file)?;
            if told.is_some() {
                println!("saved");
            }
        }
        if told.is_none() {
            std::fs::remove_file(&own).expect("it was saved");
            return Ok(());
        }
    }
}

/// Starts a process that trains and saves, waits until it has saved, and kills it `after` some time.
fn killed(file: &Path, after: Duration) {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program)
        .args(["--exact", "killed::trains_and_saves", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this program again");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let saved = lines.any(|line| line.is_ok_and(|line| line.ends_with("saved")));
    assert!(saved, "it ended without having saved");
    std::thread::sleep(after);
    child.kill().expect("it runs without end");
    child.wait().expect("it was killed");
}

#[test]
fn a_kill_at_any_moment_leaves_a_whole_file() -> sinew::Result<()> {
    let folder = std::env::temp_dir().join(format!("sinew-killed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for tests");
    let file = folder.join("train.safetensors");
    let expected = finish(&mut build()?)?;

    // As long as a few savings take here.
    let mut train = build()?;
    let started = Instant::now();
    for _ in 0..3 {
        step(&mut train)?;
        train.save(&file)?;
    }
    let span = started.elapsed().as_micros() as u64;
    let mut random = 0x9E37_79B9_7F4A_7C15u64;
    let mut found = [false; SAVED_STEPS as usize + 1];
    let files = || {
        std::fs::read_dir(&folder)
            .expect("it was made here")
            .count()
    };
    let mut cut = 0;
    for kill in 0..KILLS {
        // Xorshift (Marsaglia, "Xorshift RNGs", 2003).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        killed(&file, Duration::from_micros(random % span));
        cut += usize::from(files() > 1);
        let mut train = build()?;
        train.resume(&file)?;
        let steps = train.steps();
        found[steps as usize] = true;
        assert_eq!(
            finish(&mut train)?,
            expected,
            "kill {kill}, resumed at step {steps}"
        );
    }
    assert!(cut > 0, "no kill came while a file was written");
    train.save(&file)?;
    assert_eq!(files(), 1, "what processes left that were killed");
    std::fs::remove_dir_all(&folder).expect("it was made here");
    assert!(
        found.iter().filter(|f| **f).count() > 1,
        "all kills at one step"
    );
    Ok(())
}
