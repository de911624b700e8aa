//! Compiled schedules on threads.

use sinew_codegen::cpu::{CompiledSchedule, Instructions, Options, Team};
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

/// Runs a program by those threads of its team that are `present`, each in a mode.
///
/// # Safety
/// As for [`CompiledSchedule::run`].
pub unsafe fn run(
    program: &CompiledSchedule,
    table: &[*mut u8],
    present: &[usize],
    mode: Mode<'_>,
) {
    let (table, team) = (Bases(table.to_vec()), Team::new(program.threads()));
    let work = |number: usize| {
        let table = &table;
        // SAFETY: the caller's word; each thread has a number of its own, and all of them end before this does.
        mode(&mut || unsafe { program.run_as(&table.0, &team, number) });
    };
    // One thread of as many as it is worth is there in any case.
    let mut present = present.iter().filter(|n| **n < program.threads());
    let first = present.next().copied().unwrap_or(0);
    #[cfg(unix)]
    let watched = super::faults::Going::on();
    std::thread::scope(|scope| {
        for number in present {
            scope.spawn(|| {
                #[cfg(unix)]
                watched.here_too();
                work(*number);
            });
        }
        work(first);
    });
}
