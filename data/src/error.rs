//! What can go wrong with data. A message names the file or array, what was expected and what came.

use std::fmt;
use std::path::PathBuf;

/// A result of this package.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the caller's own, of any kind.
pub type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong with data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be opened, read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that holds something else than was expected.
    #[error("{}{place}: expected {expected}, and {found} came", .path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: Box<Place>,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Arrays whose first axes differ, or that have none.
    #[error(
        "arrays of one set of rows must have the same first axis: array 0 has {first} rows, and array {number} {found}"
    )]
    Rows {
        /// The rows of the first array.
        first: usize,
        /// Which array differs, from 0.
        number: usize,
        /// How many rows it has, in words.
        found: String,
    },
    /// Rows of a source whose shapes differ within a batch.
    #[error(
        "row {row} has shape {found:?} in part {part}, and the batch began with rows of shape {expected:?}"
    )]
    RowShape {
        /// The row's number in its source.
        row: usize,
        /// Which part of the row, from 0.
        part: usize,
        /// The shape of the rows before.
        expected: Vec<usize>,
        /// The shape of this one.
        found: Vec<usize>,
    },
    /// A number that a setting cannot have.
    #[error("{setting} is {value}, and must be {range}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What would do, in words.
        range: &'static str,
    },
    /// An error of a source's `get`, or of the closure of something that runs apart.
    #[error("row {row} of the source: {source}")]
    Source {
        /// The row that was asked for.
        row: usize,
        /// What the source says.
        source: AnyError,
    },
    /// A panic in code of the caller's that ran apart.
    #[error("{what} panicked: {message}")]
    Panicked {
        /// Whose code it was, in words.
        what: String,
        /// The panic's message.
        message: String,
    },
    /// A thread that the system does not give.
    #[error("no thread for {what}: {source}")]
    Thread {
        /// What it was for.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// Predictions and labels that do not fit each other, or that a metric cannot use.
    #[error("{metric}: {problem}")]
    Metric {
        /// The metric.
        metric: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Memory that the system does not give.
    #[error("no memory for {what}: {bytes} bytes")]
    OutOfMemory {
        /// What it was for.
        what: String,
        /// How much was asked for.
        bytes: usize,
    },
}

// A result is returned by value everywhere: past 128 bytes clippy warns at each function of a user.
// What carries one of these with more, such as a `Problem` of a fit, has room left.
const _: () = assert!(size_of::<Error>() <= 96);

/// Where in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The file as a whole.
    File,
    /// A line of text, from 1.
    Line(u64),
    /// A cell of a table: the line of the file, from 1, and the column's name or number.
    Cell {
        /// The line.
        line: u64,
        /// The column.
        column: String,
    },
    /// An array by its name.
    Array(String),
    /// An element of an array, by its index in each axis.
    Element {
        /// The array's name; empty where the file holds one array.
        array: String,
        /// The index.
        index: Vec<usize>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File => Ok(()),
            Place::Line(line) => write!(f, ": line {line}"),
            Place::Cell { line, column } => write!(f, ": line {line}, column `{column}`"),
            Place::Array(name) if name.is_empty() => Ok(()),
            Place::Array(name) => write!(f, ": `{name}`"),
            Place::Element { array, index } if array.is_empty() => write!(f, ": element {index:?}"),
            Place::Element { array, index } => write!(f, ": `{array}`, element {index:?}"),
        }
    }
}

/// What a panic said.
pub(crate) fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".to_string())
}

/// Room for so many elements.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(crate) fn room<T>(what: &str, count: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    match vector.try_reserve_exact(count) {
        Ok(()) => Ok(vector),
        Err(_) => Err(Error::OutOfMemory {
            what: what.into(),
            bytes: count.saturating_mul(size_of::<T>()),
        }),
    }
}
