//! The newest of many calls: for live previews, where a slider asks for runs faster than they end.

use crate::error::{AnyError, Error, Result, said};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

/// A thread that runs a closure on the newest of the inputs that are submitted: one waits at most, and a newer one takes
/// its place.
///
/// Every input that is submitted has one [`Outcome`]. Dropping ends the thread, and waits for the call that is under way,
/// whose [`Stale`] says so; what else is not told of by then has no outcome.
///
/// ```
/// use sinew_data::{End, Latest};
/// use std::sync::mpsc::channel;
///
/// let (sender, outcomes) = channel();
/// let squares = Latest::new(
///     |x: &f64, _| Ok(Some(x * x)),                   // on the thread; may own a `Runner`
///     move |outcome| drop(sender.send(outcome)),      // on the thread too
/// )?;
/// for x in 0..100 {
///     squares.submit(f64::from(x));                   // never waits
/// }
/// let last = outcomes.iter().find(|outcome| outcome.input == 99.0);
/// assert!(last.is_some_and(|outcome| matches!(outcome.end, End::Completed(9801.0))));
/// # Ok::<(), sinew_data::Error>(())
/// ```
pub struct Latest<I> {
    shared: Arc<Shared<I>>,
    thread: Option<JoinHandle<()>>,
}

/// What became of an input.
#[derive(Debug)]
pub struct Outcome<I, O> {
    /// The input.
    pub input: I,
    /// Which it was of those that were submitted, from 0.
    pub number: u64,
    /// What became of it.
    pub end: End<O>,
}

/// How a call ended.
#[derive(Debug)]
pub enum End<O> {
    /// With a result.
    Completed(O),
    /// Without one, for a newer input: before it began, or since the closure gave up.
    Aborted,
    /// With an error of the closure's, or a panic in it ([`Error::Panicked`]).
    Failed(AnyError),
}

/// Tells a call that is under way whether it is still of use.
#[derive(Debug, Clone)]
pub struct Stale(Arc<AtomicBool>);

impl Stale {
    /// Whether a newer input waits, or nobody does any more: a long call may return `Ok(None)` then.
    pub fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Shared<I> {
    inbox: Mutex<Inbox<I>>,
    changed: Condvar,
    stale: Stale,
}

struct Inbox<I> {
    next: u64,
    waiting: Option<(u64, I)>,
    /// Those whose place was taken, until the thread tells of them.
    replaced: Vec<(u64, I)>,
    closed: bool,
}

impl<I> Shared<I> {
    /// No code of a caller's runs under the lock, so that none can leave it poisoned.
    fn inbox(&self) -> MutexGuard<'_, Inbox<I>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I: Send + 'static> Latest<I> {
    /// Starts the thread. `work` makes a result of an input, or none where it gave up since [`Stale::is`] said so;
    /// `deliver` is told what became of each input.
    ///
    /// # Errors
    /// [`Error::Thread`].
    pub fn new<O: 'static>(
        work: impl FnMut(&I, &Stale) -> Result<Option<O>, AnyError> + Send + 'static,
        deliver: impl FnMut(Outcome<I, O>) + Send + 'static,
    ) -> Result<Latest<I>> {
        let shared = Arc::new(Shared {
            inbox: Mutex::new(Inbox {
                next: 0,
                waiting: None,
                replaced: Vec::new(),
                closed: false,
            }),
            changed: Condvar::new(),
            stale: Stale(Arc::new(AtomicBool::new(false))),
        });
        let there = shared.clone();
        let thread = Builder::new().name("latest".into());
        let thread = thread.spawn(move || run(&there, work, deliver));
        let thread = thread.map_err(|source| Error::Thread {
            what: "calls of which the newest counts",
            source,
        })?;
        Ok(Latest {
            shared,
            thread: Some(thread),
        })
    }

    /// Submits an input, in the place of one that waits; returns its number. Does not wait for calls.
    pub fn submit(&self, input: I) -> u64 {
        let mut inbox = self.shared.inbox();
        let number = inbox.next;
        inbox.next += 1;
        let replaced = inbox.waiting.replace((number, input));
        inbox.replaced.extend(replaced);
        self.shared.stale.0.store(true, Ordering::Relaxed);
        drop(inbox);
        self.shared.changed.notify_one();
        number
    }
}

impl<I> Drop for Latest<I> {
    fn drop(&mut self) {
        let mut inbox = self.shared.inbox();
        inbox.closed = true;
        self.shared.stale.0.store(true, Ordering::Relaxed);
        drop(inbox);
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // Where `deliver` drops the last handle, this is the thread itself, which ends by itself.
            if thread.thread().id() != std::thread::current().id() {
                // A panic in `deliver` has ended the thread: it was told as panics are.
                drop(thread.join());
            }
        }
    }
}

impl<I> fmt::Debug for Latest<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latest").finish_non_exhaustive()
    }
}

fn run<I, O>(
    shared: &Shared<I>,
    mut work: impl FnMut(&I, &Stale) -> Result<Option<O>, AnyError>,
    mut deliver: impl FnMut(Outcome<I, O>),
) {
    loop {
        let mut inbox = shared.inbox();
        while inbox.waiting.is_none() && !inbox.closed {
            inbox = shared
                .changed
                .wait(inbox)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let replaced = std::mem::take(&mut inbox.replaced);
        let waiting = match inbox.closed {
            true => None,
            false => inbox.waiting.take(),
        };
        // From here on a newer one makes this one stale.
        shared.stale.0.store(inbox.closed, Ordering::Relaxed);
        drop(inbox);
        let Some((number, input)) = waiting else {
            return;
        };
        for (number, input) in replaced {
            deliver(Outcome {
                input,
                number,
                end: End::Aborted,
            });
        }
        // What a panic leaves of the closure's own is the closure's to see to.
        let called = catch_unwind(AssertUnwindSafe(|| work(&input, &shared.stale)));
        let end = match called {
            Ok(Ok(Some(output))) => End::Completed(output),
            Ok(Ok(None)) => End::Aborted,
            Ok(Err(error)) => End::Failed(error),
            Err(panic) => End::Failed(Box::new(Error::Panicked {
                what: "the closure".into(),
                message: said(&*panic),
            })),
        };
        deliver(Outcome { input, number, end });
    }
}
