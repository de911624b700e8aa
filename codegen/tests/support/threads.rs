//! Compiled schedules on threads.

use sinew_codegen::cpu::{Instructions, Options, Team, compile};
use sinew_codegen::kernel::Schedule;

/// The table of a run, which threads share.
struct Bases(Vec<*mut u8>);

// SAFETY: what the pointers point to is written by compiled code alone while threads have them.
unsafe impl Sync for Bases {}

/// How many threads a schedule is tried with besides one, and which of them come: all, or some.
pub fn teams(s: &Schedule, options: &Options) -> Vec<(usize, Vec<usize>)> {
    // One set of instructions will do, and one that a test has not shared by itself.
    if options.instructions != Instructions::widest() || options.threads != 1 {
        return Vec::new();
    }
    let all = |threads: usize| (threads, (0..threads).collect());
    // Alone, the last thread runs its own share of each phase first: what should have waited has not.
    let alone = |threads: usize| (threads, vec![threads - 1]);
    match s.runs().len() % 4 {
        0 => vec![all(2), alone(2), all(3)],
        1 => vec![alone(2), (3, vec![0, 2]), alone(3)],
        2 => vec![all(7), alone(2), (3, vec![1])],
        _ => vec![(2, vec![0]), all(3), alone(2)],
    }
}

/// Does some work in a mode of the processor.
pub type Mode<'m> = &'m (dyn Fn(&mut dyn FnMut()) + Sync);

/// Compiles a schedule and runs it over `memory` by those threads of its team that are `present`, each in a
/// mode. Nothing beside the regions and scratch is written.
pub fn run(
    s: &Schedule,
    memory: &mut [Vec<u8>],
    options: &Options,
    present: &[usize],
    mode: Mode<'_>,
) {
    /// What stands before and behind each region: 64 bytes that nobody may touch.
    const MARGIN: [u8; 64] = [0x5A; 64];
    let program = compile(s, options).unwrap_or_else(|e| panic!("{e}\n{s}"));
    // Scratch is garbage at first.
    let scratch = vec![0xFF; program.scratch_bytes()];
    let bytes =
        |line: &[u64; 8]| -> Vec<u8> { line.iter().flat_map(|w| w.to_le_bytes()).collect() };
    let mut aligned: Vec<Vec<[u64; 8]>> = Vec::new();
    for region in memory.iter().chain([&scratch]) {
        let lines = [&MARGIN, &region[..], &MARGIN].concat();
        let line = |line: &[u8]| {
            let mut words = [0; 8];
            for (word, eight) in words.iter_mut().zip(line.chunks(8)) {
                let mut padded = [0; 8];
                padded[..eight.len()].copy_from_slice(eight);
                *word = u64::from_le_bytes(padded);
            }
            words
        };
        aligned.push(lines.chunks(64).map(line).collect());
    }
    let table: Vec<*mut u8> = aligned
        .iter_mut()
        .map(|r| r[1..].as_mut_ptr().cast())
        .collect();
    let (table, team) = (Bases(table), Team::new(program.threads()));
    let work = |number: usize| {
        // SAFETY: each region has as many bytes as the schedule says, aligned to 64, and so has scratch; each
        // thread has a number of its own, and all of them end before the memory is looked at.
        let table = &table;
        mode(&mut || unsafe { program.run_as(&table.0, &team, number) });
    };
    // One thread of as many as it is worth is there in any case.
    let mut present = present.iter().filter(|n| **n < program.threads());
    let first = present.next().copied().unwrap_or(0);
    std::thread::scope(|scope| {
        for number in present {
            scope.spawn(|| work(*number));
        }
        work(first);
    });
    let regions = memory.iter_mut().map(Some).chain([None]);
    for (region, lines) in regions.zip(&aligned) {
        let after: Vec<u8> = lines.iter().flat_map(bytes).collect();
        let length = region.as_ref().map_or(scratch.len(), |r| r.len());
        let (before, rest) = after.split_at(64);
        let (inside, behind) = rest.split_at(length);
        assert!(before == MARGIN, "what lies before a region was written");
        assert!(
            behind.starts_with(&MARGIN),
            "what lies behind a region was written"
        );
        if let Some(region) = region {
            region.copy_from_slice(inside);
        }
    }
}
