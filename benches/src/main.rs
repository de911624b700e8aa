//! `bench WORKLOAD THREADS` prints one row like the peers' harness; `bench check` runs every workload
//! for a few steps and compares the losses; `bench first WORKLOAD [THREADS [FOLDER]]` prints the time to the first
//! result in ms, with machine code kept in the folder if there is one, that of a twin for which nothing is compiled, and the
//! least time of a step; `bench profile WORKLOAD [THREADS]` prints where the time of its steps goes, kernel by kernel.
//!
//! A row's times are of a step; `mlp_tiny_loop` takes a hundred of `mlp_tiny`'s in each call.
//!
//! Parameters and batch come from `$PEERS_DATA/WORKLOAD.safetensors` (`p.<name>`, `b.0`, `b.1`) where
//! that is set, so that the losses at steps 1 and 20 can be compared with the peers' rows; `check`
//! uses the file beside it for mlp_tiny and seeded ones else.

mod data;
mod protocol;
mod workloads;

use data::Data;
use protocol::{Ready, few, first_and_least, measure, peak_mib};
use sinew::CodeCache;
use sinew::prelude::*;
use std::path::PathBuf;
use std::time::Duration;
use workloads::{ALL, How, Workload};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The losses of mlp_tiny at steps 1 and 20 as PyTorch and JAX print them.
const PEERS_TINY: (f64, f64) = (2.239111, 1.273847);

/// A few steps of every workload in f32 and f64: the losses agree to 1e-4, and with the peers' where
/// those are known; on two threads they are the same.
fn check() -> Outcome<()> {
    for workload in &ALL {
        let name = workload.name;
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("data")
            .join(format!("{}.safetensors", workload.data));
        let (data, from) = match here.exists() {
            true => (Data::File(here), "the peers' parameters"),
            false => (Data::Seeded, "seeded parameters"),
        };
        let losses = |precision, threads| -> Outcome<(f64, f64)> {
            let ready = (workload.build)(
                &data,
                How {
                    precision,
                    threads,
                    code_cache: None,
                },
            )?;
            let (first, last, _) = few(ready, workload.checked_steps)?;
            Ok((first, last))
        };
        let (narrow, wide) = (losses(Precision::F32, 1)?, losses(Precision::F64, 1)?);
        let together = losses(Precision::F32, 2)?;
        println!(
            "{name}, {from}: losses {:.6} {:.6} (f64 {:.6} {:.6})",
            narrow.0, narrow.1, wide.0, wide.1
        );
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-4 * b.abs();
        if !near(narrow.0, wide.0) || !near(narrow.1, wide.1) {
            return Err(format!("{name}: f32 and f64 losses differ by more than 1e-4").into());
        }
        if together != narrow {
            return Err(format!("{name}: losses on two threads differ: {together:?}").into());
        }
        if workload.data == "mlp_tiny"
            && !(near(wide.0, PEERS_TINY.0) && near(wide.1, PEERS_TINY.1))
        {
            return Err(format!("{name}: losses differ from the peers' {PEERS_TINY:?}").into());
        }
    }
    Ok(())
}

/// The time to the first result, by a cache of machine code if there is a folder; that of a twin beside it, which takes
/// over its program; and the least of some steps more. In ms.
fn first(workload: &Workload, threads: usize, folder: Option<&str>) -> Outcome<()> {
    let how = How {
        precision: Precision::F32,
        threads,
        code_cache: folder.map(CodeCache::open).transpose()?,
    };
    let mut ready = (workload.build)(&Data::Seeded, how.clone())?;
    let (first, least) = first_and_least(&mut ready, 10)?;
    let (_, _, twin) = few((workload.build)(&Data::Seeded, how)?, 1)?;
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    println!("{:.2}\t{:.2}\t{:.3}", ms(first), ms(twin), ms(least));
    Ok(())
}

/// A workload with the peers' parameters and batch where they are told of.
fn ready(workload: &Workload, threads: usize) -> Outcome<Ready> {
    let data = match std::env::var_os("PEERS_DATA") {
        Some(folder) => {
            let file = format!("{}.safetensors", workload.data);
            Data::File(PathBuf::from(folder).join(file))
        }
        None => Data::Seeded,
    };
    let how = How {
        precision: Precision::F32,
        threads,
        code_cache: None,
    };
    (workload.build)(&data, how)
}

/// Prints where the time of a workload's steps goes, and what part of what the machine can do they reach.
fn profile(workload: &Workload, threads: usize) -> Outcome<()> {
    let mut ready = ready(workload, threads)?;
    // The first steps touch memory for the first time.
    ready.profile(3)?;
    let step = ready.profile(3)?.total.as_secs_f64() / 3.0;
    // A second of them.
    let steps = (1.0 / step).clamp(3.0, 200.0) as usize;
    println!("{}", ready.profile(steps)?);
    Ok(())
}

/// Measures a workload by the peers' protocol, and prints its row.
fn row(workload: &Workload, threads: usize) -> Outcome<()> {
    let name = workload.name;
    let row = measure(ready(workload, threads)?)?;
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

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names = ALL.map(|w| w.name).join(" | ");
    let usage = format!(
        "usage: bench check | bench first ({names}) [THREADS [FOLDER]] | bench profile ({names}) [THREADS] | bench ({names}) [THREADS]"
    );
    let word = |i: usize| arguments.get(i).map(String::as_str);
    let named = |name: Option<&str>| {
        let found = ALL.iter().find(|w| Some(w.name) == name);
        found.ok_or_else(|| usage.clone())
    };
    match word(0) {
        Some("check") => check(),
        Some("profile") => profile(named(word(1))?, word(2).map_or(Ok(1), str::parse)?),
        Some("first") => first(named(word(1))?, word(2).map_or(Ok(1), str::parse)?, word(3)),
        name => row(named(name)?, word(1).map_or(Ok(1), str::parse)?),
    }
}
