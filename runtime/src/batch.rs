//! The batch of a function: the first axis of its first argument.

use crate::engine::Input;
use sinew_ir::{Function, Shape, Symbol};

/// What of a function's arguments is of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// Its size.
    pub size: Symbol,
    /// The function's parameters that have its rows: arguments all.
    pub arguments: Vec<usize>,
}

impl Batch {
    /// That of a function.
    ///
    /// # Errors
    /// In words, why the batch is not just the first axis of arguments.
    pub fn of(function: &Function, inputs: &[Input]) -> Result<Batch, String> {
        let first = inputs
            .first()
            .map(|input| &function.values[input.param].shape);
        let first = first.filter(|shape| shape.sequence.is_none());
        let size = first.and_then(|shape| shape.dims.first()?.as_symbol().cloned());
        let size = size.ok_or("its first argument has no symbol for its first axis")?;
        let mut batch = Batch {
            size,
            arguments: Vec::new(),
        };
        let size = &batch.size;
        let mut arguments = Vec::new();
        for (i, (param, ty)) in function.params.iter().zip(&function.values).enumerate() {
            let name = &param.name;
            if batch.is_elsewhere(&ty.shape) {
                return Err(format!(
                    "`{name}` has {size} in its shape and not as its first axis alone"
                ));
            }
            let is_input = inputs.iter().any(|input| input.param == i);
            match (batch.is_first(&ty.shape), is_input) {
                (true, true) => arguments.push(i),
                (true, false) => {
                    return Err(format!("`{name}` of the model has {size} in its shape"));
                }
                (false, _) => {}
            }
        }
        batch.arguments = arguments;
        Ok(batch)
    }

    /// For each result of the function, whether it has a row for each of the batch.
    ///
    /// # Errors
    /// In words, why the batch is not just the first axis of results.
    pub fn results(&self, function: &Function) -> Result<Vec<bool>, String> {
        let results = function.returned().iter().enumerate();
        let of_rows = results.map(|(i, result)| {
            let shape = &function.type_of(*result).shape;
            match self.is_elsewhere(shape) {
                true => Err(format!(
                    "its result {i} has {} in its shape and not as its first axis alone",
                    self.size
                )),
                false => Ok(self.is_first(shape)),
            }
        });
        of_rows.collect()
    }

    fn is_first(&self, shape: &Shape) -> bool {
        let first = shape.dims.first().and_then(|dim| dim.as_symbol());
        shape.sequence.is_none() && first == Some(&self.size)
    }

    fn is_elsewhere(&self, shape: &Shape) -> bool {
        let dims = shape.dims.iter().skip(usize::from(self.is_first(shape)));
        dims.flat_map(|dim| dim.symbols())
            .any(|symbol| symbol == self.size)
    }
}
