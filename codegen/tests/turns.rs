//! Rule 9 of the verifier on loops that turn often, of which it follows a few turns.

use crate::loops::{PROGRAMS, derived, program};
use crate::support::scheduled;
use sinew_codegen::kernel::{Node, RegionKind, Run, Schedule};
use sinew_codegen::verify::verify;

/// A recurrence over sequences whose batch comes first: what its turns hand on are columns.
const BATCH_FIRST: &str =
    "fn @f(%w: F[3, 3], %h: F[2, 3], %xs: F[2, T, 3]) -> F[2, 3], F[2, T, 3] {
  %9, %10 = loop T (%3, %4 = %h, %5 = slice %xs axis 1) {
    %6 = dot %4, %w contract_x [1] contract_y [0]
    %7 = add %6, %5
    %8 = tanh %7
    return %8, stack %8 axis 1
  }
  return %9, %10
}";

/// A program with loops of so many turns and its gradients, each with its name.
fn schedules((name, text): &(&str, &str), trip: usize) -> [(String, Schedule); 2] {
    let program = program(text, trip, "f32");
    [
        (name.to_string(), scheduled(&program)),
        (format!("pullback of {name}"), scheduled(&derived(program))),
    ]
}

fn programs() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    PROGRAMS.iter().chain([&("batch_first", BATCH_FIRST)])
}

/// Nodes without loops: the runs of all turns, one behind the other.
fn unrolled(nodes: &[Node], turns: &mut Vec<usize>, out: &mut Vec<Node>) {
    for node in nodes {
        match node {
            Node::Run(run) => {
                let mut run: Run = run.clone();
                for binding in &mut run.bindings {
                    binding.offset = binding.at(turns);
                    binding.steps.clear();
                }
                out.push(Node::Run(run));
            }
            Node::Part(part) => unrolled(&part.nodes, turns, out),
            Node::Loop(l) => {
                for turn in 0..l.trip {
                    turns.push(turn);
                    unrolled(&l.body, turns, out);
                    turns.pop();
                }
            }
        }
    }
}

/// Whether a schedule is fine, which must be what it is without loops. Of turns that stand apart more is asked than
/// that they are fine in their order.
fn is_fine(schedule: &Schedule, what: &str) -> bool {
    let mut flat = schedule.clone();
    flat.nodes.clear();
    unrolled(&schedule.nodes, &mut Vec::new(), &mut flat.nodes);
    // Which is there for all of them then.
    let turn = flat.regions.iter_mut().find(|r| r.kind == RegionKind::Turn);
    let apart = turn
        .map(|region| region.kind = RegionKind::Output)
        .is_some();
    let (found, expected) = (verify(schedule), verify(&flat));
    assert!(
        found.is_ok() == expected.is_ok() || apart && found.is_err(),
        "{what}: {found:?}, and without loops {expected:?}\n{schedule}"
    );
    found.is_ok()
}

/// Calls `f` on each run of a schedule.
fn each_run(nodes: &mut [Node], f: &mut dyn FnMut(&mut Run)) {
    for node in nodes {
        match node {
            Node::Run(run) => f(run),
            Node::Part(part) => each_run(&mut part.nodes, f),
            Node::Loop(l) => each_run(&mut l.body, f),
        }
    }
}

#[test]
fn loops_are_fine_where_their_turns_one_by_one_are() {
    let (mut fine, mut broken) = (0, 0);
    for (name, schedule) in programs().flat_map(|p| schedules(p, 11)) {
        assert!(is_fine(&schedule, &name));
        let mut count = |schedule: &Schedule, what: String| match is_fine(schedule, &what) {
            true => fine += 1,
            false => broken += 1,
        };
        // Each binding a little elsewhere, in all turns and from turn to turn.
        let mut runs = 0;
        each_run(&mut schedule.clone().nodes, &mut |_| runs += 1);
        for at in 0..runs {
            let mut bindings = 0;
            let mut nth = 0;
            each_run(&mut schedule.clone().nodes, &mut |run| {
                if nth == at {
                    bindings = run.bindings.len();
                }
                nth += 1;
            });
            for b in 0..bindings {
                for by in [-3, -1, 1, 3] {
                    for step in [None, Some(0), Some(1)] {
                        let mut other = schedule.clone();
                        let mut nth = 0;
                        each_run(&mut other.nodes, &mut |run| {
                            if nth == at {
                                let binding = &mut run.bindings[b];
                                match step.map(|s: usize| binding.steps.get_mut(s)) {
                                    None => binding.offset += by,
                                    Some(Some(step)) => *step += by,
                                    Some(None) => {}
                                }
                            }
                            nth += 1;
                        });
                        count(
                            &other,
                            format!("{name}, run {at}, binding {b}, step {step:?} by {by}"),
                        );
                    }
                }
            }
        }
        // Each buffer of the arena in the place of another.
        let arena = |i: &usize| {
            let region = schedule.buffers[*i].region.0 as usize;
            schedule.regions[region].kind.is_planned()
        };
        let buffers: Vec<usize> = (0..schedule.buffers.len()).filter(arena).collect();
        for &a in &buffers {
            for &b in &buffers {
                for by in [0, 4, 64] {
                    let mut other = schedule.clone();
                    other.buffers[a].offset = schedule.buffers[b].offset + by;
                    count(
                        &other,
                        format!("{name}, buffer {a} at {b}'s place and {by}"),
                    );
                }
            }
        }
    }
    assert!(fine > 1000 && broken > 1000, "{fine} fine, {broken} not");
}

/// Turn by turn, this would take days.
#[test]
fn a_loop_that_turns_very_often_is_checked_by_a_few_turns() {
    for program in programs() {
        let is_nested = program.1.contains('U');
        let trip = if is_nested { 10_000 } else { 100_000_000 };
        for (name, schedule) in schedules(program, trip) {
            assert_eq!(verify(&schedule), Ok(()), "{name}");
        }
    }
}
