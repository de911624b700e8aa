//! Finds where a step's NaN or infinity came from: the same program, on the same parameters and
//! arguments, through the reference interpreter.

use crate::arg::ArgView;
use crate::engine::{Engine, leaf_path};
use crate::error::{Error, Result};
use crate::read::{read_f64, read_floats_f64};
use crate::store::Store;
use sinew_ir::{Array, ParamKind, first_non_finite};

/// The error of a step that computed something not finite; its parameters are those from before it.
pub(crate) fn first(
    engine: &Engine,
    store: &Store,
    arguments: &[ArgView<'_>],
    loss: f64,
) -> Result<Error> {
    let program = &engine.current()?.linked[0].program;
    let mut arguments = arguments.iter();
    let mut values = Vec::with_capacity(program.params.len());
    for (param, of) in program.params.iter().zip(&program.values) {
        let data = match param.kind {
            ParamKind::Input => arguments.next().map(read_f64),
            ParamKind::Param | ParamKind::State => {
                match store.layout.leaf(leaf_path(&param.name)) {
                    Some(leaf) => {
                        let mut bytes = vec![0; leaf.bytes];
                        store.section(leaf.section).read(leaf.offset, &mut bytes)?;
                        Some(read_floats_f64(store.layout.float, &bytes))
                    }
                    None => None,
                }
            }
        };
        let data = data.ok_or_else(|| Error::NoLeaf {
            function: engine.unit.path.into(),
            leaf: param.name.clone(),
        })?;
        if data.iter().any(|v| !v.is_finite()) {
            return Ok(computed(engine, loss, format!("`{}` is not", param.name)));
        }
        let shape = of.shape.extents().unwrap_or_default();
        values.push(Array {
            dtype: of.dtype,
            shape,
            data,
        });
    }
    let origin = match first_non_finite(program, &values) {
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
        // Sums in another order or rounded later may stay just inside the range.
        Ok(None) => {
            "the reference interpreter stays finite, so a value left the range only just".into()
        }
        Err(error) => format!("the reference interpreter stopped: {error}"),
    };
    Ok(computed(engine, loss, origin))
}

fn computed(engine: &Engine, loss: f64, origin: String) -> Error {
    Error::Computed {
        function: engine.unit.path.into(),
        what: if loss.is_finite() { "gradient" } else { "loss" },
        origin,
    }
}
