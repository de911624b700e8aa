//! Batches of any size by programs for a few: `runner.buckets([8, 64])`.

use crate::arg::ArgView;
use crate::backend::room;
use crate::batch::Batch;
use crate::cache::Work;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::output::ResultView;
use sinew_ir::{DType, Symbol, rows_stay_apart};

/// Which programs a runner has for its batches.
#[derive(Debug, Clone)]
pub(crate) struct Buckets {
    /// For how many rows there are programs: 1 and what was asked for, rising.
    sizes: Vec<usize>,
    /// The size of the batch.
    batch: Symbol,
    /// For each argument, whether it has the rows.
    split: Vec<bool>,
    /// The other extents of arguments with which rows were found to stay apart.
    checked: Vec<Vec<Vec<usize>>>,
}

/// Rows that one program runs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The first.
    pub start: usize,
    /// How many.
    pub count: usize,
}

/// Sizes of a batch to compare programs by, of which no other extent is.
const UNLIKELY: [usize; 2] = [100_003, 100_019];

impl Buckets {
    /// Programs for so many rows.
    ///
    /// # Errors
    /// [`Error::NotInBuckets`].
    pub fn new(sizes: &[usize], engine: &Engine) -> Result<Buckets> {
        let refused = |reason| refused(engine, reason);
        if sizes.contains(&0) {
            return Err(refused("a bucket has one row or more".into()));
        }
        let batch = Batch::of(&engine.function, &engine.inputs).map_err(refused)?;
        let of_rows = batch.results(&engine.function).map_err(refused)?;
        if let Some(i) = of_rows.iter().position(|of_rows| !of_rows) {
            let size = &batch.size;
            return Err(refused(format!(
                "its result {i} has no {size} as its first axis"
            )));
        }
        let mut sizes: Vec<usize> = sizes.iter().copied().chain([1]).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let inputs = engine.inputs.iter();
        let split = inputs.map(|input| batch.arguments.contains(&input.param));
        Ok(Buckets {
            sizes,
            batch: batch.size,
            split: split.collect(),
            checked: Vec::new(),
        })
    }

    /// How many rows the arguments have; none where they differ, which whoever binds them tells.
    pub fn rows(&self, arguments: &[ArgView<'_>]) -> Option<usize> {
        if arguments.len() != self.split.len() {
            return None;
        }
        let mut all = self.of_rows(arguments);
        let rows = *all.next()?.extents().first()?;
        let same = all.all(|a| a.extents().first() == Some(&rows));
        (same && rows > 0).then_some(rows)
    }

    fn of_rows<'a, 'b>(
        &'a self,
        arguments: &'a [ArgView<'b>],
    ) -> impl Iterator<Item = &'a ArgView<'b>> {
        let pairs = arguments.iter().zip(&self.split);
        pairs.filter_map(|(argument, split)| split.then_some(argument))
    }

    /// The rows of each run. All that were run twice come out the same.
    pub fn pieces(&self, rows: usize) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut start = 0;
        while start < rows {
            let left = rows - start;
            // Where most of them are new, more at once are done sooner than what is left by smaller programs.
            let all = self.sizes.iter().find(|size| **size >= left);
            let all = all.filter(|size| **size <= rows && **size < 2 * left);
            let count = match all {
                Some(count) => *count,
                None => {
                    let mut fitting = self.sizes.iter().rev();
                    fitting.find(|size| **size <= left).copied().unwrap_or(1)
                }
            };
            pieces.push(Piece {
                start: start.min(rows - count),
                count,
            });
            start += count;
        }
        pieces
    }

    /// The arguments of one run.
    pub fn of_piece<'a>(&self, arguments: &[ArgView<'a>], piece: Piece) -> Vec<ArgView<'a>> {
        let pairs = arguments.iter().zip(&self.split);
        let part = pairs.map(|(argument, split)| match split {
            true => argument.rows(piece.start, piece.count),
            false => *argument,
        });
        part.collect()
    }

    /// Checks that the function does to each row what it does to any other, once for each set of the arguments' other
    /// extents.
    ///
    /// # Errors
    /// [`Error::NotInBuckets`]; arguments that do not fit.
    pub fn check(&mut self, engine: &Engine, arguments: &[ArgView<'_>]) -> Result<()> {
        let others: Vec<Vec<usize>> = arguments
            .iter()
            .zip(&self.split)
            .map(|(a, split)| a.extents()[usize::from(*split).min(a.extents().len())..].to_vec())
            .collect();
        if self.checked.contains(&others) {
            return Ok(());
        }
        let binding = engine.bind(Work::Run, arguments)?;
        let link = |rows: usize| {
            let binding = binding.clone().with(self.batch.name(), rows);
            sinew_ir::link(engine.unit, &binding)
                .map_err(|source| Error::link(engine.unit.path, source))
        };
        let [one, other] = UNLIKELY.map(link);
        rows_stay_apart(&one?, &other?).map_err(|meet| {
            let place = meet
                .location
                .map(|l| format!(" ({})", l.in_file(engine.unit.file)));
            refused(engine, format!("{meet}{}", place.unwrap_or_default()))
        })?;
        self.checked.push(others);
        Ok(())
    }
}

fn refused(engine: &Engine, reason: String) -> Error {
    Error::NotInBuckets {
        function: engine.unit.path.into(),
        reason,
    }
}

/// The results of all rows.
pub(crate) struct Joined {
    rows: usize,
    results: Vec<JoinedResult>,
}

struct JoinedResult {
    dtype: DType,
    extents: Vec<usize>,
    bytes: Vec<u8>,
}

impl JoinedResult {
    fn view(&self) -> ResultView<'_> {
        ResultView {
            dtype: self.dtype,
            extents: &self.extents,
            bytes: &self.bytes,
        }
    }
}

impl Joined {
    /// None yet.
    pub fn new(rows: usize) -> Joined {
        Joined {
            rows,
            results: Vec::new(),
        }
    }

    /// Puts the results of a piece in their place.
    ///
    /// # Errors
    /// Too little memory.
    pub fn put(&mut self, piece: Piece, results: &[ResultView<'_>]) -> Result<()> {
        for (i, result) in results.iter().enumerate() {
            let size = result.bytes.len() / piece.count.max(1);
            if self.results.len() <= i {
                let mut bytes = room("a result", self.rows * size)?;
                bytes.resize(self.rows * size, 0);
                let others = result.extents.iter().skip(1).copied();
                self.results.push(JoinedResult {
                    dtype: result.dtype,
                    extents: [self.rows].into_iter().chain(others).collect(),
                    bytes,
                });
            }
            let start = piece.start * size;
            let place = self.results[i]
                .bytes
                .get_mut(start..start + result.bytes.len());
            // Pieces lie inside of the rows.
            if let Some(place) = place {
                place.copy_from_slice(result.bytes);
            }
        }
        Ok(())
    }

    /// Those of all rows.
    pub fn views(&self) -> Vec<ResultView<'_>> {
        self.results.iter().map(JoinedResult::view).collect()
    }
}
