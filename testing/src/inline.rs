//! Cases whose numbers stand in their JSON.

use super::{Case, CaseError};
use serde_json::Value as Json;
use sinew_ir::{Array, DType};

/// The case of a record as `values.py` writes it.
pub(super) fn case(record: &Json) -> Result<Case, CaseError> {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_string();
    let name = text("name");
    let mut case = Case {
        op: text("op"),
        args: record["args"].clone(),
        name,
        inputs: Vec::new(),
        outputs: Vec::new(),
        cotangents: Vec::new(),
        gradients: Vec::new(),
    };
    for (input, x) in record["inputs"].as_object().into_iter().flatten() {
        let x = array(&case, x, &x["data"])?;
        if let data @ Json::Array(_) = &record["grads"][input] {
            let gradient = array(&case, &record["inputs"][input], data)?;
            case.gradients.push((input.clone(), gradient));
        }
        case.inputs.push((input.clone(), x));
    }
    for y in record["outputs"].as_array().into_iter().flatten() {
        let cotangent = match &y["cotangent"] {
            Json::Null => None,
            data => Some(array(&case, y, data)?),
        };
        case.outputs.push(array(&case, y, &y["data"])?);
        case.cotangents.push(cotangent);
    }
    Ok(case)
}

/// Numbers in the shape and the type that stand beside them.
fn array(case: &Case, described: &Json, data: &Json) -> Result<Array, CaseError> {
    let dtype = match described["dtype"].as_str() {
        Some("float64") => DType::Float,
        Some("int32") => DType::I32,
        Some(_) | None => return Err(case.form("an element type that the cases do not use")),
    };
    let shape = described["shape"].as_array().into_iter().flatten();
    let shape: Option<Vec<usize>> = shape.map(|n| n.as_u64()?.try_into().ok()).collect();
    let data = data.as_array().into_iter().flatten();
    let data: Option<Vec<f64>> = data.map(number).collect();
    let array = shape
        .zip(data)
        .and_then(|(shape, data)| Array::new(dtype, &shape, data));
    array.ok_or_else(|| case.form("numbers that are not as many as their shape says"))
}

/// A number; JSON has no infinities and no NaN.
fn number(written: &Json) -> Option<f64> {
    match written {
        Json::String(word) => word.parse().ok(),
        other => other.as_f64(),
    }
}
