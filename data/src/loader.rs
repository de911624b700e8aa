//! Batches of data that does not fit memory: rows are fetched one by one from a source of the caller's.

use crate::arrays::Kept;
use crate::batches::{Cut, Epochs};
use crate::error::{AnyError, Error, Result, said};
use crate::prefetch::{Prefetch, prefetch};
use crate::rows::{Row, misfit};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows by their numbers: files of a folder, records of a data base, what is computed.
pub trait Source: Send + Sync + 'static {
    /// A row: a number, an array, or a tuple of these. Those of one batch have the same shapes.
    type Row: Row;

    /// How many rows there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A row, of those below [`len`](Source::len).
    ///
    /// # Errors
    /// The source's own, of any kind.
    fn get(&self, row: usize) -> Result<Self::Row, AnyError>;
}

/// Batches of a [`Source`], fetched by a thread ahead of their use where that is asked for.
///
/// ```
/// use ndarray::{Array1, array};
/// use sinew_data::{AnyError, Loader, Source};
///
/// struct Squares;
///
/// impl Source for Squares {
///     type Row = (Array1<f32>, i32);
///     fn len(&self) -> usize {
///         5
///     }
///     fn get(&self, row: usize) -> Result<(Array1<f32>, i32), AnyError> {
///         let label = i32::try_from(row)?;                // errors of any kind
///         Ok((array![row as f32, (row * row) as f32], label))
///     }
/// }
///
/// let loader = Loader::new(Squares, 2)?.shuffle(42).prefetch(4);
/// let mut rows = 0;
/// for batch in loader.epoch(0) {
///     let (x, y) = batch?;                                // rows stacked: 2 dims and 1
///     assert_eq!(x[[0, 1]], (y[0] * y[0]) as f32);
///     rows += y.len();
/// }
/// assert_eq!(rows, 5);
/// # Ok::<(), sinew_data::Error>(())
/// ```
pub struct Loader<S> {
    source: Arc<S>,
    cut: Cut,
    ahead: Option<usize>,
    /// Passes that were made over a reference.
    passes: AtomicU64,
}

impl<S: Source> Loader<S> {
    /// Batches of `size` rows; the last one of an epoch has the rest. Without rows there are none.
    ///
    /// # Errors
    /// [`Error::Setting`] for a size of 0.
    pub fn new(source: S, size: usize) -> Result<Loader<S>> {
        Ok(Loader {
            source: Arc::new(source),
            cut: Cut::new(size)?,
            ahead: None,
            passes: AtomicU64::new(0),
        })
    }

    /// Takes the rows of each epoch in an order of its own, which follows from the seed and the number of the epoch
    /// alone ([`order`](crate::order)).
    pub fn shuffle(mut self, seed: u64) -> Loader<S> {
        self.cut.seed = Some(seed);
        self
    }

    /// Leaves out a last batch that is not full.
    pub fn drop_last(mut self) -> Loader<S> {
        self.cut.drop_last = true;
        self
    }

    /// Fetches up to so many batches ahead, on a thread of its own for each epoch that is under way. An epoch that is
    /// dropped early waits for the batch that is being fetched.
    pub fn prefetch(mut self, batches: usize) -> Loader<S> {
        self.ahead = Some(batches);
        self
    }

    /// The source.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// How many batches an epoch has.
    pub fn len(&self) -> usize {
        self.cut.count(self.source.len())
    }

    /// Whether an epoch has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The batches of an epoch. An error is the last item: [`Error::Source`] with what the source said,
    /// [`Error::Panicked`] for a panic in it, [`Error::RowShape`] for rows that do not stack.
    pub fn epoch(&self, epoch: u64) -> Pass<S> {
        let fetched = Fetched {
            source: self.source.clone(),
            kept: Kept::new(),
            order: self.cut.order(self.source.len(), epoch),
            cut: self.cut,
            next: 0,
            failed: false,
        };
        Pass(match self.ahead {
            None => Stage::Here(fetched),
            Some(ahead) => match prefetch(fetched, ahead) {
                Ok(items) => Stage::Ahead(items),
                Err(error) => Stage::Failed(Some(error)),
            },
        })
    }
}

/// A pass over epoch 0, the next one over epoch 1, and so on.
impl<S: Source> IntoIterator for &Loader<S> {
    type Item = Result<<S::Row as Row>::Batch>;
    type IntoIter = Pass<S>;
    fn into_iter(self) -> Pass<S> {
        self.epoch(self.passes.fetch_add(1, Ordering::Relaxed))
    }
}

impl<S> fmt::Debug for Loader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Loader");
        shown
            .field("cut", &self.cut)
            .field("ahead", &self.ahead)
            .finish_non_exhaustive()
    }
}

type Counted<S> = Result<(usize, <<S as Source>::Row as Row>::Batch)>;

/// One epoch's batches, each with the number of its rows, on the thread that asks.
struct Fetched<S: Source> {
    source: Arc<S>,
    kept: Kept<<S::Row as Row>::Batch>,
    order: Vec<usize>,
    cut: Cut,
    next: usize,
    failed: bool,
}

/// A row, with a panic of the source as an error.
fn get<S: Source>(source: &S, row: usize) -> Result<S::Row> {
    // The source is only read; what it shares behind a lock is poisoned by the panic.
    match catch_unwind(AssertUnwindSafe(|| source.get(row))) {
        Ok(found) => found.map_err(|source| Error::Source { row, source }),
        Err(panic) => Err(Error::Panicked {
            what: format!("the source, asked for row {row},"),
            message: said(&*panic),
        }),
    }
}

impl<S: Source> Fetched<S> {
    fn stack(&mut self) -> Option<Counted<S>> {
        let rows = self.cut.rows(&self.order, self.next)?;
        let (first, others) = rows.split_first()?;
        let mut stack = || {
            let row = get(&*self.source, *first)?;
            let free = self.kept.free().filter(|batch| row.misfit(batch).is_none());
            let mut batch = match free {
                Some(batch) => batch,
                None => row.room(self.cut.size.min(self.order.len()))?,
            };
            row.put(0, &mut batch);
            for (place, number) in (1..).zip(others) {
                let row = get(&*self.source, *number)?;
                misfit(*number, &row, &batch)?;
                row.put(place, &mut batch);
            }
            Ok(batch)
        };
        let count = rows.len();
        let batch = stack();
        self.next += 1;
        Some(batch.map(|batch| (count, self.kept.give(batch, count))))
    }
}

impl<S: Source> Iterator for Fetched<S> {
    type Item = Counted<S>;

    fn next(&mut self) -> Option<Counted<S>> {
        if self.failed {
            return None;
        }
        let batch = self.stack()?;
        self.failed = batch.is_err();
        Some(batch)
    }
}

/// The batches of one epoch.
pub struct Pass<S: Source>(Stage<S>);

enum Stage<S: Source> {
    Here(Fetched<S>),
    Ahead(Prefetch<Counted<S>>),
    Failed(Option<Error>),
}

impl<S: Source> fmt::Debug for Pass<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").finish_non_exhaustive()
    }
}

impl<S: Source> Pass<S> {
    fn counted(&mut self) -> Option<Counted<S>> {
        match &mut self.0 {
            Stage::Here(fetched) => fetched.next(),
            Stage::Ahead(items) => items.next().map(|item| item.and_then(|batch| batch)),
            Stage::Failed(error) => error.take().map(Err),
        }
    }
}

impl<S: Source> Iterator for Pass<S> {
    type Item = Result<<S::Row as Row>::Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.counted()?.map(|(_, batch)| batch))
    }
}

impl<S: Source> Epochs for Loader<S> {
    type Batch = <S::Row as Row>::Batch;

    fn batches(&self) -> usize {
        self.len()
    }

    fn pass(&self, epoch: u64) -> impl Iterator<Item = Result<(usize, Self::Batch)>> {
        let mut pass = self.epoch(epoch);
        std::iter::from_fn(move || pass.counted())
    }
}
