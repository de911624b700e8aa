//! Cases of operations with PyTorch's values, as programs to run.
//!
//! One case is an operation of the language with arguments, inputs, outputs, cotangents and
//! gradients. [`Case::program`] makes a linked program of it, whose results are the outputs and the
//! gradients: whoever runs programs (the interpreter, the executor, the emitters) is tested with the
//! same cases. Loops have a table of their own, with their unrolled forms in place of PyTorch:
//! [`loop_specs`]. Files are read from a folder that the caller gives.

mod application;
mod generator;
mod gradients;
mod inline;
mod loops;
mod translate;
mod unroll;

pub use application::{applicable, applied};
pub use generator::{VECTORS, Vector, generator, published};
pub use gradients::with_gradients;
pub use loops::{LoopCase, LoopSpec, TRIPS, loop_cases, loop_specs, step};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde_json::Value as Json;
use sinew_ir::{
    Array, Binding, DType, Function, LinkError, OpError, PullbackError, Unit, derive_pullback,
    link_pullback,
};
use std::path::Path;
pub use translate::LAYERS;
pub use unroll::leaked;

/// A unit without consts, of which text and callees matter.
pub const fn unit_of(
    path: &'static str,
    text: &'static str,
    callees: &'static [(&'static str, &'static Unit)],
) -> Unit {
    Unit {
        path,
        file: "src/net.rs",
        text,
        callees,
        consts: &[],
    }
}

/// Why a case cannot be read or made a program.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A file that cannot be read.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// A file that is no JSON.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A file that holds no tensors, or not those that the cases name.
    #[error("{0}")]
    Tensors(#[from] SafeTensorError),
    /// Something that a case should say and does not, or says in another form.
    #[error("`{case}`: {what}")]
    Form {
        /// The case.
        case: String,
        /// What.
        what: String,
    },
    /// An op that was refused.
    #[error("{0}")]
    Op(#[from] OpError),
    /// An operation without a derivative.
    #[error("{0}")]
    Pullback(#[from] PullbackError),
    /// A program that does not link.
    #[error("{0}")]
    Link(#[from] LinkError),
}

/// One operation with values. Floats are given in f64, whatever they are computed in.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The operation.
    pub op: String,
    /// The operation's arguments.
    pub args: Json,
    /// The inputs, sorted by name; floats have the working float's type.
    pub inputs: Vec<(String, Array)>,
    /// The outputs.
    pub outputs: Vec<Array>,
    /// The cotangent applied to each output; `None` for outputs without a derivative.
    pub cotangents: Vec<Option<Array>>,
    /// The gradients by input; inputs that are not here have none.
    pub gradients: Vec<(String, Array)>,
}

/// A case as a linked program with all that goes in and must come out.
#[derive(Clone, Debug)]
pub struct CaseProgram {
    /// The program: inputs and cotangents to outputs and gradients.
    pub function: Function,
    /// Its inputs; floats are f64 values in arrays of the program's types.
    pub inputs: Vec<Array>,
    /// Its results.
    pub expected: Vec<Array>,
}

/// The cases in a folder: of `ops.json` and `edges.json`, each with the tensors beside it, and of
/// `values.json` and `indexing.json`, with their numbers in them.
///
/// # Errors
/// Files that are not there or not of that form.
pub fn read(folder: &Path) -> Result<Vec<Case>, CaseError> {
    let mut cases = read_one(folder, "ops")?;
    cases.extend(read_one(folder, "edges")?);
    for name in ["values.json", "indexing.json"] {
        let list: Json = serde_json::from_slice(&std::fs::read(folder.join(name))?)?;
        for record in list.as_array().into_iter().flatten() {
            cases.push(inline::case(record)?);
        }
    }
    Ok(cases)
}

fn read_one(folder: &Path, name: &str) -> Result<Vec<Case>, CaseError> {
    let file = |ending: &str| std::fs::read(folder.join(format!("{name}.{ending}")));
    let list: Json = serde_json::from_slice(&file("json")?)?;
    let bytes = file("safetensors")?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let list = list.as_array().cloned().unwrap_or_default();
    list.iter().map(|record| case(record, &tensors)).collect()
}

fn case(record: &Json, tensors: &SafeTensors<'_>) -> Result<Case, CaseError> {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_string();
    let name = text("name");
    let tensor = |kind: &str, key: &str| tensor(tensors, &format!("{name}/{kind}/{key}"));
    let mut inputs = Vec::new();
    for key in record["inputs"].as_object().into_iter().flatten() {
        inputs.push((key.0.clone(), tensor("in", key.0)?));
    }
    let mut outputs = Vec::new();
    let mut cotangents = Vec::new();
    for (i, declared) in record["outputs"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let mut output = tensor("out", &i.to_string())?;
        // Files have no integers of 64 bits and no bools among the outputs: their type stands beside.
        if declared["dtype"] == "bool" {
            output.dtype = DType::Bool;
        }
        outputs.push(output);
        cotangents.push(tensor("cot", &i.to_string()).ok());
    }
    let mut gradients = Vec::new();
    for key in record["grads"].as_array().into_iter().flatten() {
        let key = key.as_str().unwrap_or_default();
        gradients.push((key.to_string(), tensor("grad", key)?));
    }
    Ok(Case {
        op: text("op"),
        args: record["args"].clone(),
        name,
        inputs,
        outputs,
        cotangents,
        gradients,
    })
}

fn tensor(tensors: &SafeTensors<'_>, name: &str) -> Result<Array, CaseError> {
    let view = tensors.tensor(name)?;
    let bytes = view.data();
    let other = |what: &str| CaseError::Form {
        case: name.to_string(),
        what: what.to_string(),
    };
    let (dtype, data): (DType, Vec<f64>) = match view.dtype() {
        Dtype::F64 => {
            let (chunks, _) = bytes.as_chunks::<8>();
            let data = chunks.iter().map(|c| f64::from_le_bytes(*c)).collect();
            (DType::Float, data)
        }
        Dtype::I32 => {
            let (chunks, _) = bytes.as_chunks::<4>();
            let number = |c: &[u8; 4]| f64::from(i32::from_le_bytes(*c));
            (DType::I32, chunks.iter().map(number).collect())
        }
        Dtype::BOOL => (DType::Bool, bytes.iter().map(|b| f64::from(*b)).collect()),
        _ => return Err(other("is of an element type that the cases do not use")),
    };
    Array::new(dtype, view.shape(), data).ok_or_else(|| other("has another number of elements"))
}

impl Case {
    /// The case as a function, in the working float, with its inputs as parameters; `None` for an
    /// operation that is a layer of the library (see [`LAYERS`]).
    ///
    /// # Errors
    /// Arguments that are missing or do not fit the inputs.
    pub fn function(&self) -> Result<Option<Function>, CaseError> {
        translate::function(self)
    }

    /// The case as a linked program in `float`: its parameters are the inputs, then the cotangents of
    /// the outputs that have one; its results are the outputs, then the gradients. `None` as for
    /// [`Case::function`].
    ///
    /// It takes the road that all programs take: pullback, text, link, simplify.
    ///
    /// # Errors
    /// As [`Case::function`]; a function that does not link.
    pub fn program(&self, float: DType) -> Result<Option<CaseProgram>, CaseError> {
        let Some(mut function) = self.function()? else {
            return Ok(None);
        };
        derive_pullback(&mut function, &|_| None)?;
        let wanted: Vec<&str> = self.gradients.iter().map(|(n, _)| n.as_str()).collect();
        let binding = Binding::new(float);
        let linked = link_pullback(unit(&function), &binding, &|p| {
            wanted.contains(&p.name.as_str())
        })?;
        let bound = |mut x: Array| {
            x.dtype = x.dtype.with_float(float);
            x
        };
        let mut inputs: Vec<Array> = self.inputs.iter().map(|(_, x)| bound(x.clone())).collect();
        for (output, cotangent) in self.outputs.iter().zip(&self.cotangents) {
            if output.dtype == DType::Float {
                let zeros = Array::filled(float, &output.shape, 0.0);
                inputs.push(cotangent.clone().map_or(zeros, bound));
            }
        }
        let mut expected: Vec<Array> = self.outputs.iter().cloned().map(bound).collect();
        let mut results = linked.program.body.results[..linked.results].to_vec();
        let mut zeros = Vec::new();
        for (name, gradient) in &self.gradients {
            let at = self.inputs.iter().position(|(n, _)| n == name);
            match at.and_then(|i| linked.gradients[i]) {
                Some(result) => {
                    results.push(linked.program.body.results[result]);
                    expected.push(bound(gradient.clone()));
                }
                // No gradient is a gradient of zero.
                None => zeros.push((name, gradient)),
            }
        }
        for (name, gradient) in zeros {
            if gradient.data.iter().any(|g| *g != 0.0) {
                return Err(CaseError::Form {
                    case: self.name.clone(),
                    what: format!("`{name}` has a gradient here, and none in the program"),
                });
            }
        }
        let mut function = linked.program;
        function.body.results = results;
        Ok(Some(CaseProgram {
            function,
            inputs,
            expected,
        }))
    }
}

/// A unit of a function without calls. Its text lives as long as the process, as a macro's would.
pub fn unit(function: &Function) -> &'static Unit {
    leaked(&function.name, &Unit::text_of(function), &[])
}

/// Whether two numbers agree to `relative` times the expected one's magnitude, or to `absolute` where
/// that is more; NaN with NaN.
pub fn close(found: f64, expected: f64, relative: f64, absolute: f64) -> bool {
    if found.is_nan() || expected.is_nan() {
        return found.is_nan() && expected.is_nan();
    }
    found == expected || (found - expected).abs() <= absolute.max(relative * expected.abs())
}

/// The first element where two arrays are not [`close`], in words.
pub fn difference(found: &Array, expected: &Array, relative: f64, absolute: f64) -> Option<String> {
    if found.shape != expected.shape {
        return Some(format!("shape {:?} for {:?}", found.shape, expected.shape));
    }
    let pairs = found.data.iter().zip(&expected.data).enumerate();
    for (i, (f, e)) in pairs {
        if !close(*f, *e, relative, absolute) {
            return Some(format!("element {i} is {f}, and must be {e}"));
        }
    }
    None
}
