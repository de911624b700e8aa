//! `bench WORKLOAD THREADS` prints one row like the peers' harness; `bench check` runs every workload
//! for a few steps and compares the losses; `bench first WORKLOAD [TIMES]` prints the time to the first
//! result in ms, and the least of so many more in the same process, each compiled anew.
//!
//! Parameters and batch come from `$PEERS_DATA/WORKLOAD.safetensors` (`p.<name>`, `b.0`, `b.1`) where
//! that is set, so that the losses at steps 1 and 20 can be compared with the peers' rows; `check`
//! uses the file beside it for mlp_tiny and seeded ones else.

mod workload;

use sinew::prelude::*;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use workload::{Batch, MlpMnist, MlpTiny, mlp_mnist, mlp_tiny};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Steps before the measured ones, and the least time they take: the peers' warm-up.
const WARM_UP: (usize, Duration) = (20, Duration::from_secs(1));
/// The measured time.
const BUDGET: Duration = Duration::from_secs(4);
/// The learning rate of all workloads.
const LEARNING_RATE: f64 = 1e-3;

/// What one run measured.
struct Row {
    times: Vec<Duration>,
    /// Cores that other processes used meanwhile, as the peers count them.
    other_cpu: f64,
    first: Duration,
    loss_1: f64,
    loss_20: f64,
}

/// Seconds of processor time so far: the machine's, and this process's of them. NaN without `/proc`.
struct Busy {
    all: f64,
    own: f64,
}

impl Busy {
    fn now() -> Busy {
        // The kernel reports both in hundredths of a second to every process.
        let sum = |line: &str, fields: &[usize]| -> Option<f64> {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ticks = fields.iter().map(|i| words.get(*i)?.parse::<f64>().ok());
            Some(ticks.sum::<Option<f64>>()? / 100.0)
        };
        // user, nice, system, irq, softirq, steal; the line starts with a name.
        let all = || {
            let text = std::fs::read_to_string("/proc/stat").ok()?;
            sum(text.lines().next()?, &[1, 2, 3, 6, 7, 8])
        };
        // utime and stime, the 12th and 13th field behind the name in parentheses.
        let own = || {
            let text = std::fs::read_to_string("/proc/self/stat").ok()?;
            sum(text.rsplit_once(')')?.1, &[11, 12])
        };
        Busy {
            all: all().unwrap_or(f64::NAN),
            own: own().unwrap_or(f64::NAN),
        }
    }

    /// Cores that other processes used on average from here to `later`.
    fn others_until(&self, later: &Busy, elapsed: Duration) -> f64 {
        let others = (later.all - self.all) - (later.own - self.own);
        // `max` would make 0 of NaN.
        let others = if others < 0.0 { 0.0 } else { others };
        others / elapsed.as_secs_f64()
    }
}

/// Runs `step` by the peers' protocol: the first step (with the build before it), a warm-up, then as
/// many steps as fit the budget.
fn measure(started: Instant, mut step: impl FnMut() -> sinew::Result<f64>) -> Outcome<Row> {
    let loss_1 = step()?;
    let first = started.elapsed();
    let mut loss_20 = loss_1;
    let warm = Instant::now();
    let mut n = 1;
    while n < WARM_UP.0 || warm.elapsed() < WARM_UP.1 {
        let loss = step()?;
        n += 1;
        if n == 20 {
            loss_20 = loss;
        }
    }
    let mut times = Vec::with_capacity(20_000);
    let (before, began) = (Busy::now(), Instant::now());
    let end = began + BUDGET;
    while times.len() < 20_000 && (times.len() < 10 || Instant::now() < end) {
        let start = Instant::now();
        step()?;
        times.push(start.elapsed());
    }
    let other_cpu = before.others_until(&Busy::now(), began.elapsed());
    times.sort();
    Ok(Row {
        times,
        other_cpu,
        first,
        loss_1,
        loss_20,
    })
}

fn data_file(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PEERS_DATA")?;
    Some(PathBuf::from(folder).join(format!("{name}.safetensors")))
}

/// Reads `p.*` into the model and `b.0`, `b.1` as the batch.
fn read<M: Model>(model: &mut M, path: &std::path::Path) -> Outcome<Batch> {
    let bytes = std::fs::read(path)?;
    let file = safetensors::SafeTensors::deserialize(&bytes)?;
    let floats = |name: &str| -> Outcome<Vec<f32>> {
        let data = file.tensor(name)?.data().chunks_exact(4);
        Ok(data
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect())
    };
    let mut failed = None;
    model.visit_mut("", &mut |path, param| {
        let set = floats(&format!("p.{path}")).and_then(|v| Ok(param.set(&v)?));
        if let Err(e) = set {
            failed.get_or_insert(e);
        }
    });
    if let Some(e) = failed {
        return Err(e);
    }
    let shape = file.tensor("b.0")?.shape().to_vec();
    let labels = file.tensor("b.1")?.data().chunks_exact(8);
    Ok(Batch {
        x: ndarray::Array2::from_shape_vec((shape[0], shape[1]), floats("b.0")?)?,
        y: labels.map(|b| i32::from(b[0])).collect(), // classes below 256, little-endian
    })
}

/// A batch without a file: values of a congruential generator (Knuth's MMIX constants).
fn seeded(rows: usize, features: usize, classes: i32) -> Batch {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let x = ndarray::Array2::from_shape_simple_fn((rows, features), || 2.0 * next() - 1.0);
    let y = ndarray::Array1::from_shape_simple_fn(rows, || (next() * classes as f32) as i32);
    Batch { x, y }
}

macro_rules! runner {
    ($name:ident, $model:ident, $rows:expr, $features:expr) => {
        |file: Option<PathBuf>, precision: Precision, steps: Option<usize>| -> Outcome<Row> {
            let mut model = $model::init(0);
            let batch = match file {
                Some(path) => read(&mut model, &path)?,
                None => seeded($rows, $features, 10),
            };
            let started = Instant::now();
            let mut train = $name::train(model)
                .optimizer(Adam::new(LEARNING_RATE))
                .precision(precision)
                .build()?;
            let mut step = || Ok(train.step(&batch.x, &batch.y)?.loss);
            match steps {
                None => measure(started, step),
                Some(n) => {
                    let loss_1 = step()?;
                    let first = started.elapsed();
                    let mut loss_20 = loss_1;
                    for _ in 1..n {
                        loss_20 = step()?;
                    }
                    Ok(Row {
                        times: Vec::new(),
                        other_cpu: f64::NAN,
                        first,
                        loss_1,
                        loss_20,
                    })
                }
            }
        }
    };
}

type Run = fn(Option<PathBuf>, Precision, Option<usize>) -> Outcome<Row>;

fn workloads() -> [(&'static str, Run); 2] {
    [
        ("mlp_tiny", runner!(mlp_tiny, MlpTiny, 32, 64)),
        ("mlp_mnist", runner!(mlp_mnist, MlpMnist, 128, 784)),
    ]
}

/// Peak resident memory so far in MiB.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

/// 20 steps of every workload in f32 and f64: the losses agree to 1e-4, and with the peers' where
/// those are known.
fn check() -> Outcome<()> {
    for (name, run) in workloads() {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("data")
            .join(format!("{name}.safetensors"));
        let file = here.exists().then_some(here);
        let from = if file.is_some() {
            "the peers' parameters"
        } else {
            "seeded parameters"
        };
        let narrow = run(file.clone(), Precision::F32, Some(20))?;
        let wide = run(file.clone(), Precision::F64, Some(20))?;
        println!(
            "{name}, {from}: losses {:.6} {:.6} (f64 {:.6} {:.6})",
            narrow.loss_1, narrow.loss_20, wide.loss_1, wide.loss_20
        );
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-4 * b.abs();
        if !near(narrow.loss_1, wide.loss_1) || !near(narrow.loss_20, wide.loss_20) {
            return Err(format!("{name}: f32 and f64 losses differ by more than 1e-4").into());
        }
        if name == "mlp_tiny"
            && !(near(wide.loss_1, PEERS_TINY.0) && near(wide.loss_20, PEERS_TINY.1))
        {
            return Err(format!("{name}: losses differ from the peers' {PEERS_TINY:?}").into());
        }
    }
    Ok(())
}

/// The time to the first result, and the least of `times` more. What is compiled is dropped with its
/// trainer, so each compiles anew.
fn first(run: Run, times: usize) -> Outcome<()> {
    let once = || Ok::<_, Box<dyn std::error::Error>>(run(None, Precision::F32, Some(1))?.first);
    let cold = once()?;
    let mut least = None;
    for _ in 0..times {
        let took = once()?;
        least = Some(least.map_or(took, |l: Duration| l.min(took)));
    }
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    match least {
        None => println!("{:.3}", ms(cold)),
        Some(least) => println!("{:.3}\t{:.3}", ms(cold), ms(least)),
    }
    Ok(())
}

/// The losses of mlp_tiny at steps 1 and 20 as PyTorch and JAX print them.
const PEERS_TINY: (f64, f64) = (2.239111, 1.273847);

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names = workloads().map(|w| w.0).join(" | ");
    let usage =
        format!("usage: bench check | bench first ({names}) [TIMES] | bench ({names}) [THREADS]");
    let name = arguments.first().ok_or(usage.clone())?;
    if name == "check" {
        return check();
    }
    if name == "first" {
        let name = arguments.get(1).ok_or(usage.clone())?;
        let (_, run) = workloads().into_iter().find(|w| w.0 == name).ok_or(usage)?;
        let times = arguments.get(2).map_or(Ok(0), |n| n.parse())?;
        return first(run, times);
    }
    let threads = arguments.get(1).map_or("1", String::as_str);
    if threads != "1" {
        return Err(format!("a step runs on one thread; asked for {threads}").into());
    }
    let (name, run) = workloads().into_iter().find(|w| w.0 == name).ok_or(usage)?;
    let row = run(data_file(name), Precision::F32, None)?;
    let us = |q: f64| {
        let i = ((row.times.len() as f64 * q) as usize).min(row.times.len() - 1);
        row.times[i].as_secs_f64() * 1e6
    };
    println!(
        "{name}\tsinew\t{threads}\t{}\t{:.2}\t{:.2}\t{:.2}\t{:.1}\t{:.0}\t0\t{:.6}\t{:.6}\tsinew {}\t{:.2}",
        row.times.len(),
        us(0.0),
        us(0.5),
        us(0.9),
        row.first.as_secs_f64() * 1e3,
        peak_mib(),
        row.loss_1,
        row.loss_20,
        env!("CARGO_PKG_VERSION"),
        row.other_cpu,
    );
    Ok(())
}
