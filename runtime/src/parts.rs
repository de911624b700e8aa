//! Steps that take their batch in parts.

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
        let first = inputs
            .first()
            .map(|input| &function.values[input.param].shape);
        let first = first.filter(|shape| shape.sequence.is_none());
        let batch = first.and_then(|shape| shape.dims.first()?.as_symbol().cloned());
        let Some(batch) = batch else {
            return Err(refused(
                "its first argument has no symbol for its first axis".into(),
            ));
        };
        let on_first = |shape: &sinew_ir::Shape| {
            let first = shape.dims.first().and_then(|dim| dim.as_symbol());
            shape.sequence.is_none() && first == Some(&batch)
        };
        let elsewhere = |shape: &sinew_ir::Shape| {
            let dims = shape.dims.iter().skip(usize::from(on_first(shape)));
            dims.flat_map(|dim| dim.symbols())
                .any(|symbol| symbol == batch)
        };
        let mut split = Vec::new();
        for (i, (param, ty)) in function.params.iter().zip(&function.values).enumerate() {
            if elsewhere(&ty.shape) {
                let name = &param.name;
                return Err(refused(format!(
                    "`{name}` has {batch} in its shape and not as its first axis alone"
                )));
            }
            let is_input = inputs.iter().any(|input| input.param == i);
            match (on_first(&ty.shape), is_input) {
                (true, true) => split.push(i),
                (true, false) => {
                    let name = &param.name;
                    return Err(refused(format!(
                        "`{name}` of the model has {batch} in its shape"
                    )));
                }
                (false, _) => {}
            }
        }
        let mut joined = Vec::new();
        for (i, result) in function.returned().iter().enumerate() {
            let ty = function.type_of(*result);
            joined.push(match (on_first(&ty.shape), ty.dtype.is_float()) {
                _ if elsewhere(&ty.shape) => {
                    return Err(refused(format!(
                        "its result {i} has {batch} in its shape and not as its first axis alone"
                    )));
                }
                (true, _) => Join::Rows,
                (false, true) => Join::Mean,
                (false, false) => {
                    return Err(refused(format!(
                        "its result {i} is of {}, of which parts have no mean",
                        ty.dtype
                    )));
                }
            });
        }
        Ok(Parts {
            count,
            split,
            joined,
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
