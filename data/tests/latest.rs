//! The newest of many calls.

use sinew_data::{AnyError, End, Latest, Outcome};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

/// A closure that says when it begins and waits to be let go, and what became of its inputs.
struct Gate {
    began: Receiver<u32>,
    go: std::sync::mpsc::Sender<()>,
    outcomes: Receiver<Outcome<u32, u32>>,
    latest: Latest<u32>,
}

fn gate() -> Gate {
    let (begin, began) = channel();
    let (go, gone) = channel();
    let (send, outcomes) = channel();
    let work = move |input: &u32, stale: &sinew_data::Stale| -> Result<Option<u32>, AnyError> {
        begin.send(*input)?;
        gone.recv()?;
        match input {
            13 => Err("unlucky".into()),
            66 => panic!("ordered to"),
            7 => Ok((!stale.is()).then_some(49)),
            n => Ok(Some(n * n)),
        }
    };
    let latest = Latest::new(work, move |outcome| drop(send.send(outcome))).expect("a thread");
    Gate {
        began,
        go,
        outcomes,
        latest,
    }
}

impl Gate {
    fn next(&self) -> (u32, u64, String) {
        let outcome = self.outcomes.recv_timeout(SOON).expect("an outcome");
        let end = match outcome.end {
            End::Completed(square) => square.to_string(),
            End::Aborted => "aborted".into(),
            End::Failed(error) => error.to_string(),
        };
        (outcome.input, outcome.number, end)
    }

    fn begins(&self, input: u32) {
        assert_eq!(self.began.recv_timeout(SOON), Ok(input));
    }
}

#[test]
fn what_waits_is_replaced() {
    let gate = gate();
    assert_eq!(gate.latest.submit(1), 0);
    gate.begins(1);
    assert_eq!([2, 3, 4].map(|input| gate.latest.submit(input)), [1, 2, 3]);
    gate.go.send(()).expect("it waits");
    assert_eq!(gate.next(), (1, 0, "1".into()));
    gate.begins(4);
    assert_eq!(gate.next(), (2, 1, "aborted".into()));
    assert_eq!(gate.next(), (3, 2, "aborted".into()));
    gate.go.send(()).expect("it waits");
    assert_eq!(gate.next(), (4, 3, "16".into()));
}

#[test]
fn a_call_may_give_up_for_a_newer_one() {
    let gate = gate();
    gate.latest.submit(7);
    gate.begins(7);
    gate.go.send(()).expect("it waits");
    assert_eq!(gate.next(), (7, 0, "49".into()));
    gate.latest.submit(7);
    gate.begins(7);
    gate.latest.submit(8);
    gate.go.send(()).expect("it waits");
    assert_eq!(gate.next(), (7, 1, "aborted".into()));
    gate.begins(8);
    gate.go.send(()).expect("it waits");
    assert_eq!(gate.next(), (8, 2, "64".into()));
}

#[test]
fn errors_and_panics_are_failures_and_the_next_call_runs() {
    let gate = gate();
    for (input, end) in [
        (13, "unlucky"),
        (66, "the closure panicked: ordered to"),
        (2, "4"),
    ] {
        gate.latest.submit(input);
        gate.begins(input);
        gate.go.send(()).expect("it waits");
        assert_eq!(gate.next().2, end);
    }
}

#[test]
fn dropping_waits_for_the_call_under_way_alone() {
    let Gate {
        began,
        go,
        outcomes,
        latest,
    } = gate();
    latest.submit(7);
    assert_eq!(began.recv_timeout(SOON), Ok(7));
    latest.submit(3);
    let dropped = std::thread::spawn(move || drop(latest));
    // The call sees that nobody waits for it any more, once it is let go.
    std::thread::sleep(Duration::from_millis(20));
    go.send(()).expect("it waits");
    dropped.join().expect("no panic");
    let found: Vec<_> = outcomes.iter().map(|outcome| outcome.input).collect();
    assert_eq!(found, [7]);
    assert!(began.try_recv().is_err());
    // Without any call it ends at once.
    drop(gate_without_calls());
}

fn gate_without_calls() -> Latest<u32> {
    Latest::new(|n: &u32, _| Ok(Some(*n)), |_| ()).expect("a thread")
}
