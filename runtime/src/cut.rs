//! The arguments of many steps in one call: the same for all of them, or data that is cut into batches.

use crate::arg::ArgView;
use crate::batch::Batch;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Arguments of a call, and the steps that are taken on them.
#[derive(Debug)]
pub(crate) struct Cut<'v, 'a> {
    /// As they came.
    pub arguments: &'v [ArgView<'a>],
    /// Which of them are cut into batches.
    pub split: Vec<usize>,
    /// The steps, in order.
    pub stretches: Vec<Stretch>,
}

/// Steps one after the other by one program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// How many.
    pub steps: usize,
    /// The first row of the data that they are on.
    start: usize,
    /// How many rows each of them is on.
    rows: usize,
}

impl<'v, 'a> Cut<'v, 'a> {
    /// So many steps on the same arguments.
    pub fn same(arguments: &'v [ArgView<'a>], steps: usize) -> Cut<'v, 'a> {
        let one = Stretch {
            steps,
            start: 0,
            rows: 0,
        };
        Cut {
            arguments,
            split: Vec::new(),
            stretches: [one].into_iter().filter(|s| s.steps > 0).collect(),
        }
    }

    /// One pass over data in batches of `rows` rows, the last of which may be shorter.
    ///
    /// # Errors
    /// [`Error::NotInBatches`] for a function that has no batch, data of different numbers of rows, a batch of no rows or
    /// of more than there are; [`Error::Arguments`].
    pub fn rows(engine: &Engine, arguments: &'v [ArgView<'a>], rows: usize) -> Result<Cut<'v, 'a>> {
        let refused = |reason: String| Error::NotInBatches {
            function: engine.unit.path.into(),
            reason,
        };
        engine.check_count(arguments)?;
        let batch = Batch::of(&engine.function, &engine.inputs).map_err(refused)?;
        let is_split = |i: &usize| batch.arguments.contains(&engine.inputs[*i].param);
        let split: Vec<usize> = (0..arguments.len()).filter(is_split).collect();
        let mut all = split.iter().map(|i| {
            let extent = arguments[*i].extents().first();
            (&engine.inputs[*i].name, extent.copied().unwrap_or(0))
        });
        // The batch is the first axis of the first argument.
        let (first, count) = all
            .next()
            .ok_or_else(|| refused("it has no batch".into()))?;
        if let Some((other, rows)) = all.find(|(_, rows)| *rows != count) {
            return Err(refused(format!(
                "`{first}` has {count} rows, and `{other}` has {rows}"
            )));
        }
        if rows == 0 {
            return Err(refused("a batch has one row or more".into()));
        }
        if rows > count {
            return Err(refused(format!(
                "batches of {rows} rows were asked for, and `{first}` has {count}"
            )));
        }
        let (whole, rest) = (count / rows, count % rows);
        let last = Stretch {
            steps: 1,
            start: whole * rows,
            rows: rest,
        };
        let whole = Stretch {
            steps: whole,
            start: 0,
            rows,
        };
        let stretches = [whole, last].into_iter().filter(|s| s.rows > 0).collect();
        Ok(Cut {
            arguments,
            split,
            stretches,
        })
    }

    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.stretches.iter().map(|s| s.steps).sum()
    }

    /// What the last step is on, by what another is: shares of rows.
    pub fn last_share(&self) -> f64 {
        match (self.stretches.first(), self.stretches.last()) {
            (Some(first), Some(last)) if first != last => last.rows as f64 / first.rows as f64,
            _ => 1.0,
        }
    }

    /// The rows of an argument that step `step` of a stretch is on.
    pub fn row(&self, argument: usize, stretch: Stretch, step: usize) -> ArgView<'a> {
        let start = stretch.start + step * stretch.rows;
        self.arguments[argument].rows(start, stretch.rows)
    }

    /// The arguments of a step of a stretch.
    pub fn batch(&self, stretch: Stretch, step: usize) -> Vec<ArgView<'a>> {
        self.with_rows(|argument| self.row(argument, stretch, step))
    }

    /// All that the steps of a stretch are on.
    pub fn all(&self, stretch: Stretch) -> Vec<ArgView<'a>> {
        let rows = stretch.rows * stretch.steps;
        self.with_rows(|argument| self.arguments[argument].rows(stretch.start, rows))
    }

    fn with_rows(&self, rows: impl Fn(usize) -> ArgView<'a>) -> Vec<ArgView<'a>> {
        let mut out = self.arguments.to_vec();
        for argument in &self.split {
            out[*argument] = rows(*argument);
        }
        out
    }

    /// An error that tells a position in what the steps of a stretch are on, with that in the data.
    pub fn in_data(&self, engine: &Engine, stretch: Stretch, mut error: Error) -> Error {
        if let Error::Index {
            argument, position, ..
        }
        | Error::Range {
            argument, position, ..
        }
        | Error::NotFinite {
            argument, position, ..
        } = &mut error
            && self
                .split
                .iter()
                .any(|i| engine.inputs[*i].name == *argument)
            && let Some(row) = position.first_mut()
        {
            *row += stretch.start;
        }
        error
    }
}
