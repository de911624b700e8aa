//! What makes a function a loss: a first result that is one number of the working float, which a parameter
//! of its first model changes.

use crate::engine::Engine;
use crate::error::{Error, Result};
use sinew_ir::{DType, ParamKind, Type};

/// The leaves of the first model that the loss depends on.
///
/// # Errors
/// [`Error::NotALoss`] for a function whose first result is no float scalar, or depends on no parameter.
pub(crate) fn moved_leaves(engine: &Engine) -> Result<Vec<&str>> {
    let function = &engine.function;
    let not_a_loss = |rest: &str| {
        let types = function.returned().iter();
        let types: Vec<String> = types.map(|r| declared(function.type_of(*r))).collect();
        let returns = match types.as_slice() {
            [] => "nothing".to_string(),
            [one] => format!("`{one}`{rest}"),
            many => format!("`({})`{rest}", many.join(", ")),
        };
        Error::NotALoss {
            function: engine.unit.path.into(),
            returns,
        }
    };
    let Some(result) = function.returned().first() else {
        return Err(not_a_loss(""));
    };
    if *function.type_of(*result) != Type::from_extents(DType::Float, &[]) {
        return Err(not_a_loss(""));
    }
    // Not the stored pullback's gradients: it knows nothing of what the functions it calls leave out.
    let info = sinew_ir::dependence(engine.unit);
    let info = info.map_err(|source| Error::link(engine.unit.path, source))?;
    let mut moved = Vec::new();
    let loss = info.depends.iter().take(1).flatten();
    for (position, (param, moves)) in function.params.iter().zip(loss).enumerate() {
        if param.kind == ParamKind::Param
            && *moves
            && let Some((0, path)) = engine.leaf(function, position)
        {
            moved.push(path);
        }
    }
    match moved.is_empty() {
        true => Err(not_a_loss(" that depends on none")),
        false => Ok(moved),
    }
}

/// A type as it is declared: `Tensor<i32, B>`.
fn declared(ty: &Type) -> String {
    let mut parts = Vec::new();
    if ty.dtype != DType::Float {
        parts.push(ty.dtype.to_string());
    }
    let shape = ty.shape.to_string();
    if !shape.is_empty() {
        parts.push(shape);
    }
    match parts.is_empty() {
        true => "Tensor".into(),
        false => format!("Tensor<{}>", parts.join(", ")),
    }
}
