//! Time limits that hold on a busy machine.

use crate::clock::Clock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// What takes so many times its limit will not end: the process does.
const PATIENCE: u32 = 10;

/// Runs something that may keep the processor for so long.
///
/// # Panics
/// When it took longer, with `what` it was. What does not end at all ends the process, once it took ten
/// times as long.
pub fn within<T>(limit: Duration, what: &str, run: impl FnOnce() -> T) -> T {
    let clock = Clock::of_this_thread();
    let since = clock.now();
    let result = thread::scope(|scope| {
        let (running, ended) = channel();
        let clock = &clock;
        scope.spawn(move || watch(clock, since + limit * PATIENCE, limit, ended, what));
        // Dropped on the way out, however that is: the watch ends with it.
        let _running: Sender<()> = running;
        run()
    });
    let took = clock.now().saturating_sub(since);
    assert!(
        took <= limit,
        "took {took:.2?}, and the limit is {limit:.2?}: {what}"
    );
    result
}

fn watch(clock: &Clock, end: Duration, pause: Duration, ended: Receiver<()>, what: &str) {
    while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        if clock.now() > end {
            eprintln!("does not end: {what}");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(20);

    #[test]
    fn what_ends_soon_gives_its_result() {
        assert_eq!(within(Duration::from_secs(1), "nothing", || 7), 7);
    }

    #[test]
    #[should_panic(expected = "the limit is 20.00ms: a loop")]
    fn what_takes_too_long_fails() {
        within(LIMIT, "a loop", || {
            let clock = Clock::of_this_thread();
            let since = clock.now();
            while clock.now() - since < 3 * LIMIT {}
        });
    }
}
