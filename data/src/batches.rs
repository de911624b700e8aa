//! Batches of arrays in memory.

use crate::arrays::{Arrays, Kept, rows_of};
use crate::error::{Error, Result};
use crate::order::order;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Arrays that share their first axis, cut into batches of rows: features and labels, say.
///
/// A batch is an `ArcArray` for each array, in a tuple where they came in one; `step` and `run` take references to
/// them. Iterating copies rows, and asks for no memory after the first batch of an epoch where each batch is dropped
/// before the next is asked for.
///
/// ```
/// use ndarray::{Array1, Array2, array};
/// use sinew_data::Batches;
///
/// # fn main() -> sinew_data::Result<()> {
/// let x: Array2<f32> = array![[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]];
/// let y: Array1<i32> = array![0, 1, 2];
/// let batches = Batches::new((&x, &y), 2)?;           // or owned arrays, or views; one array needs no tuple
/// let labels: Vec<Vec<i32>> = batches.epoch(0).map(|(_, y)| y.to_vec()).collect();
/// assert_eq!(labels, [vec![0, 1], vec![2]]);          // the last batch has the rest
///
/// let batches = batches.shuffle(42).drop_last();
/// assert_eq!(batches.len(), 1);
/// for (x, y) in batches.epoch(0) {                    // the order follows from 42 and the number of the epoch
///     assert_eq!(x[[0, 0]], y[0] as f32);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Batches<A: Arrays> {
    arrays: Arc<A>,
    rows: usize,
    cut: Cut,
    /// Room for a batch, never written to: it is the first of each epoch's, which copies it.
    room: A::Batch,
    /// Passes that were made over a reference.
    passes: AtomicU64,
}

/// How rows become batches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub size: usize,
    pub seed: Option<u64>,
    pub drop_last: bool,
}

impl Cut {
    /// # Errors
    /// [`Error::Setting`] for batches of no rows.
    pub fn new(size: usize) -> Result<Cut> {
        match size {
            0 => Err(Error::Setting {
                setting: "the batch size",
                value: "0".into(),
                range: "at least 1",
            }),
            _ => Ok(Cut {
                size,
                seed: None,
                drop_last: false,
            }),
        }
    }

    /// How many batches `rows` rows make.
    pub fn count(self, rows: usize) -> usize {
        match self.drop_last {
            true => rows / self.size,
            false => rows.div_ceil(self.size),
        }
    }

    /// The rows of an epoch, in its order.
    pub fn order(self, rows: usize, epoch: u64) -> Vec<usize> {
        match self.seed {
            Some(seed) => order(rows, seed, epoch),
            None => (0..rows).collect(),
        }
    }

    /// The rows of a batch; none behind the last one.
    pub fn rows(self, order: &[usize], number: usize) -> Option<&[usize]> {
        let rows = order.chunks(self.size).nth(number)?;
        (rows.len() == self.size || !self.drop_last).then_some(rows)
    }
}

impl<A: Arrays> Batches<A> {
    /// Batches of `size` rows; the last one of an epoch has the rest. Without rows there are none.
    ///
    /// # Errors
    /// [`Error::Rows`] for arrays whose first axes differ, [`Error::Setting`] for a size of 0,
    /// [`Error::OutOfMemory`].
    pub fn new(arrays: A, size: usize) -> Result<Batches<A>> {
        let (rows, cut) = (rows_of(&arrays)?, Cut::new(size)?);
        Ok(Batches {
            room: arrays.room(size.min(rows))?,
            arrays: Arc::new(arrays),
            rows,
            cut,
            passes: AtomicU64::new(0),
        })
    }

    /// Takes the rows of each epoch in an order of its own, which follows from the seed and the number of the epoch
    /// alone ([`order`](crate::order)).
    pub fn shuffle(mut self, seed: u64) -> Batches<A> {
        self.cut.seed = Some(seed);
        self
    }

    /// Leaves out a last batch that is not full, so that all have the same size. Of fewer rows than a batch has, no
    /// batch is left.
    pub fn drop_last(mut self) -> Batches<A> {
        self.cut.drop_last = true;
        self
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many batches an epoch has.
    pub fn len(&self) -> usize {
        self.cut.count(self.rows)
    }

    /// Whether an epoch has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The batches of an epoch. `for (x, y) in &batches` is a pass over epoch 0, the next one over epoch 1, and so on.
    pub fn epoch(&self, epoch: u64) -> Epoch<A> {
        Epoch {
            arrays: self.arrays.clone(),
            room: self.room.clone(),
            kept: Kept::new(),
            order: self.cut.order(self.rows, epoch),
            cut: self.cut,
            next: 0,
        }
    }

    /// The batches of an epoch, all of the first one's size: where the last one has fewer rows, its last row is
    /// repeated. Each comes with the number of its real rows, which are the first ones.
    ///
    /// A step or run is compiled for each size of batches; with these there is one.
    ///
    /// ```
    /// use ndarray::array;
    /// use sinew_data::Batches;
    ///
    /// let batches = Batches::new(array![1, 2, 3], 2)?;
    /// let found: Vec<_> = batches.padded(0).map(|(rows, x)| (rows, x.to_vec())).collect();
    /// assert_eq!(found, [(2, vec![1, 2]), (1, vec![3, 3])]);
    /// # Ok::<(), sinew_data::Error>(())
    /// ```
    pub fn padded(&self, epoch: u64) -> Padded<A> {
        Padded(self.epoch(epoch))
    }
}

impl<A: Arrays> IntoIterator for &Batches<A> {
    type Item = A::Batch;
    type IntoIter = Epoch<A>;
    fn into_iter(self) -> Epoch<A> {
        self.epoch(self.passes.fetch_add(1, Ordering::Relaxed))
    }
}

/// The batches of one epoch.
#[derive(Debug)]
pub struct Epoch<A: Arrays> {
    arrays: Arc<A>,
    room: A::Batch,
    kept: Kept<A::Batch>,
    order: Vec<usize>,
    cut: Cut,
    next: usize,
}

impl<A: Arrays> Epoch<A> {
    /// The next batch, with the number of its real rows; as large as the first where `pad` asks for it.
    fn batch(&mut self, pad: bool) -> Option<(usize, A::Batch)> {
        let rows = self.cut.rows(&self.order, self.next)?;
        let last = *rows.last()?;
        // What is written to a clone is a copy: so is the first batch of an epoch.
        let mut batch = self.kept.free().unwrap_or_else(|| self.room.clone());
        let count = match pad {
            true => self.cut.size.min(self.order.len()),
            false => rows.len(),
        };
        let padding = std::iter::repeat_n(last, count - rows.len());
        self.arrays
            .copy(rows.iter().copied().chain(padding), &mut batch);
        self.next += 1;
        Some((rows.len(), self.kept.give(batch, count)))
    }
}

impl<A: Arrays> Iterator for Epoch<A> {
    type Item = A::Batch;

    fn next(&mut self) -> Option<A::Batch> {
        self.batch(false).map(|(_, batch)| batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.cut.count(self.order.len()).saturating_sub(self.next);
        (left, Some(left))
    }
}

impl<A: Arrays> ExactSizeIterator for Epoch<A> {}

/// The batches of one epoch, all of one size, each with the number of its real rows.
#[derive(Debug)]
pub struct Padded<A: Arrays>(Epoch<A>);

impl<A: Arrays> Iterator for Padded<A> {
    type Item = (usize, A::Batch);

    fn next(&mut self) -> Option<(usize, A::Batch)> {
        self.0.batch(true)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

/// Data that is passed over epoch by epoch: [`Batches`], a [`Loader`](crate::Loader), or what a caller has.
pub trait Epochs {
    /// What a step takes: an array, or a tuple of them.
    type Batch;
    /// How many batches an epoch has.
    fn batches(&self) -> usize;
    /// The batches of an epoch, each with the number of its rows.
    fn pass(&self, epoch: u64) -> impl Iterator<Item = Result<(usize, Self::Batch)>>;
}

impl<A: Arrays> Epochs for Batches<A> {
    type Batch = A::Batch;

    fn batches(&self) -> usize {
        self.len()
    }

    fn pass(&self, epoch: u64) -> impl Iterator<Item = Result<(usize, A::Batch)>> {
        let mut epoch = self.epoch(epoch);
        std::iter::from_fn(move || epoch.batch(false).map(Ok))
    }
}
