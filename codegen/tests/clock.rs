//! Code that tells a clock of each run: it computes the same, its kernels are the same, and it tells of all of them.
#![cfg(feature = "cpu")]

use crate::support;

use sinew_codegen::cpu::{Clock, CompiledSchedule, Options, Team, compile};
use sinew_codegen::kernel::{RegionKind, Schedule};
use sinew_codegen::work::{Lap, works};
use sinew_ir::parse;
use std::error::Error;
use support::scheduled;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A block of memory, by lines of the cache.
type Block = Vec<[u64; 8]>;

/// Runs in loops, runs that threads share, and runs that one of them has.
const PROGRAMS: [&str; 3] = [
    "fn @layers(%x: f32[64, 16], %w: f32[16, 16], %v: f32[16, 16]) -> f32[64, 16], f32[16, 16], f32[] {
  %3 = dot %x, %w contract_x [1] contract_y [0]
  %4 = tanh %3
  %5 = dot %4, %v contract_x [1] contract_y [0]
  %6 = exp %5
  %7 = dot %x, %6 contract_x [0] contract_y [0]
  %8 = mean %7 axes [0, 1]
  return %6, %7, %8
}",
    "fn @apart(%x: f32[6, 24, 24], %w: f32[24, 24]) -> f32[6, 24, 24] {
  %7 = loop 6 (%2, %3 = slice %x) {
    %4 = dot %3, %w contract_x [1] contract_y [0]
    %5 = softmax %4 axis [1]
    %6 = dot %5, %w contract_x [1] contract_y [1]
    return stack %6
  }
  return %7
}",
    "fn @turns(%x: f32[4, 24, 24], %w: f32[24, 24]) -> f32[24, 24] {
  %7 = loop 4 (%2, %3 = %w, %4 = slice %x) {
    %5 = dot %4, %3 contract_x [1] contract_y [0]
    %6 = softmax %5 axis [1]
    return %6
  }
  return %7
}",
];

/// Memory of all regions, and of scratch behind them, at lines of the cache.
fn memory(schedule: &Schedule, program: &CompiledSchedule) -> Vec<Block> {
    let regions = schedule.regions.iter();
    let sizes = regions.map(|r| (r.kind, program.region_bytes(r)));
    let sizes = sizes.chain([(RegionKind::Output, program.scratch_bytes())]);
    let block = |(number, (kind, bytes)): (usize, (RegionKind, usize))| {
        let word = |at: usize| match kind {
            // Two floats near 0.
            RegionKind::Input | RegionKind::State => {
                let float = |i: usize| ((number + 3 * i) as f32).sin().to_bits();
                u64::from(float(2 * at)) | u64::from(float(2 * at + 1)) << 32
            }
            RegionKind::Arena | RegionKind::Turn | RegionKind::Output => 0,
        };
        let lines = 0..bytes.div_ceil(64).max(1);
        lines
            .map(|line| std::array::from_fn(|i| word(8 * line + i)))
            .collect()
    };
    sizes.enumerate().map(block).collect()
}

/// What the written regions hold after a run by those threads that are present, and what their clocks were told.
fn run(
    schedule: &Schedule,
    options: &Options,
    present: &[usize],
) -> Outcome<(Vec<Block>, Vec<Lap>)> {
    let program = compile(schedule, options)?;
    let mut memory = memory(schedule, &program);
    let table: Vec<*mut u8> = memory.iter_mut().map(|b| b.as_mut_ptr().cast()).collect();
    let team = Team::new(program.threads());
    let mut laps = vec![Lap::default(); schedule.runs().len()];
    for number in present.iter().filter(|number| **number < program.threads()) {
        let mut clock = Clock::new(laps.len());
        // SAFETY: each region has as many bytes as the schedule says, and so has scratch. Threads come one after the
        // other: the first does the work of all.
        unsafe { program.run_clocked(&table, &team, *number, &mut clock) };
        for (sum, lap) in laps.iter_mut().zip(clock.laps()) {
            *sum = sum.beside(*lap);
        }
    }
    let kinds = schedule.regions.iter().map(|region| region.kind);
    let written = memory
        .into_iter()
        .zip(kinds)
        .filter(|(_, kind)| kind.is_written());
    let written = written.filter(|(_, kind)| !kind.is_planned());
    Ok((written.map(|(block, _)| block).collect(), laps))
}

#[test]
fn a_clock_is_told_of_all_runs_and_changes_nothing() -> Outcome {
    for text in PROGRAMS {
        let schedule = scheduled(&parse(text)?);
        let plain = Options::default();
        let (expected, untold) = run(&schedule, &plain, &[0])?;
        assert!(untold.iter().all(|lap| *lap == Lap::default()));
        for (threads, present) in [(1, &[0][..]), (2, &[0]), (2, &[1, 0]), (3, &[2])] {
            let options = Options {
                threads,
                least_share: 0,
                clocked: true,
                ..plain.clone()
            };
            let (found, laps) = run(&schedule, &options, present)?;
            let what = format!("{present:?} of {threads} threads\n{schedule}");
            assert!(found == expected, "{what}");
            let shares = compile(&schedule, &options)?.shares();
            for (number, (work, lap)) in works(&schedule).iter().zip(&laps).enumerate() {
                let shares = shares.as_ref().and_then(|shares| shares.runs.get(number));
                let shares = shares.map_or(1, |run| run.shares);
                assert_eq!(
                    lap.times,
                    (work.times * shares) as u64,
                    "run {number}, {what}"
                );
                assert_eq!(lap.time, lap.longest, "run {number}, {what}");
            }
        }
    }
    Ok(())
}

#[test]
fn kernels_are_the_same() -> Outcome {
    for text in PROGRAMS {
        let schedule = scheduled(&parse(text)?);
        for threads in [1, 2] {
            let plain = Options {
                threads,
                least_share: 0,
                ..Options::default()
            };
            let clocked = Options {
                clocked: true,
                ..plain.clone()
            };
            let [plain, clocked] = [compile(&schedule, &plain)?, compile(&schedule, &clocked)?];
            let [plain, clocked] = [plain.clif(), clocked.clif()];
            let kernels = |text: &str| text.split("%driver").next().map(str::to_owned);
            assert_eq!(kernels(&plain), kernels(&clocked));
            assert!(!plain.contains("tell_clock") && clocked.contains("tell_clock"));
        }
    }
    Ok(())
}
