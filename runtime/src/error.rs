//! Everything that can go wrong at run time.
//!
//! A message names what it is about (the argument, the tensor, the file), what was expected and what
//! came. Whatever the error, parameters are as they were before the call.

use std::path::PathBuf;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong at run time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Values of another shape than the parameter's.
    #[error("the parameter has shape {}, and values of shape {} came", tuple(.expected), tuple(.actual))]
    ParamShape {
        /// The parameter's shape.
        expected: Vec<usize>,
        /// The values'.
        actual: Vec<usize>,
    },
    /// A parameter that was taken for a number and is a tensor.
    #[error("a parameter of shape {} is not one number", tuple(.shape))]
    NotOneElement {
        /// Its shape.
        shape: Vec<usize>,
    },
    /// No device of the kind asked for.
    #[error("no GPU: {0}")]
    NoDevice(String),
    /// A file that cannot be opened, read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that is no safetensors file, or ends too early.
    #[error("{} is not a complete safetensors file: {reason}", .path.display())]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A safetensors file whose tensors are not the model's.
    #[error("{} does not fit the model: {}", .path.display(), .problems.join("; "))]
    Tensors {
        /// The file.
        path: PathBuf,
        /// One sentence for each tensor that is missing, extra, misshaped or of another type.
        problems: Vec<String>,
    },
    /// A model whose sizes are configuration cannot be made of a file alone.
    #[error("the model's sizes are configuration: make it with `init`, then call `load_into`")]
    SizesUnknown,
}

/// A shape as people write it: `(2, 3)`, `(4,)`, `()`.
pub(crate) fn tuple(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        many => {
            let extents: Vec<String> = many.iter().map(usize::to_string).collect();
            format!("({})", extents.join(", "))
        }
    }
}
