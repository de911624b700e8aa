//! What comes next, made ahead of its use by a thread.

use crate::error::{Error, Result, said};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// The most items that may wait.
const MOST: usize = 1024;

/// Runs an iterator on a thread of its own, up to `ahead` items before they are asked for.
///
/// A panic in the iterator is an error in the place of the next item, and the last one. Dropping what this returns
/// early ends the thread: it waits for the item that is in the making.
///
/// ```
/// use sinew_data::{Batches, prefetch};
///
/// let batches = Batches::new(ndarray::Array1::range(0.0f32, 6.0, 1.0), 2)?;
/// let mut sums = Vec::new();
/// for x in prefetch(batches.epoch(0), 2)? {
///     sums.push(x?.sum());
/// }
/// assert_eq!(sums, [1.0, 5.0, 9.0]);
/// # Ok::<(), sinew_data::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] for more than 1024 items, [`Error::Thread`].
pub fn prefetch<I>(iterator: I, ahead: usize) -> Result<Prefetch<I::Item>>
where
    I: Iterator + Send + 'static,
    I::Item: Send,
{
    if ahead > MOST {
        return Err(Error::Setting {
            setting: "the number of items that are made ahead",
            value: ahead.to_string(),
            range: "at most 1024",
        });
    }
    let (sender, items) = sync_channel(ahead);
    let work = move || send_all(iterator, &sender);
    let thread = Builder::new().name("prefetch".into()).spawn(work);
    let thread = thread.map_err(|source| Error::Thread {
        what: "items that are made ahead",
        source,
    })?;
    Ok(Prefetch {
        items: Some(items),
        thread: Some(thread),
    })
}

/// Sends until nobody takes any more.
fn send_all<I: Iterator>(iterator: I, sender: &SyncSender<I::Item>) {
    for item in iterator {
        if sender.send(item).is_err() {
            return;
        }
    }
}

/// The items of an iterator that runs on another thread.
#[derive(Debug)]
pub struct Prefetch<T> {
    items: Option<Receiver<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T> Iterator for Prefetch<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if let Some(item) = self.items.as_ref().and_then(|items| items.recv().ok()) {
            return Some(Ok(item));
        }
        // It has ended: by itself, or by a panic.
        let panic = self.thread.take()?.join().err()?;
        Some(Err(Error::Panicked {
            what: "what makes items ahead".into(),
            message: said(&*panic),
        }))
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        // With nobody to take items, the thread ends behind the one it makes.
        drop(self.items.take());
        if let Some(thread) = self.thread.take() {
            // A panic now has nobody to be told.
            drop(thread.join());
        }
    }
}
