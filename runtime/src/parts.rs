//! Steps that take their batch in parts.

use crate::batch::Batch;
use crate::engine::{Engine, Input};
use crate::error::{Error, Result};
use sinew_ir::{Function, Gradient, Join, over_parts};

/// How a step takes its batch in parts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parts {
    count: usize,
    /// The function's parameters of which each part gets rows.
    pub split: Vec<usize>,
    /// What becomes of what the parts give for each result of the function.
    joined: Vec<Join>,
}

impl Parts {
    /// Those of a batch that is the first axis of the first input.
    ///
    /// # Errors
    /// [`Error::NotInParts`] for a function whose batch is not just the first axis of arguments and results.
    pub fn new(count: usize, function: &Function, inputs: &[Input]) -> Result<Parts> {
        let refused = |reason: String| Error::NotInParts {
            function: function.name.clone(),
            reason,
        };
        if count == 0 {
            return Err(refused("there have to be 1 or more of them".into()));
        }
        let batch = Batch::of(function, inputs).map_err(refused)?;
        let of_rows = batch.results(function).map_err(refused)?;
        let results = function.returned().iter().zip(&of_rows).enumerate();
        let joined = results.map(|(i, (result, of_rows))| {
            let dtype = function.type_of(*result).dtype;
            match (of_rows, dtype.is_float()) {
                (true, _) => Ok(Join::Rows),
                (false, true) => Ok(Join::Mean),
                (false, false) => Err(refused(format!(
                    "its result {i} is of {dtype}, of which parts have no mean"
                ))),
            }
        });
        Ok(Parts {
            count,
            joined: joined.collect::<Result<_>>()?,
            split: batch.arguments,
        })
    }

    /// The rows of one part.
    ///
    /// # Errors
    /// [`Error::MicroBatches`].
    pub fn rows_of_one(&self, argument: &str, rows: usize) -> Result<usize> {
        match rows.is_multiple_of(self.count) {
            true => Ok(rows / self.count),
            false => Err(Error::MicroBatches {
                argument: argument.to_string(),
                rows,
                parts: self.count,
            }),
        }
    }

    /// The gradient over all parts, of that of one.
    ///
    /// # Errors
    /// None in practice: what cannot be joined was refused.
    pub fn over(&self, engine: &Engine, gradient: Gradient) -> Result<Gradient> {
        let params = 0..gradient.program.params.len();
        let split: Vec<bool> = params.map(|i| self.split.contains(&i)).collect();
        let mut joined = self.joined.clone();
        // What is captured has an axis for the parts.
        joined.resize(gradient.results, Join::Each);
        over_parts(&gradient, self.count, &split, &joined).map_err(|error| Error::NotInParts {
            function: engine.unit.path.into(),
            reason: error.to_string(),
        })
    }
}
