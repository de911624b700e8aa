//! Finds where a call's NaN or infinity came from: the same program, on the same parameters and
//! arguments, through the reference interpreter.

use crate::arg::ArgView;
use crate::backend::room;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::read::read;
use crate::store::Held;
use sinew_ir::{Array, ParamKind, first_non_finite};

/// What the current program was called with, copied: the interpreter is slow, and others wait for the
/// parameters.
pub(crate) struct Witness<'a> {
    engine: &'a Engine,
    inputs: Vec<Array>,
}

impl<'a> Witness<'a> {
    /// Copies arguments and parameters, which are those from before the call.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn copy(
        engine: &'a Engine,
        held: &Held<'_>,
        key: Key,
        arguments: &[ArgView<'_>],
    ) -> Result<Witness<'a>> {
        let program = &engine.current()?.linked[0].function;
        let mut arguments = arguments.iter();
        let mut inputs = Vec::with_capacity(program.params.len());
        for (position, (param, ty)) in program.params.iter().zip(&program.values).enumerate() {
            let data = match param.kind {
                ParamKind::Input => {
                    let view = arguments.next();
                    view.map(|view| read(&param.name, view)).transpose()?
                }
                ParamKind::Key => Some(key.words().map(f64::from).to_vec()),
                ParamKind::Param | ParamKind::State if ty.bytes() == Some(0) => Some(Vec::new()),
                ParamKind::Param | ParamKind::State => {
                    let leaf = engine.leaf(program, position);
                    let found = leaf.and_then(|(model, path)| {
                        let store = held.stores().nth(model)?;
                        Some((store, store.layout.stack(path)?))
                    });
                    found
                        .map(|(store, stack)| store.read_f64(stack))
                        .transpose()?
                }
            };
            inputs.push(Array {
                dtype: ty.dtype,
                shape: ty.shape.extents().unwrap_or_default(),
                data: data.ok_or_else(|| Error::NoLeaf {
                    function: engine.unit.path.into(),
                    leaf: param.name.clone(),
                })?,
            });
        }
        Ok(Witness { engine, inputs })
    }

    /// The error of a call whose `what` (loss, gradient, result) is not finite.
    pub fn error(self, what: &'static str) -> Error {
        let function = self.engine.unit.path;
        tracing::warn!(
            function,
            what,
            "not finite: the reference interpreter looks for the operation, which may take long"
        );
        let origin = self.origin().unwrap_or_else(|error| error.to_string());
        Error::Computed {
            function: function.into(),
            what,
            origin,
        }
    }

    fn origin(&self) -> Result<String> {
        let program = &self.engine.current()?.linked[0].function;
        for (param, input) in program.params.iter().zip(&self.inputs) {
            if input.data.iter().any(|v| !v.is_finite()) {
                return Ok(format!("`{}` is not", param.name));
            }
        }
        // The interpreter keeps every value in f64, and asks for no memory that may not be had: whether
        // there is as much is tried first.
        let elements = program.values.iter().map(|ty| {
            let bytes = ty.bytes().unwrap_or(usize::MAX);
            bytes / ty.dtype.size().unwrap_or(1)
        });
        let elements = elements.fold(0, usize::saturating_add);
        drop(room::<f64>("the reference interpreter", elements)?);
        Ok(match first_non_finite(program, &self.inputs) {
            Ok(Some(found)) => {
                let place = match found.location {
                    Some(location) => format!("`{}` at {location}", found.op),
                    None => format!("`{}` in the derivative", found.op),
                };
                format!(
                    "{place} made the first such value ({} of the linked program)",
                    found.value
                )
            }
            // Sums in another order may stay just inside the range; constants are not looked at.
            Ok(None) => {
                "no operation makes such a value of finite ones in the reference interpreter: \
                         it is written down as a constant, or a sum left the range only just"
                    .into()
            }
            Err(error) => format!("the reference interpreter stopped: {error}"),
        })
    }
}
