//! Which runs of a schedule threads share, and where they wait for each other. That they compute the same is
//! tried wherever compiled code runs ([`support::run_compiled`]).
#![cfg(feature = "cpu")]

use crate::support;

use sinew_codegen::cpu::{Options, compile, thread_memory};
use sinew_codegen::explain::{OnThreads, explain_on_threads};
use sinew_codegen::kernel::{Node, RegionKind, Schedule};
use sinew_ir::parse;
use support::scheduled;

fn program(text: &str) -> Schedule {
    scheduled(&parse(text).unwrap_or_else(|e| panic!("{e}\n{text}")))
}

fn options(threads: usize, least_share: usize) -> Options {
    Options {
        threads,
        least_share,
        ..Options::default()
    }
}

/// Of each run, in how many shares it runs and whether threads wait in front of it; none on one thread.
fn shares(schedule: &Schedule, options: &Options) -> Option<Vec<(usize, bool)>> {
    let program = compile(schedule, options).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(program.thread_memory(), thread_memory(schedule, options));
    let told = program.shares()?;
    assert_eq!(told.count, program.threads());
    let told = told.runs.into_iter();
    Some(
        told.map(|OnThreads { shares, barrier }| (shares, barrier))
            .collect(),
    )
}

/// Rows of a batch go through both layers by themselves; the gradient by the first weights needs all rows.
#[test]
fn rows_that_follow_from_the_same_rows_go_on() {
    let schedule = program(
        "fn @layers(%x: f64[64, 16], %w: f64[16, 16], %v: f64[16, 16]) -> f64[64, 16], f64[16, 16] {
  %3 = dot %x, %w contract_x [1] contract_y [0]
  %4 = tanh %3
  %5 = dot %4, %v contract_x [1] contract_y [0]
  %6 = exp %5
  %7 = dot %x, %6 contract_x [0] contract_y [0]
  return %6, %7
}",
    );
    let own = Options {
        contraction: sinew_codegen::cpu::Contraction::Own,
        ..options(2, 0)
    };
    let expected = [(2, false), (2, false), (2, true)];
    assert_eq!(
        shares(&schedule, &own).as_deref(),
        Some(&expected[..]),
        "{schedule}"
    );
}

/// What reads its neighbours' rows waits for them, and so does what writes over what others read.
#[test]
fn what_touches_the_rows_of_others_waits() {
    let schedule = program(
        "fn @rows(%x: f32[40, 256]) -> f32[40, 256], f32[256] {
  %1 = softmax %x axis [1]
  %2 = sum %1 axes [0]
  %3 = cumsum %1 axis [0] reverse 0.0
  %4 = softmax %3 axis [1]
  return %4, %2
}",
    );
    let told = shares(&schedule, &options(2, 0)).expect("on two threads");
    let barriers = told.iter().filter(|(_, barrier)| *barrier).count();
    assert!(
        told.iter().all(|(shares, _)| *shares == 2),
        "{told:?}\n{schedule}"
    );
    // In front of the sums along columns, and in front of the rows of what comes of them.
    assert_eq!(barriers, 2, "{told:?}\n{schedule}");
}

/// A loop whose turns keep to rows has no barrier; one whose turns mix them has some in each turn.
#[test]
fn loops_have_barriers_where_their_turns_do() {
    let turns = |step: &str| {
        format!(
            "fn @turns(%h: f32[32, 32], %w: f32[32, 32]) -> f32[32, 32] {{
  %10 = loop 5 (%2, %3 = %h) {{
    {step}
    %9 = tanh %5
    return %9
  }}
  return %10
}}"
        )
    };
    let rows = program(&turns("%5 = softmax %3 axis [1]"));
    let told = shares(&rows, &options(2, 0)).expect("on two threads");
    assert!(
        told.iter().all(|run| *run == (2, false)),
        "{told:?}\n{rows}"
    );
    let mixed = program(&turns("%5 = dot %3, %3 contract_x [1] contract_y [0]"));
    let told = shares(&mixed, &options(2, 0)).expect("on two threads");
    assert!(
        told.iter().any(|(_, barrier)| *barrier),
        "{told:?}\n{mixed}"
    );
}

/// Loops in words: how many there are in each other, how often they turn, and in how many shares.
fn loops(text: &str, trip: usize, threads: usize) -> Vec<(usize, bool)> {
    let schedule = scheduled(&crate::loops::program(text, trip, "f32"));
    let program = compile(&schedule, &options(threads, 0)).unwrap_or_else(|e| panic!("{e}"));
    let told = program.shares().map_or(Vec::new(), |told| told.loops);
    let mut apart = Vec::new();
    each_loop(&schedule.nodes, &mut apart);
    told.into_iter().zip(apart).collect()
}

fn each_loop(nodes: &[Node], out: &mut Vec<bool>) {
    for node in nodes {
        match node {
            Node::Run(_) => {}
            Node::Part(part) => each_loop(&part.nodes, out),
            Node::Loop(l) => {
                out.push(l.apart);
                each_loop(&l.body, out);
            }
        }
    }
}

/// Turns that stand apart go to threads as a whole, those of loops in each other together.
#[test]
fn turns_that_stand_apart_are_shared() {
    let program = |name: &str| {
        let mut all = crate::loops::PROGRAMS.iter();
        all.find(|(n, _)| *n == name).map_or("", |(_, text)| text)
    };
    let plain = program("turns_that_stand_apart");
    for (trip, threads, shares) in [(7, 2, 2), (7, 3, 3), (7, 5, 4), (2, 5, 2), (3, 3, 3)] {
        assert_eq!(loops(plain, trip, threads), [(shares, true)]);
    }
    // Six turns, twelve turns.
    let nested = program("turns_that_stand_apart_in_such_turns");
    assert_eq!(loops(nested, 2, 5), [(3, true), (1, true)]);
    assert_eq!(loops(nested, 3, 5), [(4, true), (1, true)]);
    let around = program("loops_in_turns_that_stand_apart");
    assert_eq!(loops(around, 2, 2), [(2, true), (1, false), (1, false)]);
    let within = program("turns_that_stand_apart_in_a_recurrence");
    assert_eq!(loops(within, 2, 2), [(1, false), (2, true)]);
}

/// Loops say that their turns stand apart, and in how many shares they are.
#[test]
fn shared_turns_are_explained() {
    let nested = crate::loops::PROGRAMS.iter();
    let mut nested = nested.filter(|(name, _)| *name == "turns_that_stand_apart_in_such_turns");
    let text = nested.next().map_or("", |(_, text)| text);
    let schedule = scheduled(&crate::loops::program(text, 3, "f32"));
    let told = |threads: usize| {
        let program = compile(&schedule, &options(threads, 0)).unwrap_or_else(|e| panic!("{e}"));
        let told = explain_on_threads(&schedule, program.shares().as_ref());
        let loops = told
            .lines()
            .filter(|line| line.trim_start().starts_with("loop"));
        loops.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let inner = "loop 4 times, turns apart";
    assert_eq!(told(1), ["loop 3 times, turns apart", inner]);
    assert_eq!(told(5), ["loop 3 times, turns apart, in 4 shares", inner]);
}

/// However many turns there are for however many threads.
#[test]
fn shared_turns_compute_the_same() {
    let apart = crate::loops::PROGRAMS.iter();
    for (name, text) in apart.filter(|(name, _)| name.contains("stand_apart")) {
        for trip in [1, 2, 3, 7] {
            let function = crate::loops::program(text, trip, "f32");
            let schedule = scheduled(&function);
            let inputs = crate::loops::inputs(&function);
            let mut memory = crate::loops::memory(&schedule, &function, &inputs);
            let options = Options::default();
            support::compiled::run_by_threads(&schedule, &mut memory, &options, &[2, 3, 5]);
            let expected = support::interpreted(&function, &inputs);
            crate::loops::compare(&function, &memory, &expected, name);
        }
    }
}

/// Each thread has memory of a turn for itself, whose size is what the schedule says.
#[test]
fn each_thread_has_memory_of_a_turn() {
    for (name, text) in crate::loops::PROGRAMS {
        let schedule = scheduled(&crate::loops::program(text, 7, "f64"));
        let turns = schedule
            .regions
            .iter()
            .filter(|r| r.kind == RegionKind::Turn);
        let bytes: usize = turns.map(|r| r.bytes).sum();
        assert_eq!(bytes > 0, name.contains("stand_apart"), "{name}");
        let alone = thread_memory(&schedule, &options(1, 0));
        assert_eq!(alone.turn, bytes, "{name}");
        let shared = compile(&schedule, &options(3, 0)).unwrap_or_else(|e| panic!("{e}"));
        let all = shared.thread_memory();
        assert!(all.turn >= shared.threads() * bytes, "{name}: {all:?}");
    }
}

/// What is too short to gain by it is shared with what stands before it, where it would have to wait as a whole.
#[test]
fn short_runs_go_on_by_the_rows_before_them() {
    let text = |second: &str| {
        format!(
            "fn @rows(%x: f32[4096, 512], %y: f32[4096, 4]) -> f32[4096], f32[4096, 4] {{
  %2 = exp %x
  %3 = sum %2 axes [1]
  {second}
  %6 = mul %5, %y
  return %3, %6
}}"
        )
    };
    let least = Options::default().least_share;
    let same = program(&text("%5 = broadcast %3 shape [4096, 4] new [1]"));
    let told = shares(&same, &options(2, least)).expect("on two threads");
    assert_eq!(told.len(), 2, "{same}");
    assert!(
        told.iter().all(|run| *run == (2, false)),
        "{told:?}\n{same}"
    );
}

/// Without being told to, only what is long is shared, and only if that gains something.
#[test]
fn short_steps_stay_on_one_thread() {
    let layers = |rows: usize| {
        program(&format!(
            "fn @layers(%x: f32[{rows}, 64], %w: f32[64, 64]) -> f32[{rows}, 64], f32[64] {{
  %2 = dot %x, %w contract_x [1] contract_y [0]
  %3 = tanh %2
  %4 = sum %3 axes [0]
  return %3, %4
}}"
        ))
    };
    let least = Options::default().least_share;
    for threads in [2, 3, 16, 256] {
        assert_eq!(shares(&layers(32), &options(threads, least)), None);
    }
    let large = layers(16384);
    let told = shares(&large, &options(4, least)).expect("on four threads");
    assert!(told.iter().any(|(shares, _)| *shares == 4), "{told:?}");
    assert_eq!(shares(&large, &options(1, 0)), None);
}

/// A share is of some use: of work for two threads, ten make no more.
#[test]
fn no_share_is_shorter_than_the_least() {
    let schedule = program(
        "fn @map(%x: f32[200000]) -> f32[200000] {
  %1 = tanh %x
  return %1
}",
    );
    let least = Options::default().least_share;
    let told = shares(&schedule, &options(2, least)).expect("on two threads");
    assert_eq!(told, [(2, false)]);
    let many = shares(&schedule, &options(256, least)).expect("on some threads");
    assert!((3..=40).contains(&many[0].0), "{many:?}");
}
