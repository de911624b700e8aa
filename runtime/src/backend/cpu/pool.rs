//! The threads that help with steps: started once, for whoever runs a step, and asleep in between.
//!
//! A step calls the workers that it could use, begins, and does what nobody else does
//! ([`sinew_codegen::cpu::Team`]). A worker that is free comes; one that helps with another step, or sleeps
//! for longer than the step takes, does not, and is not waited for: when the step is done its call is taken
//! back. So steps of several threads of the user cannot wait for each other, and one that finds all workers
//! taken runs by itself.
//!
//! Each worker has a place for one call. Its states:
//!
//! | state | who changes it |
//! |---|---|
//! | nothing | a step puts its call there |
//! | a call | the worker takes it, or the step takes it back |
//! | a call that is taken | the worker is done, and leaves nothing |

use sinew_codegen::cpu::{Bell, MOST_THREADS};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a worker is called for. It lies on the stack of the step's own thread.
struct Call<'c> {
    /// Does what falls to a thread with a number.
    work: &'c (dyn Fn(usize) + Sync),
}

/// A thread that helps.
struct Worker {
    /// Its place for a call.
    call: AtomicPtr<Call<'static>>,
    /// Rings when there is one.
    called: Bell,
    /// Rings when it has done one.
    done: Bell,
}

/// A call that is taken has this bit set in its address.
const TAKEN: usize = 1;

fn taken(call: *mut Call<'static>) -> *mut Call<'static> {
    call.map_addr(|address| address | TAKEN)
}

static WORKERS: [Worker; MOST_THREADS - 1] = [const { Worker::new() }; MOST_THREADS - 1];

/// How many of them were started.
static STARTED: AtomicUsize = AtomicUsize::new(0);
static STARTING: Mutex<()> = Mutex::new(());

/// Starts as many workers as steps of so many threads need, unless they were started before.
///
/// Where the system has no thread left there are fewer, which is as if the others never came.
pub(super) fn start(threads: usize) {
    let wanted = threads.saturating_sub(1).min(WORKERS.len());
    if STARTED.load(Ordering::Acquire) >= wanted {
        return;
    }
    let guard = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let started = STARTED.load(Ordering::Acquire);
    for (i, worker) in WORKERS.iter().enumerate().take(wanted).skip(started) {
        let number = i + 1;
        let thread = std::thread::Builder::new().name(format!("sinew-{number}"));
        if let Err(error) = thread.spawn(move || worker.work(number)) {
            tracing::warn!(%error, "steps run on fewer threads: the system starts no more");
            break;
        }
    }
    // Nor are those tried again that could not be started.
    STARTED.fetch_max(wanted, Ordering::Release);
    drop(guard);
}

/// Does `work` of thread 0, and of the threads from 1 to below `threads` whose workers come meanwhile, each on
/// its own. Returns once all are back; for how long it has waited for that.
///
/// `work` must not panic: on a worker that ends the process.
pub(super) fn run(threads: usize, work: &(dyn Fn(usize) + Sync)) -> Duration {
    let (call, waited) = (Call { work }, Cell::new(Duration::ZERO));
    let calls = Calls {
        waited: &waited,
        // Nobody uses it for longer than `calls` lives, which is no longer than `call`.
        call: (&raw const call).cast_mut().cast(),
        workers: &WORKERS[..threads.saturating_sub(1).min(WORKERS.len())],
    };
    for worker in calls.workers {
        let free = worker.call.compare_exchange(
            null_mut(),
            calls.call,
            Ordering::SeqCst,
            Ordering::Relaxed,
        );
        if free.is_ok() {
            worker.called.ring();
        }
    }
    work(0);
    drop(calls);
    waited.get()
}

/// The calls of a step. When dropped they are taken back, or were answered.
struct Calls<'w> {
    call: *mut Call<'static>,
    workers: &'static [Worker],
    /// How long it took until all were back.
    waited: &'w Cell<Duration>,
}

impl Drop for Calls<'_> {
    fn drop(&mut self) {
        for worker in self.workers {
            let back = worker.call.compare_exchange(
                self.call,
                null_mut(),
                Ordering::SeqCst,
                Ordering::SeqCst,
            );
            if back == Err(taken(self.call)) {
                let ((), waited) = worker.done.wait(|_| {
                    let now = worker.call.load(Ordering::SeqCst);
                    (now != taken(self.call)).then_some(())
                });
                self.waited.set(self.waited.get() + waited);
            }
        }
    }
}

impl Worker {
    const fn new() -> Worker {
        Worker {
            call: AtomicPtr::new(null_mut()),
            called: Bell::new(),
            done: Bell::new(),
        }
    }

    /// What its thread does, as long as the process lives.
    fn work(&self, number: usize) {
        loop {
            let (call, _) = self.called.wait(|_| {
                let call = self.call.load(Ordering::SeqCst);
                (!call.is_null()).then_some(call)
            });
            let take =
                self.call
                    .compare_exchange(call, taken(call), Ordering::SeqCst, Ordering::Relaxed);
            if take.is_ok() {
                // SAFETY: a call that is taken lives until this worker leaves nothing in its place: its
                // step waits for that.
                let work = unsafe { (*call).work };
                let end = EndOnPanic;
                work(number);
                std::mem::forget(end);
                self.call.store(null_mut(), Ordering::SeqCst);
                self.done.ring();
            }
        }
    }
}

/// Ends the process when dropped: a step whose worker has panicked would wait for ever.
struct EndOnPanic;

impl Drop for EndOnPanic {
    fn drop(&mut self) {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;
    use std::time::Instant;

    /// Runs `work` for some threads; how often each number came.
    fn come(threads: usize, work: &(dyn Fn() + Sync)) -> Vec<u64> {
        let came: Vec<AtomicU64> = (0..threads).map(|_| AtomicU64::new(0)).collect();
        run(threads, &|number| {
            came[number].fetch_add(1, Ordering::Relaxed);
            work();
        });
        came.iter().map(|n| n.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn the_caller_works_and_each_worker_comes_at_most_once() {
        start(4);
        for i in 0..2000 {
            let came = come(1 + i % 4, &|| ());
            assert_eq!(came[0], 1);
            assert!(came.iter().all(|n| *n <= 1), "{came:?}");
        }
    }

    /// A worker comes to one who waits for it, whether it looks or sleeps.
    #[test]
    fn workers_come() {
        start(2);
        for pause in [0, 50, 500, 5000] {
            std::thread::sleep(Duration::from_micros(pause));
            let (came, late) = (AtomicU64::new(0), Instant::now() + Duration::from_secs(60));
            run(2, &|number| match number {
                0 => {
                    // Another test may have the worker for a moment.
                    while came.load(Ordering::Acquire) == 0 && Instant::now() < late {
                        let again = come(2, &|| ());
                        came.fetch_add(again[1], Ordering::Release);
                    }
                }
                _ => {
                    came.fetch_add(1, Ordering::Release);
                }
            });
            assert!(came.load(Ordering::Acquire) > 0, "nobody came in a minute");
        }
    }

    #[test]
    fn steps_of_many_threads_go_on_side_by_side() {
        start(7);
        let done = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for user in 0..6 {
                let done = &done;
                scope.spawn(move || {
                    for i in 0..300 {
                        // What a step works in is gone after it.
                        let mine = AtomicU64::new(0);
                        run(2 + (user + i) % 6, &|_| {
                            mine.fetch_add(1, Ordering::Relaxed);
                        });
                        let mine = mine.into_inner();
                        assert!((1..=7).contains(&mine), "{mine}");
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 1800);
    }
}
