//! Waiting for what another thread does: for a while by looking, then asleep until it is told.
//!
//! What threads of a step wait for is a few microseconds away, and waking a sleeping thread takes tens of
//! them: so one that waits looks again and again first. Where other programs keep the processors busy, the
//! thread that is waited for may not be running: so one that has looked for a while lets others run, and
//! sleeps in the end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a thread looks without a rest.
const LOOKING: Duration = Duration::from_micros(20);
/// How long it looks in all before it sleeps; meanwhile others may run.
const AWAKE: Duration = Duration::from_micros(120);
/// Looks between two readings of the clock.
const LOOKS: u32 = 16;

/// Wakes threads that wait for something.
///
/// Whoever changes what is waited for does that with a sequentially consistent store and calls
/// [`Bell::ring`]; whoever waits looks with such loads. Then no change goes unseen.
#[derive(Debug, Default)]
pub struct Bell {
    /// Threads that sleep, or are about to.
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    rung: Condvar,
}

impl Bell {
    /// One that nobody waits at.
    pub const fn new() -> Bell {
        Bell {
            sleepers: AtomicUsize::new(0),
            lock: Mutex::new(()),
            rung: Condvar::new(),
        }
    }

    /// Waits until `look` finds something, which is told how often it has looked. How long that took is told
    /// too, if it was a microsecond or more.
    pub fn wait<T>(&self, mut look: impl FnMut(u32) -> Option<T>) -> (T, Duration) {
        let mut started: Option<Instant> = None;
        let since = |started: Option<Instant>| started.map_or(Duration::ZERO, |s| s.elapsed());
        let mut looks = 0u32;
        loop {
            if let Some(found) = look(looks) {
                return (found, since(started));
            }
            looks = looks.saturating_add(1);
            std::hint::spin_loop();
            if !looks.is_multiple_of(LOOKS) {
                continue;
            }
            let waited = started.get_or_insert_with(Instant::now).elapsed();
            if waited > AWAKE {
                break;
            }
            if waited > LOOKING {
                std::thread::yield_now();
            }
        }
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        // In this order: whoever rings after a change that the next look misses sees the sleeper.
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let found = loop {
            if let Some(found) = look(looks) {
                break found;
            }
            guard = self
                .rung
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        (found, since(started))
    }

    /// Wakes those who sleep, to look again.
    pub fn ring(&self) {
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            // Whoever looks under the lock either sees the change or sleeps before the bell rings.
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.rung.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn those_who_look_and_those_who_sleep_see_the_change() {
        for delay in [0, 50, 5000] {
            let (bell, done) = (Bell::new(), AtomicBool::new(false));
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| bell.wait(|_| done.load(Ordering::SeqCst).then_some(())));
                }
                std::thread::sleep(Duration::from_micros(delay));
                done.store(true, Ordering::SeqCst);
                bell.ring();
            });
            assert_eq!(bell.sleepers.load(Ordering::SeqCst), 0);
        }
    }
}
