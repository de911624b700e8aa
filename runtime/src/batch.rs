//! The batch of a function: the first axis of its first argument.

use crate::engine::Input;
use sinew_ir::{Function, Shape, Symbol};

/// What of a function's arguments and results is of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// Its size.
    pub size: Symbol,
    /// The function's parameters that have its rows: arguments all.
    pub arguments: Vec<usize>,
    /// For each result, whether it has a row for each of the batch.
    pub results: Vec<bool>,
}

impl Batch {
    /// That of a function.
    ///
    /// # Errors
    /// In words, why the batch is not just the first axis of arguments and results.
    pub fn of(function: &Function, inputs: &[Input]) -> Result<Batch, String> {
        let first = inputs
            .first()
            .map(|input| &function.values[input.param].shape);
        let first = first.filter(|shape| shape.sequence.is_none());
        let size = first.and_then(|shape| shape.dims.first()?.as_symbol().cloned());
        let size = size.ok_or("its first argument has no symbol for its first axis")?;
        let on_first = |shape: &Shape| {
            let first = shape.dims.first().and_then(|dim| dim.as_symbol());
            shape.sequence.is_none() && first == Some(&size)
        };
        let elsewhere = |shape: &Shape| {
            let dims = shape.dims.iter().skip(usize::from(on_first(shape)));
            dims.flat_map(|dim| dim.symbols())
                .any(|symbol| symbol == size)
        };
        let mut arguments = Vec::new();
        for (i, (param, ty)) in function.params.iter().zip(&function.values).enumerate() {
            let name = &param.name;
            if elsewhere(&ty.shape) {
                return Err(format!(
                    "`{name}` has {size} in its shape and not as its first axis alone"
                ));
            }
            let is_input = inputs.iter().any(|input| input.param == i);
            match (on_first(&ty.shape), is_input) {
                (true, true) => arguments.push(i),
                (true, false) => {
                    return Err(format!("`{name}` of the model has {size} in its shape"));
                }
                (false, _) => {}
            }
        }
        let mut results = Vec::new();
        for (i, result) in function.returned().iter().enumerate() {
            let shape = &function.type_of(*result).shape;
            if elsewhere(shape) {
                return Err(format!(
                    "its result {i} has {size} in its shape and not as its first axis alone"
                ));
            }
            results.push(on_first(shape));
        }
        Ok(Batch {
            size,
            arguments,
            results,
        })
    }
}
